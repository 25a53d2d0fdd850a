"""The programme's day: forward, on settlement days, by two institutions, never ahead of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from amanat.app import Application
from amanat.core.errors import Forbidden, Refusal
from amanat.participants.model import ChangePending
from amanat.programme.commands import MoveDay
from amanat.programme.model import DayNotForward, Phase, PhaseForbids, ProgrammeDay
from amanat.programme.records import business_date_of, calendar_of, require_phase

from .world import CODE, World, found_world


def today(world: World) -> tuple[str, str]:
    day = world.view("programme")["day"]
    return day["business_date"], day["phase"]


def test_a_day_and_its_phases(founded_programme: World) -> None:
    world = founded_programme
    for to in (
        MoveDay(business_date=date(2021, 3, 1), phase=Phase.BIDDING_CLOSED),
        MoveDay(business_date=date(2021, 3, 1), phase=Phase.CLOSED),
        MoveDay(business_date=date(2021, 3, 2)),
        MoveDay(business_date=date(2021, 3, 2), phase=Phase.CLOSED),
        # Two years on, as a replay goes: 2 March 2023 is a Thursday.
        MoveDay(business_date=date(2023, 3, 2)),
    ):
        world.do("ministry", to)
        assert today(world) == (to.business_date.isoformat(), to.phase.value)
    with world.app.store.reading() as connection:
        assert business_date_of(connection, CODE) == date(2023, 3, 2)
        require_phase(connection, CODE, "Bid", Phase.OPEN)
        with pytest.raises(PhaseForbids, match="the phase closed; the day 2023-03-02 is open"):
            require_phase(connection, CODE, "Settle", Phase.CLOSED)


@pytest.mark.parametrize(
    ("to", "error", "told"),
    [
        (MoveDay(business_date=date(2021, 3, 1)), "day_not_forward", "cannot go to 2021-03-01"),
        (MoveDay(business_date=date(2021, 2, 26)), "day_not_forward", "cannot go to 2021-02-26"),
        (
            MoveDay(business_date=date(2021, 3, 2), phase=Phase.CLOSED),
            "day_not_forward",
            "2021-03-02, closed",
        ),
        (MoveDay(business_date=date(2021, 3, 6)), "not_business_day", "weekend"),
        (MoveDay(business_date=date(2021, 3, 23)), "not_business_day", "Pakistan Day"),
        (MoveDay(business_date=date(2027, 1, 4)), "date_outside_calendar", "lies outside"),
    ],
)
def test_where_a_day_cannot_go(world: World, to: MoveDay, error: str, told: str) -> None:
    with pytest.raises(Refusal, match=told) as refusal:
        world.propose("ministry", to)
    assert refusal.value.code == error


def test_one_institution_alone_moves_nothing(world: World) -> None:
    to = MoveDay(business_date=date(2021, 3, 1), phase=Phase.BIDDING_CLOSED)
    outcome = world.propose("ministry", to)
    assert (outcome.state, outcome.awaits) == ("proposed", ("central_bank",))
    with pytest.raises(Forbidden):
        world.propose("secp", to)
    assert today(world) == ("2021-03-01", "open")


def test_the_day_waits_for_the_ledger(world: World) -> None:
    to = MoveDay(business_date=date(2021, 3, 1), phase=Phase.BIDDING_CLOSED)
    world.do("central_bank", to, pump=False)
    assert today(world) == ("2021-03-01", "open")
    assert world.view("programme")["day"]["requested"]["phase"] == "bidding_closed"
    with pytest.raises(ChangePending, match="awaits the outcome of the move"):
        world.propose("ministry", to)
    world.app.pump()
    assert today(world) == ("2021-03-01", "bidding_closed")
    assert world.view("programme")["day"]["requested"] is None


def open_day_ahead(world: World) -> date:
    """A settlement day of the calendar that comes after the node's own date."""
    with world.app.store.reading() as connection:
        calendar = calendar_of(connection, CODE)
    return calendar.add_settlement_days(datetime.now(UTC).date() + timedelta(days=1), 1)


def test_a_day_ahead_of_time_is_for_simulations(application: Application) -> None:
    world = found_world(application, simulation=True)
    ahead = open_day_ahead(world)
    world.do("ministry", MoveDay(business_date=ahead))
    assert today(world)[0] == ahead.isoformat()
    assert world.view("programme")["simulation"] is True


def test_a_day_ahead_of_time_is_refused_elsewhere(world: World) -> None:
    with pytest.raises(Refusal, match="ahead of the ledger's date"):
        world.propose("ministry", MoveDay(business_date=open_day_ahead(world)))


def test_the_order_of_days_and_phases(world: World) -> None:
    with world.app.store.reading() as connection:
        calendar = calendar_of(connection, CODE)
    start = ProgrammeDay(date(2021, 3, 1), Phase.BIDDING_CLOSED)
    assert start.refuse_move(ProgrammeDay(date(2021, 3, 1), Phase.CLOSED), calendar) is None
    assert start.refuse_move(ProgrammeDay(date(2021, 3, 2), Phase.OPEN), calendar) is None
    for to in (Phase.OPEN, Phase.BIDDING_CLOSED):
        refusal = start.refuse_move(ProgrammeDay(date(2021, 3, 1), to), calendar)
        assert isinstance(refusal, DayNotForward)
