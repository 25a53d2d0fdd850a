"""Attacks on sealed bids: copied, late, altered, withheld, opened early."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from eth_hash.auto import keccak

from amanat.ledger import typed_data as td

SEALED = [keccak(b"bid %d" % i) for i in range(5)]


def link(head: bytes, bidder: int, commitment: bytes) -> bytes:
    """The contract's head after one more commitment that came by the bidder's key."""
    return sha256(head + bidder.to_bytes(32, "big") + commitment + bytes(32)).digest()


def test_copied_commitment(world: Any, auction: Any, refuses: Any) -> None:
    """A copy needs the victim's key to stand under its number; under one's own it is another
    commitment, which opens to a foreign number, and the victim's own stands beside it."""
    world.chain.wait(10)
    with refuses("BadSignature"):
        auction.commit(11, SEALED[0], key=12)
    auction.commit(12, SEALED[0])
    auction.commit(11, SEALED[0])
    assert world.tender.ask("live", 1, 11, SEALED[0]) == 2
    assert world.tender.ask("live", 1, 12, SEALED[0]) == 1


def test_late_bid_in_an_extended_day(world: Any, kit: Any, auction: Any, refuses: Any) -> None:
    """The business day stays open, bidding too, but the time is past: nothing lets a bid in."""
    world.chain.wait(10)
    auction.commit(11, SEALED[0])
    world.chain.wait(3_600)
    with refuses("BiddingOver", bids_due=auction.due):
        auction.commit(12, SEALED[1])
    with refuses("BiddingOver"):
        auction.times("extend", auction.opens, auction.due + 7_200)
    world.open_day(kit.DAY_ONE, td.Phase.BIDDING_CLOSED)
    with refuses("BiddingOver"):
        auction.commit(12, SEALED[1])
    auction.close()
    with refuses("TenderAlreadyClosed"):
        auction.commit(12, SEALED[1])
    letter = (1, 1, 12, SEALED[1])
    seals = world.seal(world.tender, td.COMMITMENT_LETTER, letter, 1, 2)
    with refuses("TenderAlreadyClosed"):
        world.tender.call("commit_letter", 1, 12, SEALED[1], 1, seals)


def test_altered_bid(world: Any, auction: Any, refuses: Any) -> None:
    """A result over commitments in which one was exchanged has another head."""
    world.chain.wait(10)
    auction.commit(11, SEALED[0])
    auction.commit(12, SEALED[1])
    world.chain.wait(3_600)
    auction.close()
    head = link(bytes(32), 11, SEALED[0])
    assert world.tender.ask("tender", 1)[7] == link(head, 12, SEALED[1])
    altered = link(head, 12, SEALED[2])
    with refuses("CommitmentsDiffer", given="0x" + altered.hex()):
        auction.result(2, 0, 0, head=altered)


def test_withheld_bid(world: Any, auction: Any, refuses: Any) -> None:
    """The result accounts for every commitment: one left out, or one made up, is refused."""
    world.chain.wait(10)
    for bidder, sealed in ((11, SEALED[0]), (12, SEALED[1]), (12, SEALED[2])):
        auction.commit(bidder, sealed)
    world.chain.wait(3_600)
    auction.close()
    for counts in ((1, 1, 0), (3, 1, 0), (0, 0, 0)):
        with refuses("CommitmentsUnaccounted", recorded=3, accounted=sum(counts)):
            auction.result(*counts)
    auction.result(1, 1, 1)
    with refuses("ResultExists"):
        auction.result(2, 1, 0)


def test_early_opening(kit: Any, announce: Any, refuses: Any) -> None:
    """No share before the close, nor before the closing block is final."""
    world = kit.World(kit.BoaChain(), confirmations=3).found()
    world.open_day()
    world.at, world.keys, world.isin = {}, {}, "PK0330011207"
    auction = announce(world)

    def release() -> Any:
        values = (1, 1, keccak(b"share"))
        seals = world.seal(world.tender, td.KEY_SHARE_RELEASE, values, 1)
        return world.tender.call("release_share", 1, keccak(b"share"), 1, seals)

    world.chain.wait(10)
    auction.commit(11, SEALED[0])
    with refuses("TenderNotClosed"):
        release()
    world.chain.wait(3_600)
    with refuses("TenderNotClosed"):
        auction.result(0, 1, 0)
    auction.close()
    with refuses("ClosingNotFinal", final_at=world.tender.ask("final_at", 1)):
        release()
    with refuses("ClosingNotFinal"):
        auction.result(0, 1, 0)
    world.chain.env.time_travel(blocks=3)
    outcome = release()
    assert world.tender.events(outcome, "KeyShareReleased")[0]["institutions"] == 1 << 1
    with refuses("QuorumNotMet"):
        world.tender.call("release_share", 1, keccak(b"other"), 1, [])
