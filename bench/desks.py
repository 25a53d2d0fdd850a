"""How soon the lists of supervision's desks answer, with up to 100,000 alerts and 10,000 cases.

    python bench/desks.py [--sizes 1000,10000,100000] [--looks 50]
                          [--databases sqlite postgresql] [--quick] [--json FILE]

A size is a number of alerts; there are a tenth as many cases, and ten times as many transactions,
which three exchanges report by day over two months.  A pilot's licensing gives the people and the
providers; rows and files are then written as runs and intake write them.  The pages are asked of a
real server by people signed in, the network of another case and the flow of another alert at every
look, since what was read once is kept.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as parquet
import sqlalchemy as sql
from sqlalchemy.engine import Connection

sys.path.insert(0, str(Path(__file__).parent))
from amanat.access.tables import institution
from amanat.app import Application
from amanat.core.ids import new_id
from amanat.replay.loading import load_pilot
from amanat.settings import Settings
from amanat.supervision.cases.model import SUPERVISES
from amanat.supervision.cases.tables import case, case_finding, case_transaction
from amanat.supervision.monitoring.model import rank_of
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.tables import alert
from amanat.supervision.returns.manifest import folder_in, path_of
from amanat.supervision.returns.tables import manifest
from amanat.supervision.transactions import TRANSACTIONS
from licensing import PILOT, played
from pages import Looked, Page, Rows, command, console, insert, measure, served
from settlement import database

SIZES = (1_000, 10_000, 100_000)
DAYS = 60
ROWS_PER_ALERT = 10
ROWS_PER_CASE = 10
FINDINGS_PER_CASE = 5
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class People:
    """Who asks, and of whose returns the rows are."""

    supervisor: str
    desk: str
    exchange: str
    officer: str
    exchanges: Sequence[str]


# -- what is stored -------------------------------------------------------------------------------


def write_transactions(
    connection: Connection,
    folder: Path,
    programme: str,
    exchanges: Sequence[str],
    count: int,
    today: date,
) -> np.ndarray[Any, Any]:
    """Files by exchange and day with so many rows in all; their ids, by day."""
    rng = np.random.default_rng(20260309)
    shutil.rmtree(folder_in(folder) / "transactions", ignore_errors=True)
    connection.execute(sql.delete(manifest).where(manifest.c.programme == programme))
    rows = max(1, count // (DAYS * len(exchanges)))
    accounts = max(20, count // 20)
    found = []
    for back, (place, exchange) in itertools.product(range(DAYS), enumerate(exchanges)):
        day = today - timedelta(DAYS - back)
        table = day_of_rows(rng, exchange, place, day, rows, accounts)
        path = path_of(exchange, f"{back:064x}")
        target = folder_in(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, target)
        found.append(table["id"].to_numpy())
        connection.execute(
            manifest.insert().values(
                id=new_id(), programme=programme, exchange=exchange, digest=f"{back:064x}",
                sequence=back + 1, first_day=day.isoformat(), last_day=day.isoformat(), rows=rows,
                id_sum="0", path=path, scope="period", received_at=f"{day}T20:00:00+00:00",
                settled_at=f"{day}T20:00:00+00:00", business_date=day.isoformat(), person="bench",
                received={}, quality={"completeness": 1000}, entry="-",
            )
        )  # fmt: skip
    return np.concatenate(found)


def day_of_rows(
    rng: np.random.Generator, exchange: str, place: int, day: date, rows: int, accounts: int
) -> pa.Table:
    """One exchange's rows of a day: transfers among its customers, and money in and out."""
    kinds = np.array(["transfer", "fiat_in", "fiat_out"])[rng.integers(0, 3, rows)]
    sides = rng.integers(1, accounts, (2, rows)) + place * 10**9
    values = rng.integers(10_000, 300_000_000, rows)
    columns: dict[str, Any] = dict.fromkeys(TRANSACTIONS.names)
    start = np.datetime64(day, "us")
    columns |= {
        "id": rng.integers(1, 2**62, rows), "exchange": [exchange] * rows,
        "reference": [f"{day}-{number}" for number in range(rows)], "day": [day] * rows,
        "at": start + np.sort(rng.integers(0, 86_400, rows)).astype("timedelta64[s]"),
        "kind": kinds, "asset": ["PKR"] * rows, "value": values, "cash": rng.random(rows) < 0.3,
        "quantity": pa.array([1] * rows).cast(pa.decimal128(38, 18)),
    }  # fmt: skip
    for side, outside, numbers in (("from", "fiat_in", sides[0]), ("to", "fiat_out", sides[1])):
        beyond = pa.array(kinds == outside)
        blank = pa.nulls(rows, pa.string())
        columns[f"{side}_account"] = numbers
        columns[f"{side}_party"] = compute.if_else(beyond, None, pa.array(numbers + 10**12))
        columns[f"{side}_exchange"] = compute.if_else(beyond, blank, exchange)
        columns[f"{side}_country"] = ["PK"] * rows
    arrays = [
        pa.nulls(rows, field.type) if columns[field.name] is None
        else pa.array(columns[field.name]).cast(field.type)
        for field in TRANSACTIONS
    ]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=TRANSACTIONS)


