"""`amanat licence verify`: offline, one line, and the reason for each refusal; also when bare."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.licensing.credentials.test_certificates import DER, made
from tests.licensing.credentials.test_credentials import ISSUING, KEY, NOW, OTHER, PLACE, TOKEN, URI
from tests.licensing.register.test_register import ENTRY, LICENCE
from tests.licensing.world import found_licensing_world
from tests.programme.world import CODE
from typer.testing import CliRunner

from amanat.app import Application
from amanat.cli.root import app
from amanat.licensing.credentials.jose import Es256Key, read_keys
from amanat.licensing.credentials.key_certificates import published_key, published_keys
from amanat.licensing.credentials.licence import issue_licence
from amanat.licensing.credentials.status_lists import Status, StatusList, issue_status_list
from amanat.licensing.credentials.verifying import main
from amanat.settings import Settings

AT = "2026-09-21T15:00:00Z"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a verifier keeps: the authority's keys, a status list; and what is shown to them."""
    (tmp_path / "keys.json").write_bytes(published_keys([published_key(KEY.public_key, DER)]))
    for name, status in (("list", 0), ("suspended", Status.SUSPENDED), ("revoked", Status.INVALID)):
        statuses = StatusList.of(1024, {PLACE.index: status})
        text = issue_status_list(URI, statuses, KEY, NOW, 3_600, 86_400)
        (tmp_path / f"{name}.jwt").write_text(text)
    (tmp_path / "licence.sd-jwt").write_text(TOKEN + "\n")
    (tmp_path / "certificate.pdf").write_bytes(made())
    return tmp_path


def platform(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["licence", "verify", *arguments])
    return done.exit_code, done.stdout, done.stderr


def bare(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(params=[platform, bare], ids=["platform", "bare"])
def run(request: pytest.FixtureRequest) -> Run:
    """The command, with Typer and without."""
    return request.param  # type: ignore[no-any-return]


def asked(folder: Path, what: str, status_list: str = "list", at: str = AT) -> list[str]:
    lists = ["--status-list", str(folder / f"{status_list}.jwt")] if status_list else []
    return [what, "--keys", str(folder / "keys.json"), *lists, "--at", at]


def test_a_licence_holds_as_file_as_token_and_as_certificate(run: Run, folder: Path) -> None:
    for what in (str(folder / "licence.sd-jwt"), TOKEN, str(folder / "certificate.pdf")):
        code, out, err = run(*asked(folder, what))
        assert (code, err) == (0, "")
        assert out.startswith("Valid: licence PK/2026-0001 (exchange) of Crescent Exchange")
        assert len(out.splitlines()) == 1


def test_it_answers_programs(run: Run, folder: Path) -> None:
    code, out, _err = run(*asked(folder, TOKEN), "--json")
    found = json.loads(out)
    assert (code, found["valid"], found["number"]) == (0, True, "PK/2026-0001")
    code, out, _err = run(*asked(folder, TOKEN, "suspended"), "--json")
    found = json.loads(out)
    assert (code, found["valid"], found["code"]) == (1, False, "credential_suspended")


def refusals(folder: Path) -> dict[str, list[str]]:
    foreign = issue_licence(ENTRY, LICENCE, ISSUING, PLACE, OTHER, NOW)
    signed, *disclosures = TOKEN.split("~")
    head, payload, signature = signed.split(".")
    turned = "".join(reversed(signature[:40])) + signature[40:]
    altered = "~".join([f"{head}.{payload}.{turned}", *disclosures])
    return {
        "Altered": asked(folder, altered),
        "Expired: licence PK/2026-0001 held until": asked(
            folder, TOKEN, at="2027-07-01T00:00:00+05:00"
        ),
        "Not valid yet": asked(folder, TOKEN, at="2026-01-01T00:00:00Z"),
        "Suspended: licence PK/2026-0001": asked(folder, TOKEN, "suspended"),
        "Revoked: licence PK/2026-0001": asked(folder, TOKEN, "revoked"),
        "Signed by another than the authority": asked(folder, foreign),
        "The status list is stale": asked(folder, TOKEN, at="2026-09-23T00:00:00Z"),
        "no status list was given": asked(folder, TOKEN, ""),
        "cannot be read: No such file": asked(folder, str(folder / "nothing")),
        "is no time such as": asked(folder, TOKEN, at="yesterday"),
    }


@pytest.mark.parametrize("reason", list(refusals(Path("."))))
def test_each_refusal_says_why_in_one_line(run: Run, folder: Path, reason: str) -> None:
    code, out, err = run(*refusals(folder)[reason])
    assert (code, out) == (1, "")
    assert reason in err
    assert len(err.strip().splitlines()) == 1


def test_a_certificate_of_what_is_suspended_is_refused(run: Run, folder: Path) -> None:
    code, _out, err = run(*asked(folder, str(folder / "certificate.pdf"), "suspended"))
    assert code == 1
    assert "Suspended" in err


def test_keys_of_another_authority_are_refused(run: Run, folder: Path) -> None:
    other = Es256Key.generate()
    (folder / "keys.json").write_bytes(published_keys([published_key(other.public_key, DER)]))
    code, _out, err = run(*asked(folder, TOKEN))
    assert code == 1
    assert "not among the authority's" in err


def test_the_authoritys_key_is_made_published_replaced_and_revoked(
    line: Callable[..., Any], tmp_path: Path
) -> None:
    data = str(tmp_path / "installation")
    with Application(Settings.at(Path(data), light_keys=True)) as application:
        found_licensing_world(application)

    def key(*words: str, refused: bool = False) -> Any:
        done = line("licence", "key", *words, "--data", data, "--json")
        assert done.exit_code == int(refused), done.output + done.stderr
        return json.loads(done.stdout or done.stderr)

    assert key("new", refused=True)["code"] == "issuer_not_given"
    issuer = f"https://register.example/p/{CODE}"
    first = key("new", "--issuer", issuer)["kid"]
    second = key("new", "--issuer", issuer)["kid"]
    listed = {one["kid"]: one for one in key("list")}
    assert (listed[first]["retired_at"] is None, listed[second]["retired_at"]) == (False, None)
    assert listed[second]["place"] == "keystore"

    def published() -> list[str]:
        done = line("licence", "key", "publish", "--data", data)
        return list(read_keys(done.stdout).keys)

    assert published() == [first, second]
    key("end", first, "--reason", "In other hands", "--revoke")
    assert published() == [second]
    assert key("end", first, "--reason", "x", refused=True)["code"] == "credential_key_ended"
    assert key("end", "nobody", "--reason", "x", refused=True)["code"] == "not_found"
