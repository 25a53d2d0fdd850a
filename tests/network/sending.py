"""Transactions sent straight to a node, as anybody who reaches one can."""

from __future__ import annotations

from amanat.ledger.rpc import RpcClient
from amanat.ledger.signers import Signer
from amanat.ledger.wire import ChainTransaction, SignedTransaction
from amanat.network.lists import accepted_receipt


def signed(rpc: RpcClient, by: Signer, to: str | None, call_bytes: bytes = b"") -> str:
    """The next transaction of a key, as `eth_sendRawTransaction` takes it."""
    return "0x" + _signed(rpc, by, to, call_bytes).raw.hex()


def send(rpc: RpcClient, by: Signer, to: str | None, call_bytes: bytes = b"") -> str:
    made = _signed(rpc, by, to, call_bytes)
    rpc.call("eth_sendRawTransaction", "0x" + made.raw.hex())
    return made.hash


def _signed(rpc: RpcClient, by: Signer, to: str | None, call_bytes: bytes) -> SignedTransaction:
    nonce = int(rpc.call("eth_getTransactionCount", by.address, "latest"), 16)
    assert rpc.chain_id is not None
    return by.sign_transaction(
        ChainTransaction(rpc.chain_id, nonce, to, call_bytes, 200_000, 10**9, 1)
    )


def status(rpc: RpcClient, tx_hash: str) -> int:
    return int(accepted_receipt(rpc, tx_hash)["status"], 16)
