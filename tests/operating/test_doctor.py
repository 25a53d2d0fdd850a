"""`amanat doctor`: each thing is broken in turn, and named with how to mend it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.e2e.own_postgres import OwnPostgres

from amanat.access.actors import Role, add_institution, add_person
from amanat.app import Application
from amanat.ledger import tables as ledger
from amanat.ledger.keystore import SCRYPT_LIGHT, Keystore
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.signers import KeySigner
from amanat.ledger.tables import alarm
from amanat.operating.doctor import machine
from amanat.operating.doctor.examination import examine, worst
from amanat.operating.doctor.findings import Finding, Patient, Verdict
from amanat.settings import Settings, read_secret
from amanat.store.journal import Provenance
from amanat.store.migrate import migrate
from amanat.store.tables import journal_entry, log_size

CHAIN_ID = 86_093
FUNDED_WEI = 10**30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation that has been started once: database, secrets, the operator's key."""
    place = tmp_path / "amanat"
    app = Application(Settings.at(place, light_keys=True))
    migrate(app.engine)
    app.engine.dispose()
    return place


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a service, with a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return {"AMANAT_PORT": str(probe.getsockname()[1]), "AMANAT_LIGHT_KEYS": "1"}


def of(found: list[Finding], check: str) -> Finding:
    """The gravest finding of one check."""
    order = [Verdict.WRONG, Verdict.WATCH, Verdict.SKIPPED, Verdict.WELL]
    return min((one for one in found if one.check == check), key=lambda o: order.index(o.verdict))


def named(found: list[Finding], check: str, verdict: Verdict, told: str) -> None:
    """The finding has this verdict, tells this, and how to mend it."""
    one = of(found, check)
    assert one.verdict is verdict, one
    assert told in one.found, one
    assert one.mend, one


def test_a_sound_installation_has_nothing_wrong(folder: Path, environment: dict[str, str]) -> None:
    found = examine(folder, environment)
    assert [one for one in found if one.verdict is Verdict.WRONG] == []
    assert of(found, "operator_key").verdict is Verdict.WELL
    assert of(found, "journal").verdict is Verdict.WELL
    assert of(found, "backup").verdict is Verdict.WATCH
    assert worst(found) is Verdict.WATCH


def test_nothing_is_made_where_nothing_is(tmp_path: Path, environment: dict[str, str]) -> None:
    found = examine(tmp_path / "none", environment)
    assert not (tmp_path / "none").exists()
    assert of(found, "folder").verdict is Verdict.WATCH
    assert of(found, "migrations").verdict is Verdict.SKIPPED
    assert worst(found) is Verdict.WATCH


# -- the machine ----------------------------------------------------------------------------------


def test_a_setting_that_cannot_be_used(folder: Path, environment: dict[str, str]) -> None:
    found = examine(folder, environment | {"AMANAT_CHAIN_ID": "zero"})
    named(found, "configuration", Verdict.WRONG, "AMANAT_CHAIN_ID")
    assert of(found, "database").verdict is Verdict.SKIPPED


def test_a_name_that_nothing_reads(folder: Path, environment: dict[str, str]) -> None:
    found = examine(folder, environment | {"AMANAT_NODE": "http://node"})
    named(found, "configuration", Verdict.WATCH, "AMANAT_NODE")


def test_everything_wrong_in_the_file_at_once(folder: Path, environment: dict[str, str]) -> None:
    (folder / "amanat.toml").write_text("[network]\nchain_id = 0\nnoodles = 1\n")
    wrong = [o for o in examine(folder, environment) if o.verdict is Verdict.WRONG]
    assert {o.found.split(": ")[1] for o in wrong} == {"network.chain_id", "network.noodles"}


def test_a_python_too_old(folder: Path, environment: dict[str, str]) -> None:
    patient = Patient(folder, environment)
    patient.facts["python"] = (3, 10, 4)
    named(machine.python(patient), "python", Verdict.WRONG, "3.10.4")


