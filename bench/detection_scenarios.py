"""What each scenario of monitoring finds of the labelled movements: for `bench/detection.py`.

The scenarios run as the product runs them, with the jurisdiction's parameters.  A transaction is
found where it stands in an alert of the days that judge; alerts name their latest 1,000.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as parquet
import sqlalchemy as sql
from rich.console import Console
from rich.table import Table

from amanat.app import declare_rooms
from amanat.jurisdictions.supervision import load_supervision
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.migrate import migrate
from amanat.store.uow import Store
from amanat.supervision.detection.labelled import Adapted
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.model import SUM_MODULUS, SourceFile
from amanat.supervision.monitoring.running import Running, plan_run
from amanat.supervision.monitoring.tables import alert
from monitoring import PROGRAMME, enter


@dataclass(frozen=True, slots=True)
class Found:
    """What one scenario found in the days that judge."""

    scenario: str
    alerts: int
    transactions: int
    hits: dict[str, int]
    """Typology -> confirmed movements that stand in an alert."""


def source_file(adapted: Adapted) -> SourceFile:
    """The adapted rows as one return's file."""
    (path,) = adapted.transactions
    ids = parquet.read_table(path, columns=["id"])["id"].to_pylist()
    return SourceFile(
        number=1,
        source="labelled",
        exchange="bank_a",
        first_day=adapted.first_day,
        last_day=adapted.last_day,
        rows=len(ids),
        id_sum=sum(ids) % SUM_MODULUS,
        location=str(path),
    )


def found_by_scenarios(
    adapted: Adapted, folder: Path, first: date
) -> tuple[list[Found], dict[str, int]]:
    """Every live scenario on the days from `first` on, and what there was to find per typology."""
    declare_rooms()
    place = folder / "supervision" / "transactions"
    place.mkdir(parents=True)
    (place / adapted.transactions[0].name).symlink_to(adapted.transactions[0])
    engine = open_engine(f"sqlite:///{folder / 'scenarios.db'}")
    migrate(engine)
    store = Store(engine, OpeningVault(b"b" * 32))
    enter(store, [source_file(adapted)])
    with store.reading() as connection:
        plan = plan_run(
            connection, PROGRAMME, load_supervision("pk"), folder, first, adapted.last_day
        )
    Running(store, DuckEngine(folder / "spill", "2GB", 2), plan, date(2026, 1, 1)).carry_out()
    labels = parquet.read_table(adapted.labels).to_pylist()
    confirmed = {one["id"]: one["typology"] or "" for one in labels if one["day"] >= first}
    named: dict[str, set[int]] = defaultdict(set)
    alerts: Counter[str] = Counter()
    with store.reading() as connection:
        for row in connection.execute(sql.select(alert.c.scenario, alert.c.transactions)):
            alerts[row.scenario] += 1
            named[row.scenario] |= {int(one) for one in row.transactions}
    in_days = _ids_from(adapted, first)
    found = []
    for scenario in sorted({one.scenario.code for step in plan.steps for one in step.planned}):
        flagged = named[scenario] & in_days
        hits = Counter(confirmed[one] for one in flagged if one in confirmed)
        found.append(Found(scenario, alerts[scenario], len(flagged), dict(hits)))
    engine.dispose()
    return found, dict(Counter(confirmed.values()))


def _ids_from(adapted: Adapted, first: date) -> set[int]:
    """Ids of the transactions from a day on."""
    rows = parquet.read_table(
        adapted.transactions[0],
        columns=["id"],
        filters=[("day", ">", first - timedelta(1))],
    )
    return set(rows["id"].to_pylist())


def show(found: list[Found], there: dict[str, int], first: date) -> None:
    """Per scenario precision and recall over all typologies, then recall in each and precision.

    Precision in a typology counts only its movements as right, of all that the scenario names.
    """
    names = sorted(there)
    table = Table(title=f"Scenarios with the jurisdiction's parameters, days from {first} on")
    table.caption = "per typology: recall / precision"
    for name in ("scenario", "alerts", "named", "precision", "recall", *names):
        table.add_column(name.replace("_", " "), justify="left" if name == "scenario" else "right")
    total = sum(there.values())
    for one in found:
        hits = sum(one.hits.values())
        table.add_row(
            one.scenario,
            str(one.alerts),
            str(one.transactions),
            f"{hits / one.transactions:.3f}" if one.transactions else "",
            f"{hits / total:.2f}" if total else "",
            *(_of_typology(one, name, there[name]) for name in names),
        )
    Console(width=180).print(table)


def _of_typology(one: Found, name: str, there: int) -> str:
    hits = one.hits.get(name, 0)
    return f"{hits / there:.2f} / {hits / one.transactions:.3f}" if hits else "0"
