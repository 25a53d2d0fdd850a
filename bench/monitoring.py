"""A labelled file whole through every room, then all scenarios over 1, 10 and 100 million rows.

    python bench/monitoring.py [FILE] [--quick] [--sizes 1000000,10000000] [--json FILE]

First the file goes as it is, from returns to reports, through one installation (bench/through.py);
`--alone` leaves that out.

FILE is a labelled file of the AMLSim family; without it the one in AMANAT_REFERENCE_DATA.  It is
repeated with shifted accounts and dates until it has as many rows as asked.  A run is what `amanat
monitoring run` does: the rows are read from Parquet, every scenario classes every transaction, the
proof of coverage is checked, alerts and proof are committed to SQLite.  Each size is a process of
its own, so that its peak of memory is its own.  On a machine with other work `cpu_s` tells what
`monitored_per_s` would be without it: both are printed, with the load.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import through

SIZES = (1_000_000, 10_000_000, 100_000_000)
QUICK = (200_000,)
QUICK_DAYS, WHOLE_DAYS = 10, 100
"""Days of the file that go through every room."""
MEMORY = "4GB"
PROGRAMME = "bench"


def reference() -> Path:
    """The labelled file of the reference data."""
    folder = os.environ.get("AMANAT_REFERENCE_DATA")
    if folder is None:
        raise SystemExit("give a labelled file, or set AMANAT_REFERENCE_DATA")
    return next((Path(folder) / "aml").glob("*.parquet"))


def one_size(source: Path, folder: Path, rows: int, memory: str) -> dict[str, Any]:
    """Write the rows, then run; seconds, processor seconds, peak memory, alerts of this process."""
    from amanat.app import declare_rooms
    from amanat.jurisdictions.supervision import load_supervision
    from amanat.store.engine import open_engine
    from amanat.store.journal import OpeningVault
    from amanat.store.migrate import migrate
    from amanat.store.uow import Store
    from amanat.supervision.monitoring.engines import DuckEngine
    from amanat.supervision.monitoring.running import Running, plan_run
    from labelled import stored

    declare_rooms()
    began = time.perf_counter()
    files = stored(source, folder / "supervision" / "transactions", rows)
    writing_s = time.perf_counter() - began
    engine = open_engine(f"sqlite:///{folder / 'bench.db'}")
    migrate(engine)
    store = Store(engine, OpeningVault(b"b" * 32))
    enter(store, files)
    first, last = min(one.first_day for one in files), max(one.last_day for one in files)
    times: dict[str, float] = {}
    state = {"at": time.perf_counter()}

    def progress(_days: str, scenario: str) -> None:
        now = time.perf_counter()
        times[scenario] = times.get(scenario, 0.0) + now - state["at"]
        state["at"] = now

    before = processor_s()
    began = state["at"] = time.perf_counter()
    duck = DuckEngine(folder / "spill", memory, 2)
    with store.reading() as connection:
        plan = plan_run(connection, PROGRAMME, load_supervision("pk"), folder, first, last)
    done = Running(store, duck, plan, date(2026, 1, 1), progress).carry_out()
    seconds = time.perf_counter() - began
    return {
        "rows": done.transactions,
        "seconds": seconds,
        "cpu_s": processor_s() - before,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "alerts": done.alerts,
        "steps": len(plan.steps),
        "writing_s": writing_s,
        "load": os.getloadavg()[0],
        "times": times,
    }


def processor_s() -> float:
    """Processor seconds of this process until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def enter(store: Any, files: Sequence[Any]) -> None:
    """The files' rows in the manifest."""
    from amanat.supervision.returns.tables import manifest

    rows = [
        {
            "id": one.source,
            "programme": PROGRAMME,
            "exchange": one.exchange,
            "digest": one.source,
            "sequence": one.number,
            "first_day": one.first_day.isoformat(),
            "last_day": one.last_day.isoformat(),
            "rows": one.rows,
            "id_sum": str(one.id_sum),
            "path": f"transactions/{Path(one.location).name}",
            "scope": "period",
            "received_at": "2026-01-01T00:00:00+00:00",
            "business_date": "2026-01-01",
            "person": "bench",
            "received": {},
            "quality": {},
            "entry": "bench",
        }
        for one in files
    ]
    with store.engine.begin() as connection:
        connection.execute(manifest.insert(), rows)


