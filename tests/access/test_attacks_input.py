"""Hostile input for every act: whatever a field holds, a typed refusal comes back, never a change.

Fields are drawn from each command's JSON schema, so an act declared tomorrow is attacked too.  A
sound value stands in every field but one, so that the poison gets as far as it can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from tests.settlement.trading import BILL, BOND_ISIN, Trading, prepared_trading

from amanat.access.actors import Actor
from amanat.access.acts import ACTS, VIEWS, ActKind
from amanat.access.desk import KeyNotUsable, parse
from amanat.core.errors import AmanatError, NotFound
from amanat.core.ids import new_id
from amanat.settlement.commands import SettleDay
from amanat.store.tables import metadata

LONG = "x" * 100_000
URDU_DIGITS = "۱۲۳"
NUL = "a\0b"
OVERRIDE = "Widow\u202esdnuF\u202c"  # reads backwards on a screen
ISOLATE = "pay\u2066him"
SURROGATE = "\ud800"
BELL = "ring\x07"
TEXTS: tuple[Any, ...] = (LONG, NUL, OVERRIDE, ISOLATE, SURROGATE, BELL, "", 7, None, [], {}, True)
NUMBERS: tuple[Any, ...] = (
    -1,
    10**30,
    str(10**30),
    "9" * 5_000,
    URDU_DIGITS,
    "1_000",
    "1,000",
    "+5",
    " 5",
    "0x10",
    "100 PKR",
    1.5,
    True,
    "",
    None,
    [],
)
DECIMALS: tuple[Any, ...] = (
    URDU_DIGITS,
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999999",
    "1e-999999",
    "1_0",
    "7%",
    "9" * 5_000,
    "0." + "1" * 5_000,
    -(10**30),
    True,
    [],
)
DATES: tuple[Any, ...] = (
    "2021-02-30",
    "۲۰۲۱-۰۳-۰۱",
    "01/03/2021",
    "10000-01-01",
    "-0001-01-01",
    10**30,
    "1614556800",
    1614556800,
    "",
    True,
    [],
)
LISTS: tuple[Any, ...] = ([], None, "x", [None], [[]], [1.5] * 10_000)
OBJECTS: tuple[Any, ...] = (None, "x", [], {"no_such_field": 1})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def market(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trading]:
    """A market that every attack of this file is made on, once on each database."""
    folder: Path = tmp_path_factory.mktemp("market")
    if request.param == "sqlite":
        yield from prepared_trading(folder, f"sqlite:///{folder / 'amanat.sqlite'}")
    else:
        url: str = request.getfixturevalue("shared_postgres_url")
        yield from prepared_trading(folder, url)


@pytest.fixture(scope="module")
def shared_postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of this file's own."""
    root = f"postgresql+pg8000://postgres@/postgres?unix_sock={postgres_server}"
    name = f"attacks_{new_id()[-12:]}"
    engine = sql.create_engine(root, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f"CREATE DATABASE {name}"))
    yield f"postgresql+pg8000://postgres@/{name}?unix_sock={postgres_server}"
    engine.dispose()


# -- sound values ---------------------------------------------------------------------------------


