"""How many rows a second intake takes in, from a Parquet file to the stored rows, and its memory.

    python bench/intake.py [--sizes 300000,1000000,3000000] [--repeats 1] [--quick] [--json FILE]

A return is made of random customers who bring rupees, trade, deposit and withdraw; one account has
fifty transactions.  The clock runs over everything that the authority does with it: digests, every
rule, pseudonyms, the stored Parquet file, the vault of identities, the database.  Each size runs in
a process of its own, whose peak of memory is told; making the return is in another.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import sqlalchemy as sql
from rich.console import Console
from rich.table import Table

from amanat.access.actors import Actor, Role, add_institution, add_person
from amanat.app import declare_rooms
from amanat.core.ids import new_id
from amanat.licensing import tables as licensing
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.migrate import migrate
from amanat.store.uow import Store
from amanat.supervision.returns.arrow import schema_of
from amanat.supervision.returns.intake import Intake
from amanat.supervision.returns.registers import QUANTITY
from amanat.supervision.returns.specification import RECORDS, TRANSACTIONS
from amanat.supervision.returns.writing import (
    balances_of,
    digest_of,
    totals_of,
    write_file,
    write_manifest,
)

SIZES = (300_000, 1_000_000, 3_000_000)
QUICK = (100_000,)
BAR = 100_000
PROGRAMME, EXCHANGE = "bench", "exchange_x"
DAY, TODAY = date(2026, 3, 8), date(2026, 3, 9)
_CHUNK = 500_000
_OF_ONE_ACCOUNT = 50
_FIRST_US = int(datetime(2026, 3, 7, 19, tzinfo=UTC).timestamp()) * 1_000_000  # midnight, Karachi
_DAY_US = 86_399 * 1_000_000
_PRICES = {"BTC": 25_000_000, "ETH": 900_000, "USDT": 280}


# -- a return -------------------------------------------------------------------------------------


def make(folder: Path, rows: int, of_one: int = _OF_ONE_ACCOUNT) -> None:
    """A sound return of so many transactions, so many of one account."""
    holders = max(rows // of_one, 10)
    write_file(folder / "parties.parquet", RECORDS["parties"], _parties(holders))
    write_file(folder / "accounts.parquet", RECORDS["accounts"], _accounts(holders))
    draw = np.random.default_rng(7)
    with parquet.ParquetWriter(
        folder / "transactions.parquet", schema_of(TRANSACTIONS), compression="zstd"
    ) as writer:
        for first in range(0, rows, _CHUNK):
            count = min(_CHUNK, rows - first)
            writer.write_table(_transactions(draw, first, count, holders), row_group_size=1 << 18)
    columns = ["kind", "from_keeper", "from_account", "to_keeper", "to_account", "asset",
               "quantity", "value"]  # fmt: skip
    whole = parquet.read_table(folder / "transactions.parquet", columns=columns)
    accounts = (f"A{one}" for one in range(holders))
    balances = balances_of(whole, accounts)
    write_file(folder / "balances.parquet", RECORDS["balances"], balances)
    counts = {"parties": holders, "accounts": holders, "transactions": rows,
              "balances": balances.num_rows}  # fmt: skip
    write_manifest(
        folder,
        {
            "specification": "amanat-return",
            "version": "1.0",
            "exchange": EXCHANGE,
            "sequence": 1,
            "first_day": DAY.isoformat(),
            "last_day": DAY.isoformat(),
            "currency": "PKR",
            "files": [
                {"name": f"{name}.parquet", "sha256": digest_of(folder / f"{name}.parquet"),
                 "rows": count}
                for name, count in counts.items()
            ],
            "totals": totals_of(whole),
        },
    )  # fmt: skip


def _parties(count: int) -> pa.Table:
    at = np.arange(count)
    numbers = [f"35202{one + 1:07d}{one % 10}" for one in at.tolist()]
    said = {
        "party": [f"P{one}" for one in at.tolist()],
        "kind": ["natural"] * count,
        "name": [f"Customer {one}" for one in at.tolist()],
        "born": [date(1990, 1, 1)] * count,
        "document_type": ["cnic"] * count,
        "document_country": ["PK"] * count,
        "document_number": numbers,
        "residence": ["PK"] * count,
        "address": [f"Street {one}" for one in at.tolist()],
        "politically_exposed": [False] * count,
    }
    return _filled(RECORDS["parties"].name, said, count)


def _accounts(count: int) -> pa.Table:
    said = {
        "account": [f"A{one}" for one in range(count)],
        "party": [f"P{one}" for one in range(count)],
        "kind": ["customer"] * count,
        "opened": [date(2025, 1, 1)] * count,
        "state": ["active"] * count,
    }
    return _filled("accounts", said, count)


def _filled(record: str, said: dict[str, Any], count: int) -> pa.Table:
    schema = schema_of(RECORDS[record])
    return pa.table(
        [
            pa.array(said[field.name], field.type)
            if field.name in said
            else pa.nulls(count, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _transactions(draw: Any, first: int, count: int, holders: int) -> pa.Table:
    """Of ten: three in rupees with a bank, four trades, two on a chain, one between customers."""
    part = draw.integers(0, 10, count)
    kinds = np.array(["fiat_in", "fiat_in", "fiat_out", *["trade"] * 4, "deposit", "withdrawal",
                      "transfer"])[part]  # fmt: skip
    names = np.char.add("A", draw.integers(0, holders, count).astype(str))
    others = np.char.add("A", draw.integers(0, holders, count).astype(str))
    # Of a trade bitcoin goes one way and its price the other; one without a partner is none.
    trades = np.flatnonzero(kinds == "trade")
    if len(trades) % 2:
        kinds[trades[-1]], trades = "transfer", trades[:-1]
    paid, bought = trades[::2], trades[1::2]
    names[bought], others[bought] = others[paid], names[paid]
    deals = np.zeros(count, dtype=np.int64)
    deals[paid] = deals[bought] = paid + first
    banks = np.char.add("PK36SCBL", draw.integers(10**15, 10**16, count).astype(str))
    addresses = [f"0x{one:040x}" for one in draw.integers(0, 2**60, count).tolist()]
    chain = (kinds == "deposit") | (kinds == "withdrawal")
    bank_in, bank_out = kinds == "fiat_in", kinds == "fiat_out"
    assets = np.where(chain, "ETH", np.where(np.isin(np.arange(count), bought), "BTC", "PKR"))
    paisa = draw.integers(100_000, 100_000_000, count)
    paisa[bought] = paisa[paid]
    price = np.select([assets == "ETH", assets == "BTC"], [_PRICES["ETH"], _PRICES["BTC"]], 1)
    # In units of 10^-8, rounded down: within any plausible price.
    units = paisa * 1_000_000 // price
    units = np.where(assets == "PKR", paisa * 1_000_000, np.maximum(units, 1))
    said = {
        "reference": [f"T{one:012d}" for one in range(first, first + count)],
        "at": _FIRST_US + draw.integers(0, _DAY_US, count),
        "kind": kinds,
        "from_keeper": np.where(bank_in, "bank", np.where(kinds == "deposit", "chain", "own")),
        "from_account": np.where(bank_in, banks, np.where(kinds == "deposit", addresses, names)),
        "to_keeper": np.where(bank_out, "bank", np.where(kinds == "withdrawal", "chain", "own")),
        "to_account": np.where(bank_out, banks, np.where(kinds == "withdrawal", addresses, others)),
        "asset": assets,
        "quantity": _decimals(units, 8).cast(QUANTITY),
        "value": _decimals(paisa, 2).cast(pa.decimal128(17, 2)),
        "cash": np.zeros(count, dtype=np.bool_),
        "trade": pa.array(np.char.add("D", deals.astype(str)), mask=kinds != "trade"),
        "network": pa.array(np.full(count, "ethereum"), mask=~chain),
        "transaction_hash": pa.array(
            [f"0x{one:064x}" for one in draw.integers(0, 2**62, count).tolist()], mask=~chain
        ),
    }
    return _filled("transactions", said, count)


def _decimals(whole: Any, places: int) -> pa.Array:
    """Whole numbers as decimals of so many places."""
    unscaled = np.zeros((len(whole), 2), dtype=np.int64)
    unscaled[:, 0] = whole
    kind = pa.decimal128(38 if places > 2 else 17, places)
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(unscaled.tobytes())])


# -- an authority ---------------------------------------------------------------------------------


def _authority(folder: Path) -> tuple[Intake, Actor]:
    """A database in which one exchange may report, with the rows that its permissions left."""
    engine = open_engine(f"sqlite:///{folder / 'amanat.sqlite'}")
    migrate(engine)
    now = "2026-03-09T06:00:00+00:00"
    usual = {"programme": PROGRAMME, "entry": "-", "recorded_at": now,
             "recorded_on": TODAY.isoformat()}  # fmt: skip
    with engine.begin() as connection:
        add_institution(
            connection, PROGRAMME, EXCHANGE, number=0, name=EXCHANGE, capacities=["applicant"]
        )
        add_person(
            connection, PROGRAMME, "officer", institution=EXCHANGE, role=Role.OFFICER, name="-"
        )
        connection.execute(
            licensing.provider.insert().values(
                code=EXCHANGE, number=1, country="AE", status="aml_registered",
                institution=EXCHANGE, person="officer", **usual,
            )
        )  # fmt: skip
        for place, kind in enumerate(("noc", "aml_registration"), 1):
            made = new_id()
            connection.execute(
                licensing.permission.insert().values(
                    id=made, provider=EXCHANGE, kind=kind, number=f"P0001-{place:02d}",
                    categories=["exchange"], section="-", law="-", first_day=TODAY.isoformat(),
                    institution="pvara", person="-", **usual,
                )
            )  # fmt: skip
            connection.execute(
                licensing.permission_change.insert().values(
                    id=new_id(), programme=PROGRAMME, provider=EXCHANGE, permission=made,
                    change="grant", section="-", law="-", reason="-", effective_at=now,
                    effective_on=TODAY.isoformat(), requested_at=now, done_at=now, entry="-",
                )
            )  # fmt: skip
    store = Store(engine, OpeningVault(os.urandom(32)))
    actor = Actor(
        PROGRAMME, "officer", EXCHANGE, frozenset({"applicant"}), Role.OFFICER, None, "bench"
    )
    return Intake(store, lambda _connection, _programme: TODAY, folder, os.urandom(32)), actor


class _Locks:
    """How long each write transaction held SQLite's one lock, in seconds."""

    def __init__(self, engine: sql.Engine) -> None:
        self.longest, self._since = 0.0, 0.0
        sql.event.listen(engine, "begin", self._begun)
        sql.event.listen(engine, "commit", self._ended)

    def _begun(self, connection: sql.Connection) -> None:
        # After the engine's own listener, which has the lock by then.
        if not connection.get_execution_options().get("reads_only", False):
            self._since = time.perf_counter()

    def _ended(self, connection: sql.Connection) -> None:
        if not connection.get_execution_options().get("reads_only", False):
            self.longest = max(self.longest, time.perf_counter() - self._since)


