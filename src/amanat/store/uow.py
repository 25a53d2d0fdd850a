"""The unit of work: one database transaction that writes state, journal and orders together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from sqlalchemy.engine import Connection, Engine

from amanat.store.journal import Clock, Journal, OpeningVault, Provenance


def utc_now() -> datetime:
    """The clock of a running system."""
    return datetime.now(UTC)


class OrderRequests(Protocol):
    """What a room asks of the ledger from within its transaction; see `amanat.ledger.orders`."""

    def request(
        self,
        kind: str,
        programme: str,
        contract: str,
        function: str,
        args: Sequence[Any],
        *,
        address: str | None = None,
        subject: tuple[str, str] | None = None,
        depends_on: Sequence[str] = (),
        cause: str | None = None,
        gas: int | None = None,
        sender: str = "operator",
    ) -> str:
        """Note one call to be sent to the chain once this transaction has committed; its id."""
        ...


class Store:
    """The database with what every unit of work needs: clock, vault of openings, order book.

    `folder` is the installation's, for rooms that keep files; `secret` finds its secrets by name.
    """

    def __init__(
        self,
        engine: Engine,
        vault: OpeningVault,
        *,
        orders: Callable[[UnitOfWork], Any] | None = None,
        clock: Clock = utc_now,
        secret: Callable[[str], bytes] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.engine = engine
        self.vault = vault
        self.clock = clock
        self.folder = folder
        self._orders = orders
        self._secret = secret

    def secret(self, name: str) -> bytes:
        """32 secret bytes of this installation; raises `LookupError` where it keeps none."""
        if self._secret is None:
            raise LookupError(f"no secrets are kept here, and {name} is one")
        return self._secret(name)

    def work(self, provenance: Provenance) -> UnitOfWork:
        """A unit of work, to be used in a `with` block and committed."""
        return UnitOfWork(self, provenance)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for views: consistent, and it holds no write lock."""
        return self.engine.connect().execution_options(reads_only=True)

    def bind_orders(self, uow: UnitOfWork) -> Any:
        """The order book of this unit of work."""
        return self._orders(uow) if self._orders else None


class UnitOfWork:
    """One transaction.  Leaving the block without `commit()` undoes everything."""

    connection: Connection
    journal: Journal
    orders: Any

    def __init__(self, store: Store, provenance: Provenance) -> None:
        self.store = store
        self.provenance = provenance

    def __enter__(self) -> Self:
        self.connection = self.store.engine.connect()
        self._transaction = self.connection.begin()
        self.journal = Journal(self.connection, self.provenance, self.store.vault, self.store.clock)
        self.orders = self.store.bind_orders(self)
        return self

    def commit(self) -> None:
        """Store the journal and make all of it durable."""
        self.journal.flush()
        self._transaction.commit()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._transaction.is_active:
            self._transaction.rollback()
        self.connection.close()
