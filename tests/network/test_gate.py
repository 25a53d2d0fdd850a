"""The gate before a node: who is admitted, what may be asked, which transactions pass.

The node is anvil with the two lists of a Subnet-EVM chain put in their places; the same with real
validators is `test_gate_of_validators.py`.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.network.sending import status

from amanat.ledger.node import EmbeddedNode
from amanat.ledger.rpc import (
    METHOD_NOT_FOUND,
    NodeToken,
    NodeUnavailable,
    RpcClient,
    RpcFault,
    TokenUnreadable,
)
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import ChainTransaction
from amanat.network.gate import BODY_BYTES_MAX, CALLS_MAX, METHODS, GateInTheClear, stand
from amanat.network.gate_settings import GATE_FILE, GateSettings, GateUnreadable
from amanat.network.lists import DEPLOYERS, SENDERS
from amanat.network.tokens import TOKENS_FILE, admit, digest_of, end_former, expel, fresh_token
from amanat.operating.doctor.examination import examine
from amanat.operating.doctor.findings import Verdict
from amanat.operating.nodes import look_at

CHAIN_ID = 781_948
PATH = "/"
SOURCES = Path(__file__).parents[2] / "src" / "amanat"
# Answers readAllowList(address) with what is stored under the address: PUSH1 4, CALLDATALOAD,
# SLOAD, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN.
LIST_CODE = "0x60043554600052602060 00f3".replace(" ", "")
CREATION = bytes.fromhex("60016000f3")
WEI = 10**18


@dataclass
class Guarded:
    """A node, the gate before it, and the folder of both."""

    node: EmbeddedNode
    folder: Path
    url: str
    straight: RpcClient
    child: subprocess.Popen[bytes]

    def token(self, institution: str) -> Path:
        """The file of a fresh token that the gate admits."""
        token = fresh_token()
        admit(self.folder, institution, digest_of(token))
        file = self.folder / f"{institution}-{digest_of(token)[:8]}"
        file.touch(mode=0o600)
        file.write_text(token + "\n")
        return file

    def client(self, institution: str = "ministry") -> RpcClient:
        return RpcClient([self.url], token=NodeToken(self.token(institution)), rest_s=0.0)

    def post(self, body: bytes | list[Any] | dict[str, Any], **headers: str) -> httpx.Response:
        """A request that no client of ours would make, with a token that is admitted."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        bearing = NodeToken(self.token("ministry")).header()
        return httpx.post(self.url, content=content, headers=bearing | headers, trust_env=False)

    def list_as(self, contract: str, address: str, role: int) -> None:
        word = "0x" + role.to_bytes(32, "big").hex()
        slot = "0x" + address[2:].rjust(64, "0")
        self.straight.call("anvil_setStorageAt", contract, slot, word)

    def sender(self, *, sends: bool = True, deploys: bool = False) -> KeySigner:
        """A key with coin, on the lists that are named."""
        key = KeySigner.generate()
        self.straight.call("anvil_setBalance", key.address, hex(WEI))
        self.list_as(SENDERS, key.address, int(sends))
        self.list_as(DEPLOYERS, key.address, int(deploys))
        return key

    def height(self) -> int:
        return self.straight.block_number()

    def log(self) -> str:
        return (self.folder / "gate.log").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("gate")
    with EmbeddedNode(folder / "node", chain_id=CHAIN_ID, funded={}) as node:
        port = free_port()
        settings = GateSettings("ministry", "127.0.0.1", port, node.url, PATH, CHAIN_ID)
        settings.keep(folder)
        straight = RpcClient([node.url])
        for contract in (SENDERS, DEPLOYERS):
            straight.call("anvil_setCode", contract, LIST_CODE)
        with running_gate(folder, port) as child:
            yield Guarded(node, folder, f"http://127.0.0.1:{port}{PATH}", straight, child)
        straight.close()


