"""Prices and yields of MTB and PIB against figures that the State Bank of Pakistan published."""

from datetime import date
from decimal import Decimal

import pytest

from amanat.core.money import Money
from amanat.core.quantities import Rounding, round_to
from amanat.instruments.payments import amount_at, invoice
from amanat.instruments.pricing import (
    ExDividendUnknown,
    NoYieldAtPrice,
    PriceOutOfRange,
    SettlementOutsideLife,
    YieldOutOfRange,
    accrued_interest,
    bill_discount,
    price_from_yield,
    yield_from_price,
)
from amanat.instruments.schedule import ConventionDoesNotFit
from amanat.jurisdictions.conventions import NoConventionForDate, load_convention

SETTLED = date(2021, 3, 4)

# Auction of 3 March 2021, 3-year PIB 7.00% due 20 August 2023, as published by the State Bank
# of Pakistan: face in PKR million, clean price, yield in per cent.
BIDS_OF_2021 = [
    (1, "95.6713", "8.9934"),
    (2000, "95.6574", "9.0000"),
    (250, "95.0711", "9.2790"),
    (1000, "95.0481", "9.2900"),
    (500, "95.0271", "9.3000"),
    (100, "95.0271", "9.3000"),
    (500, "95.0062", "9.3100"),
    (1000, "94.9876", "9.3189"),
    (2000, "94.9853", "9.3200"),
    (500, "94.9644", "9.3300"),
    (1000, "94.9477", "9.3380"),
    (250, "94.9436", "9.3399"),
    (2000, "94.9435", "9.3400"),
    (500, "94.9435", "9.3400"),
]


@pytest.fixture(scope="module")
def pib(bond):
    return bond("pk-pib-fixed", "2020-08-20", "2023-08-20", "7.00", denomination=100_000)


@pytest.fixture(scope="module")
def pib_convention():
    return load_convention("pk-pib-fixed", SETTLED)


@pytest.mark.parametrize(("price", "percent"), [bid[1:] for bid in BIDS_OF_2021])
def test_yield_of_every_published_bid(pib, pib_convention, price, percent):
    exact = yield_from_price(pib, pib_convention, SETTLED, Decimal(price))
    assert str(pib_convention.round_yield(exact)) == percent
    back = price_from_yield(pib, pib_convention, SETTLED, exact)
    assert abs(back.clean - Decimal(price)) < Decimal("1e-28")


def test_accrued_of_twelve_days_in_181(pib, pib_convention):
    accrued = accrued_interest(pib, pib_convention, SETTLED)
    assert str(pib_convention.round_accrued(accrued)) == "0.232044"


def test_invoices_add_up_to_the_published_sheet(pib, pib_convention):
    # Realised 11,032.285, accrued 26.919, final 11,059.204, weighted yield 9.2665 (by face).
    invoices = [
        invoice(pib, pib_convention, SETTLED, face * 1_000_000, Decimal(price))
        for face, price, _ in BIDS_OF_2021
    ]

    def in_millions(parts: list[Money]) -> str:
        return str(round_to(Decimal(sum(part.minor for part in parts)) / 10**8, 3))

    assert in_millions([one.realised for one in invoices]) == "11032.285"
    assert in_millions([one.accrued for one in invoices]) == "26.919"
    assert in_millions([one.total for one in invoices]) == "11059.204"
    face = sum(face for face, _, _ in BIDS_OF_2021)
    weighted = sum(face * Decimal(percent) for face, _, percent in BIDS_OF_2021) / face
    assert (face, str(round_to(weighted, 4))) == (11601, "9.2665")


@pytest.mark.parametrize(
    ("maturity", "cut_off", "cut_off_price", "average", "average_price", "face", "paid"),
    [
        # Auction of 20 March 2013, settled 21 March: 84 and 182 days; then the non-competitive
        # face and amount in PKR million at the average price rounded to two decimals.
        ("2013-06-13", "9.4114", "97.8800", "9.3784", "97.89", "11050.390", "10817.227"),
        ("2013-09-19", "9.4280", "95.5100", "9.4185", "95.51", "2004.490", "1914.488"),
    ],
)
def test_bills_of_the_auction_of_2013(
    bill, maturity, cut_off, cut_off_price, average, average_price, face, paid
):
    settled = date(2013, 3, 21)
    terms = bill("pk-mtb", "2013-03-21", maturity, denomination=5_000)
    convention = load_convention("pk-mtb", settled)
    price = price_from_yield(terms, convention, settled, Decimal(cut_off))
    assert str(convention.round_price(price.clean)) == cut_off_price
    assert price.dirty == price.clean
    percent = yield_from_price(terms, convention, settled, Decimal(cut_off_price))
    assert abs(percent - Decimal(cut_off)) < Decimal("0.0001")
    mean = round_to(price_from_yield(terms, convention, settled, Decimal(average)).clean, 2)
    assert str(mean) == average_price
    units = int(Decimal(face) * 1_000_000)
    assert str(round_to(amount_at(mean, units, "PKR").amount / 10**6, 3)) == paid
    assert bill_discount(mean) == 100 - mean


@pytest.mark.parametrize(
    ("maturity", "average", "unrounded"),
    [("2013-06-13", "9.3784", "97.8873"), ("2013-09-19", "9.4185", "95.5143")],
)
def test_average_prices_of_2013_before_rounding(bill, maturity, average, unrounded):
    settled = date(2013, 3, 21)
    terms = bill("pk-mtb", "2013-03-21", maturity)
    convention = load_convention("pk-mtb", settled)
    price = price_from_yield(terms, convention, settled, Decimal(average))
    assert str(round_to(price.clean, 4)) == unrounded