def test_the_embedded_node_is_not_installed(
    folder: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amanat.ledger.node.ANVIL", Path("node_modules/nowhere/anvil"))
    named(examine(folder, environment), "anvil", Verdict.WRONG, "not installed")


def test_files_that_others_may_read(folder: Path, environment: dict[str, str]) -> None:
    (folder / "secrets" / "keystore").chmod(0o644)
    named(examine(folder, environment), "secrets", Verdict.WRONG, "is open to others (644)")
    (folder / "secrets" / "keystore").chmod(0o600)
    folder.chmod(0o755)
    named(examine(folder, environment), "folder", Verdict.WRONG, "open to everyone (755)")


def test_a_secret_that_the_file_names(folder: Path, environment: dict[str, str]) -> None:
    token = folder / "metrics-token"
    token.write_text("planted-word")
    token.chmod(0o640)
    (folder / "amanat.toml").write_text(f'[metrics]\ntoken_file = "{token}"\n')
    found = examine(folder, environment)
    named(found, "secrets", Verdict.WRONG, f"{token} is open to others (640)")
    assert "planted-word" not in str(found)


def test_keys_without_their_password(folder: Path, environment: dict[str, str]) -> None:
    (folder / "secrets" / "keystore").unlink()
    found = examine(folder, environment)
    named(found, "secrets", Verdict.WRONG, "is lost")
    named(found, "operator_key", Verdict.WRONG, "does not open")


def test_another_password_than_the_keys_have(folder: Path, environment: dict[str, str]) -> None:
    (folder / "secrets" / "keystore").unlink()
    read_secret(folder / "secrets", "keystore")
    named(examine(folder, environment), "operator_key", Verdict.WRONG, "does not open")


def test_the_operators_key_is_lost(folder: Path, environment: dict[str, str]) -> None:
    (folder / "keys" / "installation" / "operator.json").unlink()
    named(examine(folder, environment), "operator_key", Verdict.WRONG, "is not there")


def test_a_disk_that_is_nearly_full(folder: Path, environment: dict[str, str]) -> None:
    patient = Patient(folder, environment)
    patient.facts["disk_free_min_bytes"] = 2**60
    named(machine.disk(patient), "disk", Verdict.WRONG, "GiB free")


def test_another_program_has_the_port(folder: Path, environment: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(environment["AMANAT_PORT"])))
        named(examine(folder, environment), "port", Verdict.WRONG, "another program has")