def in_process(source: Path, folder: Path, rows: int, memory: str) -> dict[str, Any]:
    """`one_size` in a process of its own."""
    place = folder / str(rows)
    place.mkdir(parents=True)
    answer = place / "answer.json"
    command = [sys.executable, __file__, str(source), "--one", str(rows), "--memory", memory]
    subprocess.run([*command, "--folder", str(place), "--json", str(answer)], check=True)
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    shutil.rmtree(place)
    return found


def whole(source: Path, days: int) -> list[dict[str, Any]]:
    """The file through every room; ends the bench with 1 where counts do not agree."""
    found = through.measure(source, [days], None)
    through.show(found)
    if through.differ(found):
        raise SystemExit(1)
    return found


def slope_of(found: Sequence[dict[str, Any]]) -> float | None:
    """How seconds grow with rows, as an exponent: 1 is in proportion."""
    if len(found) < 2:
        return None
    first, last = found[0], found[-1]
    return math.log(last["seconds"] / first["seconds"]) / math.log(last["rows"] / first["rows"])


def show(found: Sequence[dict[str, Any]]) -> None:
    """A line per size, and where the time of the largest went."""
    table = Table(title="All scenarios, 2 threads")
    for name in ("rows", "seconds", "rows/s", "cpu s", "rows/cpu s ×2", "MiB", "alerts", "load"):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            f"{one['rows']:,}",
            f"{one['seconds']:.1f}",
            f"{one['rows'] / one['seconds']:,.0f}",
            f"{one['cpu_s']:.1f}",
            f"{2 * one['rows'] / one['cpu_s']:,.0f}",
            f"{one['peak_mib']:,.0f}",
            f"{one['alerts']:,}",
            f"{one['load']:.1f}",
        )
    console = Console()
    console.print(table)
    for scenario, seconds in sorted(found[-1]["times"].items(), key=lambda pair: -pair[1]):
        console.print(f"  {scenario:22} {seconds:8.1f} s")
    slope = slope_of(found)
    if slope is not None:
        console.print(f"seconds grow with rows to the power of {slope:.2f}")


def figures_of(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As benches write them."""
    figures: list[dict[str, Any]] = []
    for one in found:
        size = one["rows"]
        rate = one["rows"] / one["seconds"]
        figures += [
            {"key": "monitored_per_s", "value": rate, "unit": "1/s", "size": size},
            {"key": "peak_mib", "value": one["peak_mib"], "unit": "MiB", "size": size},
            {"key": "cpu_s", "value": one["cpu_s"], "unit": "s", "size": size},
        ]
    slope = slope_of(found)
    if slope is not None:
        figures.append({"key": "monitoring_slope", "value": slope, "unit": "exponent"})
    return figures


def main() -> None:
    """Measure every size, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--alone", action="store_true", help="scenarios alone")
    parser.add_argument("--memory", default=MEMORY)
    parser.add_argument("--folder", type=Path, help="where the rows are written; else a new one")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    source = chosen.file or reference()
    if chosen.one:
        measured = one_size(source, chosen.folder, chosen.one, chosen.memory)
        chosen.json.write_text(json.dumps(measured), encoding="utf-8")
        return
    sizes = QUICK if chosen.quick else tuple(int(one) for one in chosen.sizes.split(","))
    rooms = [] if chosen.alone else whole(source, QUICK_DAYS if chosen.quick else WHOLE_DAYS)
    with tempfile.TemporaryDirectory(prefix="amanat-bench-", dir=chosen.folder) as folder:
        found = [in_process(source, Path(folder), rows, chosen.memory) for rows in sizes]
    show(found)
    if chosen.json:
        figures = [*through.figures_of(rooms), *figures_of(found)]
        chosen.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
