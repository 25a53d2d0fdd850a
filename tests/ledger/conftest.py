"""A token to order about, real nodes, and a ledger put together over both databases."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
import vyper
from sqlalchemy.engine import Engine

from amanat.ledger.artifacts import Artifacts
from amanat.ledger.dispatching import DispatchTimes
from amanat.ledger.gateway import ContractBook
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.orders import Order, OrderBook, read_order
from amanat.ledger.registry import HandlerRegistry
from amanat.ledger.service import Ledger
from amanat.ledger.signers import KeySigner, Signers
from amanat.store.journal import OpeningVault, Provenance
from amanat.store.uow import Store, UnitOfWork

CHAIN_ID = 86_092
PROGRAMME = "test"
WEI = 10**30
ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20

INSUFFICIENT = {
    "type": "error",
    "name": "ERC20InsufficientBalance",
    "inputs": [
        {"name": "sender", "type": "address"},
        {"name": "balance", "type": "uint256"},
        {"name": "needed", "type": "uint256"},
    ],
}


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """The tests' token, compiled now."""
    source = (Path(__file__).parent / "token.vy").read_text()
    compiled = vyper.compile_code(source, output_formats=["abi", "bytecode", "blueprint_bytecode"])
    folder = tmp_path_factory.mktemp("artifacts")
    content = {
        "contract": "Token",
        "abi": [*compiled["abi"], INSUFFICIENT],
        "bytecode": compiled["bytecode"],
        "blueprint": compiled["blueprint_bytecode"],
    }
    (folder / "Token.json").write_text(json.dumps(content))
    return Artifacts.in_folder(folder)


@pytest.fixture(scope="session")
def operator() -> KeySigner:
    """The key that sends, and has no authority."""
    return KeySigner.generate()


@pytest.fixture(scope="session")
def wallet() -> KeySigner:
    """A key that belongs to nobody here, with money for gas."""
    return KeySigner.generate()


@pytest.fixture
def node(tmp_path: Path, operator: KeySigner, wallet: KeySigner) -> Iterator[EmbeddedNode]:
    """A running embedded node with an empty chain."""
    funded = {operator.address: WEI, wallet.address: WEI}
    with EmbeddedNode(tmp_path / "node", chain_id=CHAIN_ID, funded=funded) as running:
        yield running


def provenance() -> Provenance:
    """A person of the tests' programme."""
    return Provenance(PROGRAMME, "ministry", "issuer", "officer", "test", date(2021, 3, 4))


@dataclass
class World:
    """A ledger with its store, and shorthands for ordering and looking."""

    store: Store
    ledger: Ledger
    registry: HandlerRegistry
    told: list[str] = field(default_factory=list)

    def work(self) -> UnitOfWork:
        return self.store.work(provenance())

    def order(self, function: str, *args: Any, **more: Any) -> str:
        with self.work() as uow:
            kind = more.pop("kind", function)
            order: str = uow.orders.request(kind, PROGRAMME, "Token", function, args, **more)
            uow.commit()
        return order

    def create_token(self, label: str = "") -> str:
        with self.work() as uow:
            peer = "0x" + "00" * 20
            uow.orders.create("create_token", PROGRAMME, "Token", [peer], label=label)
            uow.commit()
        self.ledger.pump()
        return self.ledger.contracts.address(PROGRAMME, "Token", label)

    def look(self, order_id: str) -> Order:
        with self.store.reading() as connection:
            return read_order(connection, order_id)

    def rows(self, table: sql.Table, *where: Any) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.execute(sql.select(table).where(*where)))

    def count(self, table: sql.Table, *where: Any) -> int:
        return len(self.rows(table, *where))


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(engine: Engine, artifacts: Artifacts, operator: KeySigner) -> Iterator[MakeWorld]:
    """Puts a ledger together over the test's database; call it again for a restarted one."""
    made: list[World] = []
    vault = OpeningVault(secrets.token_bytes(32))

    def make(
        urls: Any,
        *,
        forgets: bool = True,
        finality: str | int = "latest",
        agree_min: int = 1,
        times: DispatchTimes | None = None,
        signers: Signers | None = None,
    ) -> World:
        book = OrderBook(artifacts, ContractBook(engine))
        store = Store(engine, vault, orders=book)
        registry = HandlerRegistry()
        registry.moves_day("Token", "DayMoved", lambda arguments: int(arguments["day"]))
        registry.creates(
            "Token",
            "ChildMade",
            "Token",
            address=lambda arguments: str(arguments["child"]),
            label=lambda arguments: str(arguments["name"]),
        )
        registry.make_public("Token", "DayMoved")
        ledger = Ledger(
            store,
            book,
            signers or Signers({"operator": operator}),
            registry,
            urls=urls,
            chain_id=CHAIN_ID,
            forgets=forgets,
            finality=finality,
            agree_min=agree_min,
            times=times,
        )
        world = World(store, ledger, registry)
        made.append(world)
        return world

    yield make
    for world in made:
        world.ledger.close()


@pytest.fixture
def world(make_world: MakeWorld, node: EmbeddedNode) -> World:
    """A ledger over an embedded node and both databases in turn."""
    return make_world(node.urls)
