"""Sent straight to a validator: what a stranger, a suspended institution or a sender without
permission sends is refused before any block; what is permitted passes.

A suspended participant is in `test_admission.py`; what a gate does beside is in `test_gate.py`.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.network.sending import send, signed, status

from amanat.ledger.rpc import NodeToken, NodeUnavailable, RpcClient, RpcFault
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import created_address
from amanat.network.gate import BODY_BYTES_MAX
from amanat.network.home import Home
from amanat.network.lists import give_coin, let_in
from amanat.network.status import status_of, wait_ready
from amanat.network.supervisor import running

pytestmark = pytest.mark.network

COIN = 10**18
# Creates a contract whose code is one STOP: PUSH1 1, PUSH1 0, RETURN of zeroed memory.
CREATION = bytes.fromhex("60016000f3")


def asked(method: str, *params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}


def post(url: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(url, content=content, headers=headers, trust_env=False, timeout=60)


@pytest.fixture
def sender(validators: Home, rpc: RpcClient) -> KeySigner:
    """A key that may send and not deploy, with coin, so that no refusal is for want of fees."""
    key = KeySigner.generate()
    let_in(rpc, validators.administrator("ministry"), key.address, wei=COIN)
    return key


def test_a_stranger_without_a_token_is_refused_by_every_node(
    validators: Home, rpc: RpcClient, sender: KeySigner
) -> None:
    body = json.dumps(asked("eth_sendRawTransaction", signed(rpc, sender, sender.address))).encode()
    before = rpc.block_number()
    for url in validators.founded().rpc_urls():
        for headers in ({}, {"authorization": "Bearer of-nobody"}):
            assert post(url, body, headers).status_code == 401
    assert rpc.call("eth_getTransactionCount", sender.address, "pending") == "0x0"
    assert rpc.block_number() == before
    assert status(rpc, send(rpc, sender, sender.address)) == 1


def test_an_institution_whose_token_was_taken_is_refused_by_every_node(
    validators: Home, rpc: RpcClient
) -> None:
    founded = validators.founded()
    token = NodeToken(validators.give_token("competition"))
    clients = [
        RpcClient([url], chain_id=founded.chain_id, token=token, rest_s=0.0)
        for url in founded.rpc_urls()
    ]
    assert {one.block_number() for one in clients} == {rpc.block_number()}
    kept = validators.folder / "kept-by-the-institution"
    kept.touch(mode=0o600)
    kept.write_bytes(validators.token_file("competition").read_bytes())
    token.file = kept
    validators.take_token("competition")
    for one in clients:
        with pytest.raises(NodeUnavailable, match="does not admit us"):
            one.block_number()
        one.close()
    assert rpc.block_number() >= 0


def test_a_rotated_token_goes_on_without_a_gap(validators: Home, rpc: RpcClient) -> None:
    before = validators.token_file("ministry").read_text()
    validators.give_token("ministry")
    assert validators.token_file("ministry").read_text() != before
    assert rpc.block_number() >= 0
    bearing = {"authorization": f"Bearer {before.strip()}"}
    for url in validators.founded().rpc_urls():
        assert post(url, json.dumps(asked("eth_chainId")).encode(), bearing).status_code == 401


def test_nothing_else_of_a_nodes_api_is_let_through(validators: Home, rpc: RpcClient) -> None:
    bearing = validators.token().header()
    node = validators.founded().nodes[0]
    for path in ("/ext/info", "/ext/health", "/ext/metrics", "/ext/admin", "/ext/bc/C/rpc", "/"):
        for url in (f"{node.url}{path}", f"{node.url}{path}/"):
            assert httpx.get(url, headers=bearing, trust_env=False).status_code == 404
            assert post(url, json.dumps(asked("info.peers")).encode(), bearing).status_code == 404
    for method in ("txpool_content", "debug_traceTransaction", "admin_nodeInfo", "eth_feeConfig"):
        with pytest.raises(RpcFault, match=f"{method} is not let through"):
            rpc.call(method)
    answers = rpc.batch([("eth_chainId", ()), ("txpool_content", ()), ("eth_blockNumber", ())])
    assert [isinstance(one, RpcFault) for one in answers] == [False, True, False]


def test_an_oversized_body_does_not_reach_the_node(validators: Home) -> None:
    url, bearing = validators.founded().rpc_urls()[0], validators.token().header()
    fits = json.dumps(asked("eth_chainId")).encode().ljust(BODY_BYTES_MAX)
    assert "result" in post(url, fits, bearing).json()
    assert post(url, fits + b" ", bearing).status_code == 413


def test_a_strangers_transaction_is_refused_before_any_block(
    validators: Home, rpc: RpcClient, sender: KeySigner
) -> None:
    stranger = KeySigner.generate()
    give_coin(rpc, validators.administrator("ministry"), stranger.address, COIN)
    before = rpc.block_number()
    content = [
        ("eth_sendRawTransaction", (signed(rpc, stranger, sender.address),)),
        ("eth_sendRawTransaction", (signed(rpc, stranger, None, CREATION),)),
    ]
    for url in validators.founded().rpc_urls():
        one = RpcClient([url], chain_id=rpc.chain_id, token=validators.token())
        for answer in one.batch(content):
            assert isinstance(answer, RpcFault)
            assert f"non-allow listed address: {stranger.address}" in answer.text
        one.close()
    assert rpc.block_number() == before
    assert rpc.call("eth_getTransactionCount", stranger.address, "latest") == "0x0"


def test_a_contract_without_permission_is_refused_before_any_block(
    validators: Home, rpc: RpcClient, sender: KeySigner
) -> None:
    before = rpc.block_number()
    for url in validators.founded().rpc_urls():
        one = RpcClient([url], chain_id=rpc.chain_id, token=validators.token())
        with pytest.raises(RpcFault, match=f"{sender.address} may not create contracts"):
            send(one, sender, None, CREATION)
        one.close()
    assert rpc.block_number() == before
    assert rpc.call("eth_getTransactionCount", sender.address, "pending") == "0x0"
    deployer = KeySigner.generate()
    let_in(rpc, validators.administrator("ministry"), deployer.address, deploys=True, wei=COIN)
    assert status(rpc, send(rpc, deployer, None, CREATION)) == 1
    assert rpc.call("eth_getCode", created_address(deployer.address, 0), "latest") == "0x00"


def test_who_reaches_past_the_gate_creates_nothing_either(
    validators: Home, rpc: RpcClient, sender: KeySigner
) -> None:
    """Whoever runs a node can ask it without its gate: the chain's own rule stays, at execution."""
    founded = validators.founded()
    behind = RpcClient([founded.nodes[0].own_url + founded.rpc_path], chain_id=founded.chain_id)
    assert status(rpc, send(behind, sender, None, CREATION)) == 0
    assert rpc.call("eth_getCode", created_address(sender.address, 0), "latest") == "0x"
    stranger = KeySigner.generate()
    give_coin(rpc, validators.administrator("ministry"), stranger.address, COIN)
    with pytest.raises(RpcFault, match="non-allow listed address"):
        send(behind, stranger, stranger.address)
    behind.close()


def test_a_gate_that_ends_is_started_again(validators: Home) -> None:
    before = running(validators)["gates"]["pvara"]
    os.kill(before["pid"], signal.SIGKILL)
    limit = time.monotonic() + 120
    while running(validators)["gates"]["pvara"]["started"] == before["started"]:
        assert time.monotonic() < limit
        time.sleep(0.1)
    wait_ready(validators)
    assert [one.healthy for one in status_of(validators).nodes] == [True] * 5


def test_no_token_is_in_a_log_or_on_a_command_line(validators: Home) -> None:
    tokens = [one.read_text().strip() for one in (validators.folder / "tokens").iterdir()]
    assert len(tokens) >= 5
    places = [*validators.folder.glob("*.log"), *validators.folder.glob("nodes/*/*.log")]
    places += validators.folder.glob("nodes/*/*.json")
    places += validators.folder.glob("nodes/*/logs/*.log")
    told = running(validators)
    for kind in ("nodes", "gates"):
        places += [Path(f"/proc/{one['pid']}/cmdline") for one in told[kind].values()]
    assert len(places) > 20
    for place in places:
        content = place.read_text(errors="replace")
        assert not [one for one in tokens if one in content], place
