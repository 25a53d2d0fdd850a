"""Commands that need no installation: lists, forms, keys, offline signing, folders of pilots."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from amanat.access.acts import ACTS, VIEWS
from amanat.cli.acts import FieldUnreadable, read_fields
from amanat.cli.pilots import MARKER, NotAReplay, prepare
from amanat.ledger import node
from amanat.ledger.signers import KeySigner, read_signature, signing_request
from amanat.supervision.cases.commands import Disseminate, OpenCase
from amanat.supervision.monitoring.commands import ComposeScenario


def test_alone_it_shows_the_state_and_what_is_next(line: Any, tmp_path: Path) -> None:
    result = line()
    assert result.exit_code == 0
    assert result.stdout.count("  amanat ") == 3
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


def test_every_act_and_view_is_listed(line: Any) -> None:
    assert {one["name"] for one in line.json("act")} == set(ACTS)
    views = line.json("view")
    assert {one["name"] for one in views} == set(VIEWS)
    assert {one["name"] for one in views if one["public"]} == {
        name for name, kind in VIEWS.items() if kind.public
    }
    rows = [words.split("│") for words in line("view").stdout.splitlines() if "│" in words]
    marked = {cells[1].strip(): cells[2].strip() for cells in rows}
    assert (marked["tender"], marked["my_bids"]) == ("yes", "")


WITH_FIELDS = sorted(name for name, kind in ACTS.items() if kind.command.model_fields)


def test_an_act_that_takes_nothing_is_carried_out_at_once(line: Any) -> None:
    """There is nothing to say of its fields: it asks who is speaking."""
    for name in sorted(set(ACTS) - set(WITH_FIELDS)):
        result = line("act", name)
        assert result.exit_code == 1
        assert "AMANAT_TOKEN" in result.stderr


@pytest.mark.parametrize("name", WITH_FIELDS)
def test_an_act_without_fields_says_what_it_takes(line: Any, name: str) -> None:
    schema = line.json("act", name)
    assert set(schema["properties"]) == set(ACTS[name].command.model_fields)


def test_unknown_acts_and_views_are_refused(line: Any) -> None:
    for command in ("act", "view"):
        result = line(command, "MakeMoney")
        assert result.exit_code == 1
        assert "MakeMoney" in result.stderr


def test_wrong_usage_leaves_with_2(line: Any) -> None:
    assert line("pilot").exit_code == 2


def test_exit_codes_are_documented(line: Any) -> None:
    shown = line("--help").stdout
    for code in ("0 done", "1 refused", "2 wrong usage", "3 a part", "4 two records", "130"):
        assert code in " ".join(shown.split())


def test_fields_are_text_unless_they_are_json() -> None:
    fields = read_fields(["a=1", "b=[1, 2]", 'c={"d": "e"}', "f=g=h", "i="])
    assert fields == {"a": "1", "b": [1, 2], "c": {"d": "e"}, "f": "g=h", "i": ""}


def test_what_an_act_takes_as_a_text_stays_one() -> None:
    """As the guide to monitoring composes a scenario."""
    rule = '{"name": "Many", "where": []}'
    composed = read_fields([f"rule={rule}", "reason=[urgent] seen"], asked=ComposeScenario)
    assert composed == {"rule": rule, "reason": "[urgent] seen"}
    opened = read_fields(['transactions=["1"]', "title={x}"], asked=OpenCase)
    assert opened == {"transactions": ["1"], "title": "{x}"}
    given = read_fields(["digest=[none", 'case=["x"]'], asked=Disseminate)
    assert given == {"digest": "[none", "case": '["x"]'}


@pytest.mark.parametrize("given", ["a", "=1", "a=[1"])
def test_malformed_fields_are_refused(given: str) -> None:
    with pytest.raises(FieldUnreadable):
        read_fields([given])


# -- keys and signing offline ----------------------------------------------------------------------


def test_a_request_is_signed_offline(line: Any, tmp_path: Path) -> None:
    made = line("keys", "new", "bank", "officer", typed="secret\nsecret\n")
    assert made.exit_code == 0, made.output
    address = line.json("keys", "list", "bank", "--keys", "keys")[0]["address"]
    request = signing_request(signer=address, purpose="a test", digest=b"\x07" * 32)
    path = tmp_path / "one.json"
    path.write_text(json.dumps(request))
    signed = line("sign", str(path), "bank", "officer", "--yes", typed="secret\n")
    assert signed.exit_code == 0, signed.output
    answer = (tmp_path / "one.signature.json").read_text()
    assert len(read_signature(answer, request)) == 65


def test_a_wrong_password_signs_nothing(line: Any, tmp_path: Path) -> None:
    line("keys", "new", "bank", "officer", typed="secret\nsecret\n")
    address = line.json("keys", "list", "bank", "--keys", "keys")[0]["address"]
    path = tmp_path / "one.json"
    path.write_text(json.dumps(signing_request(signer=address, purpose="x", digest=b"\x07" * 32)))
    result = line("sign", str(path), "bank", "officer", "--yes", typed="wrong\n")
    assert result.exit_code == 1
    assert not (tmp_path / "one.signature.json").exists()


def test_a_request_for_another_key_is_refused(line: Any, tmp_path: Path) -> None:
    line("keys", "new", "bank", "officer", typed="secret\nsecret\n")
    other = KeySigner.generate().address
    path = tmp_path / "one.json"
    path.write_text(json.dumps(signing_request(signer=other, purpose="x", digest=b"\x07" * 32)))
    result = line("sign", str(path), "bank", "officer", "--yes", typed="secret\n")
    assert result.exit_code == 1
    assert "key_not_held" in result.stderr


def test_a_node_that_cannot_be_fetched_is_told_in_words(
    line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "PARTS_FOLDER", tmp_path / "share")
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "empty"))
    result = line("ledger", "install")
    assert result.exit_code == 3
    assert "parts_missing: npm ci failed" in result.stderr


# -- folders of pilots -----------------------------------------------------------------------------


def test_a_sound_folder_is_said_to_be_sound(line: Any, bond_folder: Path) -> None:
    result = line("pilot", str(bond_folder), "--check")
    assert result.exit_code == 0
    assert "sound" in result.stdout


def test_a_broken_folder_leaves_no_trace(line: Any, bond_folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bond_folder, tmp_path / "broken"))
    text = (copy / "trades.csv").read_text(encoding="utf-8")
    (copy / "trades.csv").write_text(text.replace("_own,", "_gone,", 1), encoding="utf-8")
    data = tmp_path / "data"
    result = line("pilot", str(copy), "--data", str(data))
    assert result.exit_code == 1
    assert "trades.csv:" in result.stderr
    assert "unknown_holder" in result.stderr
    assert not data.exists()
    assert not (tmp_path / "var").exists()


def test_broken_folders_answer_with_a_problem_document(line: Any, tmp_path: Path) -> None:
    result = line("pilot", str(tmp_path / "nowhere"), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == "folder_not_found"


def test_only_what_a_replay_made_is_emptied(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(NotAReplay):
        prepare(precious, resume=False)
    assert (precious / "thesis.txt").exists()


def test_a_replay_begins_empty_unless_it_resumes(tmp_path: Path) -> None:
    data = tmp_path / "run"
    prepare(data, resume=False)
    (data / "amanat.sqlite").write_text("")
    prepare(data, resume=True)
    assert (data / "amanat.sqlite").exists()
    prepare(data, resume=False)
    assert [one.name for one in data.iterdir()] == [MARKER]
