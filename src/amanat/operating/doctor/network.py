"""Checks of the ledger: nodes, their chain and clocks, the operator's key, the keys of signers."""

from __future__ import annotations

import email.utils
import socket
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sql

from amanat.access.key_register import sender_of
from amanat.access.sending_keys import sending_keys
from amanat.access.tables import institution, person
from amanat.core.errors import AmanatError
from amanat.ledger import tables as ledger
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.evm import evm_of, tells_finality
from amanat.ledger.evms import CANCUN, LONDON
from amanat.ledger.keystore import Keystore
from amanat.ledger.rpc import NodeToken, RpcClient, RpcFault
from amanat.ledger.wire import keccak
from amanat.operating.doctor.findings import Finding, Patient, skipped, watch, well, wrong
from amanat.operating.nodes import NodeSeen, labels, look_at

CLOCKS_APART_S = 5.0
NODES_APART_BLOCKS = 20
# The allow list of transactions of a Subnet-EVM chain: a precompiled contract at a fixed address.
_ALLOW_LIST = "0x0200000000000000000000000000000000000002"
_READ_ALLOW_LIST = keccak(b"readAllowList(address)")[:4].hex()
_OPERATOR = ("installation", "operator")
_NODES_FIRST = "Look at the nodes first."
Ask = Callable[[Patient, RpcClient], list[Finding]]


def nodes(patient: Patient) -> list[Finding]:
    """Every node that is named answers, for the right chain, and none is far behind."""
    name = "nodes"
    settings = patient.settings
    if settings is None:
        return skipped(name, "the configuration cannot be read")
    if not settings.node_urls:
        return well(name, "embedded; it starts and stops with the server")
    token = NodeToken.of(settings.nodes_token_file)
    seen = look_at(settings.node_urls, settings.chain_id, token)
    found: list[Finding] = _readable(settings.node_urls) if token else []
    for one in seen:
        if one.trouble == "other_chain":
            mend = "Mend AMANAT_CHAIN_ID or the node's URL; nothing may be sent to another chain."
            told = f"{one.node} is on chain {one.chain_id}, not {settings.chain_id}"
            found += wrong("chain_id", told, mend)
        elif one.trouble is not None:
            mend = "Look whether the node runs, can be reached from here, and admits us."
            found += wrong(name, f"{one.node}: {one.trouble.replace('_', ' ')}", mend)
    of_use = [one for one in seen if one.trouble is None]
    if of_use:
        patient.rpc = RpcClient(
            settings.node_urls, chain_id=settings.chain_id, timeout_s=8.0, token=token
        )
        found += _apart(patient, of_use)
    return found or well(name, ", ".join(f"{one.node} at {one.height}" for one in seen))


def _readable(urls: Sequence[str]) -> list[Finding]:
    """Nodes of other machines whose token crosses the network for everybody to read."""
    found: list[Finding] = []
    for url, label in zip(urls, labels(urls), strict=True):
        host = urlsplit(url).hostname or ""
        if urlsplit(url).scheme == "http" and host != "localhost" and not host.startswith("127."):
            mend = "Give its gate a certificate, and name it with https://."
            found += watch("nodes", f"{label}: the token crosses the network readably", mend)
    return found


def _apart(patient: Patient, seen: list[NodeSeen]) -> list[Finding]:
    """Nodes that lag, and nodes that have another block at the same height."""
    heights = [one.height for one in seen if one.height is not None]
    found: list[Finding] = []
    for one in seen:
        if one.height is not None and max(heights) - one.height > NODES_APART_BLOCKS:
            told = f"{one.node} is {max(heights) - one.height} blocks behind the others"
            found += watch("nodes", told, "Look at its peers and at its disk.")
    settings = patient.settings
    assert settings is not None
    token = NodeToken.of(settings.nodes_token_file)
    common, hashes = hex(max(min(heights) - 1, 0)), {}
    for url, label in zip(settings.node_urls, labels(settings.node_urls), strict=True):
        client = RpcClient([url], timeout_s=5.0, token=token)
        try:
            block = client.call("eth_getBlockByNumber", common, False)
            hashes[label] = block["hash"] if block else None
        except AmanatError:
            continue
        finally:
            client.close()
    if len({one for one in hashes.values() if one}) > 1:
        mend = "Stop sending: keep everything as it is and ask the other institutions."
        told = "; ".join(f"{node} has {one}" for node, one in hashes.items())
        found += wrong("nodes", f"they disagree at height {int(common, 16)}: {told}", mend)
    return found


