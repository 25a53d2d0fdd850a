"""Applicants sign up by themselves: one institution, one person, one link; counted, journalled."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from amanat.access import passkeys
from amanat.access.actors import Role
from amanat.access.entrance import Entrance, Rules, Visitor
from amanat.access.fields import TextNotPlain
from amanat.access.sessions import Terms
from amanat.core.errors import Forbidden, NotFound, Refusals, Unauthenticated
from amanat.licensing.acts_colleagues import COLLEAGUES_MAX, ColleaguesFull, NotByApplicants
from amanat.licensing.commands import EnterColleague, OpenFile
from amanat.licensing.signing_up import FROM_A_NETWORK, TooManySignUps, sign_up
from amanat.store.journal import read_entries

from ..programme.world import CODE
from .without_ledger import DeskWorld
from .world import MARCH

HERE = Visitor("192.0.2.7", "a browser")


@pytest.fixture
def entrance(desk: DeskWorld) -> Entrance:
    """The entrance of the same store."""
    hour = timedelta(hours=1)

    def today(_connection: Any, _programme: str) -> date:
        return MARCH

    return Entrance(desk.store, today, Rules(Terms(hour, hour, hour), 10, 0))


def wish(applicant: str = "Exchange Z (Pvt.) Ltd", name: str = "Compliance officer") -> Any:
    return {"applicant": applicant, "name": name}


def test_an_applicant_enters_by_itself_and_files(desk: DeskWorld, entrance: Entrance) -> None:
    done = sign_up(entrance, CODE, wish(), HERE)
    assert (done.institution, done.person) == ("exchange_z_pvt_ltd", "exchange_z_pvt_ltd_1")
    actor = desk.actor(done.person)
    assert (actor.role, actor.capacities) == (Role.OFFICER, {"applicant"})
    with desk.store.engine.begin() as connection:
        secret = str(done.link).removeprefix("/join/")
        invited = passkeys.invited(connection, secret, desk.clock())
        assert invited.person == done.person
        with pytest.raises(Unauthenticated):
            passkeys.invited(connection, secret, desk.clock() + timedelta(hours=25))
    filed = desk.app.desk.submit(actor, OpenFile(kind="noc", country="PK"))
    assert filed.state == "carried_out"
    with desk.store.reading() as connection:
        entries = read_entries(connection, programme=CODE, kinds=["ApplicantSignedUp"])
    assert [one["log"] for one in entries] == ["confidential"]
    assert "Compliance" not in str(entries)
    assert str(done.link) not in str(entries)


def test_the_same_name_comes_twice(entrance: Entrance) -> None:
    first = sign_up(entrance, CODE, wish(), HERE)
    second = sign_up(entrance, CODE, wish(), HERE)
    third = sign_up(entrance, CODE, wish("بائننس"), HERE)
    assert second.institution == f"{first.institution}_2"
    assert third.institution == "applicant"


def test_a_network_signs_up_so_many_a_day(desk: DeskWorld, entrance: Entrance) -> None:
    for _ in range(FROM_A_NETWORK):
        sign_up(entrance, CODE, wish(), HERE)
    with pytest.raises(TooManySignUps) as refusal:
        sign_up(entrance, CODE, wish(), HERE)
    assert refusal.value.status == 429
    sign_up(entrance, CODE, wish(), Visitor("192.0.2.8"))
    desk.clock.pass_by(timedelta(days=1, seconds=1))
    sign_up(entrance, CODE, wish(), HERE)


def test_what_is_no_sign_up(entrance: Entrance) -> None:
    with pytest.raises(Refusals):
        sign_up(entrance, CODE, {"applicant": "", "role": "approver"}, HERE)
    with pytest.raises(TextNotPlain):
        sign_up(entrance, CODE, wish("Exchange\u202eZ"), HERE)
    with pytest.raises(NotFound):
        sign_up(entrance, "elsewhere", wish(), HERE)


def test_an_applicant_enters_its_colleagues(desk: DeskWorld) -> None:
    done = desk.do_as("exchange_x_officer", EnterColleague(name="Second", role=Role.VIEWER))
    assert desk.actor(done["person"]).institution == "exchange_x"
    assert str(done["link"]).startswith("/join/")
    with pytest.raises(NotByApplicants):
        desk.do_as("exchange_x_officer", EnterColleague(name="Third", role=Role.APPROVER))
    with pytest.raises(Forbidden):
        desk.do_as("pvara_officer", EnterColleague(name="Fourth"))
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_viewer", EnterColleague(name="Fifth"))
    for number in range(4, COLLEAGUES_MAX):
        desk.do_as("exchange_x_officer", EnterColleague(name=f"Number {number}"))
    with pytest.raises(ColleaguesFull, match="20 people"):
        desk.do_as("exchange_x_officer", EnterColleague(name="One more"))
