"""Declarations of clients' assets: dated, due by period, public without their quantities."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.errors import NotFound
from amanat.jurisdictions.licensing import ObligationTemplate
from amanat.licensing.complaints.commands import DeclareClientAssets, Holding
from amanat.licensing.complaints.intake import DayInFuture
from amanat.licensing.duties.periods import periods
from amanat.licensing.model import NotAProvider

from ..without_ledger import DeskWorld

MONTHLY = ObligationTemplate("segregation", "Apart", "client_assets", ("licensed",), 1, 10, 0, "")


def declaration(as_of: str, held: str = "10.5", duty: str = "segregation") -> DeclareClientAssets:
    """One asset of which clients are owed 10.5."""
    row = Holding(asset="BTC", owed=Decimal("10.5"), held=Decimal(held), where="cold wallets")
    return DeclareClientAssets(duty=duty, as_of=date.fromisoformat(as_of), holdings=(row,))


def declared(desk: DeskWorld, command: DeclareClientAssets) -> Any:
    """Declared by two people of the exchange."""
    return desk.do_as("exchange_x_officer", command, "exchange_x_approver")


def registered(desk: DeskWorld) -> None:
    """An exchange that serves clients under its registration on goAML, since 9 March."""
    desk.noc("exchange_x")
    desk.confirm("fmu", "exchange_x", "goaml_registered")


def test_a_declaration_meets_the_period_that_is_due(desk: DeskWorld) -> None:
    registered(desk)
    desk.day = date(2026, 4, 10)
    (due,) = [
        one
        for one in desk.view("licensing_calendar", "exchange_x_officer")
        if one["what"] == "obligation" and one["due_on"] < "2026-05-01"
    ]
    # A month after the registration ends on 9 April; ten days later it is due.
    assert (due["due_on"], due["overdue"]) == ("2026-04-19", False)
    done = declared(desk, declaration("2026-04-09"))
    assert (done["covered"], done["late"]) == (True, False)
    left = desk.view("licensing_calendar", "exchange_x_officer")
    assert "2026-04-19" not in {one["due_on"] for one in left}


def test_late_and_short_declarations_say_so_to_everyone(desk: DeskWorld) -> None:
    registered(desk)
    desk.day = date(2026, 4, 20)
    overdue = [one for one in desk.view("licensing_calendar", "pvara_officer") if one["overdue"]]
    assert {(one["owed_by"], one["due_on"]) for one in overdue} >= {("exchange_x", "2026-04-19")}
    done = declared(desk, declaration("2026-04-19", held="10.4"))
    assert (done["covered"], done["late"]) == (False, True)
    (row,) = desk.view("client_asset_declarations")
    assert (row["provider"], row["covered"], row["late"]) == ("exchange_x", False, True)
    assert "holdings" not in row
    (seen,) = desk.view("client_asset_declarations", "pvara_officer")
    assert seen["holdings"][0]["held"] == "10.4"
    (other,) = desk.view("client_asset_declarations", "exchange_y_officer")
    assert "holdings" not in other


def test_what_cannot_be_declared_is_refused(desk: DeskWorld) -> None:
    with pytest.raises(NotAProvider):
        declared(desk, declaration("2026-03-09"))
    registered(desk)
    with pytest.raises(DayInFuture):
        declared(desk, declaration("2026-03-10"))
    with pytest.raises(NotFound):
        declared(desk, declaration("2026-03-09", duty="daily_prayer"))


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.integers(1, 40))
def test_periods_follow_each_other_without_gap(since: date, count: int) -> None:
    until = date(since.year + 4, 1, 1)
    found = list(periods(MONTHLY, since, until))[:count]
    months = [(end.year * 12 + end.month) for end, _due in found]
    assert months == list(range(months[0], months[0] + len(months))) if months else True
    assert all((due - end).days == 10 for end, due in found)
    assert not list(periods(MONTHLY, until, until))
