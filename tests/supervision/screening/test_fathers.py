"""The father's name and the day of birth as evidence: however written, whoever reports it."""

from __future__ import annotations

import pytest
import sqlalchemy as sql
from tests.licensing.without_ledger import DeskWorld
from tests.programme.world import CODE

from amanat.supervision.identities.model import Document as VaultDocument
from amanat.supervision.identities.vault import Said, Vault
from amanat.supervision.screening.commands import Rescreen
from amanat.supervision.screening.evidence import birth_agrees, father_agrees
from amanat.supervision.screening.model import ListedSubject, ScreenedParty, Subject, Verdict
from amanat.supervision.screening.tables import screened

from .conftest import secret
from .samples import nacta
from .test_desk import OFFICER, open_hits, take_in


def verdict(reported: str, listed: str) -> Verdict:
    party = ScreenedParty("1", Subject.PERSON, ("Qasim Zargun",), father_name=reported)
    entry = ListedSubject("L", Subject.PERSON, ("Qasim Zargun",), fathers=(listed,))
    return father_agrees(party, entry).verdict


@pytest.mark.parametrize(
    ("reported", "listed"),
    [
        ("Kamaluddin", "Kamal-ud-Din"),
        ("Kamal ud Din", "Kamaluddin"),
        ("کمال الدین", "Kamal-ud-Din"),
        ("Abdulrehman", "Abdur Rahman"),
        ("Noor Muhammad", "Noormuhammad"),
        ("Haji Ghulam Rasool", "غلام رسول"),
    ],
)
def test_a_fathers_name_joined_or_apart_agrees(reported: str, listed: str) -> None:
    assert verdict(reported, listed) is Verdict.AGREES


@pytest.mark.parametrize(
    ("reported", "listed"),
    [("Karim Khan", "Daud Zargun"), ("K. Khan", "Kamal Din"), ("Nizamuddin", "Kamal-ud-Din")],
)
def test_another_fathers_name_disagrees(reported: str, listed: str) -> None:
    assert verdict(reported, listed) is Verdict.DISAGREES


def test_of_several_reports_the_nearest_counts() -> None:
    party = ScreenedParty(
        "1", Subject.PERSON, ("Qasim Zargun",), father_name="Karim Khan",
        further_fathers=("Daud Zargun",), born_on="1990-01-01", further_births=("1971-04-05",),
    )  # fmt: skip
    entry = ListedSubject(
        "L", Subject.PERSON, ("Qasim Zargun",), fathers=("داؤد زرغون",), born_on=("1971-04-05",)
    )
    father, birth = father_agrees(party, entry), birth_agrees(party, entry)
    assert (father.verdict, birth.verdict) == (Verdict.AGREES, Verdict.AGREES)
    assert (father.party, birth.party) == ("Karim Khan; Daud Zargun", "1990-01-01, 1971-04-05")


def test_what_a_second_exchange_reports_hides_nothing_of_what_the_first_did(
    desk: DeskWorld,
) -> None:
    """Whoever gives another father's name at the next exchange stays as he was known."""
    take_in(desk, nacta())
    vault, number = Vault(secret("identities")), "4220112345671"
    for place, exchange, father, born in (
        ("r-1", "exchange_x", "Daud Zargun", "1980-01-01"),
        ("r-2", "exchange_y", "Karim Khan", "1995-05-05"),
    ):
        said = Said(
            pseudonym=vault.pseudonyms.person("cnic", "PK", number), kind="natural",
            reference="P1", name="Tariq Zargun", name_latin=None, father_name=father, born=born,
            document=VaultDocument("cnic", "PK", number), contact=(), nationality="PK",
            residence="PK", exposed=False,
        )  # fmt: skip
        with desk.store.engine.begin() as connection:
            vault.keep_persons(connection, CODE, exchange, place, [said])
            connection.execute(sql.delete(screened))
        desk.do_as(OFFICER, Rescreen())
        (hit,) = open_hits(desk)
        assert hit["grade"] == "corroborated"
        assert (hit["agrees"], hit["disagrees"]) == (["country", "father_name", "name"], [])
