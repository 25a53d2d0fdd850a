"""The clocks of files as they stand on a day, from the steps and questions that move them.

A clock of a fact is that of the institution that confirms it: one for each category of the file
that needs the fact, from the step that starts it until the confirmation; one that is taken back
starts it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.jurisdictions.licensing import Clock, LicensingPack
from amanat.licensing.clocks import Pause, Reading, read_clock
from amanat.licensing.records import calendar_of
from amanat.licensing.tables import confirmation, file_question, file_step

_ASKED = "AskApplicant"


@dataclass(frozen=True, slots=True)
class Running:
    """A clock of a file and what it shows; for which question or category it is, if for one."""

    clock: Clock
    reading: Reading
    question: str | None = None
    category: str | None = None


def clocks_of_file(
    connection: Connection, pack: LicensingPack, row: Row[Any], today: date
) -> list[Running]:
    """The clocks of one file, in the pack's order."""
    return clocks_of_files(connection, pack, [row], today)[row.id]


def clocks_of_files(
    connection: Connection, pack: LicensingPack, rows: Sequence[Row[Any]], today: date
) -> dict[str, list[Running]]:
    """The clocks of files by id, in three queries at most."""
    ids = [row.id for row in rows]
    steps: dict[str, list[Row[Any]]] = {one: [] for one in ids}
    for step in connection.execute(
        sql.select(file_step).where(file_step.c.file.in_(ids)).order_by(file_step.c.id)
    ):
        steps[step.file].append(step)
    questions: dict[str, list[Row[Any]]] = {one: [] for one in ids}
    for question in connection.execute(
        sql.select(file_question).where(file_question.c.file.in_(ids)).order_by(file_question.c.id)
    ):
        questions[question.file].append(question)
    confirmed = _confirmed(connection, pack, rows)
    return {
        row.id: [
            *_clocks(pack, row, steps[row.id], questions[row.id], today),
            *_of_facts(pack, row, steps[row.id], questions[row.id], confirmed, today),
        ]
        for row in rows
    }


_Confirmed = dict[tuple[str, str, str], Row[Any]]


def _confirmed(connection: Connection, pack: LicensingPack, rows: Sequence[Row[Any]]) -> _Confirmed:
    """The last confirmation by provider, fact and category, of the facts that have a clock."""
    kinds = {one.kind for one in rows}
    facts = {one.fact for one in pack.clocks if one.fact and one.file in kinds}
    if not facts:
        return {}
    table = confirmation
    found = connection.execute(
        sql.select(table)
        .where(
            table.c.programme == rows[0].programme,
            table.c.provider.in_({one.provider for one in rows}),
            table.c.fact.in_(facts),
        )
        .order_by(table.c.id)
    )
    return {(row.provider, row.fact, row.category): row for row in found}


def _of_facts(
    pack: LicensingPack,
    row: Row[Any],
    steps: Sequence[Row[Any]],
    questions: Sequence[Row[Any]],
    confirmed: _Confirmed,
    today: date,
) -> Iterable[Running]:
    for clock in pack.clocks:
        if not clock.fact or clock.file != row.kind:
            continue
        started = _last(steps, clock.starts)
        if started is None or not _still_asked(pack, row, clock.fact):
            continue
        pauses = [_pause(one) for one in questions] if clock.stops else []
        for category in sorted(row.categories):
            if not pack.category(category).needs(clock.fact):
                continue
            first, over = date.fromisoformat(started.recorded_on), None
            last = confirmed.get((row.provider, clock.fact, category))
            if last is not None:
                day = date.fromisoformat(last.recorded_on)
                first, over = (first, max(first, day)) if last.holds else (max(first, day), None)
            yield Running(clock, _read(pack, clock, first, over, today, pauses), category=category)


def _still_asked(pack: LicensingPack, row: Row[Any], fact: str) -> bool:
    """Whether the file is open, or a step from where it ended needs the fact."""
    return row.closed_on is None or any(
        step.file == row.kind
        and row.stage in step.from_stages
        and any(one.partition(":")[0] == fact for one in step.requires)
        for step in pack.steps
    )


def _clocks(
    pack: LicensingPack,
    row: Row[Any],
    steps: Sequence[Row[Any]],
    questions: Sequence[Row[Any]],
    today: date,
) -> Iterable[Running]:
    pauses = [_pause(one) for one in questions]
    for clock in pack.clocks:
        if clock.file != row.kind or clock.fact:
            continue
        if clock.starts == (_ASKED,):
            for question, pause in zip(questions, pauses, strict=True):
                reading = _read(pack, clock, pause.asked, pause.answered, today, ())
                yield Running(clock, reading, question.id)
            continue
        started = _last(steps, clock.starts)
        if started is None:
            continue
        ended = _first_after(steps, clock.ends, started)
        day = date.fromisoformat(started.recorded_on)
        over = date.fromisoformat(ended.recorded_on) if ended is not None else None
        yield Running(clock, _read(pack, clock, day, over, today, pauses if clock.stops else ()))


def _read(
    pack: LicensingPack,
    clock: Clock,
    started: date,
    ended: date | None,
    today: date,
    pauses: Sequence[Pause],
) -> Reading:
    return read_clock(
        calendar_of(pack),
        started=started,
        days=clock.days,
        unit=clock.unit,
        today=today,
        pauses=pauses,
        ended=ended,
    )


def _pause(question: Row[Any]) -> Pause:
    answered = date.fromisoformat(question.answered_on) if question.answered_on else None
    return Pause(date.fromisoformat(question.recorded_on), answered)


def _last(steps: Sequence[Row[Any]], acts: Sequence[str]) -> Row[Any] | None:
    return next((one for one in reversed(steps) if one.act in acts), None)


def _first_after(
    steps: Sequence[Row[Any]], acts: Sequence[str], started: Row[Any]
) -> Row[Any] | None:
    return next((one for one in steps if one.id > started.id and one.act in acts), None)


def clock_json(one: Running) -> dict[str, Any]:
    """A clock as views show it."""
    reading = one.reading
    return {
        "clock": one.clock.code,
        "title": one.clock.title,
        "owed_by": one.clock.owed_by,
        "started_on": reading.started.isoformat(),
        "days": one.clock.days,
        "unit": one.clock.unit,
        "used": reading.used,
        "left": reading.left,
        "due_on": reading.due.isoformat() if reading.due else None,
        "stopped": reading.stopped,
        "ended_on": reading.ended.isoformat() if reading.ended else None,
        "overdue": reading.overdue,
        "question": one.question,
        "category": one.category,
    }
