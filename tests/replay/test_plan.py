"""The list of steps: the same for the same folder, in the order of a programme's life."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, business_days, payments_of, steps_of


@pytest.mark.parametrize("kind", ["bond", "bill"])
def test_same_folder_gives_the_same_steps(shipped: Callable[[str], Path], kind: str) -> None:
    once, again = (steps_of(load_pilot(shipped(kind))) for _ in range(2))
    assert [step.key for step in once] == [step.key for step in again]


@pytest.mark.parametrize("kind", ["bond", "bill"])
def test_keys_are_distinct_and_short(shipped: Callable[[str], Path], kind: str) -> None:
    keys = [step.key for step in steps_of(load_pilot(shipped(kind)))]
    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) <= 70  # an idempotency key holds 120 with what a step adds


def test_days_only_go_forward_and_each_is_opened_and_closed(
    shipped: Callable[[str], Path],
) -> None:
    pilot = load_pilot(shipped("bond"))
    steps = steps_of(pilot)
    days = [step.day for step in steps]
    assert days == sorted(days)
    opened = {step.day for step in steps if step.kind is Kind.OPEN_DAY}
    closed = {step.day for step in steps if step.kind is Kind.CLOSE_DAY}
    assert closed == opened | {pilot.programme.first_day}
    assert sorted(closed) == business_days(pilot, payments_of(pilot))


def test_payments_fall_on_settlement_days_after_their_record_date(
    shipped: Callable[[str], Path],
) -> None:
    pilot = load_pilot(shipped("bond"))
    payments = payments_of(pilot)
    weekend = [one for one in payments if one.due_date.isoweekday() > 5]
    assert len(weekend) >= 3
    for one in payments:
        assert pilot.calendar.is_settlement_day(one.payment_date)
        assert one.record_date < one.payment_date
        assert one.payment_date >= one.due_date
    assert payments[-1].kind == "redemption"


def test_an_amount_is_awarded_before_it_is_issued_and_delivered(
    shipped: Callable[[str], Path],
) -> None:
    pilot = load_pilot(shipped("bond"))
    for tender in pilot.tenders:
        kinds = [step.kind for step in steps_of(pilot) if step.about is tender]
        assert kinds == [
            Kind.SET_TARGET,
            Kind.ANNOUNCE,
            Kind.BID,
            Kind.OPEN_BOOK,
            Kind.AWARD,
            Kind.ISSUE,
            Kind.DELIVER_ALLOTMENTS,
        ]