def node_clocks(patient: Patient) -> list[Finding]:
    """Each node's clock and this machine's say the same, by the `Date` of its answers."""
    name = "node_clock"
    settings = patient.settings
    if settings is None or patient.rpc is None:
        return skipped(name, "no node to be asked from here")
    found, well_ones = [], []
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    token = NodeToken.of(settings.nodes_token_file)
    bearing = token.header() if token else {}
    for url, label in zip(settings.node_urls, labels(settings.node_urls), strict=True):
        try:
            with httpx.Client(timeout=3.0, trust_env=False, headers=bearing) as client:
                stated = client.post(url, json=body).headers.get("date", "")
            theirs = email.utils.parsedate_to_datetime(stated)
        except (httpx.HTTPError, ValueError, TypeError):
            continue
        apart = (theirs - patient.now()).total_seconds()
        if abs(apart) > CLOCKS_APART_S:
            mend = "Let both machines follow the same time servers (chrony, systemd-timesyncd)."
            found += wrong(name, f"{label}: {apart:+.0f} s against this machine's", mend)
        else:
            well_ones.append(f"{label} {apart:+.0f} s")
    return found or well(name, ", ".join(well_ones) or "no node tells its time")


def evm(patient: Patient) -> list[Finding]:
    """The chain runs the instructions that the contracts of this installation are made of."""
    name = "evm"
    settings = patient.settings
    if settings is None or patient.rpc is None:
        return skipped(name, "no node to be asked from here")
    try:
        newest = evm_of(patient.rpc)
    except AmanatError as error:
        return wrong(name, f"the node refuses the question: {error.code}", _NODES_FIRST)
    if newest is None:
        return watch(name, "the node does not tell what it runs", f"See that it is {settings.evm}.")
    if settings.evm == CANCUN and newest == LONDON:
        told = "the chain stops before Cancun, and the contracts' code is for Cancun"
        return wrong(name, told, f"Set AMANAT_EVM to {LONDON}; calls would fail, saying nothing.")
    if settings.evm != newest:
        mend = f"Unless another of its nodes is older, set AMANAT_EVM to {newest}: less gas."
        return watch(name, f"the chain runs {newest}, the contracts' code is for less", mend)
    return well(name, newest)


def finality(patient: Patient) -> list[Finding]:
    """What counts as final here is what the chain can call final."""
    name = "finality"
    settings = patient.settings
    if settings is None or patient.rpc is None:
        return skipped(name, "no node to be asked from here")
    counted = isinstance(settings.finality, int)
    try:
        told = tells_finality(patient.rpc)
    except AmanatError as error:
        return wrong(name, f"the node refuses the question: {error.code}", _NODES_FIRST)
    if told and counted:
        mend = "Set AMANAT_FINALITY to finalized."
        return watch(name, "the chain calls blocks final, and blocks are counted", mend)
    if not told and not counted:
        mend = "Set AMANAT_FINALITY to a number of blocks: with Clique more than half its signers."
        found = f"the nodes know of no final block, and AMANAT_FINALITY is {settings.finality}"
        return wrong(name, found, mend)
    if counted:
        return well(name, f"{settings.finality} blocks must follow; the chain calls none final")
    return well(name, str(settings.finality))


def _asks(name: str) -> Callable[[Ask], Callable[[Patient], list[Finding]]]:
    def wrap(ask: Ask) -> Callable[[Patient], list[Finding]]:
        @wraps(ask)
        def check(patient: Patient) -> list[Finding]:
            if patient.rpc is None:
                return skipped(name, "no node to be asked from here")
            if not patient.tables:
                return skipped(name, "the database cannot be asked, or lacks tables")
            try:
                return ask(patient, patient.rpc)
            except AmanatError as error:
                return wrong(name, f"the node refuses the question: {error.code}", _NODES_FIRST)

        return check

    return wrap


