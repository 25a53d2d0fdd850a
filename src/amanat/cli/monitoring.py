"""Monitoring on the command line: runs, back-tests, the schema of rules."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode
from amanat.cli.session import SPARK_VARIABLE
from amanat.cli.terminal import errors_in_lines, out, print_answer
from amanat.core.errors import Invalid

if TYPE_CHECKING:
    from amanat.app import Application
    from amanat.jurisdictions.supervision import SupervisionTable
    from amanat.supervision.monitoring.engines import Engine

# What a command works with is imported when it is carried out, so that help is there at once.

monitoring = typer.Typer(help="Scenarios over the transactions that exchanges reported.")

First = Annotated[str, typer.Option("--from", metavar="DAY", help="First day, YYYY-MM-DD.")]
Last = Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, YYYY-MM-DD.")]
Memory = Annotated[str, typer.Option(help="What DuckDB may take; the rest is spilled to disk.")]
Spark = Annotated[
    str | None,
    typer.Option(
        envvar=SPARK_VARIABLE,
        metavar="URL",
        help="Master of a Spark cluster, such as spark://host:7077 or local[2]; else DuckDB.",
    ),
]
SPILL = "supervision/spill"


class NotADay(Invalid):
    """Days are written YYYY-MM-DD."""

    template = "{given} is no day: write YYYY-MM-DD."


def _days(first: str, last: str) -> tuple[date, date]:
    from amanat.supervision.monitoring.acts_backtests import DaysTurned

    found = []
    for given in (first, last):
        try:
            found.append(date.fromisoformat(given))
        except ValueError:
            raise NotADay(given=given) from None
    if found[0] > found[1]:
        raise DaysTurned(first=first, last=last)
    return found[0], found[1]


def _engine(folder: Path, memory: str, spark: str | None) -> Engine:
    if spark is not None:
        from amanat.supervision.monitoring.spark import SparkEngine

        return SparkEngine(spark, folder / SPILL)
    from amanat.supervision.monitoring.engines import DuckEngine

    return DuckEngine(folder / SPILL, memory)


def _opened(data: Path | None, programme: str | None) -> tuple[Application, str, SupervisionTable]:
    from amanat.cli.licences import _installation
    from amanat.jurisdictions.supervision import load_supervision
    from amanat.licensing.records import pack_of

    application, code = _installation(data, programme)
    with application.store.reading() as connection:
        table = load_supervision(pack_of(connection, code).code)
    return application, code, table


@monitoring.command()
def run(
    first: First,
    last: Last,
    programme: ProgrammeCode = None,
    memory: Memory = "4GB",
    spark: Spark = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Look at the transactions of some days; broken off, the same command goes on where it was.

    It ends with 0 only if every scenario classed every transaction of every return in force.
    """
    from amanat.supervision.monitoring.running import Running, plan_run

    with errors_in_lines(as_json=as_json):
        days = _days(first, last)
        application, code, table = _opened(data, programme)
        folder = application.settings.data_dir
        with application.store.reading() as connection:
            plan = plan_run(connection, code, table, folder, *days)
            today = application.business_date(connection, code)
        engine = _engine(folder, memory, spark)

        def told(step: str, scenario: str) -> None:
            if not as_json:
                out.print(f"{step}  {scenario}", style="dim")

        try:
            done = Running(application.store, engine, plan, today, told).carry_out()
        finally:
            engine.close()
        answer: dict[str, Any] = {
            "run": done.id,
            "transactions": done.transactions,
            "alerts": done.alerts,
            "again": done.again,
        }
        print_answer(answer, as_json=as_json)


@monitoring.command()
def backtest(
    scenario: Annotated[str, typer.Argument(help="Code of the scenario.")],
    version: Annotated[str, typer.Argument(help="Version that was stated, such as v2.")],
    first: First,
    last: Last,
    programme: ProgrammeCode = None,
    memory: Memory = "4GB",
    spark: Spark = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Try a stated version on history, beside the live one; it writes no alert.

    It is done here and now; `amanat act BacktestScenario` has what follows returns do it.
    """
    from amanat.supervision.monitoring.backtesting import run_backtest

    with errors_in_lines(as_json=as_json):
        days = _days(first, last)
        application, code, table = _opened(data, programme)
        folder = application.settings.data_dir
        engine = _engine(folder, memory, spark)
        try:
            named = (code, scenario, version)
            found = run_backtest(application.store, engine, folder, table, *named, *days)
        finally:
            engine.close()
        print_answer(found, as_json=as_json)


@monitoring.command()
def schema() -> None:
    """Print the JSON Schema of a composed rule."""
    from amanat.supervision.monitoring.composed import schema as stated

    typer.echo(json.dumps(stated(), indent=2))
