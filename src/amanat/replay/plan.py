"""From a pilot to the list of its steps: the same folder gives the same list, always.

A step has a key that no other step has.  Whatever a step submits carries that key, so that a run
that was killed takes its steps from the first one again and repeats nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from amanat.instruments.model import BondTerms, Terms
from amanat.instruments.schedule import coupon_schedule, payment_dates
from amanat.jurisdictions.conventions import load_convention
from amanat.replay.model import Pilot, Trade


class Stage(StrEnum):
    """What part of a programme's life a step belongs to; times are shown by stage."""

    FOUNDING = "founding"
    PARTICIPANTS = "participants"
    LICENSING = "licensing"
    SUPERVISION = "supervision"
    AUTHORISATION = "authorisation"
    AUCTION = "auction"
    SETTLEMENT = "settlement"
    SERVICING = "servicing"
    DAYS = "business days"


class Kind(StrEnum):
    """What a step does; `amanat.replay.runner` has one method for each."""

    FOUND = "found"
    ADMIT = "admit"
    RECORD_TAX = "record_tax"
    REGISTER_ASSETS = "register_assets"
    AUTHORISE = "authorise"
    SET_TARGET = "set_target"
    ANNOUNCE = "announce"
    BID = "bid"
    OPEN_BOOK = "open_book"
    AWARD = "award"
    ISSUE = "issue"
    DELIVER_ALLOTMENTS = "deliver_allotments"
    MOVE_CASH = "move_cash"
    INSTRUCT = "instruct"
    NET = "net"
    SETTLE = "settle"
    FIX = "fix"
    PAY = "pay"
    CLAIMS = "claims"
    OPEN_DAY = "open_day"
    CLOSE_DAY = "close_day"
    LICENSING = "licensing"
    AGREEMENT = "agreement"
    SUPERVISION = "supervision"


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment that a security makes: of which kind, due when by its terms, paid when."""

    isin: str
    kind: str
    due_date: date
    record_date: date
    payment_date: date

    @property
    def code(self) -> str:
        """A name for the payment within its pilot."""
        return f"{self.isin}:{self.kind}:{self.due_date}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `about` is what the pilot says of it (a tender, a trade, a payment ...)."""

    key: str
    day: date
    stage: Stage
    kind: Kind
    about: Any = None


def steps_of(pilot: Pilot) -> tuple[Step, ...]:
    """Every step of a pilot in its order; keys are distinct."""
    first = pilot.programme.first_day
    steps = [
        Step("found", first, Stage.FOUNDING, Kind.FOUND),
        Step("admit", first, Stage.PARTICIPANTS, Kind.ADMIT),
        Step("tax", first, Stage.PARTICIPANTS, Kind.RECORD_TAX),
        Step("assets", first, Stage.AUTHORISATION, Kind.REGISTER_ASSETS),
    ]
    payments = payments_of(pilot)
    for day in business_days(pilot, payments):
        if day > first:
            steps.append(Step(f"{day}/open", day, Stage.DAYS, Kind.OPEN_DAY))
        steps += _steps_on(pilot, payments, day)
        steps.append(Step(f"{day}/close", day, Stage.DAYS, Kind.CLOSE_DAY))
    return tuple(steps)


def business_days(pilot: Pilot, payments: list[Payment]) -> list[date]:
    """The days that a replay opens: those on which something happens or may be tried again.

    Between its first and last day a trade is tried on every settlement day.  The other days of
    the calendar are passed over: nothing moves on them.
    """
    programme = pilot.programme
    days = {programme.first_day, programme.last_day}
    days |= {one.authorised_on for one in pilot.instruments.values()}
    days |= {entry.on for entry in pilot.cash}
    for tender in pilot.tenders:
        days |= {tender.announced_on, tender.auction_on, tender.settles_on}
    for trade in pilot.trades:
        days.add(trade.traded_on)
        days |= set(pilot.calendar.settlement_days(trade.settles_on, trade.last_day))
    if pilot.licensing is not None:
        days |= {event.on for event in pilot.licensing.events}
        days |= {one.signed_on for one in pilot.licensing.agreements}
    if pilot.supervision is not None:
        days |= {event.on for event in pilot.supervision.events}
    for payment in payments:
        # The record date is opened, so that its close is a moment on the ledger.
        days |= {payment.record_date, payment.payment_date}
    return sorted(day for day in days if programme.first_day <= day <= programme.last_day)


def payments_of(pilot: Pilot) -> list[Payment]:
    """Every payment within the programme: a bond's coupons, then what each security redeems."""
    found = []
    for instrument in pilot.instruments.values():
        for kind, due in _dues(instrument.terms):
            convention = load_convention(instrument.terms.convention, due)
            dates = payment_dates(due, convention, pilot.calendar)
            if dates.payment_date <= pilot.programme.last_day:
                found.append(
                    Payment(instrument.isin, kind, due, dates.record_date, dates.payment_date)
                )
    return sorted(found, key=lambda one: (one.payment_date, one.isin, one.kind))


