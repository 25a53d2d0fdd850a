"""The folder of a network: what is refused before there is one, and what its record keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amanat.cli.root import app
from amanat.network.founding import found
from amanat.network.home import (
    VM_ID,
    Founded,
    Home,
    NetworkExists,
    NetworkNotFounded,
    Node,
    Parts,
    PartsNotBuilt,
    RecordUnreadable,
    find_parts,
)
from amanat.network.plan import load_plan
from amanat.network.status import status_of
from amanat.network.supervisor import is_up, running
from amanat.network.tokens import (
    TOKENS_FILE,
    Admission,
    NameOfNobody,
    TokenNotHeld,
    TokensUnreadable,
    admit,
    digest_of,
    fresh_token,
    read_admitted,
)

PILOT = Path(__file__).parents[2] / "pilots" / "pib-3y-2021"

FOUNDED = Founded(
    chain_id=781_948,
    network_id=78_194,
    subnet_id="subnet",
    blockchain_id="chain",
    coin_for_senders=1_000,
    administrators={"ministry": "0x" + "11" * 20},
    nodes=(Node("ministry", "Ministry of Finance", "NodeID-1", 1, 2, 3),),
)


def test_the_record_reads_back_what_was_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.keep(FOUNDED)
    assert home.founded() == FOUNDED
    assert home.founded().rpc_urls() == ["http://127.0.0.1:3/ext/bc/chain/rpc"]
    assert home.founded().nodes[0].own_url == "http://127.0.0.1:1"


def test_where_nothing_was_founded_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NetworkNotFounded):
        status_of(Home(tmp_path))
    answer = CliRunner().invoke(app, ["network", "status", "--home", str(tmp_path)])
    assert answer.exit_code == 1


def test_nobody_is_expelled_from_a_gate_that_is_not_there(tmp_path: Path) -> None:
    for words in (["expel", "secp"], ["admit", "secp", digest_of(fresh_token())]):
        answer = CliRunner().invoke(app, ["network", *words, "--gate", str(tmp_path / "gaet")])
        assert answer.exit_code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"schema": "amanat.network/9"}',
        '{"schema": "amanat.network/2"}',
        '{"schema": "amanat.network/2", "nodes": [{}]}',
        '{"schema": "amanat.network/2", "nodes": []}',
    ],
)
def test_a_record_of_another_kind_is_not_believed(tmp_path: Path, content: str) -> None:
    (tmp_path / "network.json").write_text(content)
    with pytest.raises(RecordUnreadable):
        Home(tmp_path).founded()


def test_founding_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    parts = Parts(tmp_path, tmp_path, tmp_path)
    with pytest.raises(NetworkExists):
        found(Home(tmp_path), load_plan(PILOT), parts, print)
    assert [one.name for one in tmp_path.iterdir()] == ["note.txt"]


def test_the_programs_are_found_where_the_setting_says(tmp_path: Path) -> None:
    with pytest.raises(PartsNotBuilt):
        find_parts({"AMANAT_NETWORK_PARTS": str(tmp_path)})
    (tmp_path / "plugins").mkdir()
    for name in ("avalanchego", "founder", f"plugins/{VM_ID}"):
        (tmp_path / name).touch()
    parts = find_parts({"AMANAT_NETWORK_PARTS": str(tmp_path)})
    assert parts.node == tmp_path / "avalanchego"


def test_an_administrators_key_opens_again(tmp_path: Path) -> None:
    address = Home(tmp_path).make_administrator("ministry")
    assert Home(tmp_path).administrator("ministry").address == address


def test_a_network_that_is_down_is_shown_as_silent(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.keep(FOUNDED)
    home.give_token("ministry")
    assert not is_up(home)
    assert running(home) == {"pid": None, "nodes": {}, "gates": {}}
    answer = CliRunner().invoke(app, ["network", "status", "--home", str(tmp_path), "--json"])
    assert answer.exit_code == 0
    told = json.loads(answer.stdout)
    assert [(one["pid"], one["height"], one["healthy"]) for one in told["nodes"]] == [
        (None, None, None)
    ]
    shown = CliRunner().invoke(app, ["network", "status", "--home", str(tmp_path)])
    assert f"Chain {FOUNDED.chain_id}: no node answers" in shown.stdout


def test_a_token_is_given_rotated_and_taken(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.keep(FOUNDED)
    with pytest.raises(TokenNotHeld):
        home.token()
    gate = Admission(home.node_folder("ministry"))
    file = home.give_token("secp")
    first = file.read_bytes().strip()
    assert file.stat().st_mode & 0o077 == 0
    assert gate.institution(first) == "secp"
    home.give_token("secp")
    second = file.read_bytes().strip()
    assert (gate.institution(first), gate.institution(second)) == (None, "secp")
    home.give_token("secp", former_s=3600)
    assert gate.institution(second) == "secp"
    assert gate.institution(file.read_bytes().strip()) == "secp"
    home.take_token("secp")
    assert gate.institution(second) is None
    assert not file.exists()


def test_the_command_shows_no_token(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.keep(FOUNDED)
    command = ["network", "token", "ministry", "--home", str(tmp_path)]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 0
    assert home.token_file("ministry").read_text().strip() not in answer.output
    assert CliRunner().invoke(app, [*command, "--revoke"]).exit_code == 0
    assert read_admitted(home.node_folder("ministry")) == []


def test_a_gate_elsewhere_is_told_the_hash_alone(tmp_path: Path) -> None:
    first, second = fresh_token(), fresh_token()
    gate, run = Admission(tmp_path), CliRunner().invoke
    at = ["--gate", str(tmp_path)]
    (tmp_path / "gate.json").touch()
    assert run(app, ["network", "admit", "secp", digest_of(first), *at]).exit_code == 0
    assert gate.institution(first.encode()) == "secp"
    later = ["network", "admit", "secp", digest_of(second), *at, "--former-minutes", "60"]
    assert run(app, later).exit_code == 0
    assert [gate.institution(one.encode()) for one in (first, second)] == ["secp", "secp"]
    assert run(app, ["network", "admit", "secp", digest_of(second), *at]).exit_code == 0
    assert [gate.institution(one.encode()) for one in (first, second)] == [None, "secp"]
    for words in (["secp", "abc"], ["SECP", digest_of(first)], ["secp", first]):
        assert run(app, ["network", "admit", *words, *at]).exit_code == 1
    assert run(app, ["network", "expel", "secp", *at]).exit_code == 0
    assert gate.institution(second.encode()) is None


@pytest.mark.parametrize("name", ["../secrets/network", "", "Ministry", "a/b", "a" * 65])
def test_a_token_belongs_to_an_institution(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path)
    home.keep(FOUNDED)
    for change in (home.give_token, home.take_token):
        with pytest.raises(NameOfNobody):
            change(name)
    assert [one.name for one in tmp_path.iterdir()] == ["network.json"]


@pytest.mark.parametrize("content", ["{", '{"a": 1}', '[{"institution": "ministry"}]'])
def test_hashes_that_cannot_be_read_admit_nobody(tmp_path: Path, content: str) -> None:
    token = fresh_token()
    admit(tmp_path, "ministry", digest_of(token))
    gate = Admission(tmp_path)
    assert gate.institution(token.encode()) == "ministry"
    (tmp_path / TOKENS_FILE).write_text(content)
    assert gate.institution(token.encode()) is None
    with pytest.raises(TokensUnreadable):
        read_admitted(tmp_path)
