"""A founded programme with an issuer, two banks, a fund and an exchange, fresh for each test."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def _load(name: str) -> Any:
    """The shared module beside this file; tests take it through the fixture `kit`."""
    qualified = f"amanat_tests_{name}"
    if qualified not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            qualified, Path(__file__).with_name(f"{name}.py")
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[qualified] = module
        spec.loader.exec_module(module)
    return sys.modules[qualified]


ISIN = "PK0330011207"


@pytest.fixture(scope="session")
def kit() -> Any:
    """The module `world.py`: constants, keys and classes."""
    return _load("world")


@pytest.fixture(scope="session")
def _programme(kit: Any) -> Any:
    world = kit.World(kit.BoaChain()).found()
    world.open_day()
    keys = {name: kit.key_of(name) for name in ("issuer", "bank", "dealer", "fund", "exchange")}
    at = {name: kit.address_of(key) for name, key in keys.items()}
    world.admit(1, kit.GOVERNMENT)
    world.admit(2)
    world.admit(3)
    world.admit(4, kit.FUNDS)
    world.admit(5, kit.VASPS)
    world.open_accounts(1, [at["issuer"]])
    world.open_accounts(2, [at["bank"]])
    world.open_accounts(3, [at["dealer"]])
    world.open_accounts(4, [at["fund"]], kit.SECP)
    world.open_accounts(5, [at["exchange"]], kit.PVARA)
    world.authorise(world.authorisation(ISIN, 1_000_000))
    world.issue(1, 600_000, at["issuer"])
    security = world.security(ISIN)
    security.call("transfer", at["bank"], 200_000, key=keys["issuer"])
    security.call("transfer", at["dealer"], 100_000, key=keys["issuer"])
    for name in ("issuer", "bank", "dealer", "fund"):
        world.create_cash(at[name], 100_000_000)
    world.keys, world.at, world.bond, world.isin = keys, at, security, ISIN
    return world


@pytest.fixture
def world(_programme: Any) -> Iterator[Any]:
    """The programme, put back afterwards as it was.

    Accounts `world.at` and keys `world.keys`: issuer, bank, dealer, fund, exchange.  The bond
    `world.bond` has 1,000,000 authorised, 600,000 issued: issuer 300,000, bank 200,000, dealer
    100,000.  All but the exchange hold 100,000,000 of cash.
    """
    with _programme.chain.env.anchor():
        yield _programme


@pytest.fixture
def announce(kit: Any) -> Any:
    """`announce(world)` announces tender 1, which opens in ten seconds for an hour."""
    return lambda world: _load("auction").Auction(world, kit)


@pytest.fixture
def auction(world: Any, announce: Any) -> Any:
    """Tender 1 of the shared programme."""
    return announce(world)


@pytest.fixture
def refuses() -> Any:
    """`with refuses("Name", argument=value)`: the contract refuses with that declared error."""
    import contextlib

    from amanat.ledger.refusals import ContractRefusal

    @contextlib.contextmanager
    def expect(name: str, **arguments: Any) -> Iterator[None]:
        with pytest.raises(ContractRefusal) as caught:
            yield
        assert caught.value.name == name, str(caught.value)
        for key, value in arguments.items():
            assert caught.value.arguments[key] == value, str(caught.value)

    return expect