def _dues(terms: Terms) -> Iterator[tuple[str, date]]:
    if isinstance(terms, BondTerms):
        convention = load_convention(terms.convention, terms.issue_date)
        for period in coupon_schedule(terms, convention):
            yield "coupon", period.end
    yield "redemption", terms.maturity_date


def _steps_on(pilot: Pilot, payments: list[Payment], day: date) -> list[Step]:
    """What happens on a day: money comes in, holders are paid, then deals are made and settled."""
    steps = [
        Step(f"cash/{entry.reference}", day, Stage.SETTLEMENT, Kind.MOVE_CASH, entry)
        for entry in pilot.cash
        if entry.on == day and not entry.withdraws
    ]
    steps += [
        Step(f"authorise/{one.isin}", day, Stage.AUTHORISATION, Kind.AUTHORISE, one)
        for one in pilot.instruments.values()
        if one.authorised_on == day
    ]
    steps += _licensing_steps(pilot, day, "")
    if pilot.licensing is not None:
        steps += [
            Step(f"agreement/{one.code}", day, Stage.LICENSING, Kind.AGREEMENT, one)
            for one in pilot.licensing.agreements
            if one.signed_on == day
        ]
    if pilot.supervision is not None:
        steps += [
            Step(
                f"supervision/{one.code}/{one.does}", day, Stage.SUPERVISION, Kind.SUPERVISION, one
            )
            for one in pilot.supervision.events
            if one.on == day
        ]
    due = [one for one in payments if one.payment_date == day]
    for payment in due:
        for kind in (Kind.FIX, Kind.PAY):
            key = f"{kind}/{payment.code}"
            steps.append(Step(key, day, Stage.SERVICING, kind, payment))
    steps += _auction_steps(pilot, day)
    steps += _trade_steps(pilot, day)
    steps.append(Step(f"{day}/settle", day, Stage.SETTLEMENT, Kind.SETTLE))
    for payment in payments:
        if payment.payment_date <= day and _may_be_claimed(pilot, payment, day):
            key = f"{day}/claims/{payment.code}"
            steps.append(Step(key, day, Stage.SETTLEMENT, Kind.CLAIMS, payment))
    steps += [
        Step(f"cash/{entry.reference}", day, Stage.SETTLEMENT, Kind.MOVE_CASH, entry)
        for entry in pilot.cash
        if entry.on == day and entry.withdraws
    ]
    return steps


def _may_be_claimed(pilot: Pilot, payment: Payment, day: date) -> bool:
    """Whether a trade of before the record date may have settled by this day, after it."""
    return payment.kind == "coupon" and any(
        trade.isin == payment.isin
        and trade.traded_on <= payment.record_date < day <= trade.last_day
        for trade in pilot.trades
    )


def _auction_steps(pilot: Pilot, day: date) -> list[Step]:
    steps = []
    for tender in pilot.tenders:
        kinds: dict[date, list[Kind]] = defaultdict(list)
        kinds[tender.announced_on].append(Kind.SET_TARGET)
        kinds[tender.auction_on] += [Kind.ANNOUNCE, Kind.BID, Kind.OPEN_BOOK, Kind.AWARD]
        kinds[tender.settles_on] += [Kind.ISSUE, Kind.DELIVER_ALLOTMENTS]
        for kind in kinds[day]:
            steps.append(Step(f"{kind}/{tender.code}", day, Stage.AUCTION, kind, tender))
            if kind is Kind.ANNOUNCE:
                steps += _licensing_steps(pilot, day, tender.code)
    return steps


def _licensing_steps(pilot: Pilot, day: date, during: str) -> list[Step]:
    """What happens to providers on a day: before all else, or while bids for a tender are taken."""
    if pilot.licensing is None:
        return []
    return [
        Step(f"licensing/{one.code}/{one.what}", day, Stage.LICENSING, Kind.LICENSING, one)
        for one in pilot.licensing.events
        if one.on == day and one.during == during
    ]


def _trade_steps(pilot: Pilot, day: date) -> list[Step]:
    steps = [
        Step(f"trade/{trade.code}", day, Stage.SETTLEMENT, Kind.INSTRUCT, trade)
        for trade in pilot.trades
        if trade.traded_on == day and not trade.cycle
    ]
    cycles: dict[str, list[Trade]] = defaultdict(list)
    for trade in pilot.trades:
        if trade.cycle and trade.settles_on == day:
            cycles[trade.cycle].append(trade)
    steps += [
        Step(f"cycle/{code}", day, Stage.SETTLEMENT, Kind.NET, tuple(trades))
        for code, trades in cycles.items()
    ]
    return steps
