"""Whether the node that answers knows all that was indexed.

The embedded node, killed, comes back up to a second younger; a node of a network may lag behind
the one that was asked before.  What such a node answers is of an earlier time: a contract that it
does not know yet answers with nothing, a balance is an old one.  So nothing is read for an act, and
no call is judged, unless the same request shows that the node has the block that was indexed last
and nothing that was forgotten is still missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Engine

from amanat.core.errors import Unavailable
from amanat.ledger import tables
from amanat.ledger.rpc import Call, RpcClient


class NodeBehindIndex(Unavailable):
    """The node knows less than what took effect here; ask again when it has caught up."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """The block that was indexed last."""

    number: int
    hash: str


class CheckedNode:
    """Asks the node only together with the question whether it has the block indexed last."""

    def __init__(self, engine: Engine, rpc: RpcClient, chain_id: int) -> None:
        self._engine = engine
        self._rpc = rpc
        self._chain_id = chain_id

    def indexed(self) -> Indexed | None:
        """The block indexed last, None before the first.

        Raises `NodeBehindIndex` while forgotten transactions are being sent again, and where the
        indexer stopped with an alarm.
        """
        table = tables.cursor
        with self._engine.connect().execution_options(reads_only=True) as connection:
            row = connection.execute(
                sql.select(table).where(table.c.chain_id == self._chain_id)
            ).one_or_none()
        if row is None or not row.block_hash:
            return None
        if row.stopped is not None:
            raise NodeBehindIndex(f"The index stopped: {row.stopped}")
        if row.forgotten_after is not None:
            raise NodeBehindIndex("The node is being brought back to where it was; try again.")
        return Indexed(row.block_number, row.block_hash)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """As `RpcClient.batch`; raises `NodeBehindIndex` where the node lacks the indexed block.

        It is asked first and last, since a long list is sent in several requests, between which a
        node may be replaced.  A node that lags is set aside and the next of the list is asked.
        """
        last = self.indexed()
        if last is None:
            return self._rpc.batch(calls)
        look: Call = ("eth_getBlockByNumber", (hex(last.number), False))
        while True:
            first, *answers, end = self._rpc.batch([look, *calls, look])
            if all(isinstance(one, dict) and one["hash"] == last.hash for one in (first, end)):
                return answers
            if not self._rpc.set_aside(f"lacks block {last.number}, which was indexed"):
                raise NodeBehindIndex("No node has the block indexed last; try again.")

    def holds(self) -> bool:
        """Whether the node has all that was indexed.  Raises `NodeUnavailable`."""
        try:
            self.batch([])
        except NodeBehindIndex:
            return False
        return True
