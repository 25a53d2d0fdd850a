"""Carries a pilot out, step by step, through the same desk and ledger as everybody else.

Every run begins at the first step.  What was done before is answered from its key, so a run that
was killed anywhere, started again on the same data, comes to the same end.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from amanat.app import Application
from amanat.programme.founding import found
from amanat.replay.acting import (
    admission,
    auctioning,
    licensing,
    servicing,
    supervising,
    trading,
)
from amanat.replay.model import Pilot
from amanat.replay.performing import Performer
from amanat.replay.plan import Kind, Stage, Step, steps_of
from amanat.replay.terms import programme_terms

Watch = Callable[[Step, int, int], None]
"""Told of each step before it is taken: the step, its place from 0, and how many there are."""

Take = Callable[[Performer, Step], None]


@dataclass(slots=True)
class Course:
    """How a run went: seconds by stage, and those spent waiting for bids to be due."""

    seconds: dict[Stage, float] = field(default_factory=dict)
    waited_seconds: float = 0.0
    steps: int = 0
    to_come: tuple[Step, ...] = ()
    """Steps of days that have not come yet: the ledger's day never runs ahead of time."""

    @property
    def total_seconds(self) -> float:
        """All of it."""
        return sum(self.seconds.values())


def _found(performer: Performer, step: Step) -> None:
    del step
    pilot, address_of = performer.pilot, performer.person_address
    found(performer.application, programme_terms(pilot, address_of, performer.sender_list))


def _move_to(phase: str) -> Take:
    def move(performer: Performer, step: Step) -> None:
        fields = {"business_date": step.day, "phase": phase}
        performer.perform(step.key, "MoveDay", fields)
        performer.pump()

    return move


TAKES: dict[Kind, Take] = {
    Kind.FOUND: _found,
    Kind.OPEN_DAY: _move_to("open"),
    Kind.CLOSE_DAY: _move_to("closed"),
    Kind.ADMIT: admission.admit,
    Kind.RECORD_TAX: admission.record_tax,
    Kind.REGISTER_ASSETS: admission.register_assets,
    Kind.AUTHORISE: admission.authorise,
    Kind.SET_TARGET: auctioning.set_target,
    Kind.ANNOUNCE: auctioning.announce,
    Kind.BID: auctioning.bid,
    Kind.OPEN_BOOK: auctioning.open_book,
    Kind.AWARD: auctioning.award,
    Kind.ISSUE: auctioning.issue,
    Kind.DELIVER_ALLOTMENTS: trading.deliver_allotments,
    Kind.MOVE_CASH: trading.move_cash,
    Kind.INSTRUCT: trading.instruct,
    Kind.NET: trading.net,
    Kind.SETTLE: trading.settle,
    Kind.CLAIMS: servicing.claims,
    Kind.FIX: servicing.fix,
    Kind.PAY: servicing.pay,
    Kind.LICENSING: licensing.happen,
    Kind.AGREEMENT: licensing.agree,
    Kind.SUPERVISION: supervising.happen,
}
"""What each kind of step does."""


def today_of(pilot: Pilot) -> date:
    """Today in the programme's zone; no step of a later day is taken."""
    return datetime.now(ZoneInfo(pilot.programme.zone)).date()


def known_and_to_come(pilot: Pilot, today: date) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps of days up to today, and those still to come; a simulation may run ahead."""
    steps = steps_of(pilot)
    if pilot.programme.simulation:
        return steps, ()
    known = tuple(itertools.takewhile(lambda step: step.day <= today, steps))
    return known, steps[len(known) :]


def replay(
    application: Application,
    pilot: Pilot,
    watch: Watch | None = None,
    *,
    until: int | None = None,
    sender_list: str | None = None,
) -> Course:
    """Take every step of a pilot (or the first `until`); how long each stage took.

    `sender_list` is the chain's own list of who may send, where there is one that the programme is
    to keep.
    Refuses whatever an act refuses; raises `ReplayStopped`, `NodeUnavailable`.
    """
    performer = Performer(application, pilot, sender_list)
    steps, to_come = known_and_to_come(pilot, today_of(pilot))
    course = Course(steps=len(steps), to_come=to_come)
    for place, step in enumerate(steps[:until]):
        if watch is not None:
            watch(step, place, len(steps))
        began = time.perf_counter()
        TAKES[step.kind](performer, step)
        course.seconds[step.stage] = (
            course.seconds.get(step.stage, 0.0) + time.perf_counter() - began
        )
    course.waited_seconds = performer.waited_seconds
    return course
