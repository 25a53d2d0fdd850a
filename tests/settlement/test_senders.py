"""Settlement, cash and the rest go by senders of their own, whose keys are replaced one by one."""

from __future__ import annotations

import pytest
import sqlalchemy as sql
from tests.programme.world import CODE

from amanat.ledger import tables
from amanat.programme.commands import AppointSender, MoveDay
from amanat.programme.model import SenderSends, SenderUnknown
from amanat.settlement.commands import CreateCash, SettleDay

from .trading import BOND_ISIN, MILLION, MONDAY, TUESDAY, Trading


def senders(trading: Trading, kind: str) -> list[str]:
    """The senders of all orders of a kind, in their sequence."""
    order = tables.order
    query = sql.select(order.c.sender).where(order.c.kind == kind).order_by(order.c.sequence)
    with trading.app.store.reading() as connection:
        return list(connection.execute(query).scalars())


def keys(trading: Trading, kind: str) -> list[str]:
    """The addresses that sent all orders of a kind, in their sequence."""
    order = tables.order
    query = sql.select(order.c.sender_address).where(order.c.kind == kind)
    with trading.app.store.reading() as connection:
        return list(connection.execute(query.order_by(order.c.sequence)).scalars())


def until_waiting(trading: Trading, kind: str) -> None:
    """Go round until nothing is open but orders of this kind."""
    order = tables.order
    query = sql.select(order.c.kind).where(order.c.state.in_(("requested", "signed", "sent")))
    for _ in range(2_000):
        trading.app.ledger.step()
        with trading.app.store.reading() as connection:
            if set(connection.execute(query).scalars()) == {kind}:
                return
    raise AssertionError(kind)


def test_a_lost_settlement_key_holds_up_no_cash_and_is_replaced(trading: Trading) -> None:
    app = trading.app
    assert set(senders(trading, "create_cash")) == {"payments"}
    assert set(senders(trading, "issue_nominal")) == {"operator"}
    trading.trade("ministry.distribution", "bank_a.own", nominal=10 * MILLION, paisa=900 * MILLION)
    assert set(senders(trading, "settle_batch")) == {"settlement"}
    assert set(keys(trading, "settle_batch")) == {app.senders["settlement"]}

    app.keys.destroy(app.senders["settlement"])
    late = trading.match("bank_a.own", "bank_b.own", nominal=MILLION, paisa=96 * MILLION)
    trading.do("central_bank", SettleDay(), pump=False)
    before = trading.cash("fund_c.own")
    account = trading.at("fund_c.own")
    cash = CreateCash(account=account, amount_paisa=7_00, rtgs_reference="meanwhile")
    trading.do("central_bank", cash, pump=False)
    until_waiting(trading, "settle_batch")
    assert trading.cash("fund_c.own") - before == 7_00
    assert trading.instruction(late)["state"] == "requested"

    # The day moves after what was ordered on it.
    trading.do("ministry", MoveDay(business_date=TUESDAY), pump=False)
    for _ in range(20):
        app.ledger.step()
    with app.store.reading() as connection:
        assert app.business_date(connection, CODE) == MONDAY

    lost = AppointSender(
        key=app.reserve, sender="settlement", reason="its disk burnt", former_lost=True
    )
    trading.do("ministry", lost)
    settled = trading.instruction(late)
    assert (settled["state"], settled["settled_on"]) == ("settled", "2021-03-01")
    assert keys(trading, "settle_batch")[-1] == app.reserve
    assert trading.holds(BOND_ISIN, "bank_b.own") == MILLION
    with app.store.reading() as connection:
        assert app.business_date(connection, CODE) == TUESDAY
    assert app.ledger.check() == []


def test_a_purpose_gets_a_further_sender(trading: Trading) -> None:
    app = trading.app
    fresh = app.keys.create("installation", "settlement_2")
    with pytest.raises(SenderUnknown):
        trading.world.propose("ministry", AppointSender(key=fresh, sender="cash", reason="no"))
    taken = AppointSender(key=app.senders["payments"], sender="settlement_2", reason="taken")
    with pytest.raises(SenderSends):
        trading.world.propose("ministry", taken)
    further = AppointSender(
        key=fresh, sender="settlement_2", reason="more at once", endow_coins=10**9
    )
    trading.do("ministry", further)
    for at in range(2):
        trading.trade(
            "ministry.distribution", "bank_a.own", nominal=MILLION, paisa=(90 + at) * MILLION
        )
    assert set(senders(trading, "settle_batch")) <= {"settlement", "settlement_2"}
    with app.store.reading() as connection:
        assert app.ledger.book.senders_of(connection, "settlement") == [
            "settlement",
            "settlement_2",
        ]
    assert app.ledger.check() == []