def operator_key(patient: Patient) -> list[Finding]:
    """The installation's operator key is there and opens."""
    name = "operator_key"
    keystore = Keystore(patient.data_dir / "keys")
    password = patient.data_dir / "secrets" / "keystore"
    if _OPERATOR[1] not in keystore.names(_OPERATOR[0]):
        if patient.settings is not None and patient.settings.devices_path.is_file():
            return well(name, "kept in a device; the server opens it")
        if not (patient.data_dir / "keys").is_dir():
            return watch(name, "there is none yet", "The first start makes it.")
        mend = "Restore keys/ from its backup; or fund and admit the new one that a start makes."
        return wrong(name, "keys/installation/operator.json is not there", mend)
    try:
        text = bytes.fromhex(password.read_text(encoding="utf-8").strip()).hex()
        signer = keystore.open(*_OPERATOR, text)
    except (OSError, ValueError, AmanatError) as error:
        mend = "secrets/ and keys/ belong together: restore both from the same backup."
        return wrong(name, f"it does not open: {type(error).__name__}", mend)
    stated = keystore.address(*_OPERATOR)
    if signer.address != stated:
        return wrong(name, f"the file says {stated}, the key is {signer.address}", "Restore keys/.")
    patient.facts["operator"] = signer.address
    return well(name, signer.address)


@_asks("operator_funds")
def operator_funds(patient: Patient, rpc: RpcClient) -> list[Finding]:
    """The key of every sender can pay, may send, and is used by nobody else."""
    name, address = "operator_funds", patient.facts.get("operator")
    if address is None:
        return skipped(name, "the operator's key is not at hand")
    found: list[Finding] = []
    for sender, one in ({"operator": address} | _senders(patient)).items():
        found += _funds(patient, rpc, sender, one)
    return found or well(name, "they can pay and may send")


def _senders(patient: Patient) -> dict[str, str]:
    """The key in use for each sender, as the register has it."""
    if patient.engine is None:
        return {}
    with patient.engine.connect().execution_options(reads_only=True) as connection:
        return {
            sender_of(row.purpose): row.address
            for row in sending_keys(connection)
            if row.state == "in_use"
        }


def _funds(patient: Patient, rpc: RpcClient, sender: str, address: str) -> list[Finding]:
    name = "operator_funds"
    balance, head, nonce, allowed = rpc.batch(
        [
            ("eth_getBalance", (address, "latest")),
            ("eth_getBlockByNumber", ("latest", False)),
            ("eth_getTransactionCount", (address, "latest")),
            ("eth_call", ({"to": _ALLOW_LIST, "data": _allowed_call(address)}, "latest")),
        ]
    )
    found: list[Finding] = []
    fee = int(_field(head, "baseFeePerGas") or "0x0", 16)
    if not isinstance(balance, RpcFault) and int(balance, 16) == 0 and fee > 0:
        mend = f"Send it some of the network's coin: {address}"
        found += wrong(name, f"{sender}: it holds nothing, and gas costs {fee} wei", mend)
    if isinstance(allowed, str) and len(allowed) == 66 and int(allowed, 16) == 0:
        mend = f"Let the network's authority admit it: `amanat network allow {address}`"
        told = f"{sender}: the chain's allow list does not have it: it may not send"
        found += wrong(name, told, mend)
    if not isinstance(nonce, RpcFault) and patient.engine is not None:
        found += _nonce(patient, address, int(nonce, 16))
    return found


def _allowed_call(address: str) -> str:
    return f"0x{_READ_ALLOW_LIST}{address[2:].rjust(64, '0')}"


def _field(block: Any, name: str) -> Any:
    return block.get(name) if isinstance(block, dict) else None


