"""How soon pages answer: asked of a real server by people signed in, measured, shown.

What benches of pages share: `licensing.py` and `desks.py` say which pages, over which rows.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sql
import uvicorn
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import Connection

from amanat.access import by_operator
from amanat.app import Application
from amanat.web.server import create_app

BAR_MS = 100
QUICK_LOOKS = 5
TOKEN_LIFETIME = timedelta(hours=12)
console = Console()
Rows = list[dict[str, Any]]


class BenchFailed(Exception):
    """A page did not answer, or the histories are not what they should be."""


@dataclass(frozen=True)
class Page:
    """A page: its name, its address below the programme, who asks, and what stands for its `{}`.

    What is asked about changes with every look, where there are several.
    """

    name: str
    path: str
    who: str = ""
    about: Sequence[str] = ("",)


@dataclass(frozen=True)
class Looked:
    """Milliseconds of every look at a page, of one database and size."""

    database: str
    size: int
    page: str
    ms: tuple[float, ...]
    cpu_ms: float = 0.0
    """The middle of the processor's time, of server and client together, without the database's.

    On a machine that others use as well it says more than the clock does.
    """

    @property
    def median_ms(self) -> float:
        """The middle."""
        return statistics.median(self.ms)

    @property
    def p99_ms(self) -> float:
        """The 99th of 100, or the slowest of fewer."""
        ordered = sorted(self.ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def insert(connection: Connection, table: sql.Table, rows: Rows) -> None:
    """Store many rows, into PostgreSQL by its COPY: one by one they would take many minutes."""
    if connection.dialect.name == "sqlite":
        connection.execute(table.insert(), rows)
        return
    names = [column.name for column in table.c if column.name in rows[0]]
    quote = connection.dialect.identifier_preparer.quote
    lines = ("\t".join(_copied(row[name]) for name in names) + "\n" for row in rows)
    driver: Any = connection.connection.driver_connection
    driver.cursor().execute(
        f"COPY {table.name} ({', '.join(map(quote, names))}) FROM STDIN",
        stream=io.BytesIO("".join(lines).encode()),
    )


def _copied(value: Any) -> str:
    """A value as COPY reads it: text, with what separates values escaped."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        value = "\\x" + value.hex()
    elif isinstance(value, list | dict):
        value = json.dumps(value)
    escapes = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
    text = str(value)
    for found, escaped in escapes:
        text = text.replace(found, escaped)
    return text


@contextmanager
def served(app: Application) -> Iterator[str]:
    """The address under which a started application is served."""
    config = uvicorn.Config(create_app(app), host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def look(client: httpx.Client, path: str) -> tuple[float, float]:
    """Milliseconds until the whole of a page is there: by the clock, and of the processor."""
    began, spent = time.perf_counter(), time.process_time()
    answer = client.get(path)
    taken = (time.perf_counter() - began) * 1000, (time.process_time() - spent) * 1000
    if answer.status_code != 200:
        raise BenchFailed(f"{path} answered {answer.status_code}")
    return taken


def measure(
    app: Application, kind: str, size: int, programme: str, pages: Sequence[Page], looks: int,
    address: str,
) -> Iterator[Looked]:  # fmt: skip
    """Every page `looks` times, after one look that does not count."""
    if kind == "postgresql":
        # As the server does by itself within a minute; outside of any transaction.
        alone = sql.create_engine(app.engine.url, isolation_level="AUTOCOMMIT")
        with alone.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        alone.dispose()
    clients: dict[str, httpx.Client] = {}
    try:
        for who in {page.who for page in pages}:
            clients[who] = httpx.Client(base_url=address, timeout=120)
            if who:
                token = by_operator.issue_token(
                    app.store, app.business_date, programme, who, TOKEN_LIFETIME
                )
                clients[who].post("/sign-in", data={"token": token})
        for page in pages:
            about = itertools.cycle(page.about)
            paths = [f"/p/{programme}/{page.path.format(next(about))}" for _ in range(looks + 1)]
            taken = [look(clients[page.who], path) for path in paths]
            spent = statistics.median(cpu for _, cpu in taken[1:])
            yield Looked(kind, size, page.name, tuple(ms for ms, _ in taken[1:]), spent)
    finally:
        for client in clients.values():
            client.close()


def show(found: Sequence[Looked], about: str) -> None:
    """A table of medians and 99th percentiles by page, database and size."""
    columns = sorted({(one.database, one.size) for one in found})
    table = Table(
        "page",
        *(f"{kind} {size:,}" for kind, size in columns),
        title=f"Pages with so many {about}: median / 99 % in ms "
        "(of which processor, without the database)",
        caption=f"the bar is a median under {BAR_MS} ms",
    )
    by_place = {(one.page, one.database, one.size): one for one in found}
    for page in dict.fromkeys(one.page for one in found):
        cells = []
        for kind, size in columns:
            one = by_place[page, kind, size]
            slow = one.median_ms >= BAR_MS
            text = f"{one.median_ms:.0f} / {one.p99_ms:.0f} ({one.cpu_ms:.0f})"
            cells.append(f"[red]{text}[/red]" if slow else text)
        table.add_row(page, *cells)
    console.print(table)


def figures(found: Sequence[Looked]) -> list[dict[str, Any]]:
    """Medians and 99th percentiles by page and database; `page_p50_ms` alone is the slowest's."""
    rows: list[dict[str, Any]] = []
    for size in sorted({one.size for one in found}):
        of_size = [one for one in found if one.size == size]
        slowest = max(of_size, key=lambda one: one.median_ms)
        rows.append({"key": "page_p50_ms", "value": round(slowest.median_ms, 1), "unit": "ms",
                     "size": size, "page": slowest.page, "database": slowest.database})  # fmt: skip
        worst = max(of_size, key=lambda one: one.p99_ms)
        rows.append({"key": "page_p99_ms", "value": round(worst.p99_ms, 1), "unit": "ms",
                     "size": size, "page": worst.page, "database": worst.database})  # fmt: skip
        for one in of_size:
            stem = one.page.replace(",", "").replace(" ", "_")
            for key, value in (
                ("page_p50_ms", one.median_ms),
                ("page_p99_ms", one.p99_ms),
                ("page_cpu_ms", one.cpu_ms),
            ):
                rows.append({"key": f"{key}.{stem}.{one.database}", "value": round(value, 1),
                             "unit": "ms", "size": size})  # fmt: skip
    return rows


def command(
    told: str | None,
    counted: str,
    sizes: Sequence[int],
    looks: int,
    measured: Callable[[str, Sequence[int], int], Iterable[Looked]],
) -> None:
    """Measure what the command line asks for and print it; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=told.splitlines()[0] if told else "")
    parser.add_argument("--sizes", default=",".join(map(str, sizes)), help=counted)
    parser.add_argument("--looks", type=int, default=looks)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"],
                        choices=["sqlite", "postgresql"])  # fmt: skip
    help_of_quick = f"{sizes[0]:,} {counted}, few looks, SQLite"
    parser.add_argument("--quick", action="store_true", help=help_of_quick)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    chosen = [sizes[0]] if given.quick else sorted(int(one) for one in given.sizes.split(","))
    kinds = ["sqlite"] if given.quick else given.databases
    found = [
        one
        for kind in kinds
        for one in measured(kind, chosen, QUICK_LOOKS if given.quick else given.looks)
    ]
    show(found, counted)
    if given.json:
        given.json.write_text(json.dumps({"figures": figures(found)}, indent=2) + "\n")
