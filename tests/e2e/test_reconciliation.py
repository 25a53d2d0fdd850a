"""Every rupee of the shipped pilots, found again from their files and the ledger.

Rates, standings and terms are read from the pilot's CSV and TOML files with plain Decimal code,
holdings from what the contracts answered at the close of each record date.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.ledger.units import bare
from amanat.servicing.tables import entitlement, payment
from amanat.settlement.tables import instruction

from .conftest import Watched
from .test_days import NOBODY, ledger_events

Table = Callable[[str], list[dict[str, str]]]
Terms = Callable[[str], dict[str, Any]]
MILLION_PAISA = 100_000_000


def whole(amount: Decimal) -> int:
    """To the nearest paisa, halves up."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def rows(watched: Watched, which: sql.Table) -> list[Any]:
    """Every row of a table of servicing or settlement."""
    with watched.application.store.reading() as connection:
        return list(connection.execute(sql.select(which)))


def lines_by_payment(watched: Watched) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each payment with its lines by the code of the account."""
    code_of = watched.performer.account_names()
    lines: dict[str, dict[str, Any]] = defaultdict(dict)
    for line in rows(watched, entitlement):
        lines[line.payment][code_of[line.account]] = line
    for one in sorted(rows(watched, payment), key=lambda row: (row.payment_date, row.kind)):
        yield one, lines[one.id]


# -- tax, from the files alone --------------------------------------------------------------------


def holder_class(table: Table, code: str) -> str:
    """What the tax of an account goes by."""
    return next(one["holder_class"] for one in table("accounts.csv") if one["code"] == code)


def tax_percent(table: Table, terms: Terms, code: str, day: date) -> Decimal:
    """What is withheld from an account on a day: its certificate's rate, else its class's."""
    standing = [
        one
        for one in table("tax_status.csv")
        if one["account"] == code
        and date.fromisoformat(one["first_day"]) <= day
        and (not one["last_day"] or day <= date.fromisoformat(one["last_day"]))
    ][-1]
    if standing["certificate"] == "exemption":
        return Decimal(0)
    if standing["certificate"] == "reduction":
        return Decimal(standing["reduced_rate"])
    (rate,) = [
        one
        for one in terms("rates.toml")["withholding"]
        if holder_class(table, code) in one["holder_classes"]
        and one["first_day"] <= day <= one["last_day"]
    ]
    active = standing["active_taxpayer"] == "true"
    return Decimal(rate["active_percent" if active else "inactive_percent"])


def per_100(terms: Terms, one: Any) -> Decimal:
    """What a payment pays on 100 of face."""
    (bond,) = [row for row in terms("instruments.toml")["instrument"] if row["isin"] == one.isin]
    if one.kind == "redemption":
        return Decimal(100)
    return Decimal(str(bond["coupon_rate"])) / bond["coupons_per_year"]


def is_bill(terms: Terms) -> bool:
    """Whether the pilot's one security is paid for by its discount."""
    return bool(terms("instruments.toml")["instrument"][0]["kind"] == "bill")


def percent_on(table: Table, terms: Terms, one: Any, code: str) -> Decimal:
    """What is withheld from a payment: a bond's principal is no income."""
    if one.kind == "redemption" and not is_bill(terms):
        return Decimal(0)
    return tax_percent(table, terms, code, date.fromisoformat(one.payment_date))


def held_on(watched: Watched, isin: str, day: str) -> dict[str, int]:
    """Holders at the close of a record date by the contract; the unsold have no holder."""
    code_of = watched.performer.account_names()
    balances = watched.closes[date.fromisoformat(day)].balances[isin]
    held = {code_of[address]: units for address, units in balances.items()}
    held.pop("distribution", None)
    return held


def discounts(watched: Watched) -> dict[str, int]:
    """Of each account: face less cost of the lots held, in paisa; first in is first out.

    What was paid, and when, is as the settled instructions say; `test_settled_trades_cost` holds
    the trades against the file.
    """
    lots: dict[str, deque[tuple[int, int]]] = defaultdict(deque)
    code_of = watched.performer.account_names()
    settled = [row for row in rows(watched, instruction) if row.state == "settled"]
    for row in sorted(settled, key=lambda row: (row.settled_on, row.id)):
        left, giver = row.nominal, lots[code_of[row.deliverer]]
        while left and giver:
            nominal, cost = giver.popleft()
            if nominal > left:
                part = cost * left // nominal
                giver.appendleft((nominal - left, cost - part))
                nominal = left
            left -= nominal
        lots[code_of[row.receiver]].append((row.nominal, row.consideration_paisa))
    return {
        code: sum(nominal * 100 - cost for nominal, cost in held) for code, held in lots.items()
    }


