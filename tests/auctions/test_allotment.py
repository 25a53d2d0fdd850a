"""Laws of allotment over drawn books, and what an award may not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.auctions.allotment import (
    AuctionResult,
    AwardAcceptsNothing,
    AwardCutsBetterBids,
    AwardEmpty,
    AwardExceedsBids,
    AwardNotMultiple,
    Status,
    allot,
    margin_fills,
    shared,
)
from amanat.auctions.model import (
    Award,
    Bid,
    BidBy,
    CompetitiveBid,
    Decision,
    MarginRule,
    Method,
    NoAward,
    NonCompetitiveBid,
    NonCompetitivePricing,
    NonCompetitiveRules,
    Oversubscription,
    Residue,
    TenderTerms,
)
from amanat.core.errors import Refusals
from amanat.core.quantities import Rounding, round_to_multiple

STEP = 5_000


@dataclass(frozen=True)
class SimpleBill:
    """100 / (1 + y d / 365), with interest accrued for the sake of the test."""

    days: int = 84
    accrued: Decimal = Decimal(0)

    def price_of_yield(self, yield_pct: Decimal) -> Decimal:
        return 100 / (1 + yield_pct * self.days / 36_500)

    def yield_of_price(self, price: Decimal) -> Decimal:
        return (100 / price - 1) * 36_500 / self.days

    def accrued_per_100(self) -> Decimal:
        return self.accrued


BILL = SimpleBill()
TERMS = TenderTerms(
    tender=bytes(32),
    isin="PK0000000015",
    target=200 * STEP,
    bid_minimum=STEP,
    bid_multiple=STEP,
    margin=MarginRule(rounding_multiple=10 * STEP, whole_up_to=10 * STEP),
    non_competitive=NonCompetitiveRules(cap_fraction=Decimal(1), cap_nominal=10**9),
)


def bid(number: int, steps: int, price: str) -> CompetitiveBid:
    return CompetitiveBid(number, 1, steps * STEP, price=Decimal(price), sequence=number)


def investor(number: int, steps: int) -> NonCompetitiveBid:
    return NonCompetitiveBid(number, 1, steps * STEP, f"investor {number}", "fund", number)


def nominals(result: AuctionResult) -> dict[int, int]:
    return {row.bid.number: row.nominal // STEP for row in result.allotments}


sizes = st.integers(1, 120)
quotes = st.sampled_from(["97.8800", "97.8801", "97.8900", "97.9000", "98.0000"])


@st.composite
def books(draw: st.DrawFn) -> list[Bid]:
    """Up to a dozen competitive bids at few prices, so that margins are shared, and investors."""
    drawn = draw(st.lists(st.tuples(sizes, quotes), min_size=1, max_size=12))
    investors = draw(st.lists(sizes, max_size=6))
    return [
        *(bid(number, steps, price) for number, (steps, price) in enumerate(drawn, 1)),
        *(investor(100 + number, steps) for number, steps in enumerate(investors, 1)),
    ]


@st.composite
def tenders(draw: st.DrawFn) -> tuple[TenderTerms, list[Bid], Award]:
    """Terms, a book, and an amount that its competitive bids suffice for."""
    bids = draw(books())
    total = sum(one.nominal for one in bids if isinstance(one, CompetitiveBid))
    rules = NonCompetitiveRules(
        cap_fraction=Decimal(1),
        cap_nominal=10**9,
        oversubscription=draw(st.sampled_from(Oversubscription)),
        total_max=draw(st.none() | st.integers(0, 300).map(lambda steps: steps * STEP)),
        pricing=draw(st.sampled_from(NonCompetitivePricing)),
    )
    margin = MarginRule(
        rounding_multiple=draw(st.integers(1, 40)) * STEP,
        whole_up_to=draw(st.integers(0, 40)) * STEP,
        residue=draw(st.sampled_from(Residue)),
    )
    terms = replace(
        TERMS, margin=margin, non_competitive=rules, method=draw(st.sampled_from(Method))
    )
    return terms, bids, Award(amount=draw(st.integers(1, total // STEP)) * STEP)


@given(tenders())
def test_allotments_sum_to_the_award_and_never_pass_a_bid(
    tender: tuple[TenderTerms, list[Bid], Award],
) -> None:
    terms, bids, award = tender
    result = allot(terms, bids, award, BILL)
    assert result.awarded == award.amount
    rules = terms.non_competitive
    assert rules is not None
    offered = sum(one.nominal for one in bids if isinstance(one, NonCompetitiveBid))
    limit = offered if rules.total_max is None else min(offered, rules.total_max)
    assert result.awarded_non_competitive == limit
    assert len(result.allotments) == len(bids)
    for row in result.allotments:
        assert 0 <= row.nominal <= row.bid.nominal
        assert row.nominal % STEP == 0
        assert (row.nominal > 0) is (row.status is Status.ACCEPTED)
        assert (row.price is None) is (row.nominal == 0)


@given(tenders())
def test_a_better_bid_never_gets_a_smaller_share(
    tender: tuple[TenderTerms, list[Bid], Award],
) -> None:
    result = allot(*tender, BILL)
    shares = [
        (row.bid.price, Fraction(row.nominal, row.bid.nominal))
        for row in result.allotments
        if isinstance(row.bid, CompetitiveBid) and row.bid.price is not None
    ]
    for price, share in shares:
        assert all(other <= share for lower, other in shares if lower < price)
        # Only the bids at one price, the margin, may be filled in part.
        assert share in (0, 1) or price == result.cut_off_price


@given(tenders(), st.randoms(use_true_random=False), st.integers(6, 90))
def test_result_depends_on_neither_order_nor_context(
    tender: tuple[TenderTerms, list[Bid], Award], random: object, digits: int
) -> None:
    terms, bids, award = tender
    shuffled = list(bids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    result = allot(terms, bids, award, BILL)
    with localcontext(Context(prec=digits)):
        assert allot(terms, shuffled, award, BILL) == result


@given(tenders())
def test_naming_the_cut_off_that_an_amount_gives_changes_nothing(
    tender: tuple[TenderTerms, list[Bid], Award],
) -> None:
    terms, bids, award = tender
    result = allot(terms, bids, award, BILL)
    again = allot(terms, bids, replace(award, cut_off=result.cut_off_price), BILL)
    assert again.allotments == result.allotments


@given(tenders())
def test_money_is_nominal_at_price_and_all_pay_one_price_where_the_method_says(
    tender: tuple[TenderTerms, list[Bid], Award],
) -> None:
    result = allot(*tender, SimpleBill(accrued=Decimal("0.232044198895")))
    for row in result.allotments:
        if row.price is None:
            assert row.final == 0
            continue
        assert row.realised == round_to_multiple(row.nominal * row.price, 1)
        assert row.accrued == round_to_multiple(row.nominal * Decimal("0.232044198895"), 1)
        if isinstance(row.bid, CompetitiveBid):
            multiple = result.terms.method is Method.MULTIPLE_PRICE
            assert row.price == (row.bid.price if multiple else result.cut_off_price)
        else:
            assert row.price == result.non_competitive_price


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=8),
    st.integers(1, 60),
    st.sampled_from(Residue),
    st.data(),
)
def test_residue_law_is_exact(
    steps: list[int], multiple: int, residue: Residue, data: st.DataObject
) -> None:
    group: list[Bid] = [bid(number, size, "97.88") for number, size in enumerate(steps, 1)]
    available = data.draw(st.integers(0, sum(steps))) * STEP
    parts = shared(group, available, multiple * STEP, residue)
    assert sum(parts.values()) == available
    total, half = sum(one.nominal for one in group), Fraction(1, 2)
    rounded = {
        one.order: min(
            one.nominal,
            STEP
            * multiple
            * int(Fraction(available * one.nominal, total * STEP * multiple) + half),
        )
        for one in group
    }
    left = available - sum(rounded.values())
    queue = sorted(group, key=lambda one: one.order)
    if residue is Residue.LAST_BID_FIRST:
        queue.reverse()
    if residue is Residue.LARGEST_BID_FIRST:
        queue.sort(key=lambda one: -one.nominal)
    if residue is Residue.SMALLEST_BID_FIRST:
        queue.sort(key=lambda one: one.nominal)
    changes = [parts[one.order] - rounded[one.order] for one in queue]
    assert sum(changes) == left
    # All changes go one way, and nobody is touched while one before could still give or take.
    assert all(change * left >= 0 for change in changes)
    for place, change in enumerate(changes):
        if change:
            for one in queue[:place]:
                assert parts[one.order] == (one.nominal if left > 0 else 0)


def test_small_bids_at_the_margin_are_filled_whole() -> None:
    # 30 steps left for 10, 40 and 60: the small one whole, the rest share 20 as 8 and 12, which
    # round to 10 and 10.
    group = [bid(1, 10, "97.88"), bid(2, 40, "97.88"), bid(3, 60, "97.88")]
    fills = margin_fills(TERMS, group, 30 * STEP)
    assert [fills[one.order] // STEP for one in group] == [10, 10, 10]


def test_small_bids_that_alone_pass_the_rest_share_it_with_all() -> None:
    group = [bid(1, 10, "97.88"), bid(2, 10, "97.88"), bid(3, 20, "97.88")]
    fills = margin_fills(TERMS, group, 12 * STEP)
    assert [fills[one.order] // STEP for one in group] == [3, 3, 6]


def test_uniform_price_is_that_of_the_worst_accepted_bid() -> None:
    uniform = replace(TERMS, method=Method.UNIFORM_PRICE)
    bids = [bid(1, 10, "98.0000"), bid(2, 10, "97.9000"), bid(3, 10, "97.8800")]
    result = allot(uniform, bids, Award(cut_off=Decimal("97.8900")), BILL)
    assert nominals(result) == {1: 10, 2: 10, 3: 0}
    paid = {row.price for row in result.allotments if row.status is Status.ACCEPTED}
    # Not the 97.8900 that the ministry named: no accepted bid offered so little.
    assert paid == {Decimal("97.9000")} == {result.cut_off_price}
    assert result.average_yield == result.cut_off_yield


def test_award_under_and_over_the_target() -> None:
    bids = [bid(1, 150, "98.0000"), bid(2, 150, "97.9000")]
    under = allot(TERMS, bids, Award(cut_off=Decimal("98.0000")), BILL)
    over = allot(TERMS, bids, Award(cut_off=Decimal("97.9000")), BILL)
    assert under.awarded < TERMS.target < over.awarded


def test_bids_by_yield_rank_lowest_first() -> None:
    by_yield = replace(TERMS, bid_by=BidBy.YIELD)
    bids = [
        CompetitiveBid(1, 1, 10 * STEP, yield_pct=Decimal("9.50"), sequence=1),
        CompetitiveBid(2, 1, 10 * STEP, yield_pct=Decimal("9.40"), sequence=2),
    ]
    result = allot(by_yield, bids, Award(amount=10 * STEP), BILL)
    assert nominals(result) == {1: 0, 2: 10}
    # 100 / (1 + 0.094 * 84 / 365) = 97.8824...
    assert result.cut_off_price == Decimal("97.8825")


@pytest.mark.parametrize(
    ("rule", "filled"),
    [
        (Oversubscription.SMALLEST_FIRST, {101: 8, 102: 20, 103: 30}),
        (Oversubscription.PRO_RATA, {101: 36, 102: 9, 103: 13}),
    ],
)
def test_oversubscribed_investors(rule: Oversubscription, filled: dict[int, int]) -> None:
    rules = NonCompetitiveRules(
        cap_fraction=Decimal(1), cap_nominal=10**9, oversubscription=rule, total_max=58 * STEP
    )
    terms = replace(TERMS, non_competitive=rules)
    bids = [bid(1, 10, "98"), investor(101, 80), investor(102, 20), investor(103, 30)]
    result = nominals(allot(terms, bids, Award(amount=10 * STEP), BILL))
    # Pro rata: 35.69, 8.92 and 13.38 round to 36, 9 and 13: exactly the 58.
    assert {number: result[number] for number in filled} == filled


def test_investors_pay_the_average_rounded_to_two_decimals_or_the_price_asked() -> None:
    bids = [bid(1, 10, "97.8846"), bid(2, 10, "97.8800"), investor(101, 5)]
    rules = TERMS.non_competitive
    assert rules is not None
    prices = {}
    for pricing in NonCompetitivePricing:
        decimals = 2 if pricing is NonCompetitivePricing.AVERAGE_PRICE else 4
        terms = replace(
            TERMS, non_competitive=replace(rules, pricing=pricing, price_decimals=decimals)
        )
        result = allot(terms, bids, Award(cut_off=Decimal("97.88")), BILL)
        prices[pricing.value] = str(result.non_competitive_price)
    # Mean price 97.8823 exactly.  Yields 9.3906 and 9.4114 average 9.4010: 97.882299...
    assert prices == {
        "average_price": "97.88",
        "price_of_average_yield": "97.8823",
        "cut_off_price": "97.8800",
    }


def test_no_award_leaves_every_commitment_accounted_for() -> None:
    result = allot(TERMS, [bid(1, 10, "98"), investor(2, 5)], NoAward(), BILL)
    assert [row.status for row in result.allotments] == [Status.UNSUCCESSFUL] * 2


@pytest.mark.parametrize(
    ("award", "refusal"),
    [
        (Award(), AwardEmpty),
        (Award(amount=0), AwardNotMultiple),
        (Award(amount=-STEP), AwardNotMultiple),
        (Award(amount=STEP + 1), AwardNotMultiple),
        (Award(cut_off=Decimal("98.0001")), AwardAcceptsNothing),
        (Award(amount=31 * STEP), AwardExceedsBids),
        (Award(cut_off=Decimal("97.90"), amount=21 * STEP), AwardExceedsBids),
        (Award(cut_off=Decimal("97.90"), amount=10 * STEP), AwardCutsBetterBids),
        (Award(cut_off=Decimal("97.88"), amount=20 * STEP), AwardCutsBetterBids),
    ],
)
def test_awards_that_contradict_the_book_are_refused(award: Decision, refusal: type) -> None:
    bids = [bid(1, 10, "98.0000"), bid(2, 10, "97.9000"), bid(3, 10, "97.8800")]
    with pytest.raises(refusal):
        allot(TERMS, bids, award, BILL)


def test_terms_that_cannot_run_are_refused_before_any_bid_is_read() -> None:
    broken = replace(TERMS, target=0, tender=b"short")
    with pytest.raises(Refusals) as refused:
        allot(broken, [], NoAward(), BILL)
    assert len(refused.value.refusals) == 2


def test_a_bid_given_twice_is_void_twice() -> None:
    one = bid(1, 10, "98")
    result = allot(TERMS, [one, one, bid(2, 10, "97.9")], Award(amount=10 * STEP), BILL)
    assert [(row.status, row.reasons) for row in result.allotments] == [
        (Status.VOID, ("line_twice",)),
        (Status.VOID, ("line_twice",)),
        (Status.ACCEPTED, ()),
    ]


def test_a_quote_without_a_price_is_void_and_stops_nobody() -> None:
    class Unsolvable(SimpleBill):
        def yield_of_price(self, price: Decimal) -> Decimal:
            if price < 1:
                raise ZeroDivisionError
            return super().yield_of_price(price)

    bids: Sequence[Bid] = [bid(1, 10, "0.0001"), bid(2, 10, "97.9")]
    result = allot(TERMS, bids, Award(amount=10 * STEP), Unsolvable())
    assert [row.reasons for row in result.allotments] == [("quote_unpriceable",), ()]
    assert result.awarded == 10 * STEP


def test_rounding_is_a_parameter() -> None:
    # (100 / 97.8846 - 1) * 365 / 84 = 9.390564...
    bids, award = [bid(1, 10, "97.8846")], Award(amount=10 * STEP)
    cut_offs = {}
    for mode in (Rounding.HALF_UP, Rounding.DOWN):
        terms = replace(TERMS, rounding=replace(TERMS.rounding, mode=mode))
        cut_offs[mode.value] = str(allot(terms, bids, award, BILL).cut_off_yield)
    assert cut_offs == {"half_up": "9.3906", "down": "9.3905"}
