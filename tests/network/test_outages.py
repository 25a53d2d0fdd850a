"""Two of five validators killed, all five killed at once, one with an erased disk."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator

import pytest
from tests.network.sending import send, status

from amanat.ledger.rpc import RpcClient
from amanat.ledger.signers import KeySigner
from amanat.network.home import Home
from amanat.network.lists import accepted_receipt, let_in
from amanat.network.status import status_of, wait_ready
from amanat.network.supervisor import HELD, hold, release, running

pytestmark = pytest.mark.network

WATCHED_SECONDS = 12.0
"""Longer than a proposer's turn of five seconds: a network that could go on would have done so."""
KEPT = ("db", "chainData")


def kill(home: Home, names: Iterable[str]) -> None:
    """Kill these validators at once and keep them down."""
    pids = running(home)["nodes"]
    for name in names:
        (home.node_folder(name) / HELD).touch()
    for name in names:
        os.kill(pids[name]["pid"], signal.SIGKILL)
    limit = time.monotonic() + 30
    while any(running(home)["nodes"][name]["pid"] for name in names):
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.fixture
def sender(validators: Home, rpc: RpcClient) -> Iterator[KeySigner]:
    """A key that may send; every validator is up again afterwards."""
    key = KeySigner.generate()
    let_in(rpc, validators.administrator("ministry"), key.address, wei=10**18)
    yield key
    release(validators)
    wait_ready(validators)


def test_two_of_five_killed_nothing_is_final_and_nothing_lost(
    validators: Home, rpc: RpcClient, sender: KeySigner
) -> None:
    kill(validators, ("secp", "depository"))
    sent = send(rpc, sender, sender.address)
    limit = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < limit:
        assert rpc.call("eth_getTransactionReceipt", sent) is None
        time.sleep(0.5)
    began = time.monotonic()
    release(validators, "secp")
    accepted_receipt(rpc, sent, timeout_s=120)
    print(f"goes on {time.monotonic() - began:.1f} s after one of two is started again")
    assert status(rpc, send(rpc, sender, sender.address)) == 1


def test_all_five_killed_at_once_come_back_with_everything(
    validators: Home, rpc: RpcClient, sender: KeySigner
) -> None:
    sent = send(rpc, sender, sender.address)
    before = accepted_receipt(rpc, sent)
    kill(validators, [one.institution for one in validators.founded().nodes])
    began = time.monotonic()
    release(validators)
    found = wait_ready(validators)
    print(f"all healthy {time.monotonic() - began:.1f} s after all five are started again")
    assert found.agree
    rpc.forget_rests()
    assert rpc.call("eth_getTransactionReceipt", sent)["blockHash"] == before["blockHash"]
    assert status(rpc, send(rpc, sender, sender.address)) == 1


def test_a_validator_with_an_erased_disk_catches_up(
    validators: Home, rpc: RpcClient, sender: KeySigner
) -> None:
    hold(validators, "pvara")
    for name in KEPT:
        shutil.rmtree(validators.node_folder("pvara") / name)
    assert status(rpc, send(rpc, sender, sender.address)) == 1
    began = time.monotonic()
    release(validators, "pvara")
    found = wait_ready(validators)
    seconds = time.monotonic() - began
    one = next(one for one in found.nodes if one.institution == "pvara")
    print(f"caught up to block {one.height} in {seconds:.1f} s")
    assert found.agree
    assert one.height == max(other.height or 0 for other in status_of(validators).nodes)
