"""What accepted returns wait for, in a process of its own."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from amanat.cli.acts import Data, Json
from amanat.cli.session import SPARK_VARIABLE
from amanat.cli.terminal import errors_in_lines, print_answer, settings_of

if TYPE_CHECKING:
    from amanat.supervision.monitoring.engines import Engine

# What a command works with is imported when it is carried out, so that help is there at once.


def follow(
    once: Annotated[
        bool, typer.Option("--once", help="Until nothing waits, instead of until it is ended.")
    ] = False,
    memory: Annotated[
        str, typer.Option(help="What DuckDB may take; the rest is spilled to disk.")
    ] = "4GB",
    spark: Annotated[
        str | None,
        typer.Option(
            envvar=SPARK_VARIABLE,
            metavar="URL",
            help="Master of a Spark cluster for monitoring; else DuckDB.",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Screen, monitor and score what returns brought, then back-tests, apart from the server.

    The server does it itself unless AMANAT_FOLLOWING is `apart`.  Broken off, it goes on the next
    time; of two that follow one installation one waits.
    """
    from amanat.app import Application
    from amanat.following import Following
    from amanat.store.migrate import migrate

    with errors_in_lines(as_json=as_json):
        application = Application(settings_of(data))
        migrate(application.engine)
        folder = application.settings.data_dir

        def on_spark() -> Engine:
            from amanat.following import SPILL
            from amanat.supervision.monitoring.spark import SparkEngine

            assert spark is not None
            return SparkEngine(spark, folder / SPILL)

        following = Following(application, memory, on_spark if spark is not None else None)
        if once:
            print_answer(following.until_done(), as_json=as_json, title="rounds of work")
            return
        stop = threading.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: stop.set())
        following.run(stop)