def write_alerts(
    connection: Connection,
    programme: str,
    exchanges: Sequence[str],
    ids: np.ndarray[Any, Any],
    count: int,
    today: date,
) -> list[str]:
    """So many open alerts, each of some transactions of its day; their ids."""
    connection.execute(sql.delete(alert).where(alert.c.programme == programme))
    rng = np.random.default_rng(7)
    per_day = max(1, len(ids) // DAYS)
    codes = sorted(SCENARIOS)
    names = []
    rows: Rows = []
    for place in range(count):
        back = int(rng.integers(0, DAYS))
        day = (today - timedelta(DAYS - back)).isoformat()
        some = ids[back * per_day + rng.integers(0, per_day, 5)]
        score = f"{rng.integers(0, 1001) / 1000:.3f}"
        names.append(f"{place:032x}")
        rows.append(
            {
                "programme": programme, "id": names[-1], "scenario": codes[place % len(codes)],
                "version": "v1", "run": "bench", "subject": f"party:{10**12 + place}",
                "exchanges": [exchanges[place % len(exchanges)]], "day": day, "score": score,
                "explanation": {"text": "made for the bench"},
                "transactions": [str(one) for one in some], "transactions_all": len(some),
                "state": "open", "found_at": f"{day}T21:00:00+00:00", "rank": rank_of(score),
            }
        )  # fmt: skip
    stored(connection, alert, rows)
    return names


def write_cases(
    connection: Connection,
    programme: str,
    desk: str,
    exchange: str,
    folder: Path,
    count: int,
    today: date,
) -> list[str]:
    """So many cases of a desk, four of five open, with findings and rows; their numbers."""
    for table in (case_finding, case_transaction):
        mine = sql.select(case.c.id).where(case.c.desk == desk)
        connection.execute(sql.delete(table).where(table.c.case.in_(mine)))
    connection.execute(sql.delete(case).where(case.c.desk == desk))
    known = cited_rows(folder, exchange, 2_000)
    codes = sorted(SCENARIOS)
    rows: dict[sql.Table, Rows] = {case: [], case_finding: [], case_transaction: []}
    for place in range(count):
        identifier, open_ = new_id(), place % 5 > 0
        opened = today - timedelta(place % DAYS)
        subject = known[place % len(known)]
        rows[case].append(
            {
                "id": identifier, "programme": programme, "desk": desk,
                "number": f"CAS-2026-{place + 1:04d}", "title": "made for the bench",
                "subject": f"party:{subject['from_party'] or subject['to_party']}",
                "source": "findings", "state": "open" if open_ else "closed",
                "risk": f"{place % 10_000 / 10_000:.4f}", "opened_on": opened.isoformat(),
                "closed_on": None if open_ else today.isoformat(),
                "disposition": None if open_ else "false_positive", "institution": desk,
                "person": "bench", "recorded_at": f"{opened}T09:00:00+00:00",
                "recorded_on": opened.isoformat(), "entry": "-",
            }
        )  # fmt: skip
        for number in range(FINDINGS_PER_CASE):
            rows[case_finding].append(
                {
                    "id": new_id(), "programme": programme, "case": identifier, "desk": desk,
                    "kind": "alert", "finding": f"{place * FINDINGS_PER_CASE + number:032x}",
                    "scenario": codes[(place + number) % len(codes)], "exchange": exchange,
                    "day": opened.isoformat(), "score": "0.500", "explanation": {},
                    "transactions": [],
                }
            )  # fmt: skip
        for number in range(ROWS_PER_CASE):
            one = known[(place + number * 7) % len(known)]
            rows[case_transaction].append(
                {"case": identifier, "transaction": one["id"], "programme": programme,
                 "day": one["day"], "exchange": exchange, "row": one}
            )  # fmt: skip
    for table, found in rows.items():
        stored(connection, table, found)
    return [one["number"] for one in rows[case]]


def cited_rows(folder: Path, exchange: str, count: int) -> Rows:
    """Stored rows of an exchange, as cases keep them."""
    from amanat.supervision.cases.stored import rows_by_id

    file = sorted(folder_in(folder).glob(f"transactions/exchange={exchange}/*.parquet"))[DAYS // 2]
    ids = parquet.read_table(file, columns=["id"])["id"].to_pylist()[:count]
    return rows_by_id([str(file)], ids)


def stored(connection: Connection, table: sql.Table, rows: Rows) -> None:
    """Store rows, some thousands at once."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        insert(connection, table, rows[start : start + ROWS_AT_ONCE])


# -- asking ---------------------------------------------------------------------------------------


def pages_of(
    people: People, alerts: Sequence[str], cases: Sequence[str], own: Sequence[str]
) -> list[Page]:
    """Every list of supervision, its filters, and the pages that draw."""
    supervisor, officer = people.supervisor, people.officer
    scenario, deep = sorted(SCENARIOS)[0], len(alerts) - 100
    middle = alerts[len(alerts) // 2]
    return [
        Page("alerts", "v/alert_queue", supervisor),
        Page("alerts of a scenario", f"v/alert_queue?scenario={scenario}", supervisor),
        Page("alerts of an exchange", f"v/alert_queue?exchange={people.exchange}", supervisor),
        Page("alerts of an age", "v/alert_queue?age_days_min=30", supervisor),
        Page("alerts, last page", f"v/alert_queue?offset={deep}", supervisor),
        Page("alerts after one", f"v/alert_queue?after={middle}", supervisor),
        Page("one alert", "v/monitoring_alert?alert={}", supervisor, alerts),
        Page("alerts by scenario's score", "v/monitoring_alerts", supervisor),
        Page("scenarios", "v/monitoring_scenarios", supervisor),
        Page("runs", "v/monitoring_runs", supervisor),
        Page("cases", "v/cases", supervisor),
        Page("cases, last page", f"v/cases?offset={max(0, len(cases) * 4 // 5 - 100)}", supervisor),
        Page("closed cases", "v/cases?state=closed", supervisor),
        Page("one case", "v/case?case={}", supervisor, cases),
        Page("network", "v/case_network?case={}", supervisor, cases),
        Page("statistics", "v/case_statistics", supervisor),
        Page("market", "v/market_overview", supervisor),
        Page("returns", "v/returns", supervisor),
        Page("quality", "v/data_quality", supervisor),
        Page("freezes", "v/freezes", supervisor),
        Page("cases of an exchange", "v/cases", officer),
        Page("network of an exchange", "v/case_network?case={}", officer, own),
        Page("customers to report", "v/ctr_due", officer),
        Page("reports", "v/reports", officer),
    ]


def supervise(app: Application, programme: str, code: str) -> None:
    """Let the licensing authority be the supervisor too: the pilot of licensing needs none."""
    mine = sql.and_(institution.c.programme == programme, institution.c.code == code)
    with app.engine.begin() as connection:
        known = connection.execute(sql.select(institution.c.capacities).where(mine)).scalar_one()
        connection.execute(
            institution.update().where(mine).values(capacities=sorted({*known, SUPERVISES}))
        )


def filled(app: Application, programme: str, people: People, size: int, folder: Path) -> list[Page]:
    """Store what belongs to a size; the pages to ask for."""
    with app.engine.begin() as connection:
        today = app.business_date(connection, programme)
        ids = write_transactions(
            connection, folder, programme, people.exchanges, size * ROWS_PER_ALERT, today
        )
        alerts = write_alerts(connection, programme, people.exchanges, ids, size, today)
        count = max(10, size // 10)
        about = (folder, count, today)
        cases = write_cases(connection, programme, people.desk, people.exchange, *about)
        own = write_cases(connection, programme, people.exchange, people.exchange, *about)
    return pages_of(people, alerts, cases, own)


def measure_database(kind: str, sizes: Sequence[int], looks: int) -> Iterator[Looked]:
    """Found a programme in an empty database, fill it to each size, ask for every page."""
    pilot = load_pilot(PILOT)
    assert pilot.licensing is not None
    programme = pilot.programme.code
    folder = Path(tempfile.mkdtemp(prefix="amanat-bench-"))
    try:
        with database(kind, folder) as (url, _pids):
            settings = replace(Settings.at(folder / "data", light_keys=True), database_url=url)
            with Application(settings) as app:
                histories = played(app, pilot)
                codes = list(dict.fromkeys(one.code for one in histories))
                supervisor = pilot.with_capacity("class_authority.vasp")[0]
                supervise(app, programme, supervisor.code)
                people = People(
                    supervisor.proposes, supervisor.code, codes[0], f"{codes[0]}_officer", codes
                )
                with served(app) as address:
                    for size in sizes:
                        pages = filled(app, programme, people, size, settings.data_dir)
                        console.print(f"{kind}: {size:,} alerts stored")
                        yield from measure(app, kind, size, programme, pages, looks, address)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    command(__doc__, "alerts", SIZES, 50, measure_database)
