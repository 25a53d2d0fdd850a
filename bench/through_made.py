"""What three exchanges report of a labelled file: persons, accounts, balances, returns.

A step of the file is a day, a bank an exchange, an amount of 1 is PKR 280.  Persons are names in
common use put together at random (bench/screening_names.toml) with numbers of identity cards that
are well-formed and made up; every fiftieth account is of the person before it, so that some are
customers of two exchanges; an account that the file has at two banks is at the first of them.  A
transfer between two exchanges is reported by both, with a message of
the travel rule but for one in two hundred.  Balances roll from one return to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from amanat.supervision.detection.labelled import TYPOLOGIES
from amanat.supervision.returns.specification import RECORDS
from amanat.supervision.returns.writing import manifest_of, table_of, write_file, write_manifest
from screening import Words

FIRST_DAY = date(2026, 8, 12)
PERIOD_DAYS = 34
BUSY_STEP = 20
"""A cut begins here: before it too little is labelled to learn from."""
PAISA_PER_UNIT = 28_000
EXCHANGES = {
    "bank_a": "invented_alpha",
    "bank_b": "invented_beta",
    "bank_c": "invented_gamma",
}
LISTED = 700
LISTED_ARE_CUSTOMERS = 20
DISTRICTS = ("Karachi South", "Lahore", "Islamabad", "Multan", "Peshawar", "Quetta")
_SEED = 11

_MOVED = """
CREATE TABLE kept AS
SELECT account, min(exchange) AS exchange FROM (
  SELECT nameOrig AS account, exchanges[bankOrig] AS exchange FROM read_parquet('{source}'), named
  UNION ALL
  SELECT nameDest, exchanges[bankDest] FROM read_parquet('{source}'), named
) WHERE account >= 0 GROUP BY account;
CREATE TABLE moved AS
SELECT 't' || lpad(ordinal::VARCHAR, 8, '0') AS reference, ordinal,
  (DATE '{first}' + (step - {begin})::INTEGER)::DATE AS day,
  nameOrig AS sender, nameDest AS receiver,
  sends.exchange AS from_exchange, receives.exchange AS to_exchange,
  round(amount * {paisa})::BIGINT AS paisa, type = 'CASH' AS cash,
  isSAR = 1 AS suspicious, modelType AS typology
FROM (
  SELECT *, row_number() OVER (ORDER BY step, nameOrig, nameDest, amount) AS ordinal
  FROM read_parquet('{source}')
  WHERE type <> 'INITALBALANCE' AND step BETWEEN {begin} AND {begin} + {days} - 1
    AND round(amount * {paisa}) > 0
) LEFT JOIN kept sends ON sends.account = nameOrig LEFT JOIN kept receives
  ON receives.account = nameDest
"""
_TRANSACTIONS = """
SELECT reference,
  day::TIMESTAMP + to_seconds((ordinal * 7919) % 86400) - INTERVAL 5 HOUR AS "at",
  CASE WHEN sender < 0 THEN 'fiat_in' WHEN receiver < 0 THEN 'fiat_out' ELSE 'transfer' END AS kind,
  CASE WHEN sender < 0 THEN 'bank' WHEN from_exchange = $1 THEN 'own' ELSE from_exchange END
    AS from_keeper,
  CASE WHEN sender < 0 THEN iban(receiver) ELSE account(sender) END AS from_account,
  CASE WHEN sender < 0 OR from_exchange <> $1 THEN 'PK' END AS from_country,
  CASE WHEN receiver < 0 THEN 'bank' WHEN to_exchange = $1 THEN 'own' ELSE to_exchange END
    AS to_keeper,
  CASE WHEN receiver < 0 THEN iban(sender) ELSE account(receiver) END AS to_account,
  CASE WHEN receiver < 0 OR to_exchange <> $1 THEN 'PK' END AS to_country,
  'PKR' AS asset, rupees(paisa) AS quantity, rupees(paisa) AS value,
  cash, CASE WHEN from_exchange <> to_exchange AND ordinal % 200 > 0 THEN 'm' || reference END
    AS travel_rule
FROM moved
WHERE (from_exchange = $1 OR to_exchange = $1) AND day BETWEEN $2 AND $3
ORDER BY "at", reference
"""
_BALANCES = """
WITH legs AS (
  SELECT account(sender) AS account, day, -paisa AS paisa FROM moved WHERE from_exchange = $1
  UNION ALL
  SELECT account(receiver), day, paisa FROM moved WHERE to_exchange = $1
), rolled AS (
  SELECT account, -sum(least(paisa, 0)) AS enough,
    coalesce(sum(paisa) FILTER (day < $2), 0) AS before,
    coalesce(sum(paisa) FILTER (day <= $3), 0) AS after
  FROM legs GROUP BY account
)
SELECT account, 'PKR' AS asset, rupees(enough + before) AS opening,
  rupees(enough + after) AS closing
