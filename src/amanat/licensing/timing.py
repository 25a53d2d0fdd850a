"""The clocks of files as they stand on a day, from the steps and questions that move them."""

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
from amanat.licensing.tables import file_question, file_step

_ASKED = "AskApplicant"


@dataclass(frozen=True, slots=True)
class Running:
    """A clock of a file and what it shows; of an answer also the question that it is for."""

    clock: Clock
    reading: Reading
    question: str | None = None


def clocks_of_file(
    connection: Connection, pack: LicensingPack, row: Row[Any], today: date
) -> list[Running]:
    """The clocks of one file, in the pack's order."""
    return clocks_of_files(connection, pack, [row], today)[row.id]


def clocks_of_files(
    connection: Connection, pack: LicensingPack, rows: Sequence[Row[Any]], today: date
) -> dict[str, list[Running]]:
    """The clocks of files by id, in two queries."""
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
    return {
        row.id: list(_clocks(pack, row, steps[row.id], questions[row.id], today)) for row in rows
    }


def _clocks(
    pack: LicensingPack,
    row: Row[Any],
    steps: Sequence[Row[Any]],
    questions: Sequence[Row[Any]],
    today: date,
) -> Iterable[Running]:
    pauses = [_pause(one) for one in questions]
    for clock in pack.clocks:
        if clock.file != row.kind:
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
    }
