"""What exchanges reported of clients' orders against the caps of their status (AML-registered)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.licensing.world import CODE, MARCH
from tests.supervision.cases.desks import Desks, desks_world
from tests.supervision.returns.stored_rows import row, store_transactions

from amanat.core.errors import Forbidden
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.duties.acts import BreachNotedBefore, NotOverdue, ThingUnclear
from amanat.licensing.duties.commands import NoteBreach

X = "exchange_x"
CAPS = {one.code: one.amount for one in load_licensing("pk").caps}
ORDER, MONTH = CAPS["aml_order"], CAPS["aml_month"]
END = date(2026, 3, 31)


def trade(name: str, day: date, value: int) -> list[dict[str, Any]]:
    """One trade of a customer: the asset one way, its price the other."""
    usual = {"kind": "trade", "value": value, "from_exchange": X, "to_exchange": X}
    return [row(X, f"{name}-a", day, asset="BTC", **usual), row(X, f"{name}-p", day, **usual)]


@pytest.fixture
def reported(database_url: str, tmp_path: Path) -> Iterator[Desks]:
    """X is registered on goAML on 9 March; one trade before that day, and two after it."""
    rows = [
        *trade("early", MARCH - timedelta(1), 9 * MONTH),
        *trade("small", MARCH + timedelta(1), ORDER),
        *trade("large", MARCH + timedelta(2), MONTH - ORDER + 1),
    ]
    with desks_world(database_url, tmp_path, reports=True) as desks:
        with desks.store.engine.begin() as connection:
            store_transactions(connection, tmp_path, CODE, X, 2, rows)
        desks.at(END)
        yield desks


def note(cap: str, **more: Any) -> NoteBreach:
    fields = {"provider": X, "cap": cap, "period_end": END, "reason": "as it reported itself"}
    return NoteBreach.model_validate(fields | more)


def test_what_was_reported_stands_beside_the_caps_of_the_status(reported: Desks) -> None:
    """A trade is counted once; what was done under another status counts against no cap of this."""
    rows = reported.look("pvara_officer", "reported_volumes")
    assert [(one["cap"], one["orders"], one["exceeded"]) for one in rows] == [
        ("aml_order", 2, True),
        ("aml_month", 2, True),
    ]
    month = rows[1]
    assert month["month"] == "2026-03"
    assert month["law"].startswith("NOC Regulations")
    assert month["reported"] == "500000000.01 PKR"  # the cap is 500 million
    (shown,) = [
        one
        for one in reported.look("pvara_officer", "market_overview")["caps"]
        if one["cap"] == "aml_month"
    ]
    assert (shown["provider"], shown["exceeded"]) == (X, True)
    # Of a month that is asked for in part all is counted: a cap is one of the whole month.
    middle = {"first_day": "2026-03-12", "last_day": "2026-03-15"}
    assert reported.look("pvara_officer", "reported_volumes", **middle) == rows
    # Its own affair, and that of who licenses it.
    assert len(reported.look("exchange_x_officer", "reported_volumes", exceeded=True)) == 2
    for person in ("exchange_y_officer", "fmu_officer", "bank_a_officer"):
        assert reported.look(person, "reported_volumes") == []


def test_a_breach_of_a_cap_is_noted_once_the_month_is_over(reported: Desks) -> None:
    desks = reported

    def noted(command: NoteBreach) -> Any:
        return desks.do_as("pvara_officer", command, "pvara_approver")

    with pytest.raises(NotOverdue):
        noted(note("aml_month"))
    desks.at(END + timedelta(1))
    for unclear in (note("aml_month", duty="annual_return"), note("aml_month", period_end=None)):
        with pytest.raises(ThingUnclear):
            noted(unclear)
    for none in (note("sandbox_month"), note("aml_month", period_end=date(2026, 2, 28))):
        with pytest.raises(NotOverdue):
            noted(none)
    with pytest.raises(Forbidden):
        desks.do_as("exchange_x_officer", note("aml_month"))
    assert noted(note("aml_month"))["consequence"] == "suspension"
    with pytest.raises(BreachNotedBefore):
        noted(note("aml_month"))
    rows = desks.look("exchange_x_officer", "reported_volumes")
    assert {one["cap"]: one["breach_noted_on"] for one in rows} == {
        "aml_order": None,
        "aml_month": "2026-04-01",
    }