def sound(schema: dict[str, Any], name: str, market: Trading, defs: dict[str, Any]) -> Any:
    """A value that the schema allows and that, by the field's name, exists where it can."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rsplit("/", 1)[1]]
    if name in KNOWN:
        known = KNOWN[name]
        return market.at(known.name) if isinstance(known, Held) else known
    if "anyOf" in schema:
        some = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return sound(some[0], name, market, defs)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return {
            field: sound(one, field, market, defs)
            for field, one in schema["properties"].items()
            if field in schema.get("required", ()) or field in FILLED
        }
    if kind == "array":
        return [sound(schema["items"], name, market, defs)]
    if kind == "integer":
        return 100_000
    if kind == "number":
        return "1"
    if kind == "boolean":
        return False
    return _sound_text(schema)


def _sound_text(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date":
        return "2021-03-02"
    if schema.get("format") == "date-time":
        return "2099-03-02T10:00:00Z"
    pattern = schema.get("pattern", "")
    if "{64}" in pattern:
        return "ab" * 32
    if "{130}" in pattern:
        return "ab" * 64 + "1b"
    if "{36}" in pattern:
        return "00000000-0000-7000-8000-000000000000"
    if "{40}" in pattern:
        return "0x" + "ab" * 20
    return "ab"


@dataclass(frozen=True)
class Held:
    """An account of the market by its name."""

    name: str


FILLED = {"lei", "holder", "certificate_number", "reference", "reason", "account", "last_day"}
KNOWN: dict[str, Any] = {
    "isin": BOND_ISIN,
    "deliverer": Held("bank_a.own"),
    "receiver": Held("bank_b.own"),
    "account": Held("bank_a.own"),
    "address": Held("bank_a.own"),
    "from_account": Held("bank_a.own"),
    "to_account": Held("bank_b.own"),
    "beneficiary": Held("bank_b.own"),
    "payer": Held("ministry.treasury"),
    "tax_account": Held("ministry.tax"),
    "participant": "bank_a",
    "participant_class": "bank",
    "institution": "bank_a",
    "country": "PK",
    "tax_residency": "PK",
    "asset": "faith",
    "terms": dict(BILL),
    "scope": "settlement",
    "certificate": None,
    "reduced_rate": None,
}


# -- poison ---------------------------------------------------------------------------------------


def poisons(schema: dict[str, Any], defs: dict[str, Any]) -> tuple[Any, ...]:
    """What no field of this schema may hold."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rsplit("/", 1)[1]]
    kinds = schema.get("anyOf", [schema])
    nullable = any(one.get("type") == "null" for one in kinds)
    some = next(one for one in kinds if one.get("type") != "null")
    if "$ref" in some:
        some = defs[some["$ref"].rsplit("/", 1)[1]]
    if any(one.get("type") == "number" for one in kinds):
        found: tuple[Any, ...] = DECIMALS
    elif some.get("type") == "integer":
        found = NUMBERS
    elif some.get("type") == "boolean":
        found = (URDU_DIGITS, 10**30, "", [], {}, 2)
    elif some.get("type") == "array":
        found = LISTS
    elif some.get("type") == "object":
        found = OBJECTS
    elif some.get("format") in ("date", "date-time"):
        found = DATES
    else:
        found = TEXTS
    return tuple(one for one in found if not (one is None and nullable))


def poisoned(kind: ActKind, market: Trading) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """(where, poison, the whole command's fields) for every field and poison."""
    schema = kind.command.model_json_schema()
    defs = schema.get("$defs", {})
    yield from _inside(schema, defs, sound(schema, "", market, defs), market, "")