def issued(place: Path, valid_days: int) -> dict[str, str]:
    """A certificate for ourselves that is valid for so many days from yesterday, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "amanat.example")])
    began = datetime.now(UTC) - timedelta(days=400)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(datetime.now(UTC) + timedelta(days=valid_days))
        .sign(key, hashes.SHA256())
    )
    files = place / f"{valid_days}.crt", place / f"{valid_days}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files[1].chmod(0o600)
    return {"AMANAT_CERTIFICATE": str(files[0]), "AMANAT_CERTIFICATE_KEY": str(files[1])}


@pytest.mark.parametrize(
    ("days", "verdict", "told"),
    [
        (90, Verdict.WELL, "valid until"),
        (10, Verdict.WATCH, "expires on"),
        (-1, Verdict.WRONG, "expired on"),
    ],
)
def test_a_certificate_and_its_expiry(
    folder: Path, environment: dict[str, str], days: int, verdict: Verdict, told: str
) -> None:
    one = of(examine(folder, environment | issued(folder, days)), "tls")
    assert (one.verdict, told in one.found) == (verdict, True)


def test_a_certificate_with_another_key(folder: Path, environment: dict[str, str]) -> None:
    mixed = issued(folder, 90) | {
        "AMANAT_CERTIFICATE_KEY": issued(folder, 91)["AMANAT_CERTIFICATE_KEY"]
    }
    named(examine(folder, environment | mixed), "tls", Verdict.WRONG, "not the certificate's")


def test_another_host_without_a_certificate(folder: Path, environment: dict[str, str]) -> None:
    found = examine(folder, environment | {"AMANAT_HOST": "0.0.0.0"})
    named(found, "tls", Verdict.WRONG, "without certificate")


def test_backups_that_are_old_or_were_never_compared(
    folder: Path, environment: dict[str, str]
) -> None:
    def noted(hours: int, verified_days: int | None) -> list[Finding]:
        now = datetime.now(UTC)
        at = (now - timedelta(hours=hours)).isoformat()
        verified = (
            None if verified_days is None else (now - timedelta(days=verified_days)).isoformat()
        )
        entry = {"at": at, "digest": "00", "verified_at": verified}
        (folder / "backups.json").write_text(json.dumps([entry]))
        return examine(folder, environment)

    assert of(noted(2, 3), "backup").verdict is Verdict.WELL
    named(noted(48, 3), "backup", Verdict.WATCH, "the last one is of")
    named(noted(2, None), "backup", Verdict.WATCH, "not restored and compared")
    (folder / "backups.json").write_text("{")
    named(examine(folder, environment), "backup", Verdict.WRONG, "cannot be read")


def test_a_collector_that_is_not_there(folder: Path, environment: dict[str, str]) -> None:
    there = {"AMANAT_TRACES": f"http://127.0.0.1:{environment['AMANAT_PORT']}/v1/traces"}
    named(examine(folder, environment | there), "traces", Verdict.WATCH, "Refused")


# -- the database ---------------------------------------------------------------------------------


def broken(folder: Path, change: Callable[[sql.Connection], object]) -> None:
    """Change the database as nobody should."""
    engine = sql.create_engine(f"sqlite:///{folder / 'amanat.sqlite'}")
    with engine.begin() as connection:
        change(connection)
    engine.dispose()


def test_a_database_that_does_not_answer(folder: Path, environment: dict[str, str]) -> None:
    url = f"postgresql+pg8000://amanat:planted-word@127.0.0.1:{environment['AMANAT_PORT']}/amanat"
    found = examine(folder, environment | {"AMANAT_DATABASE": url})
    named(found, "database", Verdict.WRONG, "does not answer")
    assert "planted-word" not in str(found)


def test_a_damaged_database(folder: Path, environment: dict[str, str]) -> None:
    (folder / "amanat.sqlite").write_bytes(b"this is no database" * 1_000)
    for rest in folder.glob("amanat.sqlite-*"):
        rest.unlink()
    named(examine(folder, environment), "database", Verdict.WRONG, "does not answer")


def test_tables_of_another_version(folder: Path, environment: dict[str, str]) -> None:
    broken(folder, lambda c: c.execute(sql.text("UPDATE alembic_version SET version_num = '9999'")))
    found = examine(folder, environment)
    named(found, "migrations", Verdict.WRONG, "another version's")
    assert of(found, "journal").verdict is Verdict.SKIPPED


def test_a_database_that_is_locked_takes_no_write(
    folder: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amanat.store.engine.WRITER_WAITS_S", 0)
    engine = sql.create_engine(f"sqlite:///{folder / 'amanat.sqlite'}")
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        other.execute(log_size.update().values(size=0))
        named(examine(folder, environment), "database_writes", Verdict.WRONG, "takes no write")
        other.rollback()
    engine.dispose()


@pytest.fixture
def journalled(folder: Path) -> Path:
    """An installation with five entries in its journal."""
    from amanat.store.journal import declare

    kind = declare("TestDoctorEntry", ("what",))
    app = Application(Settings.at(folder, light_keys=True))
    day = datetime.now(UTC).date()
    head = Provenance("test", "ministry", "issuer", "officer", "token", day)
    for at in range(5):
        with app.store.work(head) as uow:
            uow.journal.append(kind, {"what": str(at)})
            uow.commit()
    app.engine.dispose()
    return folder


def test_a_journal_with_a_gap(journalled: Path, environment: dict[str, str]) -> None:
    assert "5 entries" in of(examine(journalled, environment), "journal").found
    gone = journal_entry.delete().where(journal_entry.c.leaf == 3)
    broken(journalled, lambda c: c.execute(gone))
    told = "the public log has size 5 and holds 4 entries"
    named(examine(journalled, environment), "journal", Verdict.WRONG, told)


def test_an_entry_that_is_not_what_its_row_says(
    journalled: Path, environment: dict[str, str]
) -> None:
    changed = journal_entry.update().where(journal_entry.c.leaf == 2).values(kind="TestOther")
    broken(journalled, lambda c: c.execute(changed))
    named(examine(journalled, environment), "journal", Verdict.WRONG, "leaf 2")


def test_alarms_that_stand(folder: Path, environment: dict[str, str]) -> None:
    def raised(subject: str) -> None:
        row = alarm.insert().values(
            id=subject, kind="order_overdue", subject=subject, detail="x", raised_at="2026-01-01"
        )
        broken(folder, lambda c: c.execute(row))

    raised("order-1")
    named(examine(folder, environment), "alarms", Verdict.WATCH, "order_overdue of order-1")
    raised("chain:1")
    named(examine(folder, environment), "alarms", Verdict.WRONG, "order_overdue of chain:1")


def test_orders_that_wait_for_long(folder: Path, environment: dict[str, str]) -> None:
    row = ledger.order.insert().values(
        id="1", sequence=1, kind="move_day", programme="test", contract="BusinessDay", label="",
        function="advance", sender="operator", state="requested",
        requested_at="2026-01-01T00:00:00.000000Z",
    )  # fmt: skip
    broken(folder, lambda c: c.execute(row))
    named(examine(folder, environment), "orders", Verdict.WATCH, "1 wait since 2026-01-01")


@pytest.fixture
def durable() -> Iterator[OwnPostgres]:
    """A PostgreSQL of the test's own, as it is set up by default."""
    made = OwnPostgres.create()
    made.start()
    yield made
    made.remove()


