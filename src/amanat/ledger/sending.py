"""Hands transactions of one sender to a node in the order in which no node can lose their way.

The embedded node has no order of its own for a transaction that reaches it while the one before it
is being mined: it reads the sender's nonce before the block, finds a predecessor wanting, and
looks for that predecessor after the block, when nobody brings it any longer.  The transaction is
then parked for good, though its nonce is the next (seen with anvil 1.7.1 in `txpool_content`: its
nonce equals the chain's and it is `queued`); sent again it is "already imported".

So a run of one sender is sent only when all before it are mined, and its first one last: those
behind it wait for it, it waits for nobody, and all of them become ready at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amanat.ledger.rpc import Call, RpcClient


def send_run(rpc: RpcClient, run: Sequence[bytes]) -> list[Any]:
    """Send signed transactions of one sender, in order of their nonces; the node's answers.

    The first must have the sender's next nonce.  Raises `NodeUnavailable`; what was accepted by
    then may be sent again.
    """
    calls: list[Call] = [("eth_sendRawTransaction", ("0x" + raw.hex(),)) for raw in run]
    behind = rpc.batch(calls[1:])
    return [*rpc.batch(calls[:1]), *behind]


def next_nonces(rpc: RpcClient, senders: Sequence[str]) -> dict[str, int]:
    """The nonce that each sender's next transaction must have."""
    answers = rpc.batch([("eth_getTransactionCount", (one, "latest")) for one in senders])
    return {
        sender: int(answer, 16)
        for sender, answer in zip(senders, answers, strict=True)
        if isinstance(answer, str)
    }
