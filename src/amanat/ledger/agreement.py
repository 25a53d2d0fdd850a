"""Compares the nodes of a list: which of them have the same block at a height.

One node's word is enough for reading, not for what takes effect: before blocks are indexed, every
node that answers says which block it has at the last height of the run.  A block's hash covers its
ancestors, so one height is enough.

- All that have the height say the same: the run takes effect.
- Some say otherwise and more of them say the same as each other: those in the minority are set
  aside and an alarm stands for each until it agrees again; the run is read anew from the others.
- No side has more: the indexer stops with an alarm, and a person looks.

Nodes that do not answer or lag have no voice, unless `agree_min` asks for more voices than are
left: then the run waits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sql

from amanat.ledger import tables
from amanat.ledger.completion import raise_alarm, settle_alarms, time_text
from amanat.ledger.follower import BlockNotServed, Follower
from amanat.ledger.rpc import RpcClient, RpcFault, without_secrets
from amanat.store.uow import Store

DISAGREEING_RESTS_S = 300.0
"""How long a node that showed another block is not asked."""
STALLED_AFTER_S = 1.0
"""How long a node may stand still while others go on."""
STALLED_RESTS_S = 10.0
"""How long one that did is not asked."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the nodes say of one height: the hash of each that has it, the reason of the others."""

    number: int
    hashes: Mapping[str, str]
    silent: Mapping[str, str]

    @property
    def majority(self) -> str | None:
        """The hash that more nodes have than any other; None where no side has more."""
        ranked = Counter(self.hashes.values()).most_common(2)
        if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
            return None
        return ranked[0][0]

    def dissenters(self) -> dict[str, str]:
        """The nodes whose block is not that of the majority."""
        return {url: one for url, one in self.hashes.items() if one != self.majority}

    def __str__(self) -> str:
        told = [f"{without_secrets(url)} has {one}" for url, one in sorted(self.hashes.items())]
        told += [
            f"{without_secrets(url)} does not say ({why})"
            for url, why in sorted(self.silent.items())
        ]
        return f"block {self.number}: " + "; ".join(told)


def compare_nodes(rpc: RpcClient, number: int) -> Agreement:
    """Ask every node of the list for its block at a height."""
    hashes, silent = {}, {}
    for url, answers in rpc.ask_each([("eth_getBlockByNumber", (hex(number), False))]).items():
        if isinstance(answers, str):
            silent[url] = answers
        elif isinstance(answers[0], RpcFault):
            silent[url] = str(answers[0])
        elif answers[0] is None:
            silent[url] = "has no such block yet"
        else:
            hashes[url] = str(answers[0]["hash"])
    return Agreement(number, hashes, silent)


class NodeWatch:
    """Keeps what one node alone says from taking effect; tells of those that contradict the rest.

    `stop` stops the indexer with an alarm of this kind and reason, and raises.  With `waits` nodes
    that are divided stop nothing: on a chain without finality they come to agree by themselves.
    """

    def __init__(
        self,
        store: Store,
        rpc: RpcClient,
        follower: Follower,
        chain_id: int,
        stop: Callable[[str, str], None],
        *,
        agree_min: int,
        waits: bool = False,
    ) -> None:
        self._store = store
        self._rpc = rpc
        self._follower = follower
        self._chain_id = chain_id
        self._stop = stop
        self._agree_min = agree_min
        self._waits = waits
        self._told: set[str] | None = None
        self._looked_at = 0.0
        self._stood_at: int | None = None

    def agree_on(self, number: int, block_hash: str) -> bool:
        """Whether the list's nodes have this block; False where most of them have another one.

        Raises `BlockNotServed` while fewer than `agree_min` have it, and what `stop` raises where
        they are divided.
        """
        if self._rpc.count() < 2 and self._agree_min < 2:
            return True
        found = self.look_at(number)
        if found.majority is not None and found.majority != block_hash:
            return False
        if len(found.hashes) - len(found.dissenters()) < self._agree_min:
            raise BlockNotServed(f"{self._agree_min} nodes must have the same block; {found}")
        return True

    def look_at(self, number: int) -> Agreement:
        """What the nodes say of a height; sets aside and tells of those that contradict the rest.

        Raises what `stop` raises, or `BlockNotServed`, where they are divided.
        """
        found = compare_nodes(self._rpc, number)
        self._require_majority(found)
        self._tell(found)
        return found

    def _require_majority(self, found: Agreement) -> None:
        if not found.hashes or found.majority is not None:
            return
        if not self._waits:
            self._stop("nodes_disagree", f"The nodes are divided: {found}.")
        self._tell(found)
        raise BlockNotServed(f"The nodes are divided: {found}")

    def is_replaced(self, number: int, block_hash: str) -> bool:
        """Whether most nodes have another block at this height; tells of those that do not.

        Raises `BlockNotServed` where they are divided.
        """
        found = compare_nodes(self._rpc, number)
        self._require_majority(found)
        self._tell(found)
        return found.majority is not None and found.majority != block_hash

    def require_same(self, number: int, block_hash: str, known: str | None) -> None:
        """A node lacks the block that was indexed last, or has another one: ask the others.

        Returns where it is that node alone, which is set aside.  Raises `BlockNotServed` where it
        lags, and what `stop` raises where the chain itself is another.
        """
        if known is None:
            self._rpc.set_aside(f"lacks block {number}, which was indexed")
            raise BlockNotServed(f"The node lacks block {number}, which was indexed as final.")
        found = compare_nodes(self._rpc, number)
        if found.majority == block_hash:
            self._tell(found)
            return
        kind = "nodes_disagree" if found.dissenters() or not found.majority else "reorganisation"
        self._stop(
            kind,
            f"Block {number} was final as {block_hash} and is no longer there: the chain was"
            f" reorganised below its finality; {found}.",
        )

    def pass_over_stalled(self, head: int) -> None:
        """Set aside the node that answered last if it stands still at `head` while others go on."""
        if self._rpc.count() < 2 or time.monotonic() - self._looked_at < STALLED_AFTER_S:
            return
        stood_at, self._stood_at, self._looked_at = self._stood_at, head, time.monotonic()
        if stood_at != head:
            return
        heads = self._follower.heads()
        here = heads.get(self._rpc.answered_last() or "", head)
        if here == head < max(heads.values(), default=head):
            self._rpc.set_aside(f"stands still at block {head}", for_s=STALLED_RESTS_S)

    def _tell(self, found: Agreement) -> None:
        """Raise an alarm for each node that newly contradicts the rest, settle those that agree."""
        if self._told is None:
            self._told = self._standing()
        dissenters = found.dissenters()
        for url in dissenters:
            self._rpc.set_aside("contradicts the others", url=url, for_s=DISAGREEING_RESTS_S)
        news = {self._subject(url) for url in dissenters} - self._told
        over = {self._subject(url) for url in found.hashes if url not in dissenters} & self._told
        if not news and not over:
            return
        now = time_text(self._store.clock())
        with self._store.engine.begin() as connection:
            for subject in sorted(news):
                raise_alarm(connection, "nodes_disagree", subject, str(found), now)
            settle_alarms(connection, over, now)
        self._told = (self._told | news) - over

    def _subject(self, url: str) -> str:
        return f"node:{self._chain_id}:{without_secrets(url)}"

    def _standing(self) -> set[str]:
        table = tables.alarm
        query = sql.select(table.c.subject).where(
            table.c.kind == "nodes_disagree", table.c.settled_at.is_(None)
        )
        with self._store.reading() as connection:
            return set(connection.execute(query).scalars())