def _measured(given: str, told: Any) -> None:
    """Take in the return of a folder; seconds, stored rows, peak MiB, the longest lock."""
    declare_rooms()
    with tempfile.TemporaryDirectory(prefix="amanat-bench-") as folder:
        intake, actor = _authority(Path(folder))
        locks = _Locks(intake._store.engine)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with intake.incoming() as place:
            for one in Path(given).iterdir():
                place.put(one)
            start, used = time.perf_counter(), time.process_time()
            receipt = intake.take(actor, place)
            lapse, used = time.perf_counter() - start, time.process_time() - used
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        told.send((lapse, receipt["rows"], peak // 1024, before // 1024, locks.longest, used))


def measure(rows: int, repeats: int, of_one: int) -> dict[str, Any]:
    """One size: the median of its repeats."""
    start_anew = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="amanat-bench-") as given:
        maker = start_anew.Process(target=make, args=(Path(given), rows, of_one))
        maker.start()
        maker.join()
        if maker.exitcode:
            raise SystemExit("the return could not be made")
        size = sum(one.stat().st_size for one in Path(given).iterdir())
        found = []
        for _ in range(repeats):
            here, there = start_anew.Pipe(duplex=False)
            worker = start_anew.Process(target=_measured, args=(given, there))
            worker.start()
            there.close()
            found.append(here.recv())
            worker.join()
    assert all(stored == rows for _, stored, *_ in found)
    rates = [rows / lapse for lapse, *_ in found]
    return {
        "rows": rows,
        "mib": size / 2**20,
        "rate": statistics.median(rates),
        "of_processor": rows / statistics.median(used for *_, used in found),
        "least": min(rates),
        "most": max(rates),
        "peak": max(peak for _, _, peak, *_ in found),
        "before": max(before for _, _, _, before, *_ in found),
        "lock": 1000 * max(lock for *_, lock, _ in found),
        "persons": max(rows // of_one, 10),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument(
        "--of-one", type=int, default=_OF_ONE_ACCOUNT, help="transactions of one person"
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    sizes = QUICK if asked.quick else tuple(int(one) for one in asked.sizes.split(","))
    found = [measure(one, asked.repeats, asked.of_one) for one in sizes]
    shown = Table(
        title="Intake of Parquet: checked, under pseudonyms, stored", title_justify="left"
    )
    for name in (
        "rows",
        "MiB",
        "rows/s",
        "least",
        "most",
        "per CPU s",
        "peak",
        "before",
        "persons",
        "lock ms",
        "bar",
    ):
        shown.add_column(name, justify="right")
    for one in found:
        shown.add_row(
            f"{one['rows']:,}", f"{one['mib']:.0f}", f"{one['rate']:,.0f}", f"{one['least']:,.0f}",
            f"{one['most']:,.0f}", f"{one['of_processor']:,.0f}", f"{one['peak']:,}",
            f"{one['before']:,}", f"{one['persons']:,}", f"{one['lock']:,.0f}",
            "met" if one["rate"] >= BAR else "missed",
        )  # fmt: skip
    Console().print(shown)
    if asked.json:
        figures = [
            {"key": key, "value": round(one[name]), "unit": unit, "size": one["rows"]}
            for one in found
            for key, name, unit in (
                ("intake_per_s", "rate", "rows/s"),
                ("intake_peak_mib", "peak", "MiB"),
                ("intake_lock_ms", "lock", "ms"),
            )
        ]
        asked.json.write_text(json.dumps({"figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
