"""Whole pilots, replayed once; at each day's close the contracts are asked what everyone has."""

from __future__ import annotations

import csv
import secrets
import shutil
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.ledger.tables import contract
from amanat.ledger.wire import keccak
from amanat.replay.loading import load_pilot
from amanat.replay.model import Pilot
from amanat.replay.performing import Performer
from amanat.replay.plan import Kind, Step
from amanat.replay.runner import replay
from amanat.settings import Settings

ROOT = Path(__file__).parents[2]
EPOCH = date(1970, 1, 1)
CLOSED = 3
DAY_ADVANCED = "0x" + keccak(b"DayAdvanced(uint256,uint256)").hex()


@dataclass(frozen=True, slots=True)
class Close:
    """What the contracts said in the block that closed a day: units by token and account."""

    block_number: int
    balances: dict[str, dict[str, int]]
    supply: dict[str, int]
    redeemed: dict[str, int]


@dataclass
class Watched:
    """A pilot that has run to its end, its application still open."""

    pilot: Pilot
    application: Application
    performer: Performer
    closes: dict[date, Close] = field(default_factory=dict)

    def watch(self, step: Step, _place: int, _count: int) -> None:
        """Told of each step before it is taken: what the last one closed is looked at now."""
        if self._last is not None and self._last.kind is Kind.CLOSE_DAY:
            self._look(self._last.day)
        self._last = step

    _last: Step | None = None

    def end(self) -> None:
        """Look at the last day."""
        if self._last is not None:
            self._look(self._last.day)

    def _ask(self, calls: list[tuple[str, str]], block: int) -> list[int]:
        """Integers that contracts answer in a block: (address, what is called) of each."""
        asked: list[Any] = [
            ("eth_call", ({"to": to, "data": data}, hex(block))) for to, data in calls
        ]
        return [int(one, 16) for one in self.application.ledger.rpc.batch(asked)]

    def _look(self, day: date) -> None:
        block = self._closing_block(day)
        with self.application.store.reading() as connection:
            known = {row.address: row for row in connection.execute(sql.select(contract))}
        tokens = {
            address: row.label or row.kind
            for address, row in known.items()
            if row.kind in ("Cash", "Security")
        }
        accounts = [self.performer.account(code) for code in self.pilot.accounts] + list(known)
        calls = [
            (token, call("balanceOf(address)") + account[2:].rjust(64, "0"))
            for token in tokens
            for account in accounts
        ]
        answers = iter(self._ask(calls, block))
        balances = {
            label: {account: units for account in accounts if (units := next(answers))}
            for label in tokens.values()
        }
        supply = self._ask([(token, call("totalSupply()")) for token in tokens], block)
        redeeming = [one for one, label in tokens.items() if label in self.pilot.instruments]
        redeemed = self._ask([(token, call("redeemed()")) for token in redeeming], block)
        self.closes[day] = Close(
            block,
            balances,
            dict(zip(tokens.values(), supply, strict=True)),
            {tokens[one]: units for one, units in zip(redeeming, redeemed, strict=True)},
        )

    def _closing_block(self, day: date) -> int:
        """The block in which the contract closed the day, which is the last one there is."""
        rpc = self.application.ledger.rpc
        gateway = self.application.gateway(self.pilot.programme.code)
        topics = [DAY_ADVANCED, word((day - EPOCH).days), word(CLOSED)]
        wanted = {"fromBlock": "0x0", "address": gateway.address("BusinessDay"), "topics": topics}
        (found,) = rpc.call("eth_getLogs", wanted)
        block = int(found["blockNumber"], 16)
        assert block == rpc.block_number(), "nothing follows the close of a day"
        return block


def call(signature: str) -> str:
    """The first four bytes of a call."""
    return "0x" + keccak(signature.encode())[:4].hex()


def word(number: int) -> str:
    """A number as a topic."""
    return f"0x{number:064x}"


def folder_of(kind: str) -> Path:
    """The shipped pilot with a security of this kind."""
    for one in sorted((ROOT / "pilots").iterdir()):
        text = one / "instruments.toml"
        if text.exists() and f'kind = "{kind}"' in text.read_text(encoding="utf-8"):
            return one
    raise LookupError(kind)


@contextmanager
def replayed(folder: Path, data: Path, database_url: str | None) -> Iterator[Watched]:
    """A pilot, from an empty ledger to its last day."""
    pilot = load_pilot(folder)
    settings = Settings.at(data, light_keys=True)
    if database_url is not None:
        settings = replace(settings, database_url=database_url)
    with Application(settings) as application:
        watched = Watched(pilot, application, Performer(application, pilot))
        replay(application, pilot, watched.watch)
        watched.end()
        yield watched


@contextmanager
def postgres_database(server: str, root: Any) -> Iterator[str]:
    """The URL of an empty place in PostgreSQL that lasts as long as the pilot does."""
    name = f"pilot_{secrets.token_hex(6)}"
    with root.connect() as connection:
        connection.execute(sql.text(f"CREATE DATABASE {name}"))
    yield f"postgresql+pg8000://postgres@/{name}?unix_sock={server}"
    with root.connect() as connection:
        connection.execute(sql.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session", params=["bond-sqlite", "bond-postgresql", "bill-sqlite"])
def watched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """The shipped pilots, the one of a bond on both databases."""
    kind, database = request.param.split("-")
    data = tmp_path_factory.mktemp(request.param)
    if database == "sqlite":
        with replayed(folder_of(kind), data, None) as found:
            yield found
    else:
        server = request.getfixturevalue("postgres_server")
        root = request.getfixturevalue("_postgres_root")
        with (
            postgres_database(server, root) as url,
            replayed(folder_of(kind), data, url) as found,
        ):
            yield found
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def table(watched: Watched) -> Callable[[str], list[dict[str, str]]]:
    """Rows of a CSV file of the pilot, read with nothing of Amanat's."""

    def read(name: str) -> list[dict[str, str]]:
        text = (watched.pilot.folder / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        return list(csv.DictReader(lines))

    return read


@pytest.fixture
def terms(watched: Watched) -> Callable[[str], dict[str, Any]]:
    """A TOML file of the pilot, read with nothing of Amanat's."""
    return lambda name: tomllib.loads((watched.pilot.folder / name).read_text(encoding="utf-8"))