def test_every_line_is_recomputed_from_the_files(
    watched: Watched, table: Table, terms: Terms
) -> None:
    seen = set()
    for one, lines in lines_by_payment(watched):
        held = held_on(watched, one.isin, one.record_date)
        assert {code: line.nominal for code, line in lines.items()} == held
        gains = discounts(watched) if is_bill(terms) else {}
        for code, line in lines.items():
            gross = whole(Decimal(held[code]) * per_100(terms, one))
            # Per 100 of face in rupees is per rupee of face in paisa.
            taxed = gains[code] if gains else (gross if one.kind == "coupon" else 0)
            percent = percent_on(table, terms, one, code)
            tax = whole(Decimal(taxed) * percent / 100)
            assert (line.gross_paisa, line.tax_base_paisa) == (gross, taxed), (one.due_date, code)
            assert (Decimal(line.tax_rate), line.tax_paisa) == (percent, tax), (one.due_date, code)
            assert (line.net_paisa, line.state) == (gross - tax, "paid")
            seen.add((holder_class(table, code), percent))
    # Each class of holders that the folder taxes was paid, and more than one rate occurred.
    holders = {one["code"] for one in table("accounts.csv") if one["kind"] in ("own", "client")}
    assert {holder for holder, _ in seen} <= {holder_class(table, code) for code in holders}
    assert len({percent for _, percent in seen}) > 1


def test_tax_by_class_adds_up(watched: Watched, table: Table, terms: Terms) -> None:
    """Per payment and class, against sums made from the files."""
    for one, lines in lines_by_payment(watched):
        shown = watched.application.desk.view(
            None, watched.pilot.programme.code, "payment", {"payment": one.id}
        )
        assert shown["lines"] == []  # the public sees sums alone
        expected: Counter[tuple[str, Decimal]] = Counter()
        for code, line in lines.items():
            percent = percent_on(table, terms, one, code)
            expected[holder_class(table, code), percent] += line.tax_paisa
        found = {
            (row["holder_class"], Decimal(row["tax_rate"])): row["tax_paisa"]
            for row in shown["classes"]
        }
        assert found == dict(expected)


def test_settled_trades_cost_what_the_file_says(
    watched: Watched, table: Table, terms: Terms
) -> None:
    """A bill's price has no accrued interest in it: face times price, to the paisa."""
    settled = {row.reference: row for row in rows(watched, instruction) if row.state == "settled"}
    trades = table("trades.csv")
    assert trades
    for trade in trades:
        row = settled[trade["trade"]]
        nominal = Decimal(trade["face_pkr_million"]) * 1_000_000
        clean = nominal * Decimal(trade["price"])
        assert row.nominal == nominal
        if is_bill(terms):
            assert row.consideration_paisa == whole(clean)
        else:  # a buyer pays interest for less than half a year on top
            rate = Decimal(str(terms("instruments.toml")["instrument"][0]["coupon_rate"]))
            assert clean <= row.consideration_paisa < clean + nominal * rate / 2


# -- sums -----------------------------------------------------------------------------------------


def test_every_payment_reconciles(watched: Watched) -> None:
    paid: Counter[int] = Counter()
    for told in ledger_events(watched):
        if told["event"] == "EntitlementPaid":
            paid[int(told["arguments"]["run"])] += bare(told["arguments"]["gross"])
    for one, lines in lines_by_payment(watched):
        assert one.gross_paisa == one.net_paisa + one.tax_paisa
        assert one.gross_paisa == sum(line.gross_paisa for line in lines.values())
        assert one.tax_paisa == sum(line.tax_paisa for line in lines.values())
        assert (one.paid_paisa, one.tax_paid_paisa) == (one.net_paisa, one.tax_paisa)
        assert (one.escrow_paisa, paid.pop(one.number)) == (0, one.gross_paisa)
    assert not paid


