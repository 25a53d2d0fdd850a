"""Plain ERC-20 transfers, sent straight to the nodes: what the settlement bench is held against.

The token is the tests' own (`tests/ledger/token.vy`): a balance, a sum, an event, nothing more.
All transactions are signed before the clock starts.  Each sender keeps as many in flight as the
application does; the clock stops when the last one is in an accepted block.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vyper

from amanat.ledger.abi import Function
from amanat.ledger.dispatching import DispatchTimes
from amanat.ledger.rpc import RpcClient, RpcFault
from amanat.ledger.sending import send_run
from amanat.ledger.signers import Signer
from amanat.ledger.wire import ChainTransaction

TOKEN = Path(__file__).parents[1] / "tests" / "ledger" / "token.vy"
IN_FLIGHT_MAX = DispatchTimes().in_flight_max
FEE_WEI = 2_000_000_000
GAS = 100_000
_SENT_AT_ONCE = 100
_THREADS = 4
_GIVE_UP_AFTER_S = 300.0


class TransfersFailed(Exception):
    """A transfer was refused, or not all of them are on the chain."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends through which node, and whether that is the embedded one."""

    rpc: RpcClient
    signers: Sequence[Signer]
    embedded: bool


class _Token:
    """A token on the chain, in which every sender holds enough."""

    def __init__(self, sending: Sending) -> None:
        compiled = vyper.compile_code(TOKEN.read_text(), output_formats=["abi", "bytecode"])
        self._functions = {
            entry["name"]: Function("Token", entry)
            for entry in compiled["abi"]
            if entry["type"] == "function"
        }
        self._rpc = sending.rpc
        creation = bytes.fromhex(compiled["bytecode"][2:]) + bytes(32)
        (receipt,) = _send(self._rpc, sending.signers[0], [(None, creation)], 3_000_000)
        self.address = str(receipt["contractAddress"])
        minted = [(self.address, self.call("mint", one.address, 10**9)) for one in sending.signers]
        _send(self._rpc, sending.signers[0], minted, GAS)

    def call(self, name: str, *given: Any) -> bytes:
        return self._functions[name].encode(list(given))

    def balance(self, holder: str) -> int:
        content = {"to": self.address, "data": "0x" + self.call("balanceOf", holder).hex()}
        return int(self._rpc.call("eth_call", content, "latest"), 16)


def _nonce(rpc: RpcClient, address: str) -> int:
    return int(rpc.call("eth_getTransactionCount", address, "latest"), 16)


def _sign(
    rpc: RpcClient, signer: Signer, calls: Sequence[tuple[str | None, bytes]], gas: int
) -> list[Any]:
    assert rpc.chain_id is not None
    first = _nonce(rpc, signer.address)
    return [
        signer.sign_transaction(
            ChainTransaction(rpc.chain_id, nonce, target, content, gas, FEE_WEI, 0)
        )
        for nonce, (target, content) in enumerate(calls, first)
    ]


def _send(
    rpc: RpcClient, signer: Signer, calls: Sequence[tuple[str | None, bytes]], gas: int
) -> list[Any]:
    """Send these and wait for their receipts."""
    signed = _sign(rpc, signer, calls, gas)
    send_run(rpc, [one.raw for one in signed])
    limit = time.monotonic() + _GIVE_UP_AFTER_S
    while True:
        asked = [("eth_getTransactionReceipt", (one.hash,)) for one in signed]
        receipts = rpc.batch(asked)
        if all(isinstance(one, dict) for one in receipts):
            if any(one["status"] != "0x1" for one in receipts):
                raise TransfersFailed("the token was not set up")
            return receipts
        if time.monotonic() > limit:
            raise TransfersFailed(f"no receipts: {receipts[:1]}")
        time.sleep(0.02)


def transfers_per_s(sending: Sending, count: int) -> float:
    """Send so many transfers, by all senders alike, to one holder; how many a second."""
    rpc, senders = sending.rpc, len(sending.signers)
    token = _Token(sending)
    sink = "0x" + "51" * 20
    each = count // senders
    pay = (token.address, token.call("transfer", sink, 1))
    _send(rpc, sending.signers[0], [pay], GAS)  # the holder exists
    runs = [_sign(rpc, one, [pay] * each, GAS) for one in sending.signers]
    firsts = [_nonce(rpc, one.address) for one in sending.signers]
    began = time.perf_counter()
    with ThreadPoolExecutor(min(senders, _THREADS)) as pool:
        jobs = [
            pool.submit(_run, sending, signer.address, first, [one.raw for one in run])
            for signer, first, run in zip(sending.signers, firsts, runs, strict=True)
        ]
        for job in jobs:
            job.result()
    seconds = time.perf_counter() - began
    if token.balance(sink) != 1 + each * senders:
        raise TransfersFailed(f"{token.balance(sink) - 1} of {each * senders} arrived")
    return each * senders / seconds


def _run(sending: Sending, address: str, first: int, raw: Sequence[bytes]) -> None:
    """Send one sender's transactions, never more than so many unmined, until all are mined."""
    rpc, sent = sending.rpc, 0
    limit = time.monotonic() + _GIVE_UP_AFTER_S
    while (mined := _nonce(rpc, address) - first) < len(raw):
        if time.monotonic() > limit:
            raise TransfersFailed(f"{mined} of {len(raw)} are mined")
        room = IN_FLIGHT_MAX - (sent - mined)
        # The embedded node takes a run once all before it are mined (amanat.ledger.sending).
        if sent < len(raw) and room > 0 and (not sending.embedded or sent == mined):
            size = room if sending.embedded else min(room, _SENT_AT_ONCE)
            part = raw[sent : sent + size]
            answers = (
                send_run(rpc, part)
                if sending.embedded
                else rpc.batch([("eth_sendRawTransaction", ("0x" + one.hex(),)) for one in part])
            )
            refused = [one for one in answers if isinstance(one, RpcFault)]
            if refused:
                raise TransfersFailed(str(refused[0]))
            sent += len(part)
        else:
            time.sleep(0.02)
