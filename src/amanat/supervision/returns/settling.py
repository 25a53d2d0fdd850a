"""Persons, accounts and owners of a return: sealed beside it, then into the vault in small parts.

    checked -> sealed files of what is new -> the deciding commit -> small parts into the vault

Before the commit that decides, nothing is written where anybody looks, and no lock is held while a
million fields are sealed.  After it the files are what the vault still owes: killed at any point,
whoever comes next goes on, and does nothing twice.  They stay for a day, for a backup that began
before; of a return that was not accepted after all they are removed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as parquet
import sqlalchemy as sql

from amanat.access.attempts import ComeBackLater
from amanat.jurisdictions.returns import ReturnsPack
from amanat.store.engine import is_contention
from amanat.store.uow import Store
from amanat.supervision.identities.vault import Vault, keep_owners
from amanat.supervision.returns.contents import Content
from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.reading import Source, batches
from amanat.supervision.returns.specification import ACCOUNTS, PARTIES, Record
from amanat.supervision.returns.stated import Stated
from amanat.supervision.returns.storing import said_of
from amanat.supervision.returns.tables import manifest
from amanat.supervision.returns.values import Rows, typed

FOLDER = "arriving"
AT_ONCE = 2_000
"""Persons, accounts or owners of one transaction."""
KEPT = timedelta(days=1)
_ATTEMPTS = 5
Done = TypeVar("Done")
_ROWS = {
    "persons": pa.schema(
        [
            ("person", pa.int64()), ("kind", pa.string()), ("mark", pa.binary()),
            ("fingerprint", pa.string()), ("reference", pa.binary()), ("name", pa.binary()),
            ("name_latin", pa.binary()), ("father_name", pa.binary()), ("born", pa.binary()),
            ("document", pa.binary()), ("contact", pa.binary()), ("nationality", pa.string()),
            ("residence", pa.string()), ("exposed", pa.bool_()),
        ]
    ),
    "accounts": pa.schema(
        [
            ("account", pa.int64()), ("person", pa.int64()), ("number", pa.binary()),
            ("opened", pa.string()),
        ]
    ),
    "owners": pa.schema([("person", pa.int64()), ("owner", pa.int64())]),
}  # fmt: skip
"""In the order in which they go into the vault."""


class _Writing:
    """The files of one return, each only if it has rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Any] = {}

    def add(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Further rows, in groups that are read again one by one."""
        schema = _ROWS[name]
        for begin in range(0, len(rows), AT_ONCE):
            if name not in self._files:
                self._files[name] = parquet.ParquetWriter(
                    self._folder / name, schema, compression="none"
                )
            columns = list(zip(*rows[begin : begin + AT_ONCE], strict=True))
            arrays = [
                pa.array(column, one.type) for column, one in zip(columns, schema, strict=True)
            ]
            self._files[name].write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))

    def close(self) -> None:
        """End the files and have them on the disk."""
        for name, file in self._files.items():
            file.close()
            to_disk(self._folder / name)
        to_disk(self._folder)


def again(work: Callable[[], Done]) -> Done:
    """Do it again where another transaction took the same thing at the same moment.

    Refuses `ComeBackLater` where that goes on.
    """
    for _ in range(_ATTEMPTS):
        try:
            return work()
        except sql.exc.IntegrityError as error:
            last: Exception = error
        except sql.exc.DBAPIError as error:
            if not is_contention(error):
                raise
            last = error
    raise ComeBackLater(seconds=1) from last


def to_disk(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Settling:
    """The way of a return's persons into the vault."""

    def __init__(self, store: Store, vault: Vault, folder: Path, pack: ReturnsPack) -> None:
        self._store, self._vault, self._pack = store, vault, pack
        self._folder = folder / FOLDER

    # -- before the commit ------------------------------------------------------------------------

    def seal(
        self, folder: Path, programme: str, files: dict[str, Content], stated: Stated
    ) -> Path | None:
        """Sealed files of what a return says that the vault does not have; None of nothing.

        Refuses `PseudonymsMeet`.
        """
        made = folder / f"{FOLDER}-{secrets.token_hex(8)}"
        made.mkdir(mode=0o700)
        writing = _Writing(made)
        exchange, numbers = stated.exchange, dict[str, int]()
        owned: list[tuple[str, int]] = []
        for rows in self._rows(files, stated, PARTIES):
            said = list(said_of(self._vault.pseudonyms, rows))
            with self._store.reading() as connection:
                fresh = self._vault.fresh_persons(connection, programme, exchange, said)
            writing.add("persons", fresh)
            for one, of in zip(said, rows.texts("owner_of").to_pylist(), strict=True):
                numbers[one.reference] = one.pseudonym.number
                if of is not None:
                    owned.append((of, one.pseudonym.number))
        writing.add("owners", sorted({(numbers[of], owner) for of, owner in owned}))
        for rows in self._rows(files, stated, ACCOUNTS):
            held = _held(self._vault, exchange, rows, numbers)
            with self._store.reading() as connection:
                fresh = self._vault.fresh_accounts(connection, programme, held)
            writing.add("accounts", fresh)
        writing.close()
        return made if any(made.iterdir()) else None

    def _rows(self, files: dict[str, Content], stated: Stated, record: Record) -> Iterator[Rows]:
        listed = stated.listed(record.name)
        if listed is None:
            return
        source = Source(files[listed.name], listed.name, record)
        findings = Findings()
        for batch in batches(source, self._pack.limits, findings):
            yield typed(source, batch, findings)

    def put(self, made: Path, exchange: str, digest: str) -> Path:
        """Move sealed files to where they wait for the commit that decides."""
        kept = self._folder / f"exchange={exchange}" / f"{digest}.{made.name.rpartition('-')[2]}"
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made.rename(kept)
        to_disk(kept.parent)
        return kept

    # -- after it ---------------------------------------------------------------------------------

    def settle(self, return_id: str) -> int:
        """Let the vault have what a return owes it; how many rows were new."""
        with self._store.reading() as connection:
            row = connection.execute(sql.select(manifest).where(manifest.c.id == return_id)).one()
        if row.settled_at is not None:
            return 0
        added = 0
        for folder in self._of(row.exchange, row.digest):
            for name in _ROWS:
                if (folder / name).exists():
                    added += self._enter(row, name, folder / name)
        with self._store.engine.begin() as connection:
            connection.execute(
                manifest.update()
                .where(manifest.c.id == return_id, manifest.c.settled_at.is_(None))
                .values(settled_at=self._store.clock().isoformat())
            )
        return added

    def _enter(self, row: Any, name: str, path: Path) -> int:
        added = 0
        with parquet.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                columns = file.read_row_group(number).to_pydict()
                rows = list(zip(*columns.values(), strict=True))
                added += self._part(row, name, rows)
        return added

    def _part(self, row: Any, name: str, rows: list[tuple[Any, ...]]) -> int:
        """One transaction."""
        given = (row.programme, row.exchange, row.id, rows)

        def enter() -> int:
            with self._store.engine.begin() as connection:
                if name == "persons":
                    return self._vault.enter_persons(connection, *given)
                if name == "accounts":
                    return self._vault.enter_accounts(connection, *given)
                keep_owners(connection, *given)
                return len(rows)

        return again(enter)

    def unsettled(self, programme: str) -> list[str]:
        """Returns that still owe the vault something, the oldest first."""
        with self._store.reading() as connection:
            return list(
                connection.execute(
                    sql.select(manifest.c.id)
                    .where(manifest.c.programme == programme, manifest.c.settled_at.is_(None))
                    .order_by(manifest.c.id)
                ).scalars()
            )

    # -- what is left behind ----------------------------------------------------------------------

    def _of(self, exchange: str, digest: str) -> Iterable[Path]:
        return sorted((self._folder / f"exchange={exchange}").glob(f"{digest}.*"))

    def sweep(self) -> None:
        """Remove what no return owes any more, or none was accepted for, a day later."""
        now = self._store.clock()
        old = [
            one
            for one in self._folder.glob("exchange=*/*")
            if now.timestamp() - one.stat().st_mtime > KEPT.total_seconds()
        ]
        for one in old:
            exchange, digest = one.parent.name.partition("=")[2], one.name.partition(".")[0]
            if not self._owes(exchange, digest):
                shutil.rmtree(one, ignore_errors=True)

    def _owes(self, exchange: str, digest: str) -> bool:
        """Whether an accepted return needs its files, or did so until lately."""
        since = (self._store.clock() - KEPT).isoformat()
        with self._store.reading() as connection:
            found = connection.execute(
                sql.select(manifest.c.id).where(
                    manifest.c.exchange == exchange,
                    manifest.c.digest == digest,
                    sql.or_(manifest.c.settled_at.is_(None), manifest.c.settled_at > since),
                )
            )
            return found.first() is not None


def _held(
    vault: Vault, exchange: str, rows: Rows, numbers: dict[str, int]
) -> list[tuple[int, int, str, str]]:
    """Accounts, whose they are, their numbers and when they were opened."""
    texts = rows.texts("account").to_pylist()
    return [
        (account, numbers[holder], number, day.isoformat())
        for account, holder, number, day in zip(
            vault.pseudonyms.accounts(exchange, texts),
            rows.texts("party").to_pylist(),
            texts,
            rows.columns["opened"].to_pylist(),
            strict=True,
        )
    ]
