"""Writes a return as an exchange would: its files in any format, and the manifest over them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from amanat.supervision.returns.arrow import schema_of
from amanat.supervision.returns.movements import paisa_of
from amanat.supervision.returns.registers import QUANTITY, Moved, places_of
from amanat.supervision.returns.specification import (
    MANIFEST,
    NAME,
    OWN,
    QUANTITY_PLACES,
    RECORDS,
    VERSION,
    Form,
    Record,
)
from amanat.supervision.returns.sums import sum_of

Rows = Any
"""Mappings of columns to values, or a `pyarrow.Table`."""
_PART = 1 << 20
_WIDE = pa.decimal256(50, QUANTITY_PLACES)


def table_of(record: Record, rows: Rows) -> pa.Table:
    """Rows as a table of the record's schema; columns that are not there are empty."""
    if isinstance(rows, pa.Table):
        return rows.select(schema_of(record).names).cast(schema_of(record))
    return pa.Table.from_pylist([dict(one) for one in rows], schema_of(record))


def write_return(
    folder: Path,
    exchange: str,
    sequence: int,
    days: tuple[date, date],
    records: Mapping[str, Rows],
    *,
    format: str = "parquet",
    corrects: Mapping[str, Any] | None = None,
    currency: str = "PKR",
) -> Path:
    """A return in a new folder, which is answered; the manifest's totals are those of its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {name: table_of(RECORDS[name], rows) for name, rows in records.items()}
    for name, table in tables.items():
        write_file(folder / f"{name}.{format}", RECORDS[name], table)
    manifest = manifest_of(folder, exchange, sequence, days, tables, currency=currency)
    if corrects is not None:
        manifest["corrects"] = dict(corrects)
    write_manifest(folder, manifest)
    return folder


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """The manifest of a return's folder."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def manifest_of(
    folder: Path,
    exchange: str,
    sequence: int,
    days: tuple[date, date],
    tables: Mapping[str, pa.Table],
    *,
    currency: str = "PKR",
) -> dict[str, Any]:
    """The manifest over the files of a folder, whose content is `tables`."""
    transactions = tables["transactions"]
    return {
        "specification": NAME,
        "version": VERSION,
        "exchange": exchange,
        "sequence": sequence,
        "first_day": days[0].isoformat(),
        "last_day": days[1].isoformat(),
        "currency": currency,
        "files": [
            {"name": one.name, "sha256": digest_of(one), "rows": tables[one.stem].num_rows}
            for one in (next(folder.glob(f"{name}.*")) for name in RECORDS if name in tables)
        ],
        "totals": totals_of(transactions),
    }


def totals_of(transactions: pa.Table) -> dict[str, Any]:
    """The control totals of transactions: rows and value, of all and of each kind."""
    found: dict[str, list[int]] = {}
    for batch in transactions.to_batches():
        value = batch.column("value")
        paisa = paisa_of(value)
        kinds = batch.column("kind").dictionary_encode()
        indices = kinds.indices.to_numpy(zero_copy_only=False)
        for at, kind in enumerate(kinds.dictionary.to_pylist()):
            own = indices == at
            total = found.setdefault(kind, [0, 0])
            total[0] += int(np.count_nonzero(own))
            total[1] += sum_of(paisa[own])
    return {
        **_total(transactions.num_rows, sum(paisa for _, paisa in found.values())),
        "kinds": {kind: _total(rows, paisa) for kind, (rows, paisa) in sorted(found.items())},
    }


def _total(rows: int, paisa: int) -> dict[str, Any]:
    return {"rows": rows, "value": _rupees(paisa), "minor": str(paisa)}


def _rupees(paisa: int) -> str:
    return str(Decimal(paisa).scaleb(-2))


def balances_of(transactions: pa.Table, accounts: Iterable[str]) -> pa.Table:
    """Balances that roll from what moved, each opening just large enough for what went."""
    known = {one: at for at, one in enumerate(dict.fromkeys(accounts))}
    names = sorted(set(pc.unique(transactions.column("asset")).to_pylist()))
    assets = {one: at for at, one in enumerate(names)}
    moved = Moved(len(assets))
    for batch in transactions.to_batches():
        kinds = places_of(batch.column("asset"), assets)
        for side in ("from", "to"):
            own = pc.equal(batch.column(f"{side}_keeper"), OWN).to_numpy(zero_copy_only=False)
            places = np.where(own, places_of(batch.column(f"{side}_account"), known), -1)
            quantity = batch.column("quantity")
            moved.add(places, kinds, pc.negate(quantity) if side == "from" else quantity)
    keys, total = moved.total()
    nothing = pa.scalar(0, pa.int64()).cast(QUANTITY)
    opening = pc.if_else(pc.less(total, nothing), pc.negate(total), nothing)
    of = list(known)
    return pa.table(
        {
            "account": pa.array([of[one] for one in (keys // len(assets)).tolist()], pa.string()),
            "asset": pa.array([names[one] for one in (keys % len(assets)).tolist()], pa.string()),
            "opening": opening,
            "closing": pc.add(opening.cast(_WIDE), total.cast(_WIDE)).cast(QUANTITY),
        }
    )


# -- files ----------------------------------------------------------------------------------------


def write_file(path: Path, record: Record, table: pa.Table) -> None:
    """A file of a record, in the format that its name says."""
    if path.suffix == ".parquet":
        parquet.write_table(table, path, compression="zstd", row_group_size=1 << 18)
    elif path.suffix == ".csv":
        texts = texts_of(record, table)
        options = arrow_csv.WriteOptions(quoting_style="needed", quoting_header="none")
        arrow_csv.write_csv(texts, path, options)
    else:
        with path.open("wb") as file:
            for line in lines_of(record, table):
                file.write(line)


def lines_of(record: Record, table: pa.Table) -> Iterator[bytes]:
    """The lines of NDJSON, each naming its record first; values that are empty are left out."""
    flags = {one.name for one in record.columns_of(Form.FLAG)}
    head = {"record": record.name}
    for batch in texts_of(record, table).to_batches():
        for row in batch.to_pylist():
            fields = {
                name: (value == "true") if name in flags else value
                for name, value in row.items()
                if value is not None
            }
            yield json.dumps(head | fields, ensure_ascii=False).encode() + b"\n"


def texts_of(record: Record, table: pa.Table) -> pa.Table:
    """Every value as CSV and NDJSON write it."""
    columns = {}
    for column in record.columns:
        given = table.column(column.name)
        if column.form is Form.INSTANT:
            columns[column.name] = pc.strftime(given, "%Y-%m-%dT%H:%M:%SZ")
        elif column.form in (Form.MONEY, Form.QUANTITY):
            columns[column.name] = _amounts(given)
        else:
            columns[column.name] = given.cast(pa.string())
    return pa.table(columns)


def _amounts(given: Any) -> pa.Array:
    """Decimals as texts without an exponent and without noughts at their end."""
    return pa.array(
        [None if one is None else _amount(one) for one in given.to_pylist()], pa.string()
    )


def _amount(given: Decimal) -> str:
    text = f"{given:.{QUANTITY_PLACES}f}"
    return text.rstrip("0").rstrip(".")


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            whole.update(part)
    return whole.hexdigest()
