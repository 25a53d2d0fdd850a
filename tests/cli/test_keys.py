"""A key's life on the command line: made, listed, rotated step by step, revoked, destroyed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from tests.ledger.softhsm import PIN, tokens_in
from tests.programme.world import CODE, found_world

from amanat.app import Application
from amanat.ledger.signers import read_signature, signing_request
from amanat.settings import Settings

Run = Callable[..., Any]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of an installation whose Directory changes one second after the announcement."""
    folder = tmp_path / "installation"
    with Application(Settings.at(folder, light_keys=True)) as app:
        found_world(app, delay_seconds=1)
    return folder


@pytest.fixture
def run(line: Any, data: Path) -> Run:
    """A command on that installation by a person, with --json; its document, or its refusal."""
    tokens: dict[str, str] = {}

    def command(person: str, *words: str, refused: bool = False) -> Any:
        if person not in tokens:
            made = line("token", "issue", person, "--bare", "--data", str(data))
            tokens[person] = made.stdout.strip()
        result = line(*words, "--data", str(data), "--json", token=tokens[person])
        assert result.exit_code == int(refused), result.output + result.stderr
        return json.loads(result.stdout or result.stderr)

    return command


def test_a_persons_key_is_rotated_step_by_step(run: Run, line: Any, data: Path) -> None:
    def rotate() -> Any:
        return run("ministry_officer", "keys", "rotate", "ministry_officer", "--to", fresh)

    made = line.json("keys", "create", "ministry", "officer_2", "--data", str(data))
    fresh = made["address"]
    assert made["place"] == "keystore"
    again = line("keys", "create", "ministry", "officer_2", "--data", str(data))
    assert (again.exit_code, "key_exists" in again.stderr) == (1, True)
    former = {one["holder"]: one for one in run("ministry_officer", "keys", "list", "ministry")}
    old = former["ministry_officer"]["key"]
    assert run("ministry_officer", "keys", "expiring", "--days", "10") == []
    assert len(run("ministry_officer", "keys", "expiring", "--days", "3000")) > 10

    proposed = rotate()
    assert (proposed["act"], proposed["awaits"]) == ("AnnounceChange", ["central_bank"])
    run("central_bank_approver", "approve", proposed["proposal"])
    waits = rotate()
    if waits.get("state") == "announced":  # not due yet: it says from when
        assert waits["due_at"]
        time.sleep(2)
        waits = rotate()
    assert (waits["act"], waits["state"]) == ("ExecuteChange", "carried_out")
    proposed = rotate()
    assert (proposed["act"], proposed["awaits"]) == ("RotateKey", ["ministry"])
    run("ministry_approver", "approve", proposed["proposal"])
    states = {one["key"]: one["state"] for one in run("ministry_officer", "keys", "list")}
    assert (states[old], states[fresh]) == ("retired", "in_use")

    refused = run("ministry_officer", "keys", "retire", fresh, "--yes", refused=True)
    assert refused["code"] == "key_still_usable"
    ended = line.json("keys", "retire", old, "--yes", "--data", str(data))
    assert ended["state"] == "destroyed"
    assert not (data / "keys" / "ministry" / "officer.json").exists()
    revoked = run("ministry_officer", "keys", "revoke", fresh, "--reason", "stolen")
    assert (revoked["act"], revoked["awaits"]) == ("RevokeKey", ["ministry"])


def test_the_sending_key_is_rotated(run: Run, line: Any, data: Path) -> None:
    made = line.json("keys", "create", "installation", "operator_2", "--data", str(data))
    words = ("keys", "rotate", "operator", "--to", made["address"], "--coins", "1000000")
    proposed = run("ministry_officer", *words)
    assert (proposed["act"], proposed["awaits"]) == ("AppointSender", ["central_bank"])
    run("central_bank_approver", "approve", proposed["proposal"])
    rows = run("ministry_officer", "keys", "list", "installation")
    assert {one["holder"]: one["state"] for one in rows if one["key"] == made["address"]} == {
        "operator": "in_use"
    }


@pytest.mark.device
def test_a_request_is_signed_in_a_device(line: Any, tmp_path: Path) -> None:
    tokens = tokens_in(tmp_path / "hsm")
    tokens.initialise("line")
    data = tmp_path / "installation"
    data.mkdir()
    (data / "devices.toml").write_text(tokens.terms("line", "bank"))
    made = line.json("keys", "create", "bank", "officer", "--data", str(data))
    assert made["place"] == "device line"
    request = signing_request(signer=made["address"], purpose=CODE, digest=b"\x07" * 32)
    path = tmp_path / "one.json"
    path.write_text(json.dumps(request))
    devices = ("--devices", str(data / "devices.toml"))
    signed = line("sign", str(path), "bank", "officer", "--yes", *devices)
    assert signed.exit_code == 0, signed.output + signed.stderr
    assert PIN not in signed.output
    assert len(read_signature((tmp_path / "one.signature.json").read_text(), request)) == 65
    refused = line("sign", str(path), "bank", "nobody", "--yes", *devices)
    assert (refused.exit_code, "key_not_held" in refused.stderr) == (1, True)
    pkcs11.lib(str(tokens.module)).finalize()


def test_secrets_are_split_into_a_folder_without_parts(line: Any, tmp_path: Path) -> None:
    """Parts that are there already, of this splitting or another, are never written over."""
    secrets = tmp_path / "installation" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "keystore").write_text("ab" * 32)
    where = ("--data", "installation")
    made = line.json("keys", "split", "parts", "--parts", "3", "--needed", "2", *where)
    assert made["written"] == [f"parts/secrets-part-{one}.json" for one in (1, 2, 3)]
    before = {one: one.read_bytes() for one in Path("parts").iterdir()}
    assert [one.stat().st_mode & 0o777 for one in before] == [0o600] * 3
    for count, present in (("3", (1, 2, 3)), ("2", (1, 2, 3))):
        refused = line("keys", "split", "parts", "--parts", count, "--needed", "2", *where)
        assert refused.exit_code == 1, refused.exception
        assert refused.stderr.splitlines() == [
            f"file_there: There is already parts/secrets-part-{one}.json; nothing is written over"
            " it."
            for one in present
        ]
    assert {one: one.read_bytes() for one in Path("parts").iterdir()} == before

    (tmp_path / "taken").write_text("")
    refused = line("keys", "split", "taken", *where)
    assert (refused.exit_code, refused.stderr[:11]) == (1, "file_there:"), refused.exception
    refused = line("keys", "split", "taken/parts", *where)
    assert (refused.exit_code, refused.stderr[:17]) == (1, "file_not_written:"), refused.exception

    shutil.rmtree(secrets)
    words = ("keys", "join", "parts/secrets-part-1.json", "parts/secrets-part-3.json", *where)
    assert line.json(*words)["restored"] == ["keystore"]
    assert (secrets / "keystore").read_text() == "ab" * 32
