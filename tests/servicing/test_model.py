"""Entitlements: gross = net + tax, dated rates, lots first in first out, all money found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from amanat.core.errors import Corrupt
from amanat.core.quantities import Rounding
from amanat.jurisdictions.tax import NoTaxRateForDate, TaxRow, TaxTable, UnknownHolderClass
from amanat.participants.model import Certificate, TaxStatus
from amanat.servicing.model import (
    Holder,
    Lot,
    LotsMissing,
    Move,
    PaymentTerms,
    Reconciliation,
    amount_per_100,
    by_class,
    check_lots,
    check_reconciled,
    entitlements,
    levy_on,
    replay_lots,
    tax_of,
    totals,
)

DAY = date(2021, 8, 20)
YEAR = (date(2021, 7, 1), date(2022, 6, 30))
INSTRUMENT = "government_security"


def row(classes: tuple[str, ...], active: str, inactive: str, **changes: object) -> TaxRow:
    fields: dict[str, object] = {
        "instrument": INSTRUMENT,
        "holder_classes": classes,
        "first_day": YEAR[0],
        "last_day": YEAR[1],
        "active_percent": Decimal(active),
        "inactive_percent": Decimal(inactive),
        "final": False,
        "source": "Income Tax Ordinance 2001, s.151",
        "assumed": False,
    }
    return TaxRow(**(fields | changes))  # type: ignore[arg-type]


# Section 151 as of tax year 2023: 15% for active taxpayers, 30% for others; collective schemes,
# pension and provident funds are outside withholding.
RATES = TaxTable((row(("bank", "company", "individual"), "15", "30"), row(("fund",), "0", "0")))


def status(holder_class: str, active: bool, **changes: object) -> TaxStatus:
    fields: dict[str, object] = {
        "holder_class": holder_class,
        "active_taxpayer": active,
        "valid_from": YEAR[0],
        "valid_to": YEAR[1],
        "tax_residency": "PK",
    }
    return TaxStatus(**(fields | changes))  # type: ignore[arg-type]


EXEMPT = {"certificate": Certificate.EXEMPTION, "certificate_number": "EX/1"}
REDUCED = {
    "certificate": Certificate.REDUCTION,
    "certificate_number": "RD/1",
    "reduced_rate": Decimal("7.25"),
}


def test_the_rate_follows_the_active_taxpayers_list() -> None:
    active = levy_on(RATES, INSTRUMENT, status("bank", True), DAY)
    assert (active.rate, active.basis) == (15, "active taxpayer")
    inactive = levy_on(RATES, INSTRUMENT, status("bank", False), DAY)
    assert (inactive.rate, inactive.basis) == (30, "not an active taxpayer")
    assert levy_on(RATES, INSTRUMENT, status("fund", False), DAY).rate == 0


def test_certificates_go_before_the_table() -> None:
    exempt = levy_on(RATES, INSTRUMENT, status("bank", False, **EXEMPT), DAY)
    assert (exempt.rate, exempt.basis) == (0, "exemption certificate")
    reduced = levy_on(RATES, INSTRUMENT, status("bank", True, **REDUCED), DAY)
    assert (reduced.rate, reduced.basis) == (Decimal("7.25"), "reduction certificate")


def test_a_rate_never_reaches_beyond_its_dates() -> None:
    with pytest.raises(NoTaxRateForDate, match="2022-07-01"):
        levy_on(RATES, INSTRUMENT, status("bank", True), date(2022, 7, 1))
    with pytest.raises(UnknownHolderClass, match="corporate_bond"):
        levy_on(RATES, "corporate_bond", status("bank", True), DAY)


def test_an_assumed_rate_says_so() -> None:
    assumed = TaxTable((row(("bank",), "10", "10", assumed=True),))
    assert levy_on(assumed, INSTRUMENT, status("bank", True), DAY).assumed


def test_tax_is_rounded_by_its_rule_and_a_loss_is_not_taxed() -> None:
    assert tax_of(1_50, Decimal("15"), Rounding.HALF_UP) == 23  # 22.5
    assert tax_of(1_50, Decimal("15"), Rounding.DOWN) == 22
    assert tax_of(1_50, Decimal("15"), Rounding.HALF_EVEN) == 22
    assert tax_of(-5, Decimal("15"), Rounding.UP) == 0


def test_a_half_year_of_seven_per_cent() -> None:
    # 11,601m face of the 7.00% PIB pays 3.5 per 100 on each coupon date.
    assert amount_per_100(11_601_000_000, Decimal("3.5"), Rounding.HALF_UP) == 406_035_000_00


def coupon(rounding: Rounding = Rounding.HALF_UP) -> PaymentTerms:
    return PaymentTerms(
        gross_per_100=Decimal("3.5"),
        taxable_per_100=Decimal("3.5"),
        instrument=INSTRUMENT,
        on_discount=False,
        payment_date=DAY,
        amount_rounding=rounding,
        tax_rounding=rounding,
    )


_statuses = some.sampled_from(
    [
        status("bank", True),
        status("individual", False),
        status("fund", True),
        status("company", True, **EXEMPT),
        status("company", True, **REDUCED),
    ]
)
_holders = some.lists(
    some.builds(
        Holder,
        account=some.integers(1, 10**9).map(lambda number: f"0x{number:040x}"),
        institution=some.just("bank"),
        nominal=some.integers(0, 10**13),
        status=_statuses,
    ),
    max_size=30,
)


@given(_holders, some.sampled_from(list(Rounding)))
def test_gross_is_net_and_tax_line_by_line_and_in_sum(
    holders: Sequence[Holder], rounding: Rounding
) -> None:
    lines = entitlements(holders, coupon(rounding), RATES)
    assert len(lines) == sum(1 for one in holders if one.nominal)
    for line in lines:
        assert line.gross_paisa == line.net_paisa + line.tax_paisa
        assert 0 <= line.tax_paisa <= line.gross_paisa
        exact = Fraction(line.nominal) * Fraction(7, 2)
        assert abs(line.gross_paisa - exact) < 1
    sums = totals(lines)
    assert sums.gross_paisa == sums.net_paisa + sums.tax_paisa
    classes = by_class(lines).values()
    assert sum(one.tax_paisa for one in classes) == sums.tax_paisa
    check_reconciled("p", Reconciliation(sums.gross_paisa, sums.net_paisa, sums.tax_paisa, 0))


def test_money_that_is_unaccounted_for_stops_everything() -> None:
    with pytest.raises(Corrupt, match="1 paisa are unaccounted"):
        check_reconciled("p", Reconciliation(100, 80, 15, 4))


def test_a_bond_redeems_without_tax_on_its_principal() -> None:
    terms = PaymentTerms(Decimal(100), Decimal(0), INSTRUMENT, False, DAY)
    (line,) = entitlements([Holder("a", "b", 1_000, status("bank", True))], terms, TaxTable(()))
    assert (line.gross_paisa, line.tax_paisa, line.levy.basis) == (100_000, 0, "nothing taxable")


def test_a_bill_is_taxed_on_its_discount_by_the_cost_of_its_lots() -> None:
    # Bought at 97.8800, the cut-off price of the 84-day bill on 20 March 2013: discount 2.12.
    lots = (Lot(date(2013, 3, 21), 1_000_000, 97_880_000),)
    terms = PaymentTerms(Decimal(100), Decimal(0), INSTRUMENT, True, DAY)
    holder = Holder("a", "bank", 1_000_000, status("bank", True), lots)
    (line,) = entitlements([holder], terms, RATES)
    assert line.tax_base_paisa == 2_120_000
    assert line.tax_paisa == 318_000
    assert line.net_paisa == 99_682_000


def test_nominal_without_a_recorded_cost_is_refused() -> None:
    terms = PaymentTerms(Decimal(100), Decimal(0), INSTRUMENT, True, DAY)
    with pytest.raises(LotsMissing, match="holds 5 units but lots for 0"):
        entitlements([Holder("a", "bank", 5, status("bank", True))], terms, RATES)


def test_first_in_first_out_by_hand() -> None:
    # Buy 100 at 97, buy 50 at 98, sell 60, buy 20 at 99, sell 70: 40 are left, of the last two.
    first, second, third = date(2021, 1, 1), date(2021, 2, 1), date(2021, 3, 1)
    lots = replay_lots(
        [
            Move(first, None, "issuer", 1_000, None),
            Move(first, "issuer", "a", 100, 9_700),
            Move(second, "issuer", "a", 50, 4_900),
            Move(second, "a", "b", 60, 5_850),
            Move(third, "issuer", "a", 20, 1_980),
            Move(third, "a", "b", 70, 6_930),
        ]
    )
    assert lots["a"] == (Lot(second, 20, 1_960), Lot(third, 20, 1_980))
    assert lots["b"] == (Lot(second, 60, 5_850), Lot(third, 70, 6_930))
    assert "issuer" not in lots


def test_a_holding_that_is_carried_keeps_its_dates_and_cost() -> None:
    bought, moved = date(2021, 1, 1), date(2021, 2, 1)
    lots = replay_lots([Move(bought, "issuer", "a", 100, 9_701), Move(moved, "a", "b", 30, None)])
    assert lots["b"] == (Lot(bought, 30, 2_910),)
    assert lots["a"] == (Lot(bought, 70, 6_791),)


def test_what_nobody_paid_for_has_no_lot() -> None:
    lots = replay_lots([Move(DAY, None, "a", 10, None), Move(DAY, "a", "b", 10, None)])
    with pytest.raises(LotsMissing):
        check_lots(lots.get("b", ()), 10, "b")


_moves = some.lists(
    some.builds(
        Move,
        day=some.just(DAY),
        giver=some.sampled_from(["issuer", "a", "b", "c"]),
        taker=some.sampled_from([None, "a", "b", "c"]),
        nominal=some.integers(1, 1_000),
        cost_paisa=some.one_of(some.none(), some.integers(0, 100_000)),
    ),
    max_size=40,
)


@given(_moves)
def test_lots_are_of_what_is_held_and_no_cost_is_lost(moves: Sequence[Move]) -> None:
    held: dict[str, int] = {"a": 0, "b": 0, "c": 0}
    possible = []
    for move in moves:
        if move.giver == move.taker or (move.giver == "issuer" and move.cost_paisa is None):
            continue
        if move.giver in held:
            if held[move.giver] < move.nominal:
                continue
            held[move.giver] -= move.nominal
        if move.taker is not None:
            held[move.taker] += move.nominal
        possible.append(move)
    lots = replay_lots(possible)
    for account, units in held.items():
        check_lots(lots.get(account, ()), units, account)
    paid = sum(move.cost_paisa or 0 for move in possible if move.taker is not None)
    assert sum(lot.cost_paisa for some_lots in lots.values() for lot in some_lots) <= paid