@contextmanager
def running_gate(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The gate of a folder as it is run; its output in `gate.log`."""
    command = [sys.executable, "-m", "amanat.network.gate", str(folder)]
    with (folder / "gate.log").open("wb") as output:
        child = subprocess.Popen(command, stderr=output)
    try:
        wait_until_it_listens(port)
        yield child
    finally:
        child.terminate()
        child.wait(timeout=60)


def wait_until_it_listens(port: int) -> None:
    limit = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < limit
            time.sleep(0.05)


def raw(key: KeySigner, to: str | None, call_bytes: bytes = b"", nonce: int = 0) -> str:
    made = ChainTransaction(CHAIN_ID, nonce, to, call_bytes, 200_000, 3 * 10**9, 1)
    return "0x" + key.sign_transaction(made).raw.hex()


def call(method: str, *params: Any, number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


# -- who is admitted ------------------------------------------------------------------------------


def test_who_shows_a_token_is_answered(guarded: Guarded) -> None:
    client = guarded.client()
    assert int(client.call("eth_chainId"), 16) == CHAIN_ID
    assert client.block_number() == guarded.height()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic bWluaXN0cnk6eA=="},
    ],
)
def test_a_stranger_is_answered_by_nothing(guarded: Guarded, headers: dict[str, str]) -> None:
    key, before = guarded.sender(), guarded.height()
    body = json.dumps(call("eth_sendRawTransaction", raw(key, key.address)))
    found = httpx.post(guarded.url, content=body, headers=headers, trust_env=False)
    assert found.status_code == 401
    assert found.headers["www-authenticate"] == "Bearer"
    assert "result" not in found.json()
    assert guarded.height() == before


def test_two_tokens_at_once_are_none(guarded: Guarded) -> None:
    bearing = NodeToken(guarded.token("ministry")).header()["authorization"]
    twice = [("authorization", bearing), ("authorization", bearing)]
    body = json.dumps(call("eth_chainId"))
    assert httpx.post(guarded.url, content=body, headers=twice, trust_env=False).status_code == 401


def test_a_hash_is_no_token(guarded: Guarded) -> None:
    """Who reads the node's folder cannot ask the node with what is there."""
    guarded.token("ministry")
    for one in json.loads((guarded.folder / TOKENS_FILE).read_text()):
        headers = {"authorization": f"Bearer {one['sha256']}"}
        found = httpx.get(guarded.url, headers=headers, trust_env=False)
        assert found.status_code == 401


def test_the_token_of_an_institution_that_was_expelled_serves_no_more(guarded: Guarded) -> None:
    ministry, other = guarded.client(), guarded.client("secp")
    assert other.block_number() == guarded.height()
    expel(guarded.folder, "secp")
    with pytest.raises(NodeUnavailable, match="does not admit us"):
        other.block_number()
    assert ministry.block_number() == guarded.height()


def test_a_token_is_rotated_while_it_is_used(guarded: Guarded) -> None:
    file = guarded.token("central_bank")
    client = RpcClient([guarded.url], token=NodeToken(file))
    assert client.block_number() == guarded.height()
    former, fresh = file.read_text().strip(), fresh_token()
    admit(guarded.folder, "central_bank", digest_of(fresh))
    end_former(guarded.folder, "central_bank", digest_of(fresh), until=time.time())
    file.write_text(fresh)
    assert client.block_number() == guarded.height()
    headers = {"authorization": f"Bearer {former}"}
    assert httpx.get(guarded.url, headers=headers, trust_env=False).status_code == 401


def test_a_former_token_serves_until_its_end(guarded: Guarded) -> None:
    former = guarded.client("pvara")
    fresh = digest_of(fresh_token())
    admit(guarded.folder, "pvara", fresh)
    end_former(guarded.folder, "pvara", fresh, until=time.time() + 3600)
    assert former.block_number() == guarded.height()
    end_former(guarded.folder, "pvara", fresh, until=time.time() - 1)
    with pytest.raises(NodeUnavailable):
        former.block_number()


def test_readiness_and_the_doctor_show_the_token(guarded: Guarded, tmp_path: Path) -> None:
    file = guarded.token("ministry")
    bearing = look_at([guarded.url], CHAIN_ID, NodeToken(file))[0]
    assert (bearing.trouble, bearing.height) == (None, guarded.height())
    assert look_at([guarded.url], CHAIN_ID)[0].trouble == "not_admitted"
    variables = {"AMANAT_NODES": guarded.url, "AMANAT_CHAIN_ID": str(CHAIN_ID)}
    with_token = variables | {"AMANAT_NODES_TOKEN_FILE": str(file)}
    for environment, verdict in ((variables, Verdict.WRONG), (with_token, Verdict.WELL)):
        found = examine(tmp_path / "data", environment)
        assert {one.verdict for one in found if one.check == "nodes"} == {verdict}
    elsewhere = with_token | {"AMANAT_NODES": f"http://node.invalid,{guarded.url}"}
    found = [one for one in examine(tmp_path / "data", elsewhere) if one.check == "nodes"]
    assert [one.verdict for one in found] == [Verdict.WATCH, Verdict.WRONG]
    assert "node.invalid: the token crosses the network readably" in found[0].found
    file.chmod(0o644)
    assert look_at([guarded.url], CHAIN_ID, NodeToken(file))[0].trouble == "token_unreadable"


@pytest.mark.parametrize("content", ["", "\n", "a b", "\x00", "ü"])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(content, encoding="utf-8")
    with pytest.raises(TokenUnreadable):
        NodeToken(file).header()
    with pytest.raises(TokenUnreadable):
        NodeToken(tmp_path / "none").header()


# -- what may be asked ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        "admin_nodeInfo",
        "anvil_setBalance",
        "debug_traceTransaction",
        "eth_accounts",
        "eth_sendTransaction",
        "eth_sign",
        "ETH_CALL",
        " eth_call",
        "personal_unlockAccount",
        "txpool_content",
        "web3_sha3",
    ],
)
def test_other_methods_are_closed(guarded: Guarded, method: str) -> None:
    with pytest.raises(RpcFault) as refused:
        guarded.client().call(method)
    assert refused.value.number == METHOD_NOT_FOUND
    assert "is not let through" in refused.value.text


