"""Events become rows, entries, balances and business days; rooms are told in order."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sql

from amanat.core.errors import Corrupt
from amanat.ledger import tables
from amanat.ledger.balances import balance_at, balances_at, changes_of, holdings_of, supply_at
from amanat.ledger.indexer import IndexerStopped
from amanat.ledger.registry import LedgerEvent
from amanat.ledger.signers import KeySigner
from amanat.store.journal import Audience, read_entries
from amanat.store.tables import journal_entry

from .conftest import ALICE, BOB, PROGRAMME, World
from .wallets import send

DAY_1, DAY_2 = 18_690, 18_691  # 2021-03-04 and 2021-03-05, as days since 1970-01-01


def test_what_nobody_here_ordered_is_marked_observed(world: World, wallet: KeySigner) -> None:
    token = world.create_token()
    world.order("mint", wallet.address, 9)
    world.ledger.pump()
    seen: list[LedgerEvent] = []
    world.registry.on_event("Token", "Transfer")(lambda event, _uow: seen.append(event))
    send(world, wallet, token, "transfer", BOB, 4)
    world.ledger.pump()
    assert [(event.observed, event.order_id) for event in seen] == [(True, None)]
    with world.store.reading() as connection:
        entries = read_entries(connection, subject=f"address:{token}")
        assert [entry["content"]["observed"] for entry in entries] == [True]
        assert balances_at(connection, token) == {wallet.address: 5, BOB: 4}


def test_holders_at_past_blocks_and_business_days(world: World) -> None:
    token = world.create_token()
    world.order("tell_day", DAY_1)
    world.order("mint", ALICE, 100)
    world.ledger.pump()
    first_block = world.ledger.indexer.height()
    world.order("tell_day", DAY_2)
    world.order("move", ALICE, BOB, 30)
    world.order("burn", BOB, 10)
    world.ledger.pump()
    with world.store.reading() as connection:
        assert balances_at(connection, token, block=first_block) == {ALICE: 100}
        assert balances_at(connection, token, business_date="2021-03-04") == {ALICE: 100}
        assert balances_at(connection, token, business_date="2021-03-05") == {ALICE: 70, BOB: 20}
        assert balances_at(connection, token, business_date="2021-03-03") == {}
        assert balances_at(connection, token) == {ALICE: 70, BOB: 20}
        assert balance_at(connection, token, ALICE, block=first_block) == 100
        assert supply_at(connection, token, business_date="2021-03-04") == 100
        assert supply_at(connection, token) == 90
        assert [one.units for one in changes_of(connection, token, BOB)] == [30, 20]
        assert holdings_of(connection, BOB) == {token: 20}
        dates = {
            row.name: row.business_date for row in connection.execute(sql.select(tables.event))
        }
    assert dates["Transfer"] == "2021-03-05"
    gateway = world.ledger.gateway(PROGRAMME)
    assert gateway.call("Token", "balanceOf", ALICE, block=first_block) == 100


def test_every_kind_of_argument_is_decoded(world: World) -> None:
    world.create_token()
    world.order("open_gate")
    world.ledger.pump()
    seen: list[LedgerEvent] = []
    world.registry.on_event("Token", "Noted")(lambda event, _uow: seen.append(event))
    world.order("pass_gate")
    world.ledger.pump()
    assert seen[0].arguments == {
        "number": 1,
        "text": "passed",
        "flags": [True, False],
        # keccak-256 of "x"
        "digest": "0x7521d1cadbcfa91eec65aa16715b94ffc1c9654ba57ea2ef1a2127bca1127a83",
        "change": -5,
    }
    stored = world.rows(tables.event, tables.event.c.name == "Noted")[0]
    assert json.loads(stored.arguments)["change"] == "-5"


def test_rooms_are_told_in_the_order_of_the_chain_and_may_order_more(world: World) -> None:
    world.create_token()
    world.registry.on_event("Token", "Transfer")(lambda e, _u: world.told.append(e.name))

    @world.registry.on_done("mint")
    def burn_some(order: object, events: object, uow: object) -> None:
        world.told.append("mint done")
        assert len(events) == 1  # type: ignore[arg-type]
        uow.orders.request(  # type: ignore[attr-defined]
            "burn",
            PROGRAMME,
            "Token",
            "burn",
            [ALICE, 1],
            depends_on=[order.id],  # type: ignore[attr-defined]
        )

    world.registry.on_done("burn")(lambda _o, _e, _u: world.told.append("burn done"))
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    assert world.told == ["Transfer", "mint done", "Transfer", "burn done"]


def test_only_what_is_declared_public_is_a_public_leaf(world: World) -> None:
    world.create_token()
    world.order("tell_day", DAY_1)
    world.order("mint", ALICE, 1)
    world.ledger.pump()
    with world.store.reading() as connection:
        public = read_entries(connection, log=Audience.PUBLIC)
        confidential = read_entries(connection, log=Audience.CONFIDENTIAL)
    assert [entry["content"]["event"] for entry in public] == ["DayMoved"]
    assert "Transfer" in [entry["content"].get("event") for entry in confidential]
    assert public[0]["business_date"] == "2021-03-04"


def test_fsck_is_silent_about_a_true_ledger_and_names_each_difference(world: World) -> None:
    token = world.create_token()
    world.order("mint", ALICE, 70)
    world.order("move", ALICE, BOB, 30)
    world.ledger.pump()
    progress: list[str] = []
    assert world.ledger.check(lambda what, _done, _all: progress.append(what)) == []
    assert {"balances in contracts", "journal", "blocks"} <= set(progress)
    holding = tables.holding
    with world.store.engine.begin() as connection:
        connection.execute(
            sql.update(holding)
            .where(holding.c.token == token, holding.c.account == BOB)
            .values(units=31)
        )
        connection.execute(
            sql.delete(journal_entry).where(
                journal_entry.c.id == world.rows(tables.event)[0].entry_id
            )
        )
    laws = {one.law for one in world.ledger.check()}
    assert laws == {
        "contract = index",
        "holding = sum of changes",
        "event has its entry",
        "journal = index",
    }


def test_a_balance_beyond_the_index_stops_it_with_an_alarm(world: World) -> None:
    world.create_token()
    world.order("mint", ALICE, 2**63)
    with pytest.raises(IndexerStopped, match="would have"):
        world.ledger.pump()
    assert issubclass(IndexerStopped, Corrupt)
    assert [row.kind for row in world.rows(tables.alarm)] == ["ledger_differs"]
