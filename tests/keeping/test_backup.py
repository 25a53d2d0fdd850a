"""Backups that are taken under load, restored for good, and compared."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from tests.programme.world import CODE
from tests.settlement.trading import BOND_ISIN, MILLION, Trading

from amanat.access.actors import load_actor
from amanat.app import Application
from amanat.keeping import tables
from amanat.keeping.backup import (
    BackupDamaged,
    BackupExists,
    PassphraseTooShort,
    create,
    digest_of,
    passphrase_in,
    read_list,
    unpack,
)
from amanat.keeping.restore import HomeNotEmpty, Restored, restore, verify
from amanat.keeping.tables import DatabaseNotEmpty, NothingToKeep
from amanat.ledger.balances import balances_at
from amanat.ledger.tables import alarm as alarms
from amanat.licensing.forms.form import DocumentType
from amanat.settings import Settings
from amanat.store.age import Encrypting, FileAltered, KeyDoesNotOpen, Lock, Opener
from amanat.store.journal import read_entries

NOW = datetime(2021, 3, 1, 18, 0, tzinfo=UTC)


def quiet(_: str) -> None:
    """Progress is for people."""


def holdings(app: Application) -> dict[str, dict[str, int]]:
    """Every balance of every token, by the index."""
    with app.store.reading() as connection:
        return {
            address: balances_at(connection, address)
            for address in sorted(app.ledger.contracts.load(connection))
        }


def entries(app: Application) -> list[Any]:
    with app.store.reading() as connection:
        return [entry["id"] for entry in read_entries(connection, programme=CODE)]


def place(tmp_path: Path, database_url: str) -> Settings:
    return replace(Settings.at(tmp_path / "restored"), database_url=database_url)


def test_a_backup_taken_under_load_restores_to_a_state_that_fsck_accepts(
    trading: Trading, tmp_path: Path, other_database_url: str, lock: Lock, opener: Opener
) -> None:
    app = trading.app
    bought = trading.trade("ministry.distribution", "bank_a.own", nominal=MILLION, paisa=MILLION)
    documents = app.settings.data_dir / "documents"
    documents.mkdir()
    (documents / "title.pdf").write_bytes(b"%PDF-1.7")
    done: list[str] = []
    stop = threading.Event()

    def trade_on() -> None:
        while not stop.is_set():
            pair = (
                ("bank_a.own", "bank_b.own") if len(done) % 2 == 0 else ("bank_b.own", "bank_a.own")
            )
            done.append(trading.trade(*pair, nominal=100_000, paisa=100_000))

    load = threading.Thread(target=trade_on)
    load.start()
    try:
        while len(done) < 2:
            stop.wait(0.05)
        before = len(done)
        backup = create(app.settings, tmp_path / "backups.age", lock, NOW)
    finally:
        stop.set()
        load.join()
    known = set(entries(app))

    found = restore(backup.file, place(tmp_path, other_database_url), opener, quiet)

    assert found.differences == ()
    settings = replace(place(tmp_path, other_database_url), light_keys=True)
    assert (settings.data_dir / "documents" / "title.pdf").read_bytes() == b"%PDF-1.7"
    with Application(settings) as restored:
        restored.pump()
        assert restored.ledger.check() == []
        assert restored.keys.signer(app.operator).address == app.operator
        held = holdings(restored)
        assert sum(held[token_of(restored, BOND_ISIN)].values()) == 1_000 * MILLION
        again = Trading(replace(trading.world, app=restored))
        assert again.instruction(bought)["state"] == "settled"
        assert [again.instruction(one)["state"] for one in done[:before]] == ["settled"] * before
        assert len(known & set(entries(restored))) > len(entries(restored)) // 2
        # It goes on: the keys sign, the node takes it, nothing is done twice.
        again.trade("ministry.distribution", "fund_c.own", nominal=MILLION, paisa=MILLION)
        assert restored.ledger.check() == []


def test_what_was_ordered_after_the_database_was_copied_is_named(
    trading: Trading,
    tmp_path: Path,
    other_database_url: str,
    lock: Lock,
    opener: Opener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The node's copy is later: what it has beyond the database takes effect and is named."""
    app = trading.app
    trading.trade("ministry.distribution", "bank_a.own", nominal=MILLION, paisa=MILLION)
    dump = tables.dump

    def dump_and_trade(*given: Any) -> tables.Content:
        content = dump(*given)
        trading.trade("bank_a.own", "bank_b.own", nominal=100_000, paisa=100_000)
        state = app.settings.data_dir / "node" / "state.json"
        written = state.stat().st_mtime_ns
        limit = time.monotonic() + 30
        while state.stat().st_mtime_ns < written + 1_500_000_000 and time.monotonic() < limit:
            time.sleep(0.1)
        return content

    monkeypatch.setattr(tables, "dump", dump_and_trade)
    backup = create(app.settings, tmp_path / "backups.age", lock, NOW)
    found = restore(backup.file, place(tmp_path, other_database_url), opener, quiet)
    assert len(found.unknown) == 1
    assert found.differences == ()
    settings = replace(place(tmp_path, other_database_url), light_keys=True)
    with Application(settings) as restored:
        restored.pump()
        again = Trading(replace(trading.world, app=restored))
        assert again.holds(BOND_ISIN, "bank_b.own") == 100_000
        with restored.store.reading() as connection:
            (alarm,) = connection.execute(sql.select(alarms)).all()
        assert (alarm.kind, found.unknown[0] in alarm.detail) == ("order_unknown", True)
        again.trade("ministry.distribution", "fund_c.own", nominal=MILLION, paisa=MILLION)
        assert restored.ledger.check() == []


