"""Reads final blocks from the nodes: heights, hashes, receipts.  It writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amanat.core.errors import Unavailable
from amanat.ledger.completion import Receipt
from amanat.ledger.rpc import METHOD_NOT_FOUND, Call, RpcClient, RpcFault

BLOCKS_MAX = 200
LOGS_MAX = 4_000
_PART_TRANSACTIONS = 500
_PART_GAS = 100_000_000
"""A transfer costs some 25,000: about as much gas as goes with `LOGS_MAX` logs."""


class BlockNotServed(Unavailable):
    """A node named a height and does not serve that block yet; another of the list may lag."""


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """One final block, with the receipts of its transactions in their order."""

    number: int
    hash: str
    parent: str
    time: int
    receipts: Sequence[Mapping[str, Any]]


def receipt_of(answer: Mapping[str, Any]) -> Receipt:
    """The typed receipt in a node's answer."""
    return Receipt(
        tx_hash=answer["transactionHash"],
        block_number=int(answer["blockNumber"], 16),
        block_hash=answer["blockHash"],
        tx_index=int(answer["transactionIndex"], 16),
        status=int(answer["status"], 16),
        gas_used=int(answer["gasUsed"], 16),
    )


class Follower:
    """Serves final blocks in order.

    `finality` is a block tag (`latest` where an accepted block is final and for the embedded node,
    `finalized`, `safe`), or a number of confirmations.
    """

    def __init__(self, rpc: RpcClient, finality: str | int) -> None:
        self._rpc = rpc
        self._finality = finality
        self._has_block_receipts = True

    def look(self, height: int) -> tuple[int, str | None]:
        """The final height, and the hash that the node has at `height` (None: no such block).

        A node that lags says of a height above its own that there is none, or, where it has the
        block and waits for the others' votes, that it does not tell: that is the same.
        """
        head, known = self._rpc.batch(
            [self._ask_head(), ("eth_getBlockByNumber", (hex(max(height, 0)), False))]
        )
        if isinstance(head, RpcFault):
            raise head
        final = self._height(head)
        if isinstance(known, RpcFault):
            if final >= height:
                raise known
            known = None
        return final, known["hash"] if known else None

    def heads(self) -> dict[str, int]:
        """The final height of every node that answers, by URL."""
        return {
            url: self._height(answers[0])
            for url, answers in self._rpc.ask_each([self._ask_head()]).items()
            if not isinstance(answers, str) and not isinstance(answers[0], RpcFault)
        }

    def _ask_head(self) -> Call:
        tag = self._finality if isinstance(self._finality, str) else "latest"
        return ("eth_getBlockByNumber", (tag, False))

    def _height(self, head: Mapping[str, Any] | None) -> int:
        number = int(head["number"], 16) if head else -1
        return number - self._finality if isinstance(self._finality, int) else number

    def hashes(self, heights: Sequence[int]) -> dict[int, str | None]:
        """The node's hash at each height.  Raises `BlockNotServed`."""
        answers = self._rpc.batch(
            [("eth_getBlockByNumber", (hex(height), False)) for height in heights]
        )
        found: dict[int, str | None] = {}
        for height, answer in zip(heights, answers, strict=True):
            if isinstance(answer, RpcFault):
                raise BlockNotServed(f"block {height} is not served") from answer
            found[height] = answer["hash"] if answer else None
        return found

    def blocks(self, first: int, last: int) -> list[FinalBlock]:
        """Some blocks from `first` on, at most to `last` and about as many as `LOGS_MAX` logs.

        Raises `BlockNotServed`.
        """
        last = min(last, first + BLOCKS_MAX - 1)
        heads = self._rpc.batch(
            [("eth_getBlockByNumber", (hex(at), False)) for at in range(first, last + 1)]
        )
        if any(head is None or isinstance(head, RpcFault) for head in heads):
            raise BlockNotServed(f"blocks {first} to {last} are not all served")
        blocks: list[FinalBlock] = []
        logs = at = 0
        while at < len(heads) and logs < LOGS_MAX:
            part = _next_part(heads, at)
            for head, receipts in zip(part, self._receipts(part), strict=True):
                logs += sum(len(receipt["logs"]) for receipt in receipts)
                blocks.append(
                    FinalBlock(
                        int(head["number"], 16),
                        head["hash"],
                        head["parentHash"],
                        int(head["timestamp"], 16),
                        receipts,
                    )
                )
            at += len(part)
        return blocks

    def _receipts(self, heads: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
        busy = [head for head in heads if head["transactions"]]
        found: dict[str, list[Mapping[str, Any]]] = {}
        if busy and self._has_block_receipts:
            answers = self._rpc.batch(
                [("eth_getBlockReceipts", (head["number"],)) for head in busy]
            )
            first = answers[0]
            if isinstance(first, RpcFault) and first.number == METHOD_NOT_FOUND:
                self._has_block_receipts = False
            else:
                found = {h["hash"]: a for h, a in zip(busy, answers, strict=True)}
        if busy and not self._has_block_receipts:
            for head in busy:
                calls = [("eth_getTransactionReceipt", (one,)) for one in head["transactions"]]
                found[head["hash"]] = self._rpc.batch(calls)
        for head in busy:
            _check_receipts(head, found[head["hash"]])
        return [found.get(head["hash"], []) for head in heads]

    def transactions(self, hashes: Sequence[str]) -> list[Any]:
        """What the node says of these transactions, None where it does not know one."""
        return self._rpc.batch([("eth_getTransactionByHash", (one,)) for one in hashes])


def _next_part(heads: Sequence[Mapping[str, Any]], at: int) -> Sequence[Mapping[str, Any]]:
    """So many blocks that their transactions are asked for in one request of modest size."""
    end, transactions, gas = at, 0, 0
    while end < len(heads) and transactions < _PART_TRANSACTIONS and gas < _PART_GAS:
        transactions += len(heads[end]["transactions"])
        gas += int(heads[end]["gasUsed"], 16)
        end += 1
    return heads[at:end]


def _check_receipts(head: Mapping[str, Any], receipts: Any) -> None:
    """A node that is replaced between two requests may answer for another block."""
    whole = (
        isinstance(receipts, list)
        and len(receipts) == len(head["transactions"])
        and all(isinstance(one, dict) and one["blockHash"] == head["hash"] for one in receipts)
    )
    if not whole:
        raise BlockNotServed(f"the receipts of block {head['number']} are not served")
