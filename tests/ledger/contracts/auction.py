"""One announced tender, for tests: open for an hour, with bidders 11 and 12."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from eth_hash.auto import keccak

from amanat.ledger import typed_data as td

NONE = bytes(32)
ROOT = keccak(b"root")


class Auction:
    """One announced tender, open for an hour, with bidders 11 and 12."""

    def __init__(self, world: Any, kit: Any) -> None:
        self.world, self.kit, self.number = world, kit, 1
        self.opens = world.chain.now() + 10
        self.due = self.opens + 3_600
        self.keys = {bidder: kit.key_of(f"bidder {bidder}") for bidder in (11, 12)}
        values = (1, 1, kit.word(world.isin), 500_000, self.opens, self.due, keccak(b"terms"))
        self.act("announce", td.TENDER_ANNOUNCEMENT, values, 1, 2)
        signing = [kit.address_of(key) for key in self.keys.values()]
        roll = (world.number(), 1, 1, list(self.keys), signing)
        self.act("admit_bidders", td.BIDDER_ROLL, roll, 2)

    def act(self, name: str, struct: td.Struct, values: Any, *who: int) -> Any:
        seals = self.world.seal(self.world.tender, struct, values, *who)
        return self.world.tender.call(name, tuple(values), seals)

    def commit(self, bidder: int, sealed: bytes, replaces: bytes = NONE, key: int | None = None
               ) -> Any:  # fmt: skip
        values = (1, bidder, sealed, replaces)
        [own] = self.world.sign(self.world.tender, td.COMMITMENT, values, self.keys[key or bidder])
        return self.world.tender.call("commit", *values, own)

    def close(self, *who: int) -> Any:
        seals = self.world.seal(self.world.tender, td.TENDER_CLOSING, (1, 1), *(who or (2,)))
        return self.world.tender.call("close", 1, 1, seals)

    def times(self, name: str, opens: int, due: int, *who: int) -> Any:
        values = (self.world.number(), 1, 1, opens, due)
        return self.act(name, td.TENDER_TIMES, values, *(who or (1, 2)))

    def letter(self, bidder: int, sealed: bytes, *who: int) -> Any:
        seals = self.world.seal(
            self.world.tender, td.COMMITMENT_LETTER, (1, 1, bidder, sealed), *(who or (1, 2))
        )
        return self.world.tender.call("commit_letter", 1, bidder, sealed, 1, seals)

    def release(self, institution: int) -> Any:
        """Note the release of that institution's share."""
        share = sha256(b"share").digest()
        seals = self.world.seal(self.world.tender, td.KEY_SHARE_RELEASE, (1, 1, share), institution)
        return self.world.tender.call("release_share", 1, share, 1, seals)

    def result(self, accepted: int, unsuccessful: int, void: int, head: bytes | None = None,
               who: tuple[int, ...] = (1, 2), root: bytes = ROOT) -> Any:  # fmt: skip
        head = self.world.tender.ask("tender", 1)[7] if head is None else head
        values = (1, 1, root, head, accepted, unsuccessful, void, 1_000)
        return self.act("publish_result", td.TENDER_RESULT, values, *who)