def token_of(app: Application, isin: str) -> str:
    return app.ledger.contracts.address(CODE, "Security", isin)


def test_a_stopped_installation_is_restored_to_the_same_holdings_and_journal(
    founded: Application, tmp_path: Path, other_database_url: str, lock: Lock, opener: Opener
) -> None:
    before = entries(founded)
    settings = founded.settings
    founded.stop()
    backup = create(settings, tmp_path / "backups.age", lock, NOW)
    found = restore(backup.file, place(tmp_path, other_database_url), opener, quiet)
    assert (found.differences, found.adopted, found.waiting) == ((), (), 0)
    with Application(replace(place(tmp_path, other_database_url), light_keys=True)) as restored:
        assert entries(restored) == before
        assert restored.programmes()[0]["code"] == CODE


def test_verifying_restores_elsewhere_and_enters_it_into_the_list(
    founded: Application, tmp_path: Path, lock: Lock, opener: Opener
) -> None:
    """Whatever wrote it, a scratch SQLite is filled: no PostgreSQL is needed to look."""
    home = founded.settings.data_dir
    files = sorted(path.name for path in home.iterdir())
    backup = create(founded.settings, tmp_path / "backups.age", lock, NOW)
    (entry,) = read_list(home)
    assert entry == {
        "at": "2021-03-01T18:00:00Z",
        "file": str(backup.file),
        "digest": digest_of(backup.file),
        "verified_at": None,
    }
    found = verify(backup.file, founded.settings, opener, NOW, quiet)
    assert found.differences == ()
    assert json.loads((home / "backups.json").read_text())[0]["verified_at"] == (
        "2021-03-01T18:00:00Z"
    )
    added = {path.name for path in home.iterdir()} - set(files)
    assert added == {"backups.json", ".backups.json.lock"}


def test_documents_are_restored_whole_and_one_that_was_altered_is_told_of(
    founded: Application, tmp_path: Path, lock: Lock, opener: Opener
) -> None:
    with founded.store.reading() as connection:
        officer = load_actor(connection, CODE, "ministry_officer", "a test")
    content = b"asset,value\nroad,1\n"
    given = (officer, io.BytesIO(content), "assets.csv", [DocumentType.CSV])
    made = founded.documents.receive(*given)
    backup = create(founded.settings, tmp_path / "backups.age", lock, NOW)
    settings = Settings.at(tmp_path / "restored", light_keys=True)
    assert restore(backup.file, settings, opener, quiet).differences == ()
    with Application(settings) as restored:
        assert b"".join(restored.documents.parts(made.digest)) == content
    path = founded.documents.path(made.digest)
    path.write_bytes(path.read_bytes()[:-1])
    altered = create(founded.settings, tmp_path / "altered.age", lock, NOW)
    found = verify(altered.file, founded.settings, opener, NOW, quiet)
    assert [(one.law, one.thing) for one in found.differences] == [("document_kept", made.digest)]