FROM rolled ORDER BY account
"""


class Made:
    """The three exchanges of a labelled file, its first `days` days."""

    def __init__(self, source: Path, days: int) -> None:
        self.days = days
        self.database = duckdb.connect(config={"memory_limit": "2GB", "threads": 2})
        self.database.execute("SET TimeZone = 'UTC'")
        self.database.execute(
            "CREATE MACRO account(n) AS 'a' || lpad(n::VARCHAR, 6, '0');"
            "CREATE MACRO iban(n) AS 'PK72INVT' || lpad(n::VARCHAR, 16, '0');"
            # A division would be of floating point.
            "CREATE MACRO rupees(paisa) AS paisa::DECIMAL(20, 0) * 0.01::DECIMAL(3, 2);"
        )
        names = ", ".join(f"'{bank}': '{code}'" for bank, code in EXCHANGES.items())
        self.database.execute(f"CREATE VIEW named AS SELECT MAP {{{names}}} AS exchanges")
        begin = max(0, min(BUSY_STEP, self._steps(source) - days))
        self.database.execute(
            _MOVED.format(
                first=FIRST_DAY, paisa=PAISA_PER_UNIT, source=source, days=days, begin=begin
            )
        )
        self.exchange_of: dict[int, str] = dict(
            self.database.execute(
                "SELECT account, exchange FROM kept WHERE account IN"
                " (SELECT sender FROM moved UNION SELECT receiver FROM moved)"
            ).fetchall()
        )
        words = Words(_SEED)
        self._names = {
            one: (words.spelled(words.pick()), words.spelled(words.pick(), usual=True))
            for one in sorted(self.exchange_of)
        }
        listed = [(words.spelled(words.pick()), words.spelled(words.pick())) for _ in range(LISTED)]
        customers = sorted(self.exchange_of)[7 :: max(len(self.exchange_of) // 20, 1)]
        self.listed_customers = customers[:LISTED_ARE_CUSTOMERS]
        self._listed = [
            {
                "name": name,
                "fatherName": father,
                "cnic": f"{53000 + at:05d}-{9000000 + at:07d}-{at % 10}",
                "province": "Punjab",
                "district": "Lahore",
            }
            for at, (name, father) in enumerate(listed)
        ]
        for at, customer in enumerate(self.listed_customers):
            name, father = self._names[self.person_of(customer)]
            self._listed[at] |= {"name": name, "fatherName": father, "cnic": cnic_of(customer)}

    def _steps(self, source: Path) -> int:
        query = f"SELECT max(step) + 1 FROM read_parquet('{source}')"
        return int(self.database.execute(query).fetchone()[0])

    # -- what there is ------------------------------------------------------------------------

    @property
    def transfers(self) -> int:
        """Transfers of the file, each once."""
        return int(self.database.execute("SELECT count(*) FROM moved").fetchone()[0])

    @property
    def last_day(self) -> date:
        """The last day of the last return."""
        return FIRST_DAY + timedelta(self.days - 1)

    def person_of(self, account: int) -> int:
        """Who has an account."""
        before = account - 1
        return before if account % 50 == 0 and before in self.exchange_of else account

    def listed(self) -> bytes:
        """A list as NACTA publishes its own."""
        return json.dumps(self._listed).encode()

    def periods(self) -> Iterator[tuple[int, date, date]]:
        """Returns of an exchange: number, first and last day."""
        for place, begin in enumerate(range(0, self.days, PERIOD_DAYS), 1):
            last = min(begin + PERIOD_DAYS, self.days) - 1
            yield place, FIRST_DAY + timedelta(begin), FIRST_DAY + timedelta(last)

    # -- one return ---------------------------------------------------------------------------

    def write(self, folder: Path, exchange: str, sequence: int, days: tuple[date, date]) -> int:
        """Write one return; how many transactions it has."""
        own = [one for one, keeper in self.exchange_of.items() if keeper == exchange]
        asked = [exchange, *days]
        moved = self.database.execute(_TRANSACTIONS, asked).to_arrow_table()
        records: dict[str, Any] = {
            "parties": [self._party(one) for one in sorted({self.person_of(one) for one in own})],
            "accounts": [self._account(one) for one in sorted(own)],
            "transactions": _whole("transactions", moved),
            "travel_rule": self._messages(exchange, days),
            "balances": self.database.execute(_BALANCES, asked).to_arrow_table(),
        }
        tables = {name: table_of(RECORDS[name], rows) for name, rows in records.items()}
        for name, table in tables.items():
            write_file(folder / f"{name}.parquet", RECORDS[name], table)
        write_manifest(folder, manifest_of(folder, exchange, sequence, days, tables))
        return int(moved.num_rows)

    def _party(self, person: int) -> dict[str, Any]:
        name, father = self._names[person]
        return {
            "party": f"p{person:06d}",
            "kind": "natural",
            "name": name,
            "name_latin": name,
            "father_name": father,
            "born": born_on(person),
            "document_type": "cnic",
            "document_country": "PK",
            "document_number": cnic_of(person),
            "nationality": "PK",
            "residence": "PK",
            "telephone": telephone_of(person),
            "address": f"House {person}, Invented Street",
            "district": district_of(person),
            "politically_exposed": person % 500 == 3,
        }

    def _account(self, account: int) -> dict[str, Any]:
        return {
            "account": account_of(account),
            "party": f"p{self.person_of(account):06d}",
            "kind": "customer",
            "opened": date(2026, 8, 1),
            "state": "active",
        }

    def _messages(self, exchange: str, days: tuple[date, date]) -> pa.Table:
        rows = self.database.execute(
            "SELECT 'm' || reference AS reference,"
            " CASE WHEN from_exchange = $1 THEN 'sent' ELSE 'received' END AS direction,"
            " 'trisa' AS protocol, 'ivms101-2023' AS standard,"
            " CASE WHEN from_exchange = $1 THEN to_exchange ELSE from_exchange END AS counterparty,"
            " 'PK' AS counterparty_country,"
            ' day::TIMESTAMP + to_seconds((ordinal * 7919) % 86400) - INTERVAL 5 HOUR AS "at",'
            " 'accepted' AS state FROM moved WHERE from_exchange <> to_exchange"
            " AND (from_exchange = $1 OR to_exchange = $1) AND ordinal % 200 > 0"
            " AND day BETWEEN $2 AND $3 ORDER BY reference",
            [exchange, *days],
        ).to_arrow_table()
        return _whole("travel_rule", rows)

    # -- what only the bench knows ------------------------------------------------------------

    def labels(self, stored: list[Path], path: Path) -> None:
        """Confirmed movements of the stored rows, as training takes them."""
        cases = " ".join(f"WHEN {code} THEN '{name}'" for code, name in TYPOLOGIES.items())
        self.database.execute(
            "COPY (SELECT id, s.day, from_account, to_account,"
            f" CASE typology {cases} END AS typology"
            " FROM read_parquet($1) s JOIN moved m USING (reference) WHERE suspicious ORDER BY id)"
            f" TO '{path}' (FORMAT parquet)",
            [[str(one) for one in stored]],
        )

    def suspected(self, exchange: str) -> tuple[int, list[str]]:
        """The account of an exchange with most labelled movements, and their references."""
        account, references = self.database.execute(
            "SELECT n, list(reference ORDER BY reference) FROM ("
            " SELECT sender n, reference FROM moved WHERE suspicious AND from_exchange = $1 UNION"
            " SELECT receiver, reference FROM moved WHERE suspicious AND to_exchange = $1)"
            " WHERE n >= 0 GROUP BY n ORDER BY count(*) DESC, n LIMIT 1",
            [exchange],
        ).fetchone()
        return account, references

    def sides(self, references: list[str]) -> dict[str, tuple[int, int]]:
        """Sender and receiver of transfers by reference."""
        rows = self.database.execute(
            "SELECT reference, sender, receiver FROM moved WHERE reference IN (SELECT unnest($1))",
            [references],
        ).fetchall()
        return {reference: (sender, receiver) for reference, sender, receiver in rows}

    def name_of(self, person: int) -> str:
        """The name of a person."""
        return self._names[person][0]


def _whole(record: str, rows: pa.Table) -> pa.Table:
    """Rows with the record's columns that they lack, empty; times are UTC."""
    for column in RECORDS[record].columns:
        if column.name not in rows.column_names:
            rows = rows.append_column(column.name, pa.nulls(rows.num_rows, pa.string()))
    return rows


def account_of(account: int) -> str:
    """The number of an account at its exchange."""
    return f"a{account:06d}"


def iban_of(account: int) -> str:
    """The account at a bank behind it."""
    return f"PK72INVT{account:016d}"


def cnic_of(person: int) -> str:
    """A well-formed number that was made up."""
    return f"{31000 + person % 9000:05d}-{4000000 + person:07d}-{person % 9 + 1}"


def born_on(person: int) -> date:
    """A day of birth."""
    return date(1960, 1, 1) + timedelta(person * 37 % 15_000)


def telephone_of(person: int) -> str:
    """A telephone number that was made up."""
    return f"00923{person:09d}"


def district_of(person: int) -> str:
    """A district of the FMU's list."""
    return DISTRICTS[person % len(DISTRICTS)]