def test_the_methods_are_those_that_the_application_asks() -> None:
    called = set()
    for room in ("ledger", "network", "operating"):
        for file in (SOURCES / room).rglob("*.py"):
            if file.name != "gate.py":
                called |= set(re.findall(r'"((?:eth|net|web3)_[a-zA-Z0-9]+)"', file.read_text()))
    assert called - {"eth_abi"} == METHODS


@pytest.mark.parametrize(
    "path", ["/ext/admin", "/ext/info", "/ext/metrics", "/ext/health", "/ext/bc/C/rpc", "//", "/ws"]
)
def test_no_other_path_is_served(guarded: Guarded, path: str) -> None:
    bearing = NodeToken(guarded.token("ministry")).header()
    base = guarded.url.removesuffix(PATH)
    for ask in (httpx.get, httpx.post):
        assert ask(base + path, headers=bearing, trust_env=False).status_code == 404
    assert httpx.get(base + PATH, headers=bearing, trust_env=False).status_code == 405


def test_a_batch_is_checked_call_by_call(guarded: Guarded) -> None:
    answers = guarded.client().batch(
        [("eth_chainId", ()), ("anvil_setBalance", ("0x" + "11" * 20, "0x1")), ("eth_chainId", ())]
    )
    assert [int(one, 16) for one in (answers[0], answers[2])] == [CHAIN_ID] * 2
    assert isinstance(answers[1], RpcFault)
    assert int(guarded.straight.call("eth_getBalance", "0x" + "11" * 20, "latest"), 16) == 0


@pytest.mark.parametrize(
    "entry",
    [
        [call("anvil_mine")],  # a batch in a batch
        {"jsonrpc": "2.0", "method": "anvil_mine", "params": []},  # nobody waits for its answer
        {**call("eth_chainId"), "id": {"method": "anvil_mine"}},
        {**call("eth_chainId"), "id": True},
        {**call("eth_chainId"), "method": ["anvil_mine"]},
        {**call("eth_chainId"), "method": None},
        {**call("eth_chainId"), "params": {"0": 1}},
        "anvil_mine",
        7,
        None,
    ],
)
def test_what_is_no_call_is_refused_alone_and_in_a_batch(guarded: Guarded, entry: Any) -> None:
    before = guarded.height()
    if not isinstance(entry, list):
        assert "error" in guarded.post(json.dumps(entry).encode()).json()
    answers = guarded.post([call("eth_chainId", number=7), entry]).json()
    assert {one.get("result") for one in answers} == {hex(CHAIN_ID), None}
    assert guarded.height() == before


def test_a_member_in_other_letters_does_not_reach_the_node(guarded: Guarded) -> None:
    """Nodes written in Go read members whatever their letter case, and take the last one."""
    before = guarded.height()
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[],"METHOD":"anvil_mine"}'
    assert guarded.post(body).json()["result"] == hex(CHAIN_ID)
    twice = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","method":"anvil_mine","params":[]}'
    assert "error" in guarded.post(twice).json()
    assert guarded.height() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[]", b"NaN", b'{"id":NaN}', b"[" * 100_000, b"1" * 5_000]
)
def test_what_is_not_json_is_refused(guarded: Guarded, body: bytes) -> None:
    found = guarded.post(body)
    assert found.status_code == 400
    assert "error" in found.json()


