"""What follows an accepted return by itself: screened, monitored, once, wherever it is killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from amanat.following import Following
from amanat.jurisdictions.supervision import load_supervision
from amanat.supervision.monitoring import following as monitored
from amanat.supervision.monitoring.commands import BacktestScenario, ChangeScenario
from amanat.supervision.monitoring.planning import plain_parameters
from amanat.supervision.monitoring.running import Running
from amanat.supervision.monitoring.tables import alert, coverage, run, run_step
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening import following as screened_by_itself
from amanat.supervision.screening.commands import TakeInList
from amanat.supervision.screening.tables import hit, screened

from ...programme.world import CODE
from ..screening.samples import encoded
from .conftest import IntakeWorld
from .exchanges import DAY, at, party, transaction, written

NEXT = DAY + timedelta(days=1)
LISTED = [
    {"name": "Tariq Zargun", "fatherName": "Daud", "cnic": "35202-0000002-2", "province": "Punjab",
     "district": "Lahore"}
]  # fmt: skip


class Killed(BaseException):
    """The machine went away."""


def following(world: IntakeWorld) -> Following:
    """As another process would begin it."""
    desk = world.desk
    app: Any = SimpleNamespace(
        store=desk.store,
        intake=world.intake,
        settings=SimpleNamespace(data_dir=world.folder),
        programmes=lambda: [{"code": CODE}],
        business_date=lambda _connection, _programme: desk.day,
    )
    return Following(app, "256MB")


def large(records: dict[str, Any]) -> None:
    """A payment above the threshold of currency transaction reports, and a listed customer."""
    paid = Decimal(3_000_000)
    records["transactions"][0] |= {"quantity": paid, "value": paid}
    named = {"name": "Tariq Zargun", "name_latin": "Tariq Zargun", "father_name": "Daud"}
    records["parties"][1] |= named


def listed(world: IntakeWorld) -> None:
    """The list of NACTA has a customer of the return."""
    content = encoded(json.dumps(LISTED).encode())
    command = TakeInList(list="nacta", dated_on=world.desk.day, content=content)
    world.desk.do_as("pvara_officer", command)


def outcome(world: IntakeWorld) -> tuple[Any, ...]:
    """What was found: hits, alerts, and what covers the return; without ids of runs and times."""
    hits = sorted((row.party, row.list, row.reference, row.grade) for row in world.rows(hit))
    alerts = sorted((row.id, row.scenario, row.subject, row.day) for row in world.rows(alert))
    done = [row.id for row in world.rows(run) if row.state == "done"]
    read = sorted(
        (row.scenario, row.source, row.classed, row.rows)
        for row in world.rows(coverage)
        if row.run in done
    )
    customers = [row for row in world.rows(screened) if row.party.isdigit()]
    parties = sorted((row.party, row.versions) for row in customers)
    return hits, alerts, len(done), read, parties


def waits(world: IntakeWorld) -> dict[str, int]:
    """What the view says still waits."""
    rows = world.view("pvara_officer", "returns_followed")
    return {row["stage"]: row["waiting"] for row in rows}


def ask_backtest(world: IntakeWorld) -> str:
    """The desk asks for a back-test of the jurisdiction's own parameters, as a version; its id."""
    held = plain_parameters(load_supervision("pk").on("ctr_threshold", DAY).parameters)
    stated = ChangeScenario(scenario="ctr_threshold", parameters=json.dumps(held), reason="as is")
    world.desk.do_as("pvara_officer", stated)
    asking = BacktestScenario(scenario="ctr_threshold", version="v1", first_day=DAY, last_day=DAY)
    return str(world.desk.do_as("pvara_officer", asking)["backtest"])


def followed(world: IntakeWorld) -> dict[str, tuple[int, int]]:
    """What the page of the first return says: of how many how many wait, without alerts."""
    (one,) = world.rows(manifest)
    rows = world.view("pvara_officer", "return_followed", accepted=one.id)
    return {
        row["stage"]: (row["in_all"], row["waiting"]) for row in rows if row["stage"] != "scores"
    }


def test_an_accepted_return_is_screened_and_monitored_by_itself_once(
    world: IntakeWorld, tmp_path: Path
) -> None:
    listed(world)
    assert following(world).until_done() == {}  # nothing was reported
    world.take(written(tmp_path / "r", large))
    assert waits(world) == {
        "vault": 0,
        "screening": 4,
        "monitoring": 1,
        "scores": 0,
        "backtests": 0,
    }
    assert followed(world) == {"vault": (4, 0), "screening": (4, 4), "monitoring": (7, 7)}
    assert world.rows(hit) == world.rows(alert) == []  # the request did none of it
    assert following(world).until_done() == {"screening": 1, "monitoring": 1}
    assert waits(world) == {
        "vault": 0,
        "screening": 0,
        "monitoring": 0,
        "scores": 0,
        "backtests": 0,
    }
    pseudonym = world.vault.pseudonyms.person("cnic", "PK", "3520200000022").number
    assert [row.party for row in world.rows(hit)] == [str(pseudonym)]
    assert "ctr_threshold" in {row.scenario for row in world.rows(alert)}
    assert followed(world) == {"vault": (4, 0), "screening": (4, 0), "monitoring": (7, 0)}
    before = outcome(world)
    asked = ask_backtest(world)
    assert waits(world)["backtests"] == 1
    assert following(world).until_done() == {"backtests": 1}
    shown = world.view("pvara_officer", "monitoring_scenario", scenario="ctr_threshold")
    (result,) = shown["versions"][0]["backtests"]
    assert (shown["asked"][0]["state"], result["id"]) == ("done", asked)
    assert result["shared"] == result["alerts"] == 1
    assert following(world).until_done() == {}
    assert outcome(world) == before
    assert world.view("exchange_x_officer", "returns_followed") == []


