"""The proof that a run left nothing out: per file and class, rows and the sum of their ids.

Two things are compared.  What a step read of a file must be what the manifest says of it, and what
a scenario classed, of each file, must be what the step read.  A scenario that adds rows up also
says what it added up; that must be what it classed as considered or alerted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.expressions import tallied
from amanat.supervision.monitoring.findings import Findings
from amanat.supervision.monitoring.model import (
    NOTHING,
    SUM_MODULUS,
    AggregateIncomplete,
    Classed,
    Coverage,
    CoverageIncomplete,
    InputChanged,
    SourceFile,
    Tally,
)
from amanat.supervision.monitoring.staging import Step

MISSING_NAMED = 5


def _tally(row: Mapping[str, int]) -> Tally:
    return Tally(int(row["n"]), ((int(row["hi"]) << 32) + int(row["lo"])) % SUM_MODULUS)


def input_of(step: Step) -> dict[int, Tally]:
    """What the step read on its own days, by number of file."""
    rows = step.engine.fetch(tallied(step.own(), "file")).to_pylist()
    return {int(row["file"]): _tally(row) for row in rows}


def coverage_of(scenario: str, findings: Findings, step: Step) -> list[Coverage]:
    """What a scenario made of the step's rows, counted over its own classes.

    A considered row that is a member of an alert of its own day is alerted.
    """
    alerted = _own_members(findings, step)
    own = findings.scoped
    joined = own.left_join(alerted, own.id == alerted.alerted_id)
    final = joined.select(
        id=_.id,
        file=_.file,
        classed=ibis.cases(
            (_.alerted_id.notnull(), ibis.literal(int(Classed.ALERTED), "int8")),
            else_=_.classed,
        ),
    )
    rows = step.engine.fetch(tallied(final, "file", "classed")).to_pylist()
    found: dict[int, dict[Classed, Tally]] = {}
    for row in rows:
        found.setdefault(int(row["file"]), {})[Classed(row["classed"])] = _tally(row)
    return [Coverage(scenario, file, classed) for file, classed in sorted(found.items())]


def _own_members(findings: Findings, step: Step) -> ir.Table:
    own = findings.members.filter(_.of == _.day, _.day >= step.first, _.day <= step.last)
    return own.select(alerted_id=_.id).distinct()


def check_coverage(
    scenario: str,
    covered: Sequence[Coverage],
    expected: Mapping[int, Tally],
    findings: Findings,
    step: Step,
    files: Mapping[int, SourceFile],
) -> None:
    """Every file's rows were classed, each once.

    Refuses, in order: `CoverageIncomplete` with the ids that are missing, `AggregateIncomplete`.
    """
    totals = {one.file: one.total for one in covered}
    for number in sorted({*expected, *totals}):
        want, have = expected.get(number, NOTHING), totals.get(number, NOTHING)
        if want != have:
            raise CoverageIncomplete(
                scenario=scenario,
                source=files[number].source,
                expected=want,
                found=have,
                missing=_missing(findings, step, number) or "none, some were classed twice",
            )
    if findings.taken is None:
        return
    row = step.engine.fetch(findings.taken).to_pylist()[0]
    taken = _tally({name: value or 0 for name, value in row.items()})
    looked_at = sum(
        (
            tally
            for one in covered
            for classed, tally in one.classed.items()
            if classed in (Classed.CONSIDERED, Classed.ALERTED)
        ),
        NOTHING,
    )
    if taken != looked_at:
        raise AggregateIncomplete(scenario=scenario, found=taken, expected=looked_at)


def _missing(findings: Findings, step: Step, file: int) -> str:
    """Some transactions of a file that the scenario did not class."""
    of_file = step.own().filter(_.file == file)
    missed = of_file.anti_join(findings.scoped, "id").select("id").order_by("id")
    rows = step.engine.fetch(missed.limit(MISSING_NAMED + 1)).to_pylist()
    named = [str(row["id"]) for row in rows[:MISSING_NAMED]]
    return ", ".join(named) + (", …" if len(rows) > MISSING_NAMED else "")


def check_input(
    files: Iterable[SourceFile], read: Mapping[int, Tally], whole: Iterable[int]
) -> None:
    """A file that lay wholly in the run's days was read as its manifest says.

    Refuses `InputChanged`.
    """
    numbers = set(whole)
    for one in files:
        if one.number not in numbers:
            continue
        want = Tally(one.rows, one.id_sum % SUM_MODULUS)
        have = read.get(one.number, NOTHING)
        if want != have:
            raise InputChanged(source=one.source, found=have, expected=want)


def tally_of_file(engine: Engine, file: SourceFile, first: int, last: int) -> Tally:
    """Rows and sum of ids of a file on some days, read by themselves."""
    scanned = engine.scan([file], ["id", "day"], first, last)
    rows = engine.fetch(tallied(scanned, "file")).to_pylist()
    return _tally(rows[0]) if rows else NOTHING
