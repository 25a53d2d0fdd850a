"""A true match is frozen on the ledger too, by the same act: the quorum signs with the second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.programme.world import CODE
from tests.settlement.trading import MILLION, Trading, prepared_trading

from amanat.access.tables import institution
from amanat.licensing.tables import provider
from amanat.supervision.screening.commands import ConfirmHit, OrderFreeze, TakeInList

from .samples import encoded

DESK = "secp"
"""The supervisor of this market, one of the institutions that sign orders to the ledger."""


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Trading]:
    """Traders on a node; bank_a is a provider, and the desk supervises."""
    for trading in prepared_trading(tmp_path, f"sqlite:///{tmp_path / 'amanat.sqlite'}"):
        with trading.app.store.engine.begin() as connection:
            row = connection.execute(
                sql.select(institution.c.capacities).where(
                    institution.c.programme == CODE, institution.c.code == DESK
                )
            ).scalar_one()
            connection.execute(
                sql.update(institution)
                .where(institution.c.programme == CODE, institution.c.code == DESK)
                .values(capacities=sorted({*row, "supervises"}))
            )
            connection.execute(
                sql.update(institution)
                .where(institution.c.code == "bank_a")
                .values(name="Invented Trading Bank")
            )
            connection.execute(
                provider.insert().values(
                    programme=CODE, code="bank_a", number=1, country="PK", status="applicant",
                    institution="bank_a", person="bank_a_officer", entry="e" * 36,
                    recorded_at="2021-03-01T06:00:00+00:00", recorded_on="2021-03-01",
                )
            )  # fmt: skip
        yield trading


def test_one_act_freezes_on_the_ledger(market: Trading) -> None:
    market.trade("ministry.distribution", "bank_a.own", nominal=100 * MILLION, paisa=100)
    world, account = market.world, market.at("bank_a.own")
    with market.app.store.reading() as connection:
        today = market.app.business_date(connection, CODE)
    entity = {
        "id": "T-1",
        "schema": "Company",
        "properties": {"name": ["Invented Trading Bank"], "topics": ["sanction"]},
    }
    taken = market.do(
        DESK, TakeInList(list="pep", dated_on=today, content=encoded(json.dumps(entity)))
    )
    assert taken.result is not None
    (identifier,) = taken.result["hits_new"]
    market.do(DESK, ConfirmHit(hit=identifier, reason="Same.", until=today + timedelta(days=90)))
    order = OrderFreeze(
        hit=identifier, authority="Federal Government", basis="un_act", order_hash="ab" * 32,
        until=today + timedelta(days=90), reason="Listed.", ledger_account=account,
    )  # fmt: skip
    outcome = market.do(DESK, order, pump=False)
    assert outcome.result is not None
    (holding,) = world.view("holdings", "bank_a_officer", account=account)
    assert (holding["held"], holding["free"]) == (holding["nominal"], 0)
    market.app.pump()
    (frozen,) = world.view("freezes", f"{DESK}_officer")
    assert {one["state"] for one in frozen["holds"]} == {"held"}
    assert frozen["state"] == "served"
    for isin in {one["isin"] for one in frozen["holds"]}:
        ledger = market.app.gateway(CODE)
        assert ledger.call("Security", "getFrozenTokens", account, label=isin) == 2**256 - 1
    assert world.view("freezes", "bank_b_officer") == []
