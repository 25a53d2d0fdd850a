"""A file of labelled transfers as stored rows: the set repeated with shifted accounts and dates.

The file has the columns step, nameOrig, nameDest, amount, bankOrig, bankDest, type and isSAR of the
AMLSim family.  A step is a day; an amount of 1 is read as PKR 50.  What comes from the
source or goes to the sink (accounts below 0) is money of banks outside, the rest transfers.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from amanat.supervision.monitoring.model import SUM_MODULUS, SourceFile

FIRST_DAY = date(2025, 1, 1)
PAISA_PER_UNIT = 5_000
ACCOUNTS_APART = 1_000_000
REPEATS_PER_DAY = 3
"""So many repeats begin on one day; the next on the day after."""

_ROWS = """
SELECT
  (hash(ordinal, {repeat}) >> 1)::BIGINT AS id,
  bank AS exchange,
  ordinal::VARCHAR || '.{repeat}' AS reference,
  (DATE '{first}' + (step + {shift})::INTEGER)::DATE AS day,
  (DATE '{first}' + (step + {shift})::INTEGER)::TIMESTAMP::TIMESTAMPTZ + INTERVAL 12 HOUR AS at,
  CASE WHEN nameOrig < 0 THEN 'fiat_in' WHEN nameDest < 0 THEN 'fiat_out' ELSE 'transfer' END
    AS kind,
  CASE WHEN nameOrig >= 0 THEN (nameOrig + {apart}) END::BIGINT AS from_party,
  CASE WHEN nameOrig >= 0 THEN (nameOrig + {apart}) * 2 + 1
    ELSE (nameDest + {apart}) * 2 + 4611686018427387904 END::BIGINT AS from_account,
  CASE WHEN nameOrig >= 0 THEN bankOrig END AS from_exchange,
  CASE WHEN nameOrig >= 0 THEN 'PK' END AS from_country,
  CASE WHEN nameDest >= 0 THEN (nameDest + {apart}) END::BIGINT AS to_party,
  CASE WHEN nameDest >= 0 THEN (nameDest + {apart}) * 2 + 1
    ELSE (nameOrig + {apart}) * 2 + 4611686018427387904 END::BIGINT AS to_account,
  CASE WHEN nameDest >= 0 THEN bankDest END AS to_exchange,
  CASE WHEN nameDest >= 0 THEN 'PK' END AS to_country,
  'PKR' AS asset,
  (amount * {paisa})::BIGINT::DECIMAL(38, 18) / 100 AS quantity,
  (amount * {paisa})::BIGINT AS value,
  type = 'CASH' AS cash,
  NULL::VARCHAR AS network,
  NULL::VARCHAR AS transaction_hash,
  NULL::VARCHAR AS address,
  NULL::BOOLEAN AS hosted,
  'TR' || ordinal::VARCHAR AS travel_rule
FROM (
  SELECT *, row_number() OVER () AS ordinal,
    CASE WHEN nameOrig >= 0 THEN bankOrig ELSE bankDest END AS bank
  FROM read_parquet('{source}')
)
"""


def stored(source: Path, folder: Path, rows: int, chunk: int = 15) -> list[SourceFile]:
    """At least `rows` rows in files of one exchange and some days each, with their manifest."""
    connection = duckdb.connect(config={"memory_limit": "3GB", "preserve_insertion_order": False})
    connection.execute("SET TimeZone = 'UTC'")
    whole = connection.sql(f"SELECT count(*) FROM read_parquet('{source}')").fetchone()[0]
    repeats = -(-rows // whole)
    folder.mkdir(parents=True, exist_ok=True)
    found: list[SourceFile] = []
    for begin in range(0, repeats, chunk):
        parts = [
            _ROWS.format(
                source=source,
                repeat=repeat,
                shift=repeat // REPEATS_PER_DAY,
                apart=(repeat + 1) * ACCOUNTS_APART,
                first=FIRST_DAY,
                paisa=PAISA_PER_UNIT,
            )
            for repeat in range(begin, min(begin + chunk, repeats))
        ]
        limit = f" LIMIT {rows}" if repeats == 1 else ""
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE part AS SELECT * FROM ("
            + " UNION ALL ".join(parts)
            + ")"
            + limit
        )
        found += _written(connection, folder, begin, len(found))
    return found


def _written(
    connection: duckdb.DuckDBPyConnection, folder: Path, begin: int, serial: int
) -> list[SourceFile]:
    """One file per exchange and ten days."""
    groups = connection.sql(
        "SELECT exchange, datediff('day', DATE '2025-01-01', day) // 10 AS decade, min(day),"
        " max(day), count(*), sum(id) FROM part GROUP BY ALL ORDER BY 2, 1"
    ).fetchall()
    found = []
    for exchange, decade, first, last, rows, total in groups:
        name = f"{exchange}-{begin}-{decade}"
        path = folder / f"{name}.parquet"
        connection.execute(
            f"COPY (SELECT * FROM part WHERE exchange = '{exchange}' AND"
            f" datediff('day', DATE '2025-01-01', day) // 10 = {decade} ORDER BY day, id)"
            f" TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
        found.append(
            SourceFile(
                number=serial + len(found) + 1,
                source=name,
                exchange=exchange,
                first_day=first,
                last_day=last,
                rows=rows,
                id_sum=int(total) % SUM_MODULUS,
                location=str(path),
            )
        )
    return found
