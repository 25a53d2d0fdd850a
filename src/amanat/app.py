"""The composition root: one installation, put together from its settings.

    settings -> store (database, vault) -> ledger (node, orders, indexer) -> desk (acts, views)

Nothing but this file knows all parts.  `start()` brings the node and the database up; `pump()`
goes round until nothing is pending (pilots, tests, the command line); `run_in_background()` does
the same in a thread while pages are served.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from datetime import date
from functools import partial
from types import ModuleType
from typing import Any, Self

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.desk import Desk
from amanat.access.entrance import Entrance, Rules
from amanat.access.sending_keys import SendingKeys, enter_senders, senders_of
from amanat.access.sessions import Terms
from amanat.core.errors import NotFound
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.devices import read_devices
from amanat.ledger.fsck import Difference, Progress
from amanat.ledger.gateway import ContractBook, Gateway
from amanat.ledger.keyring import KeyRing
from amanat.ledger.keystore import SCRYPT_LIGHT, SCRYPT_STANDARD, Keystore
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.orders import OrderBook
from amanat.ledger.registry import HandlerRegistry
from amanat.ledger.rpc import NodeToken
from amanat.ledger.sender_names import OPERATOR
from amanat.ledger.service import Ledger
from amanat.licensing.checking import check_licensing
from amanat.licensing.documents import received as documents
from amanat.licensing.documents.received import Documents
from amanat.settings import Settings, SignIn, read_secret
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.migrate import migrate
from amanat.store.uow import Store
from amanat.supervision.cases import stored
from amanat.supervision.identities.model import SECRET as IDENTITIES
from amanat.supervision.returns.intake import Intake

ROOMS = (
    "participants",
    "licensing",
    "licensing.register",
    "licensing.credentials",
    "licensing.forms",
    "licensing.documents",
    "licensing.openness",
    "licensing.duties",
    "licensing.complaints",
    "licensing.enforcement",
    "assets",
    "programme",
    "auctions",
    "register",
    "settlement",
    "servicing",
    "supervision.identities",
    "supervision.returns",
    "supervision.screening",
    "supervision.monitoring",
    "supervision.detection",
    "supervision.cases",
    "supervision.goaml",
)
RESERVE = "reserve"
_GENESIS_WEI = 10**30

_DECLARING = ("acts", "views", "tables", "handlers", "effects")


def _modules(*named: str) -> Iterator[ModuleType]:
    """The rooms' modules whose names start so, imported, rooms in their order."""
    for room in ROOMS:
        package = importlib.import_module(f"amanat.{room}")
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.startswith(named):
                yield importlib.import_module(f"amanat.{room}.{module.name}")


def declare_rooms() -> None:
    """Import what declares acts, effects, views, tables and handlers, so that all are known."""
    importlib.import_module("amanat.access.views")
    for _ in _modules(*_DECLARING):
        pass


declare_rooms()


def programmes_in(connection: Connection) -> list[dict[str, Any]]:
    """Every programme of a database: code, name, business date, zone, simulation or not."""
    from amanat.programme import tables
    from amanat.programme.records import business_date_of

    rows = connection.execute(sql.select(tables.programme).order_by(tables.programme.c.code)).all()
    return [
        {
            "code": row.code,
            "name": row.name,
            "simulation": bool(row.simulation),
            "zone": row.zone,
            "business_date": business_date_of(connection, row.code).isoformat(),
        }
        for row in rows
    ]


def _rules(stated: SignIn) -> Rules:
    terms = Terms(stated.session_idle, stated.session_life, stated.fresh)
    return Rules(terms, stated.lockout_failures, stated.rate_token)