def test_nothing_is_written_over(
    founded: Application, tmp_path: Path, database_url: str, lock: Lock, opener: Opener
) -> None:
    backup = create(founded.settings, tmp_path / "backups.age", lock, NOW)
    with pytest.raises(BackupExists):
        create(founded.settings, backup.file, lock, NOW)
    with pytest.raises(HomeNotEmpty):
        restore(backup.file, founded.settings, opener, quiet)
    with pytest.raises(DatabaseNotEmpty):
        restore(backup.file, place(tmp_path, database_url), opener, quiet)


def test_a_backup_opens_only_with_its_key_and_only_unaltered(
    founded: Application, tmp_path: Path, lock: Lock, opener: Opener
) -> None:
    backup = create(founded.settings, tmp_path / "backups.age", lock, NOW)
    whole = backup.file.read_bytes()
    for secret in (b"keystore", b"scrypt-", b"officer", CODE.encode()):
        assert secret not in whole[200:]
    settings = Settings.at(tmp_path / "scratch")
    with pytest.raises(KeyDoesNotOpen):
        verify(backup.file, settings, Opener(passphrase="another passphrase"), NOW, quiet)
    for damage in (
        lambda at: whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
        lambda at: whole[:at],
    ):
        backup.file.write_bytes(damage(len(whole) // 2))
        with pytest.raises((FileAltered, BackupDamaged)):
            verify(backup.file, settings, opener, NOW, quiet)


def test_a_file_that_differs_from_the_manifest_is_refused(
    founded: Application, tmp_path: Path, lock: Lock, opener: Opener
) -> None:
    """Whoever has a recipient's public key can encrypt; what he puts in is still checked."""
    backup = create(founded.settings, tmp_path / "backups.age", lock, NOW)
    opened = tmp_path / "opened"
    unpack(backup.file, opener, opened)
    escape = tmp_path / "escape.age"
    for change, name in (
        (lambda tar: tar.add(opened / "manifest.json", "../outside"), "outside"),
        (lambda tar: tar.add(opened / "manifest.json", "home/extra"), "extra"),
        (lambda _: None, "manifest"),
    ):
        pack(opened, escape, lock, change, whole=name != "manifest")
        with pytest.raises(BackupDamaged):
            unpack(escape, opener, tmp_path / f"into-{name}")
        assert not (tmp_path / "outside").exists()


def pack(
    folder: Path, file: Path, lock: Lock, change: Callable[[tarfile.TarFile], None], whole: bool
) -> None:
    with file.open("wb") as target:
        sealed = Encrypting(target, lock, work=10)
        with tarfile.open(fileobj=sealed, mode="w|gz") as tar:
            change(tar)
            for path in sorted(folder.rglob("*")):
                name = str(path.relative_to(folder))
                if path.is_file() and (whole or name != "manifest.json"):
                    tar.add(path, name)
        sealed.finish()


def test_an_empty_folder_has_nothing_to_keep(tmp_path: Path, lock: Lock) -> None:
    settings = Settings.at(tmp_path / "nothing")
    settings.data_dir.mkdir()
    with pytest.raises(NothingToKeep):
        create(settings, tmp_path / "backups.age", lock, NOW)
    assert read_list(settings.data_dir) == []
    assert not (tmp_path / "backups.age").exists()


def test_a_short_passphrase_is_refused() -> None:
    words = "correct horse battery staple"
    assert passphrase_in("passphrase", f"{words}\nkept in a safe\n") == words
    with pytest.raises(PassphraseTooShort, match="passphrase: a passphrase has"):
        passphrase_in("passphrase", "too short\n")


def test_a_restoration_says_what_it_found(
    founded: Application, tmp_path: Path, lock: Lock, opener: Opener
) -> None:
    backup = create(founded.settings, tmp_path / "backups.age", lock, NOW)
    told: list[str] = []
    found: Restored = restore(backup.file, Settings.at(tmp_path / "restored"), opener, told.append)
    assert told[0] == "decrypting"
    assert found.block >= backup.manifest["database"]["block_number"]
    assert found.manifest["database"]["programmes"] == [CODE]
