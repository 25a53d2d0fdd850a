"""A labelled file of the AMLSim family as stored rows and labels: an adapter, not a format of ours.

    step, type, amount, nameOrig, nameDest, bankOrig, bankDest, isSAR, modelType
        -> TRANSACTIONS (Parquet)  and  LABELS (Parquet)

A step is a day and a bank an exchange.  Accounts below 0 (source and sink) are banks outside.
Accounts become 63-bit pseudonyms by SHA-256, as at intake: nothing of their numbers is left.  Ids
come from what a row says and not from where it stands in the file, so that its order tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from amanat.core.errors import Invalid

FIRST_DAY = date(2025, 1, 1)
PAISA_PER_UNIT = 28_000
"""Amounts are read as US dollars at PKR 280."""

LABELS = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("from_account", pa.int64(), nullable=False),
        pa.field("to_account", pa.int64(), nullable=False),
        pa.field("typology", pa.string()),
    ]
)
"""Transactions that were confirmed as suspicious; what is not listed is not known to be."""

TYPOLOGIES = {
    1: "fan_out",
    2: "fan_in",
    3: "cycle",
    4: "bipartite",
    5: "stack",
    6: "random",
    7: "scatter_gather",
    8: "gather_scatter",
}
"""AMLGentex, `src/utils/pattern_types.py`: the ids of its patterns of laundering."""

_FIRST_FILE = "transactions.parquet"
_NEEDED = frozenset(
    ("step", "type", "amount", "nameOrig", "nameDest", "bankOrig", "bankDest", "isSAR")
)


class NotLabelled(Invalid):
    """A labelled file has the columns that the adapter reads."""

    template: ClassVar[str] = "{file} lacks the columns {missing}."


@dataclass(frozen=True, slots=True)
class Adapted:
    """Where the rows and the labels lie."""

    transactions: tuple[Path, ...]
    """One file per repeat."""
    labels: Path
    first_day: date
    last_day: date


_PSEUDONYM = "(('0x' || substr(sha256('{salt}' || {what}), 1, 16))::UBIGINT >> 1)::BIGINT"


def _pseudonym(what: str, repeat: int) -> str:
    return _PSEUDONYM.format(salt=f"account:{repeat}:", what=f"{what}::VARCHAR")


def _rows(source: Path, typology: str, repeat: int) -> str:
    """The query of one repeat of the file: the stored columns, and the labels'."""
    return f"""
SELECT (('0x' || substr(sha256('{repeat}:' || concat_ws('|', step, type, amount, nameOrig, nameDest,
    n)), 1, 16))::UBIGINT >> 1)::BIGINT AS id,
  CASE WHEN nameOrig >= 0 THEN bankOrig ELSE bankDest END AS exchange,
  concat_ws('|', {repeat}, step, type, amount, nameOrig, nameDest, n) AS reference,
  (DATE '{FIRST_DAY}' + step::INTEGER)::DATE AS day,
  (DATE '{FIRST_DAY}' + step::INTEGER)::TIMESTAMP::TIMESTAMPTZ AS at,
  CASE WHEN nameOrig < 0 THEN 'fiat_in' WHEN nameDest < 0 THEN 'fiat_out' ELSE 'transfer' END
    AS kind,
  CASE WHEN nameOrig >= 0 THEN {_pseudonym("nameOrig", repeat)} END AS from_party,
  {_pseudonym("nameOrig", repeat)} AS from_account,
  CASE WHEN nameOrig >= 0 THEN bankOrig END AS from_exchange,
  CASE WHEN nameOrig >= 0 THEN 'PK' END AS from_country,
  CASE WHEN nameDest >= 0 THEN {_pseudonym("nameDest", repeat)} END AS to_party,
  {_pseudonym("nameDest", repeat)} AS to_account,
  CASE WHEN nameDest >= 0 THEN bankDest END AS to_exchange,
  CASE WHEN nameDest >= 0 THEN 'PK' END AS to_country,
  'PKR' AS asset, round(amount * {PAISA_PER_UNIT})::BIGINT::DECIMAL(38, 18) / 100 AS quantity,
  round(amount * {PAISA_PER_UNIT})::BIGINT AS value, type = 'CASH' AS cash,
  NULL::VARCHAR AS network, NULL::VARCHAR AS transaction_hash, NULL::VARCHAR AS address,
  NULL::BOOLEAN AS hosted, 'TR' AS travel_rule,
  isSAR AS suspicious, {typology} AS typology
FROM (SELECT *, row_number() OVER (
    PARTITION BY step, type, amount, nameOrig, nameDest ORDER BY bankOrig, bankDest) AS n
  FROM read_parquet('{source}') WHERE type <> 'INITALBALANCE')
"""


def adapt(source: Path, folder: Path, repeats: int = 1) -> Adapted:
    """Write a labelled file as stored rows and labels; `repeats` copies differ in their accounts.

    Raises `NotLabelled`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels: list[pa.Table] = []
    files: list[Path] = []
    with duckdb.connect(config={"preserve_insertion_order": False, "threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET memory_limit = '1GB'")
        connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
        described = connection.sql(f"SELECT * FROM read_parquet('{source}') LIMIT 0").columns
        if missing := _NEEDED - set(described):
            raise NotLabelled(file=source.name, missing=", ".join(sorted(missing)))
        cases = " ".join(f"WHEN {code} THEN '{name}'" for code, name in TYPOLOGIES.items())
        typology = f"CASE modelType {cases} END" if "modelType" in described else "NULL::VARCHAR"
        for repeat in range(repeats):
            files.append(folder / (f"transactions-{repeat}.parquet" if repeat else _FIRST_FILE))
            rows = _rows(source, typology, repeat)
            connection.execute(
                f"COPY (SELECT * EXCLUDE (suspicious, typology) FROM ({rows}) ORDER BY id)"
                f" TO '{files[-1]}' (FORMAT parquet, COMPRESSION zstd)"
            )
            query = f"SELECT {', '.join(LABELS.names)} FROM ({rows}) WHERE suspicious = 1"
            labels.append(connection.execute(query).to_arrow_table().cast(LABELS))
        bounds = connection.execute(
            f"SELECT min(day), max(day) FROM read_parquet('{files[0]}')"
        ).fetchone()
    assert bounds is not None
    parquet.write_table(pa.concat_tables(labels).sort_by("id"), folder / "labels.parquet")
    return Adapted(tuple(files), folder / "labels.parquet", *bounds)
