"""What the shipped pilots come to, held against published figures and against themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import sqlalchemy as sql

from amanat.instruments.model import BondTerms
from amanat.replay.performing import Performer
from amanat.replay.plan import payments_of
from amanat.replay.report import report_of
from amanat.replay.runner import replay
from amanat.store.tables import journal_entry


def test_sheets_are_those_that_were_published(replayed: Any) -> None:
    figures = [one for auction in replayed.report["auctions"] for one in auction["published"]]
    assert len(figures) >= 7
    assert [one for one in figures if not one["same"]] == []


def test_every_trade_and_allotment_settles(replayed: Any) -> None:
    rows = replayed.report["settlements"]
    assert [row for row in rows if row["state"] != "settled"] == []
    traded = {row["reference"] for row in rows if row["purpose"] == "trade"}
    assert traded == {trade.code for trade in replayed.pilot.trades}
    for trade in replayed.pilot.trades:
        row = next(row for row in rows if row["reference"] == trade.code)
        assert trade.settles_on.isoformat() <= row["settled_on"] <= trade.last_day.isoformat()


def test_payments_reconcile(replayed: Any) -> None:
    paid = replayed.report["payments"]
    assert len(paid) == len(payments_of(replayed.pilot))
    for one in paid:
        assert one["gross_paisa"] == one["net_paisa"] + one["tax_paisa"]
        assert one["paid_paisa"] + one["tax_paid_paisa"] + one["escrow_paisa"] == one["gross_paisa"]
        assert one["state"] == "complete"
    by_class = replayed.report["tax_by_class"]
    assert sum(row["tax_paisa"] for row in by_class) == sum(one["tax_paisa"] for one in paid)


def test_cash_in_is_cash_out(replayed: Any) -> None:
    cash = replayed.report["cash"]
    assert cash["created_paisa"] == cash["withdrawn_paisa"] + cash["held_paisa"]
    moved: Counter[bool] = Counter()
    for entry in replayed.pilot.cash:
        moved[entry.withdraws] += entry.paisa
    assert (cash["created_paisa"], cash["withdrawn_paisa"]) == (moved[False], moved[True])


def test_nothing_is_left_after_redemption(replayed: Any) -> None:
    for one in replayed.report["securities"]:
        assert one["issued"] == one["redeemed"] + one["cancelled"]
        assert one["outstanding"] == 0
        held = next(x for x in replayed.report["holders"] if x["isin"] == one["isin"])
        assert sum(row["nominal"] for row in held["holders"]) == one["redeemed"]


def test_holdings_follow_from_allotments_and_trades(replayed: Any) -> None:
    """Holders at the last record date, counted from the settlements alone."""
    held: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    isin_of = {trade.code: trade.isin for trade in replayed.pilot.trades}
    only = next(iter(replayed.pilot.instruments))
    for row in replayed.report["settlements"]:
        isin = isin_of.get(row["reference"], only)
        held[isin][row["buyer"]] += row["nominal"]
        if row["purpose"] == "trade":
            held[isin][row["seller"]] -= row["nominal"]
    for one in replayed.report["holders"]:
        found = {row["account"]: row["nominal"] for row in one["holders"]}
        assert found == {name: units for name, units in held[one["isin"]].items() if units}


def test_fails_are_tried_again_and_claims_paid(replayed: Any) -> None:
    late = {
        row["reference"]
        for row in replayed.report["settlements"]
        if row["purpose"] == "trade" and row["settled_on"] > row["first_day"]
    }
    assert late == {one["trade"] for one in replayed.report["fails"]}
    assert {one["state"] for one in replayed.report["claims"]} <= {"paid"}
    if isinstance(next(iter(replayed.pilot.instruments.values())).terms, BondTerms):
        assert replayed.report["claims"]
        assert late
        assert [one["state"] for one in replayed.report["cycles"] if one["purpose"] == "trade"]


def test_ledger_index_and_journal_agree(replayed: Any) -> None:
    assert replayed.application.ledger.check() == []


def test_running_again_changes_nothing(replayed: Any) -> None:
    def entries() -> int:
        with replayed.application.store.reading() as connection:
            count = connection.execute(sql.select(sql.func.count()).select_from(journal_entry))
            return int(count.scalar_one())

    before = entries()
    replay(replayed.application, replayed.pilot)
    assert entries() == before
    assert report_of(Performer(replayed.application, replayed.pilot)) == replayed.report


def test_made_bids_and_assumed_rates_are_said(replayed: Any) -> None:
    made = [one.code for one in replayed.pilot.tenders if one.made]
    assumed = "\n".join(replayed.report["assumed"])
    assert made
    for code in made:
        assert code in assumed
    for rate in replayed.pilot.tax_rates:
        if rate.assumed:
            assert rate.source in assumed
