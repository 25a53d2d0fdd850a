"""Whoever licensing's files name is screened, and known again among customers by a document.

Everyone on the list and in the file is invented.
"""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest
from tests.licensing.forms.test_answers import answered
from tests.licensing.without_ledger import DeskWorld
from tests.licensing.world import load_form
from tests.programme.world import CODE

from amanat.licensing.commands import SaveSection
from amanat.supervision.screening.commands import ConfirmHit, Rescreen
from amanat.supervision.screening.freezing import frozen_parties
from amanat.supervision.screening.model import AlreadyFrozen, NothingToFreeze

from .samples import nacta
from .test_desk import BOARD, OFFICER, customer, open_hits, order, seen, take_in

CARD = "6110182736453"
"""Of the invented Tariq Zargun on the list."""


@pytest.fixture
def controlled(desk: DeskWorld) -> DeskWorld:
    """An applicant whose only controller is on the list."""
    number = desk.opened("exchange_x", "noc", "exchange")
    desk.give_document("exchange_x")
    content = copy.deepcopy(answered(load_form("pk", "A2"))["controllers"])
    for item in content:
        if item["kind"] == "person":
            item["person"] |= {"name": "Tariq Zargun", "document": "cnic", "number": CARD}
    desk.do_as(
        "exchange_x_officer",
        SaveSection(file=number, form="A2", section="controllers", content=content),
    )
    take_in(desk, nacta())
    return desk


def confirmed(desk: DeskWorld) -> tuple[str, str]:
    """The controller is the listed person: the hit and the party."""
    (found,) = [one for one in open_hits(desk) if one["party"].startswith("provider:exchange_x/")]
    until = desk.day + timedelta(days=300)
    desk.do_as(OFFICER, ConfirmHit(hit=found["hit"], reason="Same card.", until=until), BOARD)
    return found["hit"], found["party"]


def test_a_freeze_of_a_controller_reaches_the_accounts_of_the_same_person(
    controlled: DeskWorld,
) -> None:
    desk = controlled
    hit, party = confirmed(desk)
    person = customer(desk, "Tariq Zargun", CARD)
    made = desk.do_as(OFFICER, order(desk, hit), BOARD)
    assert made["exchanges"] == ["exchange_x"]
    assert seen(desk, "exchange_x_officer")[0]["accounts"] == ["ACC-6453"]
    with desk.store.reading() as connection:
        number = made["freeze"]
        assert frozen_parties(connection, CODE, desk.day) == {party: number, person: number}


def test_it_is_not_ordered_again_by_the_hit_of_the_customer(controlled: DeskWorld) -> None:
    desk = controlled
    hit, _party = confirmed(desk)
    person = customer(desk, "Tariq Zargun", CARD)
    desk.do_as(OFFICER, order(desk, hit), BOARD)
    desk.do_as(OFFICER, Rescreen())
    (own,) = open_hits(desk, party=person)
    until = desk.day + timedelta(days=300)
    desk.do_as(OFFICER, ConfirmHit(hit=own["hit"], reason="Same card.", until=until), BOARD)
    with pytest.raises(AlreadyFrozen):
        desk.do_as(OFFICER, order(desk, own["hit"]), BOARD)


def test_who_is_no_customer_has_no_account_to_freeze(controlled: DeskWorld) -> None:
    hit, _party = confirmed(controlled)
    customer(controlled, "Somebody Else", "4220112345671")
    said = controlled.view("screening_hit", OFFICER, hit=hit)
    assert said["roles"] == ["controller", "beneficial_owner"]
    with pytest.raises(NothingToFreeze):
        controlled.do_as(OFFICER, order(controlled, hit), BOARD)