def test_a_postgresql_that_does_not_commit_durably(
    folder: Path, environment: dict[str, str], durable: OwnPostgres
) -> None:
    at = {"AMANAT_DATABASE": durable.url}
    engine = sql.create_engine(durable.url)
    migrate(engine)
    found = examine(folder, environment | at)
    assert of(found, "durability").verdict is Verdict.WELL
    assert of(found, "database_clock").verdict is Verdict.WELL
    assert of(found, "database_writes").verdict is Verdict.WELL
    with engine.begin() as connection:
        connection.execute(sql.text("ALTER ROLE postgres SET synchronous_commit = off"))
        connection.execute(sql.text("ALTER ROLE postgres SET default_transaction_read_only = on"))
    engine.dispose()
    found = examine(folder, environment | at)
    named(found, "durability", Verdict.WRONG, "synchronous_commit: off")
    named(found, "database_writes", Verdict.WRONG, "takes no write")


def test_a_clock_that_is_not_the_databases(folder: Path, postgres_url: str) -> None:
    from amanat.operating.doctor import database

    environment = {"AMANAT_DATABASE": postgres_url}
    patient = Patient(folder, environment, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    machine.configuration(patient)
    database.database(patient)
    named(database.database_clock(patient), "database_clock", Verdict.WRONG, "-3600 s")
    assert patient.engine is not None
    patient.engine.dispose()


# -- the network ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNode]:
    """A real node of another chain than the embedded default."""
    place = tmp_path_factory.mktemp("node")
    with EmbeddedNode(place, chain_id=CHAIN_ID, funded={"0x" + "a1" * 20: FUNDED_WEI}) as found:
        yield found


def at_node(environment: Mapping[str, str], node: EmbeddedNode, chain: int) -> dict[str, str]:
    return {**environment, "AMANAT_NODES": node.url, "AMANAT_CHAIN_ID": str(chain)}


def test_a_node_that_answers(folder: Path, environment: dict[str, str], node: EmbeddedNode) -> None:
    found = examine(folder, at_node(environment, node, CHAIN_ID))
    for check in ("nodes", "node_clock", "contracts", "signer_keys", "operator_funds"):
        assert of(found, check).verdict is Verdict.WELL, of(found, check)


def test_a_node_of_another_chain(
    folder: Path, environment: dict[str, str], node: EmbeddedNode
) -> None:
    found = examine(folder, at_node(environment, node, 4242))
    named(found, "chain_id", Verdict.WRONG, f"is on chain {CHAIN_ID}, not 4242")
    assert of(found, "operator_funds").verdict is Verdict.SKIPPED


def test_a_node_that_does_not_answer(folder: Path, environment: dict[str, str]) -> None:
    nobody = f"http://user:planted-word@127.0.0.1:{environment['AMANAT_PORT']}/planted-path"
    found = examine(folder, environment | {"AMANAT_NODES": nobody})
    named(found, "nodes", Verdict.WRONG, "no answer")
    assert "planted" not in str(found)


def test_a_machine_whose_clock_is_an_hour_off(
    folder: Path, environment: dict[str, str], node: EmbeddedNode
) -> None:
    from amanat.operating.doctor import network

    patient = Patient(
        folder,
        at_node(environment, node, CHAIN_ID),
        now=lambda: datetime.now(UTC) - timedelta(hours=1),
    )
    machine.configuration(patient)
    network.nodes(patient)
    found = network.node_clocks(patient)
    named(found, "node_clock", Verdict.WRONG, " s against this machine's")
    # A node tells whole seconds.
    assert 3595 <= int(found[0].found.split("+")[1].split(" ")[0]) <= 3605
    assert patient.rpc is not None
    patient.rpc.close()


def test_two_nodes_that_disagree(
    folder: Path, environment: dict[str, str], node: EmbeddedNode, tmp_path: Path
) -> None:
    with EmbeddedNode(tmp_path / "other", chain_id=CHAIN_ID, funded={}) as other:
        both = {"AMANAT_NODES": f"{node.url},{other.url}", "AMANAT_CHAIN_ID": str(CHAIN_ID)}
        found = examine(folder, environment | both)
    named(found, "nodes", Verdict.WRONG, "they disagree at height")


def test_contracts_of_another_chain(
    folder: Path, environment: dict[str, str], node: EmbeddedNode
) -> None:
    row = ledger.contract.insert().values(
        address="0x" + "cd" * 20, programme="test", kind="Cash", label="", block_number=1,
        replaced=False,
    )  # fmt: skip
    broken(folder, lambda c: c.execute(row))
    found = examine(folder, at_node(environment, node, CHAIN_ID))
    named(found, "contracts", Verdict.WRONG, "1 of 1 are not on the chain, the first is Cash")


def test_a_key_that_others_used(tmp_path: Path, folder: Path, environment: dict[str, str]) -> None:
    address = Keystore(folder / "keys").address("installation", "operator")
    password = read_secret(folder / "secrets", "keystore").hex()
    signer = Keystore(folder / "keys", scrypt=SCRYPT_LIGHT).open(
        "installation", "operator", password
    )
    place = tmp_path / "used"
    with EmbeddedNode(place, chain_id=CHAIN_ID, funded={address: FUNDED_WEI}) as used:
        send(used, signer)
        counter = ledger.counter.insert().values(name=f"nonce:{address}", next=0)
        broken(folder, lambda c: c.execute(counter))
        found = examine(folder, at_node(environment, used, CHAIN_ID))
    told = "the chain has 1 transactions of it, this database gave 0"
    named(found, "operator_funds", Verdict.WRONG, told)


def send(node: EmbeddedNode, signer: KeySigner) -> None:
    """One transaction of this key, mined."""
    from amanat.ledger.rpc import RpcClient
    from amanat.ledger.wire import ChainTransaction

    rpc = RpcClient([node.url])
    signed = signer.sign_transaction(
        ChainTransaction(CHAIN_ID, 0, signer.address, b"", 21_000, 10**9, 0)
    )
    rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    for _ in range(200):
        if rpc.call("eth_getTransactionCount", signer.address, "latest") == "0x1":
            break
    rpc.close()


def test_a_signers_key_that_the_chain_does_not_have(tmp_path: Path) -> None:
    from tests.programme.world import CODE, found_world

    place = tmp_path / "founded"
    with Application(Settings.at(place, light_keys=True)) as app:
        found_world(app)
        environment = {
            "AMANAT_NODES": app.node.url if app.node else "",
            "AMANAT_LIGHT_KEYS": "1",
            "AMANAT_PORT": "0",
        }
        sound = examine(place, environment)
        assert of(sound, "signer_keys").verdict is Verdict.WELL, of(sound, "signer_keys")
        assert of(sound, "contracts").verdict is Verdict.WELL
        with app.engine.begin() as connection:
            add_institution(
                connection, CODE, "stranger", number=99, name="Stranger", capacities=["bank"]
            )
            add_person(
                connection,
                CODE,
                "stranger_officer",
                institution="stranger",
                role=Role.OFFICER,
                name="Stranger",
                address="0x" + "ee" * 20,
            )
        named(examine(place, environment), "signer_keys", Verdict.WRONG, "not for 99")


# -- the command ----------------------------------------------------------------------------------


def run(folder: Path, environment: Mapping[str, str], *options: str) -> tuple[int, str]:
    program = "from amanat.cli import main; main()"
    command = [sys.executable, "-c", program, "doctor", "--data", str(folder), *options]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AMANAT_")}
    done = subprocess.run(
        command, env=clean | dict(environment), capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout


def test_the_command_tells_all_and_leaves_with_its_code(
    folder: Path, environment: dict[str, str]
) -> None:
    code, text = run(folder, environment, "--json")
    told = json.loads(text)
    assert (code, told["verdict"]) == (0, "watch")
    assert {"check", "verdict", "found"} <= set(told["findings"][0])
    folder.chmod(0o777)
    code, text = run(folder, environment)
    assert code == 1
    assert "chmod 700" in text
