"""Transactions sent straight to a node, as anybody who reaches one can."""

from __future__ import annotations

from amanat.ledger.rpc import RpcClient
from amanat.ledger.signers import Signer
from amanat.ledger.wire import ChainTransaction
from amanat.network.lists import accepted_receipt


def send(rpc: RpcClient, by: Signer, to: str | None, call_bytes: bytes = b"") -> str:
    nonce = int(rpc.call("eth_getTransactionCount", by.address, "latest"), 16)
    assert rpc.chain_id is not None
    signed = by.sign_transaction(
        ChainTransaction(rpc.chain_id, nonce, to, call_bytes, 200_000, 10**9, 1)
    )
    rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    return signed.hash


def status(rpc: RpcClient, tx_hash: str) -> int:
    return int(accepted_receipt(rpc, tx_hash)["status"], 16)