def _inside(
    schema: dict[str, Any], defs: dict[str, Any], base: dict[str, Any], market: Trading, at: str
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    yield f"{at}+", 1, base | {"no_such_field": 1}
    for name in schema.get("required", ()):
        yield f"{at}{name}-", None, {key: one for key, one in base.items() if key != name}
    for name, one in schema.get("properties", {}).items():
        for poison in poisons(one, defs):
            yield f"{at}{name}", poison, base | {name: poison}
        inner = one.get("items", one)
        if "$ref" in inner:
            target = defs[inner["$ref"].rsplit("/", 1)[1]]
            if target.get("type") == "object":
                below = sound(target, name, market, defs)
                listed = "items" in one
                for where, poison, fields in _inside(target, defs, below, market, f"{at}{name}."):
                    yield where, poison, base | {name: [fields] if listed else fields}


# What the rule of a field allows: no institution named, the proposer's and others sign.
ALLOWED = {("signers", "[]")}
CHANGED_BY_ALLOWED = {"FreezeHolding", "FreezeAccount", "FreezeEverything"}
LENGTH_MAX = 50_000


def state_of(market: Trading) -> str:
    """A digest of every row of every table."""
    found = hashlib.sha256()
    with market.app.store.reading() as connection:
        for table in sorted(metadata.tables.values(), key=lambda one: one.name):
            rows = connection.execute(sql.select(table)).all()
            found.update(f"{table.name}:{sorted(map(repr, rows))}".encode(errors="replace"))
    return found.hexdigest()


@pytest.fixture(scope="module")
def left(market: Trading) -> dict[str, str]:
    """The state that the attack before left behind."""
    return {"state": state_of(market)}


# No institution of this market runs the installation, applies for a licence, or is asked of one.
ABSENT = {"operator", "applicant", "confirms", "consulted", "supervises", "fiu"}


def actor_of(kind: ActKind, market: Trading) -> Actor | None:
    """An officer who may submit the act, or None where nobody here may."""
    for institution in ("ministry", "central_bank", "bank_a", "auditor"):
        actor = market.world.actor(f"{institution}_officer")
        may = kind.personal or actor.capacities & kind.capacities
        if may and actor.role.value in kind.roles:
            return actor
    if kind.capacities & ABSENT:
        return replace(market.world.actor("auditor_officer"), capacities=kind.capacities)
    return None


@pytest.mark.parametrize("name", [one for one in sorted(ACTS) if ACTS[one].room != "tests"])
def test_hostile_input_is_refused_by_name_and_changes_nothing(
    name: str, market: Trading, left: dict[str, str]
) -> None:
    kind = ACTS[name]
    actor = actor_of(kind, market)
    assert actor is not None, "nobody in this market may submit it"
    wrong = []
    for where, poison, fields in poisoned(kind, market):
        try:
            market.app.desk.submit(actor, parse(kind.command, fields))
        except AmanatError as refusal:
            if not 0 < len(str(refusal)) < LENGTH_MAX:
                wrong.append((where, repr(poison)[:40], f"{len(str(refusal))} characters"))
            continue
        except Exception as error:
            wrong.append((where, repr(poison)[:40], f"{type(error).__name__}: {error}"[:150]))
            continue
        if (where.rpartition(".")[2], repr(poison)) not in ALLOWED:
            wrong.append((where, repr(poison)[:40], "accepted"))
    assert wrong == []
    before, left["state"] = left["state"], state_of(market)
    assert name in CHANGED_BY_ALLOWED or left["state"] == before


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_hostile_questions_are_refused_by_name(name: str, market: Trading) -> None:
    kind = VIEWS[name]
    actor = market.world.actor("auditor_officer")
    schema = kind.query.model_json_schema()
    defs = schema.get("$defs", {})
    base = sound(schema, "", market, defs)
    wrong = []
    for where, poison, fields in _inside(schema, defs, base, market, ""):
        try:
            market.app.desk.view(actor, actor.programme, name, fields)
        except AmanatError:
            continue
        except Exception as error:
            wrong.append((where, repr(poison)[:40], f"{type(error).__name__}: {error}"[:150]))
            continue
        if poison not in ("", None):
            wrong.append((where, repr(poison)[:40], "accepted"))
    assert wrong == []


@pytest.mark.parametrize("identifier", ["", "x", LONG, NUL, URDU_DIGITS, "-" * 36])
def test_a_hostile_proposal_is_no_proposal(identifier: str, market: Trading) -> None:
    actor = market.world.actor("ministry_approver")
    with pytest.raises(NotFound):
        market.app.desk.approve(actor, identifier)
    with pytest.raises(NotFound):
        market.app.desk.withdraw(actor, identifier)


@pytest.mark.parametrize("key", ["", " ", LONG, NUL, URDU_DIGITS, OVERRIDE])
def test_a_hostile_idempotency_key_is_refused(key: str, market: Trading) -> None:
    actor = market.world.actor("central_bank_officer")
    with pytest.raises(KeyNotUsable):
        market.app.desk.submit(actor, SettleDay(), key=key)
