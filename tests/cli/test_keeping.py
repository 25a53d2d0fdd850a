"""Backups on the command line: made for a key, listed, verified, restored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.programme.world import found_world
from typer.testing import CliRunner

from amanat.app import Application
from amanat.cli.root import app
from amanat.settings import Settings

RUNNER = CliRunner()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A stopped installation with a programme."""
    settings = Settings.at(tmp_path / "home", light_keys=True)
    with Application(settings) as application:
        found_world(application)
        application.pump()
    return settings.data_dir


def run(*words: object, code: int = 0) -> dict[str, object]:
    done = RUNNER.invoke(app, [*map(str, words), "--json"])
    assert done.exit_code == code, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_backup_is_made_verified_and_restored(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    recipient = run("backup", "key", secret)["recipient"]
    assert secret.stat().st_mode & 0o777 == 0o600
    made = run("backup", "create", tmp_path, "--recipient", recipient, "--data", home)
    file = Path(str(made["file"]))
    assert file.stat().st_mode & 0o777 == 0o600
    verified = run("backup", "verify", file, "--identity", secret, "--data", home)
    assert verified["differences"] == []
    listed = RUNNER.invoke(app, ["backup", "list", "--data", str(home), "--json"])
    (entry,) = json.loads(listed.stdout)
    assert entry["digest"] == made["digest"]
    assert entry["verified_at"] is not None
    restored = run("restore", file, "--identity", secret, "--data", tmp_path / "restored")
    assert restored["programmes"] == ["test"]
    assert float(str(restored["seconds"])) < 120
    assert (
        RUNNER.invoke(app, ["ledger", "fsck", "--data", str(tmp_path / "restored")]).exit_code == 0
    )
    again = run("restore", file, "--identity", secret, "--data", home, code=1)
    assert again["code"] == "home_not_empty"


def test_a_backup_needs_to_know_for_whom_and_by_whom(tmp_path: Path) -> None:
    folder = ("--data", tmp_path / "home")
    assert run("backup", "create", tmp_path, *folder, code=1)["code"] == "key_not_named"
    assert run("backup", "verify", tmp_path / "x", *folder, code=1)["code"] == "key_not_named"
    short = tmp_path / "passphrase"
    short.write_text("short\n")
    refused = run("backup", "create", tmp_path, "--passphrase-file", short, *folder, code=1)
    assert refused["code"] == "passphrase_too_short"
    wrong = run("backup", "create", tmp_path, "--recipient", "age1wrong", *folder, code=1)
    assert wrong["code"] == "key_text_invalid"