def test_a_batch_has_its_limit(guarded: Guarded) -> None:
    most = [call("eth_chainId", number=at) for at in range(CALLS_MAX)]
    assert len(guarded.post(most).json()) == CALLS_MAX
    assert guarded.post([*most, call("eth_chainId")]).status_code == 400


def test_an_oversized_body_is_refused_whether_or_not_it_tells_its_size(guarded: Guarded) -> None:
    bearing = NodeToken(guarded.token("ministry")).header()
    fits = json.dumps(call("eth_chainId")).encode().ljust(BODY_BYTES_MAX)
    assert guarded.post(fits).json()["result"] == hex(CHAIN_ID)
    assert guarded.post(fits + b" ").status_code == 413
    pieces = (fits[at : at + 65_536] for at in range(0, len(fits) + 131_072, 65_536))
    content = (piece.ljust(65_536) for piece in pieces)  # in chunks, without a length
    found = httpx.post(guarded.url, content=content, headers=bearing, trust_env=False)
    assert found.status_code == 413


def test_an_encoded_body_is_refused(guarded: Guarded) -> None:
    """What is small as it comes could be large as it is read."""
    assert guarded.post(call("eth_chainId"), **{"content-encoding": "gzip"}).status_code == 415


# -- which transactions pass ----------------------------------------------------------------------


def test_who_is_on_the_list_sends_and_a_stranger_is_refused_before_any_block(
    guarded: Guarded,
) -> None:
    client = guarded.client()
    key, stranger = guarded.sender(), guarded.sender(sends=False)
    before = guarded.height()
    with pytest.raises(RpcFault, match=f"non-allow listed address: {stranger.address}"):
        client.call("eth_sendRawTransaction", raw(stranger, key.address))
    assert guarded.height() == before
    sent = client.call("eth_sendRawTransaction", raw(key, stranger.address))
    assert status(client, sent) == 1


def test_who_is_struck_off_is_refused(guarded: Guarded) -> None:
    client, key = guarded.client(), guarded.sender()
    assert status(client, client.call("eth_sendRawTransaction", raw(key, key.address))) == 1
    guarded.list_as(SENDERS, key.address, 0)
    # What the list said is believed for a second; real nodes refuse in between by themselves.
    for nonce in range(1, 1_000_000):
        before = guarded.height()
        answer = client.batch([("eth_sendRawTransaction", (raw(key, key.address, b"", nonce),))])[0]
        if isinstance(answer, RpcFault):
            break
        assert status(client, answer) == 1
    assert f"non-allow listed address: {key.address}" in answer.text
    assert guarded.height() == before


def test_a_contract_is_created_with_permission_alone(guarded: Guarded) -> None:
    client = guarded.client()
    deployer, sender = guarded.sender(deploys=True), guarded.sender()
    before = guarded.height()
    with pytest.raises(RpcFault, match=f"{sender.address} may not create contracts"):
        client.call("eth_sendRawTransaction", raw(sender, None, CREATION))
    assert guarded.height() == before
    sent = client.call("eth_sendRawTransaction", raw(deployer, None, CREATION))
    assert status(client, sent) == 1


def test_permission_to_deploy_ends_at_once(guarded: Guarded) -> None:
    client, deployer = guarded.client(), guarded.sender(deploys=True)
    sent = client.call("eth_sendRawTransaction", raw(deployer, None, CREATION))
    assert status(client, sent) == 1
    guarded.list_as(DEPLOYERS, deployer.address, 0)
    with pytest.raises(RpcFault, match="may not create contracts"):
        client.call("eth_sendRawTransaction", raw(deployer, None, CREATION, nonce=1))


