"""The ledger put together: client, gateways, order book, dispatcher and indexer of one network."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sql

from amanat.core.errors import AmanatError, Unavailable
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.checked_node import CheckedNode
from amanat.ledger.dispatcher import Dispatcher
from amanat.ledger.dispatching import DispatchTimes
from amanat.ledger.evm import require_evm
from amanat.ledger.evms import CANCUN
from amanat.ledger.fsck import Difference, Progress, check_ledger
from amanat.ledger.gateway import ContractBook, Gateway
from amanat.ledger.indexer import Indexer, IndexerStopped
from amanat.ledger.orders import OrderBook
from amanat.ledger.reconciliation import Reconciled, reconcile
from amanat.ledger.registry import HandlerRegistry
from amanat.ledger.rpc import NodeToken, RpcClient
from amanat.ledger.signers import Signers
from amanat.observing.heartbeat import Heartbeat
from amanat.store.engine import unavailable
from amanat.store.uow import Store

log = logging.getLogger(__name__)

ROUND_FAILED = "round_failed"
"""What the heartbeat says of an error that nobody expected."""


class LedgerNotSettled(Unavailable):
    """Orders are still open after the time that `pump` was given."""


class Ledger:
    """One network as the application uses it.

    With `forgets` the node is the embedded one, which may come back younger than it was; of a list
    of nodes at least `agree_min` must have a block before it takes effect, and each is shown the
    `token` where they ask for one.
    """

    def __init__(
        self,
        store: Store,
        book: OrderBook,
        signers: Signers,
        registry: HandlerRegistry,
        *,
        urls: Sequence[str] | Callable[[], Sequence[str]],
        chain_id: int,
        finality: str | int = "latest",
        evm: str = CANCUN,
        forgets: bool = False,
        first_block: int = 1,
        agree_min: int = 1,
        times: DispatchTimes | None = None,
        token: NodeToken | None = None,
    ) -> None:
        self.store = store
        self.book = book
        self.signers = signers
        self.registry = registry
        self.chain_id = chain_id
        self.artifacts: Artifacts = book.artifacts
        self.contracts: ContractBook = book.contracts
        self.heartbeat = Heartbeat("ledger")
        self.rpc = RpcClient(urls, chain_id=chain_id, token=token)
        # The embedded node mines at once: what it does not know after a second, it forgot.
        times = times or DispatchTimes(look_again_s=1.0 if forgets else 3.0)
        self.checked = CheckedNode(store.engine, self.rpc, chain_id)
        self.dispatcher = Dispatcher(
            store,
            self.rpc,
            book,
            signers,
            registry,
            chain_id=chain_id,
            times=times,
            in_runs=forgets,
        )
        self.indexer = Indexer(
            store,
            self.rpc,
            self.artifacts,
            self.contracts,
            registry,
            chain_id=chain_id,
            finality=finality,
            forgets=forgets,
            first_block=first_block,
            agree_min=agree_min,
        )
        self._evm = evm
        self._reconciled: Reconciled | None = None

    def gateway(self, programme: str) -> Gateway:
        """Asks the contracts of one programme."""
        return Gateway(self.checked, self.artifacts, self.contracts, programme)

    def step(self) -> bool:
        """One round of indexer and dispatcher; whether either did anything."""
        self.reconcile()
        indexed = self.indexer.step()
        return self.dispatcher.step() or indexed

    def reconcile(self) -> Reconciled:
        """Adopt, once after each start, what the chain has and a restored database does not know.

        See `amanat.ledger.reconciliation`.  Nothing may be indexed or sent before it.
        Raises `EvmTooOld`.
        """
        if self._reconciled is None:
            require_evm(self.rpc, self._evm)
            self._reconciled = reconcile(
                self.store, self.rpc, self.book, self.signers.senders(), chain_id=self.chain_id
            )
        return self._reconciled

    def follow(self, timeout_s: float = 600.0) -> None:
        """Index every final block and send nothing.

        Raises `LedgerNotSettled`, `IndexerStopped`.
        """
        limit = time.monotonic() + timeout_s
        self.reconcile()
        while True:
            worked = self.indexer.step()
            if not worked and self.indexer.is_current():
                return
            if time.monotonic() > limit:
                raise LedgerNotSettled(f"Not every final block is indexed after {timeout_s} s")
            if not worked:
                time.sleep(0.01)

    def pump(self, timeout_s: float = 60.0) -> None:
        """Go round until no order is open and every final block took effect.

        A node that does not answer for a moment is waited for.  Raises `LedgerNotSettled` when the
        time is over, `IndexerStopped`.
        """
        limit = time.monotonic() + timeout_s
        pause = 0.001
        while True:
            trouble: Exception | None = None
            worked = False
            try:
                worked = self.step()
                if not worked and not self.dispatcher.pending() and self.indexer.is_current():
                    return
            except Unavailable as error:
                trouble = error
            if time.monotonic() > limit:
                told = f": {trouble}" if trouble else ""
                raise LedgerNotSettled(
                    f"{self.dispatcher.pending()} orders are open after {timeout_s} s{told}"
                )
            pause = 0.001 if worked else min(pause * 2, 0.05)
            if not worked:
                time.sleep(pause)

    def recover(self, timeout_s: float = 60.0) -> None:
        """Wait until the node has all that was indexed: it may have come back younger.

        An indexer that stopped with an alarm keeps nobody from looking; acts that would read the
        contracts are then refused (`NodeBehindIndex`).  Raises `LedgerNotSettled`.
        """
        limit = time.monotonic() + timeout_s
        while True:
            trouble = "the node does not have all that was indexed"
            try:
                self.reconcile()
                if self.checked.holds():
                    return
                self.indexer.step()
            except IndexerStopped as error:
                log.error("the ledger stopped: %s", error)
                return
            except Unavailable as error:
                trouble = str(error)
            if time.monotonic() > limit:
                raise LedgerNotSettled(f"After {timeout_s} s: {trouble}")
            time.sleep(0.01)

    def run(self, stop: threading.Event, pause_s: float = 0.05) -> None:
        """Go round until `stop` is set; for a thread of its own.

        What is unavailable, the database too, is tried again; an indexer that stopped is asked
        again each second, and its alarm stands until a person resumes it.  After any other error
        the round is done again: nothing of it was committed.  The heartbeat says which it was.
        """
        self.heartbeat.begin()
        while not stop.is_set():
            try:
                worked = self.step()
            except Unavailable as error:
                self.heartbeat.kept_from(error.code)
                log.warning("the ledger waits: %s", error)
                stop.wait(0.5)
            except AmanatError as error:
                self.heartbeat.kept_from(error.code)
                log.error("the ledger stopped: %s", error)
                stop.wait(1.0)
            except Exception as error:
                self._round_failed(error)
                stop.wait(1.0)
            else:
                self.heartbeat.well()
                if not worked:
                    stop.wait(pause_s)

    def _round_failed(self, error: Exception) -> None:
        """Tell whether the database kept a round from its end, or a mistake of ours."""
        found = unavailable(error) if isinstance(error, sql.exc.DBAPIError) else None
        if found is not None:
            self.heartbeat.kept_from(found.code)
            log.warning("the ledger waits for the database: %s", found)
            return
        self.heartbeat.kept_from(ROUND_FAILED)
        # Log lines tell types and places of an exception, and never its words, which hold values.
        log.error("a round of the ledger failed and is done again", exc_info=error)

    def check(self, progress: Progress | None = None) -> list[Difference]:
        """Compare contracts, index and journal; see `amanat.ledger.fsck`."""
        return check_ledger(
            self.store, self.rpc, self.artifacts, chain_id=self.chain_id, progress=progress
        )

    def close(self) -> None:
        """Close the connections to the nodes."""
        self.rpc.close()