def _nonce(patient: Patient, address: str, on_chain: int) -> list[Finding]:
    assert patient.engine is not None
    with patient.engine.connect().execution_options(reads_only=True) as connection:
        given = connection.execute(
            sql.select(ledger.counter.c.next).where(ledger.counter.c.name == f"nonce:{address}")
        ).scalar_one_or_none()
    if given is None or on_chain <= given:
        return []
    mend = "Nobody else may use this key; if the database is an old backup, run `amanat rebuild`."
    told = f"the chain has {on_chain} transactions of it, this database gave {given}"
    return wrong("operator_funds", told, mend)


@_asks("contracts")
def contracts(patient: Patient, rpc: RpcClient) -> list[Finding]:
    """Every contract that the database names is on the chain."""
    name = "contracts"
    assert patient.engine is not None
    table = ledger.contract
    with patient.engine.connect().execution_options(reads_only=True) as connection:
        rows = connection.execute(
            sql.select(table.c.address, table.c.kind, table.c.label).where(~table.c.replaced)
        ).all()
    answers = rpc.batch([("eth_getCode", (row.address, "latest")) for row in rows])
    missing = [
        row for row, answer in zip(rows, answers, strict=True) if answer in ("0x", "0x0", None)
    ]
    if missing:
        one = missing[0]
        mend = "The database belongs to another chain, or the node is not current."
        told = f"{len(missing)} of {len(rows)} are not on the chain, the first is {one.kind}"
        return wrong(name, f"{told} {one.label} at {one.address}", mend)
    return well(name, f"{len(rows)} on the chain")


@_asks("signer_keys")
def signer_keys(patient: Patient, rpc: RpcClient) -> list[Finding]:
    """The keys of institutions' people are those that the chain has for their institution."""
    name = "signer_keys"
    rows, directories = _signers(patient)
    entry = Artifacts.load().get("Directory").function("institution_of", 1)
    asked = [row for row in rows if row.programme in directories]
    calls = [
        (
            "eth_call",
            (
                {
                    "to": directories[row.programme],
                    "data": "0x" + entry.encode([row.address]).hex(),
                },
                "latest",
            ),
        )
        for row in asked
    ]
    found: list[Finding] = []
    mend = "Change the key by the Directory's quorum, or enter the person with the right key."
    for row, answer in zip(asked, rpc.batch(calls), strict=True):
        if isinstance(answer, RpcFault) or answer == "0x":
            continue
        number = int(answer, 16)
        if number != row.number:
            told = f"{row.institution}: the chain has {row.address} for institution {number}"
            found += wrong(name, f"{told}, not for {row.number}", mend)
    return found or well(name, f"{len(asked)} are the chain's")


def _signers(patient: Patient) -> tuple[list[Any], dict[str, str]]:
    assert patient.engine is not None
    with patient.engine.connect().execution_options(reads_only=True) as connection:
        rows = list(
            connection.execute(
                sql.select(
                    person.c.programme, person.c.institution, person.c.address, institution.c.number
                )
                .join(
                    institution,
                    (institution.c.programme == person.c.programme)
                    & (institution.c.code == person.c.institution),
                )
                .where(person.c.address.is_not(None), person.c.active, institution.c.number > 0)
            )
        )
        table = ledger.contract
        directories = {
            row.programme: row.address
            for row in connection.execute(
                sql.select(table.c.programme, table.c.address).where(
                    table.c.kind == "Directory", ~table.c.replaced
                )
            )
        }
    return rows, directories


def collector(patient: Patient) -> list[Finding]:
    """Where traces are sent, somebody listens."""
    name = "traces"
    settings = patient.settings
    if settings is None:
        return skipped(name, "the configuration cannot be read")
    if settings.serving.traces is None:
        return well(name, "not sent")
    parts = urlsplit(settings.serving.traces)
    place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    try:
        socket.create_connection(place, timeout=3).close()
    except OSError as error:
        mend = "Start the collector or mend AMANAT_TRACES; meanwhile traces are dropped."
        return watch(name, f"{place[0]}:{place[1]}: {type(error).__name__}", mend)
    return well(name, f"{place[0]}:{place[1]} listens")