def test_cash_created_less_withdrawn_is_what_all_accounts_have(
    watched: Watched, table: Table
) -> None:
    """At every close, against the rows of the file up to that day."""
    movements = table("cash.csv")
    for day, close in sorted(watched.closes.items()):
        expected = sum(
            (Decimal(one["amount_pkr_million"]) * MILLION_PAISA)
            * (1 if one["direction"] == "create" else -1)
            for one in movements
            if date.fromisoformat(one["day"]) <= day
        )
        assert sum(close.balances["Cash"].values()) == expected, day
        assert close.supply["Cash"] == expected
    assert watched.closes


def test_supply_is_issued_less_cancelled_less_redeemed_at_all_times(watched: Watched) -> None:
    """After every transaction, from the ledger's events; at every close, by the contract."""
    isins = set(watched.pilot.instruments)
    redeeming = {one.number: one.isin for one in rows(watched, payment) if one.kind == "redemption"}
    supply: Counter[str] = Counter()
    issued: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    compared, last = 0, ""
    for told in ledger_events(watched):
        if told["transaction"] != last:
            assert all(supply[isin] == issued[isin] - gone[isin] for isin in isins), last
            compared, last = compared + 1, told["transaction"]
        arguments = told["arguments"]
        if told["event"] == "Transfer" and told["label"] in isins:
            amount = bare(arguments["value"])
            supply[told["label"]] += amount * (arguments["sender"] == NOBODY)
            supply[told["label"]] -= amount * (arguments["receiver"] == NOBODY)
        elif told["event"] in ("NominalIssued", "UnsoldCancelled"):
            isin = bytes.fromhex(arguments["isin"][2:]).rstrip(b"\0").decode()
            (issued if told["event"] == "NominalIssued" else gone)[isin] += bare(
                arguments["nominal"]
            )
        elif told["event"] == "EntitlementPaid" and int(arguments["run"]) in redeeming:
            gone[redeeming[int(arguments["run"])]] += bare(arguments["nominal"])
    assert all(supply[isin] == issued[isin] - gone[isin] for isin in isins)
    assert compared > len(watched.closes)
    assert all(issued[isin] > 0 for isin in isins)
    final = watched.closes[max(watched.closes)]
    for isin in isins:
        assert final.redeemed[isin] == gone[isin] == issued[isin]
        assert final.supply[isin] == 0


def test_the_contracts_count_what_was_redeemed_at_every_close(watched: Watched) -> None:
    for day, close in watched.closes.items():
        for isin, redeemed in close.redeemed.items():
            expected = sum(
                one.nominal
                for one in rows(watched, payment)
                if (one.kind, one.isin) == ("redemption", isin)
                and one.payment_date <= day.isoformat()
            )
            assert redeemed == expected


# -- the withholding statement --------------------------------------------------------------------


def tax_at_close(watched: Watched, code: str, day: date) -> int:
    """Paisa of the tax account at the last close before a day, by the contract."""
    days = sorted(watched.closes)
    at = bisect_left(days, day)
    if at == 0:
        return 0
    return watched.closes[days[at - 1]].balances["Cash"].get(watched.performer.account(code), 0)


@pytest.mark.parametrize("months", [3, 6, 12, 60])
def test_the_withholding_statement_is_what_came_into_the_tax_account(
    watched: Watched, table: Table, months: int
) -> None:
    """For periods of a quarter, of half a year, of a year, and of the whole programme."""
    (code,) = [one["code"] for one in table("accounts.csv") if one["kind"] == "tax"]
    agent = watched.performer.actor(watched.pilot.with_capacity("tax_agent")[0].proposes)
    programme = watched.pilot.programme
    first, total = programme.first_day.replace(day=1), 0
    while first <= programme.last_day:
        later = (first.month - 1) + months
        after = date(first.year + later // 12, later % 12 + 1, 1)
        shown = watched.application.desk.view(
            agent,
            programme.code,
            "withholding_statement",
            {
                "first_day": first.isoformat(),
                "last_day": (after - timedelta(days=1)).isoformat(),
            },
        )
        assert shown["gross_paisa"] == shown["net_paisa"] + shown["tax_paisa"]
        assert sum(one["tax_paisa"] for one in shown["classes"]) == shown["tax_paisa"]
        assert sum(one["tax_paisa"] for one in shown["lines"]) == shown["tax_paisa"]
        came = tax_at_close(watched, code, after) - tax_at_close(watched, code, first)
        assert shown["tax_paisa"] == came, (first, after)
        total, first = total + shown["tax_paisa"], after
    whole_account = tax_at_close(watched, code, programme.last_day + timedelta(days=1))
    assert total == whole_account > 0