class Application:
    """One running installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        folder = settings.data_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = read_secret(folder / "secrets", "keystore").hex()
        scrypt = SCRYPT_LIGHT if settings.light_keys else SCRYPT_STANDARD
        devices = read_devices(settings.devices_path)
        self.keys = KeyRing(Keystore(folder / "keys", scrypt=scrypt), password, devices)
        self.operator = self.keys.create("installation", OPERATOR)
        self.senders = {OPERATOR: self.operator} | {
            name: self.keys.create("installation", name) for name in settings.senders
        }
        self.reserve = self.keys.create("installation", RESERVE)
        self.registry = HandlerRegistry()
        for module in _modules("handlers"):
            module.register(self.registry)
        self.engine = open_engine(settings.database_url)
        artifacts = Artifacts.load(settings.evm)
        self._book = OrderBook(artifacts, ContractBook(self.engine), senders_of)
        stored.lie_in(self.engine, folder)
        vault = OpeningVault(read_secret(folder / "secrets", "openings"))
        self.store = Store(
            self.engine,
            vault,
            orders=self._book,
            secret=partial(read_secret, folder / "secrets"),
            folder=folder,
        )
        self.node = self._embedded_node()
        self.ledger = self._ledger()
        self.desk = Desk(self.store, self.gateway, self.keys, self.business_date)
        self.entrance = Entrance(self.store, self.business_date, _rules(settings.sign_in))
        self.documents = Documents(
            self.store,
            self.business_date,
            folder / documents.FOLDER,
            read_secret(folder / "secrets", documents.SECRET),
            settings.document_mib_max,
        )
        self.intake = Intake(
            self.store,
            self.business_date,
            folder,
            read_secret(folder / "secrets", IDENTITIES),
        )
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._follower: threading.Thread | None = None

    def _embedded_node(self) -> EmbeddedNode | None:
        if self.settings.node_urls:
            return None
        return EmbeddedNode(
            self.settings.data_dir / "node",
            chain_id=self.settings.chain_id,
            funded=dict.fromkeys([*self.senders.values(), self.reserve], _GENESIS_WEI),
        )

    def _ledger(self) -> Ledger:
        urls: Any = self.node.urls if self.node else list(self.settings.node_urls)
        return Ledger(
            self.store,
            self._book,
            SendingKeys(self.keys, self.engine, self.store.clock, self.operator),
            self.registry,
            urls=urls,
            chain_id=self.settings.chain_id,
            finality=self.settings.finality,
            evm=self.settings.evm,
            forgets=self.node is not None,
            agree_min=self.settings.nodes_agree,
            token=NodeToken.of(self.settings.nodes_token_file),
        )

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> Self:
        """Bring the database to this version's tables, and the embedded node up and up to date.

        Being killed, the node may have forgotten a second of blocks: nobody acts before they are
        back.
        """
        migrate(self.engine)
        with self.engine.begin() as connection:
            enter_senders(connection, self.keys, self.store.clock, self.senders, self.reserve)
        if self.node:
            self.node.start()
            self.ledger.recover()
        return self

    def stop(self) -> None:
        """Stop the thread and the node, close every connection."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=10)
        if self._follower:
            self._follower.join(timeout=10)
        self.ledger.close()
        if self.node:
            self.node.stop()
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pump(self, timeout_s: float = 60.0) -> None:
        """Go round until no order is open and every final block took effect."""
        self.ledger.pump(timeout_s)

    def run_in_background(self) -> None:
        """Follow the ledger in a thread while pages and the API are served."""
        self._thread = threading.Thread(
            target=self.ledger.run, args=(self._stop,), name="ledger", daemon=True
        )
        self._thread.start()

    def follow_in_background(self) -> None:
        """Do what accepted returns wait for in a thread, while pages and the API are served."""
        from amanat.following import Following

        self.following = Following(self)
        self._follower = threading.Thread(
            target=self.following.run, args=(self._stop,), name="following", daemon=True
        )
        self._follower.start()

    def wake(self) -> None:
        """Let an act that ordered something be seen soon: the thread looks again by itself."""

    def check(self, progress: Progress | None = None) -> list[Difference]:
        """Compare contracts, index, journal, permissions and documents: `fsck`."""
        found = self.ledger.check(progress)
        with self.store.reading() as connection:
            found.extend(check_licensing(connection, self.gateway, self.business_date))
        return [*found, *self.documents.check(), *self.intake.check()]

    # -- what others ask of it --------------------------------------------------------------------

    def gateway(self, programme: str) -> Gateway:
        """Asks the contracts of one programme."""
        return self.ledger.gateway(programme)

    def business_date(self, connection: Connection, programme: str) -> date:
        """The programme's business date as the final chain says it."""
        from amanat.programme.records import business_date_of

        return business_date_of(connection, programme)

    def programmes(self) -> list[dict[str, Any]]:
        """Every programme of this installation, as `programmes_in`."""
        with self.store.reading() as connection:
            return programmes_in(connection)

    def programme_facts(self, programme: str) -> dict[str, Any]:
        """What every page of a programme says: its name, business date, zone, simulation."""
        for one in self.programmes():
            if one["code"] == programme:
                return {
                    "programme_name": one["name"],
                    "business_date": one["business_date"],
                    "zone": one["zone"],
                    "simulation": one["simulation"],
                }
        raise NotFound(thing="programme", value=programme)

    def require_programme(self, programme: str) -> None:
        """Raise `NotFound` unless this installation has the programme."""
        self.programme_facts(programme)
