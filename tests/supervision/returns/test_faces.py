"""Returns by the API and on the command line."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from amanat.access.actors import Actor
from amanat.cli.returns_sent import lines_of
from amanat.cli.root import app
from amanat.core.errors import AmanatError
from amanat.licensing.commands import LiftSuspension, Suspend
from amanat.supervision.returns.specification import VERSION
from amanat.supervision.returns.tables import manifest, refused
from amanat.web import returns
from amanat.web.guard import Guard
from amanat.web.problems import problem

from .conftest import IntakeWorld
from .exchanges import restated, rewritten, written

WHERE = "/v1/programmes/test/returns"
TAR, STREAM = {"Content-Type": "application/x-tar"}, {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def client(world: IntakeWorld) -> TestClient:
    """The routes of returns, with the officer of `exchange_x` signed in."""
    faces, api = FastAPI(), APIRouter(prefix="/v1/programmes/{programme}")

    def signed_in() -> Actor:
        actor: Actor = world.desk.actor("exchange_x_officer")
        return actor

    installed: Any = SimpleNamespace(intake=world.intake)
    returns.add_routes(api, installed, signed_in)
    faces.include_router(api)

    @faces.exception_handler(AmanatError)
    def expected(_request: Request, error: AmanatError) -> Any:
        return problem(error)

    faces.add_middleware(Guard, return_bytes_max=1 << 20)
    return TestClient(faces)


def packed(folder: Path) -> bytes:
    """The files of a return as a tar."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for one in sorted(folder.iterdir()):
            archive.add(one, one.name)
    return whole.getvalue()


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_tar_is_taken_and_again(
    client: TestClient, world: IntakeWorld, tmp_path: Path, format: str
) -> None:
    content = packed(written(tmp_path / "r", format=format))
    first = client.post(WHERE, content=content, headers=TAR)
    assert first.status_code == 200, first.text
    assert first.json()["rows"] == 7
    again = client.post(WHERE, content=content, headers=TAR)
    assert again.json() == first.json()
    assert len(world.rows(manifest)) == 1


def test_a_stream_is_taken(client: TestClient, world: IntakeWorld, tmp_path: Path) -> None:
    lines = lines_of(written(tmp_path / "r", format="ndjson"))
    answer = client.post(WHERE, content=lines, headers=STREAM)
    assert answer.status_code == 200, answer.text
    assert world.rows(manifest)[0].digest == answer.json()["digest"]


def test_all_errors_come_back_at_once(
    client: TestClient, world: IntakeWorld, tmp_path: Path
) -> None:
    folder = restated(written(tmp_path / "r"), currency="USD")
    rewritten(folder, "accounts.csv", lambda content: content.replace(b"P1", b"P9", 1))
    answer = client.post(WHERE, content=packed(folder), headers=TAR)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {one["rule"] for one in body["errors"]} >= {"manifest_field", "party_known"}
    assert ("accounts.csv", 1, "party") in {
        (one["file"], one["row"], one["column"]) for one in body["errors"]
    }
    assert len(world.rows(refused)) == 1


def test_what_is_no_return_is_refused(client: TestClient, world: IntakeWorld) -> None:
    for content, kind in (
        (b"no tar", TAR),
        (b"{}\n", STREAM),
        (b"x", {"Content-Type": "text/csv"}),
        (b"x" * (2 << 20), TAR),
    ):
        answer = client.post(WHERE, content=content, headers=kind)
        assert answer.json()["code"] == "return_unreadable", content[:10]
        assert answer.status_code == 422
    assert world.files() == []


@pytest.mark.parametrize("level", ["no_new_business", "full_freeze"])
def test_a_suspended_exchange_is_answered_403_before_anything_is_read(
    client: TestClient, world: IntakeWorld, tmp_path: Path, level: str
) -> None:
    """In the same instant: the clock stands still between the suspension and the return."""
    before = world.desk.clock.now
    suspend = Suspend(provider="exchange_x", level=level, reason="assets are missing")
    done = world.desk.do_as("pvara_officer", suspend, "pvara_approver")
    world.desk.clock.now = before
    for content in (b"no tar", packed(written(tmp_path / "r"))):
        answer = client.post(WHERE, content=content, headers=TAR)
        assert (answer.status_code, answer.json()["code"]) == (403, "provider_suspended")
        assert level in answer.text
        assert str(done["file"]) in answer.text
    assert world.rows(manifest) == world.rows(refused) == []
    lift = LiftSuspension(file=str(done["file"]), reason="made whole")
    world.desk.do_as("pvara_officer", lift, "pvara_approver")
    taken = client.post(WHERE, content=packed(tmp_path / "r"), headers=TAR)
    assert taken.status_code == 200


def test_the_specification_is_for_everyone(client: TestClient, world: IntakeWorld) -> None:
    answer = client.get(f"{WHERE}/specification")
    assert answer.status_code == 200
    assert answer.content.startswith(b"PK")
    shown = world.desk.app.desk.view(None, "test", "return_specification", {"record": "accounts"})
    assert shown["version"] == VERSION
    assert {one["record"] for one in shown["rows"]} == {"accounts"}
    assert set(shown["schemas"]) == {"manifest.schema.json", "accounts.schema.json"}


# -- the command line -----------------------------------------------------------------------------


def run(*words: str) -> Any:
    """The command line, as somebody types it."""
    return CliRunner().invoke(app, ["intake", *words])


def test_check_at_home(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    done = run("check", str(folder), "--today", "2026-03-09")
    assert done.exit_code == 0, done.output
    assert "7 transactions" in done.output
    packed_file = tmp_path / "r.tar"
    packed_file.write_bytes(packed(folder))
    assert run("check", str(packed_file), "--today", "2026-03-09").exit_code == 0


def test_check_tells_every_error_and_leaves_with_1(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "accounts.csv", lambda content: content.replace(b"P1", b"=1", 1))
    done = run("check", str(folder), "--today", "2026-03-09", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["by_rule"] == {"formula": 1}
    assert told["shown"] == [
        {"file": "accounts.csv", "row": 1, "column": "party", "rule": "formula", "value": "=1"}
    ]
    plain = run("check", str(folder), "--today", "2026-03-09")
    assert plain.exit_code == 1
    assert "accounts.csv: row 1: party: formula" in " ".join(plain.output.split())


def test_check_of_nothing(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "nothing")).exit_code == 1
    done = run("check", str(tmp_path))
    assert done.exit_code == 1


def test_the_specification_is_printed_and_written(tmp_path: Path) -> None:
    assert run("specification").stdout.startswith("# The return of an exchange")
    assert "transactions.schema.json" in json.loads(run("specification", "--json").stdout)
    done = run("specification", str(tmp_path))
    assert done.exit_code == 0
    assert (tmp_path / "return-specification.md").is_file()
    assert (tmp_path / "return" / "example-parquet" / "transactions.parquet").is_file()


def test_sending_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMANAT_TOKEN", raising=False)
    done = run("send", str(written(tmp_path / "r")))
    assert done.exit_code == 1
