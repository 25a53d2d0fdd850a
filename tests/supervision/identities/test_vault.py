"""The vault: one person one number, fields sealed one by one, and never opened unseen."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy.engine import Connection, Engine

from amanat.core.errors import Forbidden, NotFound
from amanat.store.journal import read_entries
from amanat.store.migrate import migrate
from amanat.supervision.identities import model, tables
from amanat.supervision.identities.commands import OpenIdentity
from amanat.supervision.identities.model import CaseNotTheirs, Document, PseudonymsMeet
from amanat.supervision.identities.pseudonyms import Pseudonym, Pseudonyms, derived
from amanat.supervision.identities.vault import (
    Said,
    Vault,
    accounts_of,
    keep_owners,
    owners_of,
)
from amanat.supervision.returns.storing import pseudonym_of

from ...programme.world import CODE
from ..returns.conftest import IntakeWorld, admitted, world
from ..returns.exchanges import written

__all__ = ["admitted", "world"]
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture(autouse=True)
def any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases are another room's, with tests of its own: here any number is one."""
    monkeypatch.setattr("amanat.supervision.identities.acts.case_checks", [])


def said(number: str = "3520200000011", **fields: Any) -> Said:
    """What an exchange says of a person."""
    usual = Said(
        pseudonym=Pseudonyms(KEY).person("cnic", "PK", number),
        kind="natural",
        reference="P1",
        name="عائشہ خان",
        name_latin="Aisha Khan",
        father_name="Imran",
        born="1990-05-17",
        document=Document("cnic", "PK", number),
        contact=(("mail", "somebody@example.org"),),
        nationality="PK",
        residence="PK",
        exposed=False,
    )
    return replace(usual, **fields)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction in a database with every table."""
    migrate(engine)
    with engine.begin() as opened:
        yield opened


# -- pseudonyms -----------------------------------------------------------------------------------


def test_a_pseudonym_is_the_first_63_bits_of_the_keyed_digest() -> None:
    key = derived(KEY, b"amanat identities: pseudonyms")
    mac = hmac.new(key, b"person\x1fcnic\x1fPK\x1f3520200000011", "sha256").digest()
    found = Pseudonyms(KEY).person("cnic", "PK", "3520200000011")
    assert found == Pseudonym(int.from_bytes(mac[:8], "big") >> 1, mac[8:24])
    assert 0 <= found.number < 2**63


@pytest.mark.parametrize("number", ["35202-0000001-1", "35202 0000001 1", "3520200000011"])
def test_the_same_person_however_the_number_is_written(number: str) -> None:
    made = Pseudonyms(KEY)
    assert pseudonym_of(made, "cnic", "PK", number) == made.person("cnic", "PK", "3520200000011")
    assert pseudonym_of(made, "nicop", "PK", number) == made.person("cnic", "PK", "3520200000011")


def test_other_documents_countries_and_keys_are_others() -> None:
    made = Pseudonyms(KEY)
    found = {
        made.person("passport", "PK", "AB123").number,
        made.person("passport", "AE", "AB123").number,
        made.person("registration", "PK", "AB123").number,
        Pseudonyms(OTHER_KEY).person("passport", "PK", "AB123").number,
        made.account("exchange_x", "AB123"),
        made.account("exchange_y", "AB123"),
        made.bank_account("AB123"),
        made.address("bitcoin", "AB123"),
    }
    assert len(found) == 8


def test_many_at_once_are_as_one_by_one() -> None:
    made = Pseudonyms(KEY)
    assert made.accounts("x", ["1", "2"]) == [made.account("x", "1"), made.account("x", "2")]
    assert made.bank_accounts(["pk1"]) == [made.bank_account("PK1")]
    assert made.addresses("tron", ["T1"]) == [made.address("tron", "T1")]


# -- keeping --------------------------------------------------------------------------------------


def test_what_was_kept_is_opened_again(connection: Connection) -> None:
    vault = Vault(KEY)
    assert vault.keep_persons(connection, CODE, "exchange_x", "r1", [said()]) == 1
    (found,) = vault.identities(connection, CODE)
    assert found.name == "عائشہ خان"
    assert found.document == Document("cnic", "PK", "3520200000011")
    assert found.contact == (("mail", "somebody@example.org"),)
    assert (found.exchange, found.return_id, found.person) == (
        "exchange_x", "r1", said().pseudonym.number,
    )  # fmt: skip
    assert list(vault.identities(connection, CODE, persons=[1])) == []
    assert list(vault.identities(connection, "other")) == []


def test_what_is_said_twice_is_kept_once_and_what_changed_beside_it(
    connection: Connection,
) -> None:
    vault = Vault(KEY)
    vault.keep_persons(connection, CODE, "exchange_x", "r1", [said(), said()])
    assert vault.keep_persons(connection, CODE, "exchange_x", "r2", [said()]) == 0
    moved = said(contact=(("address", "elsewhere"),))
    assert vault.keep_persons(connection, CODE, "exchange_x", "r2", [moved]) == 1
    assert vault.keep_persons(connection, CODE, "exchange_y", "r3", [said(reference="K9")]) == 1
    assert len(list(connection.execute(tables.person.select()))) == 1
    found = list(vault.identities(connection, CODE))
    assert sorted((one.exchange, one.return_id) for one in found) == [
        ("exchange_x", "r1"),
        ("exchange_x", "r2"),
        ("exchange_y", "r3"),
    ]
    assert [one.return_id for one in vault.identities(connection, CODE, return_id="r2")] == ["r2"]


def test_two_persons_of_one_number_are_noticed(connection: Connection) -> None:
    vault = Vault(KEY)
    vault.keep_persons(connection, CODE, "exchange_x", "r1", [said()])
    number = said().pseudonym.number
    other = said("4220100000022", pseudonym=Pseudonym(number, bytes(16)))
    with pytest.raises(PseudonymsMeet):
        vault.keep_persons(connection, CODE, "exchange_x", "r2", [other])
    fresh = [said("1", pseudonym=Pseudonym(5, bytes(16))), said("2", pseudonym=Pseudonym(5, b"x"))]
    with pytest.raises(PseudonymsMeet):
        vault.keep_persons(connection, CODE, "exchange_x", "r2", fresh)


def test_fields_are_bound_to_their_person_and_place(connection: Connection) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(CODE, 7, "name", "Aisha")
    assert vault.open(CODE, 7, "name", sealed) == "Aisha"
    assert sealed != vault.seal(CODE, 7, "name", "Aisha")
    for programme, person, field in ((CODE, 8, "name"), (CODE, 7, "born"), ("other", 7, "name")):
        with pytest.raises(InvalidTag):
            vault.open(programme, person, field, sealed)
    with pytest.raises(InvalidTag):
        Vault(OTHER_KEY).open(CODE, 7, "name", sealed)
    with pytest.raises(InvalidTag):
        vault.open(CODE, 7, "name", sealed[:-1] + bytes([sealed[-1] ^ 1]))
    del connection


def test_accounts_and_owners(connection: Connection) -> None:
    vault = Vault(KEY)
    held = [(11, 7, "A1", "2025-01-02"), (12, 7, "A2", "2025-01-02")]
    assert vault.keep_accounts(connection, CODE, "exchange_x", "r1", held) == 2
    # The account went to another: both stand.
    assert (
        vault.keep_accounts(connection, CODE, "exchange_x", "r2", [(11, 8, "A1", "2026-01-01")])
        == 1
    )
    assert vault.keep_accounts(connection, CODE, "exchange_x", "r2", held) == 0
    found = accounts_of(connection, CODE, 7)
    assert [vault.account_number(CODE, one.account, one.number) for one in found] == ["A1", "A2"]
    keep_owners(connection, CODE, "exchange_x", "r1", [(3, 7), (3, 8), (3, 7)])
    keep_owners(connection, CODE, "exchange_x", "r2", [(3, 7)])
    assert owners_of(connection, CODE, 3) == [7, 8]


# -- opening --------------------------------------------------------------------------------------


def command(person: int, **fields: Any) -> OpenIdentity:
    """A sound command."""
    usual = {"person": str(person), "case_number": "C-2026-1", "reason": "structuring of payments"}
    return OpenIdentity.model_validate(usual | fields)


def test_an_identity_is_opened_for_a_case_and_that_is_kept(
    world: IntakeWorld, tmp_path: Path
) -> None:
    world.take(written(tmp_path / "r"))
    person = world.vault.pseudonyms.person("cnic", "PK", "3520200000011").number
    answer = world.desk.do_as("fmu_officer", command(person))
    (found,) = answer["identities"]
    assert (found["name"], found["document"]["number"]) == ("عائشہ خان", "3520200000011")
    with world.desk.store.reading() as connection:
        (entry,) = read_entries(connection, programme=CODE, kinds=["IdentityOpened"])
    assert entry["log"] == "confidential"
    assert entry["content"]["case_number"] == "C-2026-1"
    assert "structuring" not in str(entry)
    (shown,) = world.view("auditor_officer", "identity_openings")
    assert (shown["institution"], shown["opened_by"], shown["reason"]) == (
        "fmu", "fmu_officer", "structuring of payments",
    )  # fmt: skip
    # Authorities do not see into each other's desks.
    assert world.view("pvara_officer", "identity_openings") == []
    assert world.view("exchange_x_officer", "identity_openings") == []


def test_opening_again_with_the_same_key_tells_nothing_more(
    world: IntakeWorld, tmp_path: Path
) -> None:
    world.take(written(tmp_path / "r"))
    person = world.vault.pseudonyms.person("cnic", "PK", "3520200000011").number
    actor = world.desk.actor("pvara_officer")
    desk = world.desk.app.desk
    first = desk.submit(actor, command(person), key="k")
    again = desk.submit(actor, command(person), key="k")
    assert first.result is not None
    assert first.result["identities"][0]["name"] == "عائشہ خان"
    assert "عائشہ" not in str(again.result)


def test_who_may_not_open_and_what_is_not_there(world: IntakeWorld, tmp_path: Path) -> None:
    world.take(written(tmp_path / "r"))
    person = world.vault.pseudonyms.person("cnic", "PK", "3520200000011").number
    for one in ("exchange_x_officer", "central_bank_officer", "auditor_officer"):
        with pytest.raises(Forbidden):
            world.desk.do_as(one, command(person))
    for unknown in (1, 10**19 - 1):
        with pytest.raises(NotFound):
            world.desk.do_as("fmu_officer", command(unknown))
    assert world.rows(tables.opening) == []


def test_a_case_must_be_theirs_where_cases_are_known(
    world: IntakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.take(written(tmp_path / "r"))
    person = world.vault.pseudonyms.person("cnic", "PK", "3520200000011").number
    known = [
        lambda _connection, _programme, case, institution, about: (
            (case, institution, about) == ("C-1", "fmu", person)
        )
    ]
    monkeypatch.setattr("amanat.supervision.identities.acts.case_checks", known)
    with pytest.raises(CaseNotTheirs):
        world.desk.do_as("fmu_officer", command(person))
    with pytest.raises(CaseNotTheirs):
        world.desk.do_as("pvara_officer", command(person, case_number="C-1"))
    assert world.desk.do_as("fmu_officer", command(person, case_number="C-1"))["identities"]
    assert isinstance(model.case_checks, list)
