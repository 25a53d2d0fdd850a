"""What `amanat` alone shows of an installation whose database is a real PostgreSQL server."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.ledger.tables import alarm
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, steps_of
from amanat.replay.runner import replay
from amanat.settings import Settings


@pytest.fixture
def founded_there(bond_folder: Path, postgres_url: str, tmp_path: Path) -> Path:
    """The folder of an installation with a founded programme in PostgreSQL."""
    pilot, data = load_pilot(bond_folder), tmp_path / "installation"
    until = 1 + next(n for n, one in enumerate(steps_of(pilot)) if one.kind is Kind.FOUND)
    settings = replace(Settings.at(data, light_keys=True), database_url=postgres_url)
    with Application(settings) as application:
        replay(application, pilot, until=until)
    return data


def test_state_and_next_commands_with_postgresql(
    line: Any,
    founded_there: Path,
    bond_folder: Path,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMANAT_DATABASE", postgres_url)
    assert not (founded_there / "amanat.sqlite").exists()
    found = line.json("--data", str(founded_there))
    programme = load_pilot(bond_folder).programme
    assert [one["code"] for one in found["programmes"]] == [programme.code]
    assert found["programmes"][0]["open_orders"] == 0
    assert found["next"][0] == f"amanat serve --data {founded_there}"
    assert len(found["next"]) == 3
    engine = sql.create_engine(postgres_url)
    one = {"id": "a1", "kind": "order_overdue", "subject": "order-7", "detail": "late"}
    with engine.begin() as connection:
        connection.execute(alarm.insert().values(**one, raised_at="2026-11-22T00:00:00+00:00"))
    engine.dispose()
    shown = line("--data", str(founded_there)).stdout
    assert programme.code in shown
    assert "postgresql+pg8000://" in shown
    assert "ALARM order_overdue of order-7" in shown
    assert shown.count("  amanat ") == 3


def test_an_empty_postgresql_is_only_looked_at(
    line: Any, empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMANAT_DATABASE", empty_postgres_url)
    result = line()
    assert result.exit_code == 0, result.stderr
    assert "No programme yet in postgresql+pg8000://" in result.stdout
    assert result.stdout.count("  amanat ") == 3
    engine = sql.create_engine(empty_postgres_url)
    assert sql.inspect(engine).get_table_names() == []
    engine.dispose()
    assert list(tmp_path.iterdir()) == []


def test_a_postgresql_that_does_not_answer_is_told_without_its_password(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening: connections are refused
        port = taken.getsockname()[1]
        url = f"postgresql+pg8000://amanat:hunter2@127.0.0.1:{port}/amanat"
        monkeypatch.setenv("AMANAT_DATABASE", url)
        result = line()
    assert result.exit_code == 3
    assert result.stderr.startswith("database_unavailable: postgresql+pg8000://amanat:***@")
    assert "hunter2" not in result.stdout + result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_command_of_a_database_that_does_not_answer_may_be_tried_again(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql+pg8000://amanat:hunter2@127.0.0.1:{taken.getsockname()[1]}/amanat"
        monkeypatch.setenv("AMANAT_DATABASE", url)
        result = line("token", "issue", "somebody")
    assert result.exit_code == 3, result.exception
    assert result.stderr == "database_unavailable: The database takes nothing now; try again.\n"


def test_what_is_no_url_of_a_database_is_refused(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMANAT_DATABASE", "hunter2")
    result = line("token", "issue", "somebody")
    assert result.exit_code == 1, result.exception
    assert result.stderr.startswith("database_not_supported: ")
    assert "hunter2" not in result.stderr


def test_another_database_is_refused(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMANAT_DATABASE", "mysql://amanat@localhost/amanat")
    result = line()
    assert result.exit_code == 1
    assert "database_not_supported" in result.stderr


def test_a_pilots_folder_is_not_meant_where_a_database_is_named(
    line: Any, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot = tmp_path / "var" / "pilots" / "one"
    pilot.mkdir(parents=True)
    (pilot / "amanat.sqlite").write_bytes(b"")
    assert line.json()["data"] == "var/pilots/one"
    monkeypatch.setenv("AMANAT_DATABASE", postgres_url)
    assert line.json()["data"] == "var/amanat"
