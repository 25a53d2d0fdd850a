"""Enforcement on the ledger: urgent suspensions that end by themselves, stays, appeals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.licensing.commands import LiftSuspension, Suspend
from amanat.licensing.enforcement.acts_stays import carry_out_lapses
from amanat.licensing.enforcement.commands import (
    AppealOutcome,
    CarryOutLapse,
    DecideAppeal,
    EndStay,
    LodgeAppeal,
    RecordStay,
    SuspendUrgently,
)
from amanat.licensing.enforcement.tables import lapse
from amanat.licensing.tables import file_step, licensing_file
from amanat.programme.commands import MoveDay
from amanat.settings import Settings
from amanat.store.journal import Provenance, read_entries

from ...programme.world import CODE
from ..without_ledger import DeskWorld
from ..world import LicensingWorld, found_licensing_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LicensingWorld]:
    """An exchange with its licence, on the embedded node."""
    with Application(Settings.at(tmp_path_factory.mktemp("lapses"), light_keys=True)) as app:
        found = found_licensing_world(app)
        found.licensed("exchange_x")
        yield found


def today(world: LicensingWorld) -> date:
    with world.app.store.reading() as connection:
        return world.app.business_date(connection, CODE)


def next_day(world: LicensingWorld) -> date:
    """The ledger's day moves to the next business day."""
    day = today(world) + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    move = MoveDay(business_date=day)
    world.do("ministry", move)
    assert today(world) == day
    return day


def urgently(world: LicensingWorld, until: date) -> str:
    command = SuspendUrgently(
        provider="exchange_x", level="full_freeze", reason="keys were stolen", until=until
    )
    done = world.do_as("pvara_officer", command, "pvara_approver", pump=True)
    return str(done["file"])


def level(world: LicensingWorld) -> str:
    rows = world.view("participants", "auditor_officer")
    return str(next(one["level"] for one in rows if one["participant"] == "exchange_x"))


def stage(world: LicensingWorld, number: str) -> str:
    with world.app.store.reading() as connection:
        return str(
            connection.execute(
                sql.select(licensing_file.c.stage).where(licensing_file.c.number == number)
            ).scalar_one()
        )


def test_the_day_after_the_last_one_lifts_it_on_the_ledger(world: LicensingWorld) -> None:
    number = urgently(world, today(world) + timedelta(days=1))
    assert level(world) == "frozen"
    with world.app.store.reading() as connection:
        kept = connection.execute(sql.select(lapse)).one()
    assert (kept.level, len(kept.signatures)) == ("active", 2)
    next_day(world)  # its last day
    assert (level(world), stage(world, number)) == ("frozen", "in_force")
    assert world.app.check() == []
    next_day(world)
    world.app.pump()
    assert (level(world), stage(world, number)) == ("active", "lifted")
    assert world.app.check() == []
    with world.app.store.reading() as connection:
        by = connection.execute(
            sql.select(file_step.c.person).where(file_step.c.act == "CarryOutLapse")
        ).scalar_one()
        changes = read_entries(connection, programme=CODE, kinds=["PermissionChanged"])
    assert by == "operator"
    assert changes[-1]["content"]["change"] == "lift"


def test_what_was_signed_beforehand_does_not_undo_what_came_between(world: LicensingWorld) -> None:
    """Another suspension binds on: its lift is for people, and the check says what is open."""
    number = urgently(world, today(world) + timedelta(days=1))
    other = Suspend(provider="exchange_x", level="close_out_only", reason="it grows too fast")
    other_file = world.do_as("pvara_officer", other, "pvara_approver", pump=True)["file"]
    next_day(world)
    next_day(world)
    world.app.pump()
    assert (level(world), stage(world, number)) == ("frozen", "in_force")
    found = [one.law for one in world.app.check()]
    assert "lapse carried out" in found
    world.do_as("pvara_second", CarryOutLapse(file=number), "pvara_approver", pump=True)
    assert (level(world), stage(world, number)) == ("close_out_only", "lifted")
    lift = LiftSuspension(file=other_file, reason="remedied")
    world.do_as("pvara_second", lift, "pvara_approver", pump=True)
    assert level(world) == "active"
    assert world.app.check() == []


def test_where_the_ledger_is_told_nothing_the_day_alone_carries_it_out(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    desk.confirm("fmu", "exchange_x", "goaml_registered")
    number = urgently_here(desk)
    until = desk.day + timedelta(days=3)

    def day_comes(day: date) -> int:
        desk.day = day
        with desk.store.work(Provenance(CODE, "", "", "", "day", day)) as uow:
            count = carry_out_lapses(uow, CODE, day, desk.store.clock())
            uow.commit()
        return count

    assert day_comes(until) == 0
    assert day_comes(until + timedelta(days=1)) == 1
    assert day_comes(until + timedelta(days=2)) == 0
    with desk.store.reading() as connection:
        assert (
            connection.execute(
                sql.select(licensing_file.c.stage).where(licensing_file.c.number == number)
            ).scalar_one()
            == "lifted"
        )


def urgently_here(desk: DeskWorld) -> str:
    command = SuspendUrgently(
        provider="exchange_x",
        level="full_freeze",
        reason="keys were stolen",
        until=desk.day + timedelta(days=3),
    )
    return str(desk.do_as("pvara_officer", command, "pvara_approver")["file"])


def test_a_stay_and_an_appeal_move_the_ledger_with_a_licence(world: LicensingWorld) -> None:
    """Stayed: active again once the ledger has it; the stay over: frozen; allowed: active."""
    stop = Suspend(provider="exchange_x", level="full_freeze", reason="it did not report")
    number = world.do_as("pvara_officer", stop, "pvara_approver", pump=True)["file"]
    assert level(world) == "frozen"
    stay = RecordStay(file=number, court="High Court", reference="W.P. 1/2026", reason="heard")
    world.do_as("pvara_officer", stay, "pvara_approver", pump=True)
    assert (level(world), world.app.check()) == ("active", [])
    over = EndStay(file=number, reference="W.P. 1/2026", reason="dismissed")
    world.do_as("pvara_officer", over, "pvara_approver", pump=True)
    assert (level(world), world.app.check()) == ("frozen", [])
    lodge = LodgeAppeal(against=number, grounds="the report was there")
    lodged = world.do_as("exchange_x_officer", lodge)["file"]
    decide = DecideAppeal(file=lodged, outcome=AppealOutcome.ALLOWED, reasons="it was there")
    world.do_as("pvara_second", decide, "pvara_board")
    assert level(world) == "frozen"  # what grants waits for the ledger
    world.app.pump()
    assert (level(world), world.app.check()) == ("active", [])