def test_floating_bond_accrues_from_issue_and_yields_from_maturity(bond):
    # Auction settled 13 August 2020: 4,000 million at 100.5082 is 8.0570%, accrued 50.596.
    settled = date(2020, 8, 13)
    terms = bond("pk-pfl", "2020-06-18", "2023-06-19", "8.2670")
    convention = load_convention("pk-pfl", settled)
    percent = yield_from_price(terms, convention, settled, Decimal("100.5082"))
    assert str(convention.round_yield(percent)) == "8.0570"
    accrued = accrued_interest(terms, convention, settled)
    assert round_to(accrued, 20) == round_to(Decimal("4.1335") * 56 / 183, 20)
    paid = amount_at(accrued, 4_000_000_000, "PKR").amount / 10**6
    assert str(round_to(paid, 3)) == "50.596"


def test_in_2012_the_invoice_counts_365_days_and_the_yield_does_not(bond):
    settled = date(2012, 9, 27)
    terms = bond("pk-pib-fixed", "2012-07-19", "2015-07-19", "11.25")
    convention = load_convention("pk-pib-fixed", settled)
    accrued = accrued_interest(terms, convention, settled)
    assert round_to(accrued, 10) == round_to(Decimal("11.25") * 70 / 365, 10)
    at_coupon = price_from_yield(terms, convention, settled, Decimal("11.25"))
    as_icma = Decimal("5.625") * 70 / 184
    assert round_to(at_coupon.clean + as_icma, 6) == round_to(
        Decimal(100) * Decimal("1.05625") ** (Decimal(70) / 184), 6
    )


def test_conventions_between_the_known_dates_are_refused():
    with pytest.raises(NoConventionForDate):
        load_convention("pk-pib-fixed", date(2016, 1, 1))


@pytest.mark.parametrize("day", [date(2020, 8, 19), date(2023, 8, 20)])
def test_no_price_outside_the_life(pib, pib_convention, day):
    with pytest.raises(SettlementOutsideLife):
        accrued_interest(pib, pib_convention, day)
    with pytest.raises(SettlementOutsideLife):
        yield_from_price(pib, pib_convention, day, Decimal(100))


def test_the_last_day_and_the_first_have_prices(pib, pib_convention):
    for day in (date(2020, 8, 20), date(2023, 8, 19)):
        price = price_from_yield(pib, pib_convention, day, Decimal(7))
        assert abs(price.clean - 100) < Decimal("0.01")
        exact = yield_from_price(pib, pib_convention, day, price.clean)
        assert abs(exact - 7) < Decimal("1e-25")


@pytest.mark.parametrize("price", ["0", "-1", "0.0000009", "10000.01"])
def test_impossible_prices_are_refused(pib, pib_convention, price):
    with pytest.raises(PriceOutOfRange):
        yield_from_price(pib, pib_convention, SETTLED, Decimal(price))


@pytest.mark.parametrize("percent", ["-50.1", "1000.1"])
def test_impossible_yields_are_refused(pib, pib_convention, percent):
    with pytest.raises(YieldOutOfRange):
        price_from_yield(pib, pib_convention, SETTLED, Decimal(percent))


def test_price_that_implies_an_impossible_yield_is_refused(pib, pib_convention):
    with pytest.raises(NoYieldAtPrice):
        yield_from_price(pib, pib_convention, SETTLED, Decimal("0.0001"))
    with pytest.raises(NoYieldAtPrice):
        yield_from_price(pib, pib_convention, SETTLED, Decimal(10_000))


def test_bill_price_that_implies_an_impossible_yield_is_refused(bill):
    terms = bill("pk-mtb", "2021-03-04", "2021-03-11")
    with pytest.raises(NoYieldAtPrice):
        yield_from_price(terms, load_convention("pk-mtb", SETTLED), SETTLED, Decimal(50))


def test_bill_convention_refuses_a_bond(pib):
    with pytest.raises(ConventionDoesNotFit):
        accrued_interest(pib, load_convention("pk-mtb", SETTLED), SETTLED)


def test_where_gilts_may_be_without_coupon_the_caller_must_say(bond):
    gilt = bond("gb-gilt", "1995-12-07", "2015-12-07", "8")
    with pytest.raises(ExDividendUnknown):
        accrued_interest(gilt, load_convention("gb-gilt", date(1999, 5, 24)), date(1999, 5, 24))


def test_rounding_of_an_invoice_is_a_parameter(pib, pib_convention):
    up = invoice(pib, pib_convention, SETTLED, 100_000, Decimal("95.6713"))
    down = invoice(
        pib, pib_convention, SETTLED, 100_000, Decimal("95.6713"), rounding=Rounding.DOWN
    )
    # 0.2320441988... of 100,000 is 232.0441988... rupees.
    assert (up.accrued.minor, down.accrued.minor) == (23204, 23204)
    ceiling = invoice(
        pib, pib_convention, SETTLED, 100_000, Decimal("95.6713"), rounding=Rounding.CEILING
    )
    assert ceiling.accrued.minor == 23205
    assert ceiling.realised.minor == 9_567_130
    assert ceiling.total.minor == 9_567_130 + 23_205
