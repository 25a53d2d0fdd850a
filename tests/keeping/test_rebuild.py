"""The ledger part made anew from the chain equals what there was; what differs is named."""

from __future__ import annotations

import pytest
import sqlalchemy as sql
from tests.settlement.trading import MILLION, Trading

from amanat.keeping.rebuild import rebuild
from amanat.keeping.tables import DatabaseNotEmpty
from amanat.ledger import tables


def test_the_chain_alone_gives_the_same_index_and_what_it_lacks_is_named(
    trading: Trading, database_url: str, other_database_url: str
) -> None:
    trading.trade("ministry.distribution", "bank_a.own", nominal=MILLION, paisa=MILLION)
    trading.trade("bank_a.own", "bank_b.own", nominal=100_000, paisa=100_000)
    made = rebuild(trading.app, other_database_url)
    assert made.differences == ()
    assert made.block == trading.app.ledger.indexer.height()
    with trading.app.store.reading() as connection:
        events = connection.execute(
            sql.select(sql.func.count()).select_from(tables.event)
        ).scalar_one()
    assert made.rows["ledger_event"] == events
    assert {"person", "settlement_instruction", "journal_entry"} <= set(made.not_on_chain)
    assert not set(made.not_on_chain) & set(made.rows)
    with pytest.raises(DatabaseNotEmpty):
        rebuild(trading.app, database_url)


def test_a_balance_that_was_altered_in_the_database_is_found(
    trading: Trading, other_database_url: str
) -> None:
    with trading.app.engine.begin() as connection:
        connection.execute(
            sql.update(tables.holding)
            .where(tables.holding.c.account == trading.at("bank_a.own"))
            .values(units=tables.holding.c.units + 1)
        )
    made = rebuild(trading.app, other_database_url)
    assert {one.law for one in made.differences} == {"chain = database"}
    assert all(trading.at("bank_a.own") in one.thing for one in made.differences)
    assert len(made.differences) == 2