def test_a_correction_is_read_with_the_days_after_it_that_look_back_on_it(
    world: IntakeWorld, tmp_path: Path
) -> None:
    """And a list that is taken in later finds whom it concerns, by the one that goes on."""

    def of_next(records: dict[str, Any]) -> None:
        records["transactions"] = [transaction("N1", "fiat_in", at=at(6, day=NEXT))]
        del records["travel_rule"]

    world.take(written(tmp_path / "r"))
    world.at(NEXT + timedelta(days=1))
    world.take(written(tmp_path / "n", of_next, sequence=2, days=(NEXT, NEXT)))
    one = following(world)
    assert one.until_done() == {"screening": 1, "monitoring": 1}
    assert not one.round()
    world.desk.clock.now += timedelta(minutes=1)
    corrects = {"sequence": 1, "scope": "whole", "reason": "booked wrongly"}
    world.take(written(tmp_path / "c", large, sequence=3, corrects=corrects))
    with world.desk.store.reading() as connection:
        waiting = monitored.waiting(connection, CODE)
    assert (waiting.returns, waiting.first_day, waiting.last_day) == (1, DAY, DAY)
    assert one.until_done() == {"screening": 1, "monitoring": 1}  # the correction says a new name
    last = max(world.rows(run), key=lambda row: row.id)
    assert (last.first_day, last.last_day) == (DAY.isoformat(), NEXT.isoformat())
    assert "ctr_threshold" in {row.scenario for row in world.rows(alert)}
    listed(world)
    assert one.until_done() == {}  # the act itself screened so few
    assert len(world.rows(hit)) == 1


def many(records: dict[str, Any]) -> None:
    """More persons than one transaction screens, in these tests."""
    large(records)
    records["parties"] += [party(number) for number in range(10, 20)]


def dies(original: Callable[..., Any], after: int) -> Callable[..., Any]:
    """Does what it does so many times, and the last time the process ends with it."""
    left = [after]

    def done(*given: Any, **named: Any) -> Any:
        found = original(*given, **named)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return found

    return done


def test_killed_anywhere_it_goes_on_and_finds_the_same(
    world: IntakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screened_by_itself, "AT_ONCE", 5)
    listed(world)
    world.take(written(tmp_path / "r", many))
    with world.desk.store.engine.begin() as connection:
        entered = connection.execute(manifest.select()).all()
    assert len(entered) == 1
    kills: list[tuple[Any, str, int]] = [
        (screened_by_itself, "_screen", 1),
        (screened_by_itself, "_screen", 1),
        (Running, "_begin", 1),
        (Running, "_record_input", 1),
        (Running, "_judge", 3),
        (Running, "_prove", 1),
        (Running, "_finish", 1),
    ]
    for owner, name, after in kills:
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, dies(getattr(owner, name), after))
            with pytest.raises(Killed):
                following(world).until_done()
    following(world).until_done()
    assert waits(world) == {
        "vault": 0,
        "screening": 0,
        "monitoring": 0,
        "scores": 0,
        "backtests": 0,
    }
    assert len(world.rows(run)) == 1
    hits, alerts, done, read, parties = outcome(world)
    assert (len(hits), done, len(parties)) == (1, 1, 14)
    assert "ctr_threshold" in {scenario for _id, scenario, *_ in alerts}
    assert len(set(alerts)) == len(alerts)
    assert len({(one.scenario, one.first_day) for one in world.rows(run_step)}) == len(
        world.rows(run_step)
    )
    assert sum(rows for scenario, _source, _classed, rows in read if scenario == "input") == 7


def test_one_follows_at_a_time_and_a_stage_that_fails_holds_up_no_other(
    world: IntakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.take(written(tmp_path / "r"))
    one, other = following(world), following(world)
    monkeypatch.setattr("amanat.following.AGAIN_AFTER_S", 0.0)
    with one._alone() as alone, other._alone() as also:
        assert alone
        assert not also
    stored = world.folder / "supervision" / world.rows(manifest)[0].path
    content = stored.read_bytes()
    stored.unlink()
    assert one.round()  # screening
    assert not one.round()
    assert one.failed == {(CODE, "monitoring"): "IOException"}
    stored.write_bytes(content)
    while one.round():
        pass
    assert waits(world)["screening"] == waits(world)["monitoring"] == 0
    assert one.failed == {}