def test_no_transaction_is_smuggled_in_a_batch(guarded: Guarded) -> None:
    client = guarded.client()
    key, stranger = guarded.sender(), guarded.sender(sends=False)
    sending = "eth_sendRawTransaction"
    before = guarded.height()
    answers = client.batch(
        [
            (sending, (raw(stranger, key.address),)),
            ("eth_chainId", ()),
            (sending, (raw(key, None, CREATION),)),
            (sending, ("0x02c0",)),
            (sending, (raw(key, key.address), raw(stranger, key.address))),
        ]
    )
    assert [isinstance(one, RpcFault) for one in answers] == [True, False, True, True, True]
    assert guarded.height() == before
    answers = client.batch(
        [(sending, (raw(stranger, key.address),)), (sending, (raw(key, key.address),))]
    )
    assert [isinstance(one, RpcFault) for one in answers] == [True, False]
    assert status(client, answers[1]) == 1
    assert guarded.straight.call("eth_getTransactionCount", stranger.address, "latest") == "0x0"
    assert guarded.straight.call("eth_getTransactionCount", key.address, "latest") == "0x1"


def test_where_the_chain_keeps_no_lists_nothing_is_sent(guarded: Guarded) -> None:
    key = guarded.sender()
    guarded.straight.call("anvil_setCode", SENDERS, "0x")
    try:
        with pytest.raises(NodeUnavailable, match="503"):
            guarded.client().call("eth_sendRawTransaction", raw(key, key.address))
    finally:
        guarded.straight.call("anvil_setCode", SENDERS, LIST_CODE)
    client = guarded.client()
    assert status(client, client.call("eth_sendRawTransaction", raw(key, key.address))) == 1


# -- what is kept and told ------------------------------------------------------------------------


def test_no_token_is_in_a_log_a_command_line_or_the_nodes_folder(guarded: Guarded) -> None:
    file = guarded.token("ministry")
    token = file.read_text().strip()
    client = RpcClient([guarded.url], token=NodeToken(file))
    client.block_number()
    with pytest.raises(RpcFault):
        client.call("eth_accounts")
    guarded.post(b"{")
    httpx.get(f"{guarded.url}x", headers={"authorization": f"Bearer {token}x"}, trust_env=False)
    assert '"code":"method_closed"' in guarded.log()
    assert token not in guarded.log()
    assert token not in Path(f"/proc/{guarded.child.pid}/cmdline").read_text()
    for name in (GATE_FILE, TOKENS_FILE):
        assert token not in (guarded.folder / name).read_text()
        assert (guarded.folder / name).stat().st_mode & 0o077 == 0


def test_a_gate_that_others_reach_is_closed_without_a_certificate(tmp_path: Path) -> None:
    GateSettings("ministry", "0.0.0.0", free_port(), "http://127.0.0.1:1", PATH, 1).keep(tmp_path)
    with pytest.raises(GateInTheClear):
        stand(tmp_path)


def test_a_gate_with_a_certificate_speaks_tls_alone(guarded: Guarded, tmp_path: Path) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    pair = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    port, token = free_port(), fresh_token()
    settings = GateSettings("secp", "0.0.0.0", port, guarded.node.url, PATH, CHAIN_ID, *pair)
    settings.keep(tmp_path)
    admit(tmp_path, "secp", digest_of(token))
    trusted = ssl.create_default_context(cafile=pair[0])
    with running_gate(tmp_path, port):
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(verify=trusted, headers=headers, trust_env=False) as client:
            found = client.post(f"https://127.0.0.1:{port}{PATH}", json=call("eth_chainId"))
            assert found.json()["result"] == hex(CHAIN_ID)
            with pytest.raises(httpx.HTTPError):
                client.post(f"http://127.0.0.1:{port}{PATH}", json=call("eth_chainId"))


def test_a_node_that_is_down_is_told_as_such(guarded: Guarded, tmp_path: Path) -> None:
    port, token = free_port(), fresh_token()
    GateSettings("secp", "127.0.0.1", port, "http://127.0.0.1:1", PATH, CHAIN_ID).keep(tmp_path)
    admit(tmp_path, "secp", digest_of(token))
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(token)
    with running_gate(tmp_path, port):
        silent = f"http://127.0.0.1:{port}{PATH}"
        with pytest.raises(NodeUnavailable, match="HTTP 503"):
            RpcClient([silent], token=NodeToken(file)).block_number()
        admit(guarded.folder, "secp", digest_of(token))
        both = RpcClient([silent, guarded.url], token=NodeToken(file))
        assert both.block_number() == guarded.height()


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema":"amanat.gate/9"}'])
def test_a_folder_without_a_gate_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / GATE_FILE).write_text(content)
    with pytest.raises(GateUnreadable):
        GateSettings.of(tmp_path)
