"""Freezes, releases and movements by a quorum, on a real node; and who sees which holder."""

from __future__ import annotations

from datetime import date

import pytest
from tests.programme.world import CODE
from tests.settlement.trading import BOND_ISIN, MILLION, MONDAY, Trading

from amanat.core.errors import Forbidden, NotFound
from amanat.participants.model import ChangePending
from amanat.register.commands import (
    FreezeAccount,
    FreezeEverything,
    FreezeHolding,
    OrderForcedTransfer,
    PlaceHold,
    Release,
    ReleaseHold,
    Reregister,
)
from amanat.register.model import HoldingIsHeld, NotReleasable, QuorumNotReached

PAPER = {"order_hash": "ab" * 32, "reason": "order of the court 17/2021"}


def test_orders_of_a_quorum(trading: Trading) -> None:
    trading.trade("ministry.distribution", "bank_a.own", nominal=100 * MILLION, paisa=100)
    freeze_and_release(trading)
    move_by_order(trading)
    freeze_everything(trading)
    see_holders(trading)
    set_aside(trading)


def freeze_and_release(trading: Trading) -> None:
    account = trading.at("bank_a.own")
    freeze = FreezeHolding(isin=BOND_ISIN, account=account, nominal=60 * MILLION, **PAPER)
    with pytest.raises(Forbidden):
        trading.do("bank_b", freeze)
    with pytest.raises(QuorumNotReached, match="1 institutions would sign an order that takes 2"):
        trading.do("secp", freeze.model_copy(update={"signers": ("secp",)}))
    with pytest.raises(NotFound):
        trading.do("secp", freeze.model_copy(update={"signers": ("secp", "bank_b")}))
    outcome = trading.do("secp", freeze, pump=False)
    assert outcome.result is not None
    identifier = outcome.result["hold"]
    # It binds here from the request, before the ledger has it.
    (holding,) = trading.world.view("holdings", "bank_a_officer", account=account)
    assert (holding["nominal"], holding["held"], holding["free"]) == (
        100 * MILLION,
        60 * MILLION,
        40 * MILLION,
    )
    with pytest.raises(NotReleasable, match="requested"):
        trading.do("secp", Release(hold=identifier, **PAPER))
    trading.app.pump()
    held = trading.match("bank_a.own", "bank_b.own", nominal=50 * MILLION, paisa=100)
    trading.settle()
    assert trading.instruction(held)["reason_code"] == "ERC7943InsufficientUnfrozenBalance"

    # A second hold adds to the first; an order signed over an older sum is refused.
    more = freeze.model_copy(update={"nominal": 10 * MILLION})
    stale = trading.world.propose("secp", more)
    second = trading.do("central_bank", more)
    with pytest.raises(ChangePending):
        trading.world.approve(stale.awaits[0], stale)
    (holding,) = trading.world.view("holdings", "bank_a_officer", account=account)
    assert holding["held"] == 70 * MILLION
    assert second.result is not None
    trading.do("secp", Release(hold=second.result["hold"], **PAPER))
    trading.do("secp", Release(hold=identifier, **PAPER))
    with pytest.raises(NotReleasable, match="released"):
        trading.do("secp", Release(hold=identifier, **PAPER))
    trading.settle()
    assert trading.instruction(held)["state"] == "settled"


def move_by_order(trading: Trading) -> None:
    account, target = trading.at("bank_a.own"), trading.at("fund_c.own")
    transfer = OrderForcedTransfer(
        isin=BOND_ISIN, from_account=account, to_account=target, nominal=20 * MILLION, **PAPER
    )
    whole = FreezeAccount(isin=BOND_ISIN, account=account, **PAPER)
    frozen = trading.do("ministry", whole)
    with pytest.raises(HoldingIsHeld, match="0 free"):
        trading.do("central_bank", transfer)
    assert frozen.result is not None
    trading.do("ministry", Release(hold=frozen.result["hold"], **PAPER))
    outcome = trading.do("central_bank", transfer)
    assert trading.holds(BOND_ISIN, "fund_c.own") == 20 * MILLION
    assert outcome.result is not None

    # A lost key: the whole holding goes to the same participant's other account, its hold too.
    partial = FreezeHolding(isin=BOND_ISIN, account=account, nominal=5 * MILLION, **PAPER)
    trading.do("secp", partial)
    lost = Reregister(
        isin=BOND_ISIN, from_account=account, to_account=trading.at("bank_a.client"), **PAPER
    )
    trading.do("secp", lost)
    assert trading.holds(BOND_ISIN, "bank_a.own") == 0
    assert trading.holds(BOND_ISIN, "bank_a.client") == 30 * MILLION
    client = trading.at("bank_a.client")
    (holding,) = trading.world.view("holdings", "bank_a_officer", account=client)
    assert holding["held"] == 5 * MILLION
    # Another participant's account is refused by the ledger, and nothing has moved.
    wrong = lost.model_copy(update={"from_account": client, "to_account": target})
    trading.do("secp", wrong)
    shown = trading.world.view("holds", "secp_officer")
    assert [one["state"] for one in shown["movements"]] == ["done", "done", "refused"]
    assert "belong to different participants" in shown["movements"][2]["failure"]
    assert trading.world.view("holds", "bank_b_officer")["holds"] == []


def freeze_everything(trading: Trading) -> None:
    """One order over every security there is: all or none, each with a hold of its own."""
    account, world = trading.at("bank_a.client"), trading.world
    order = FreezeEverything(account=account, **PAPER)
    with pytest.raises(Forbidden):
        trading.do("bank_b", order)
    with pytest.raises(QuorumNotReached):
        trading.do("secp", order.model_copy(update={"signers": ("secp",)}))
    with pytest.raises(NotFound):
        trading.do("secp", order.model_copy(update={"account": "0x" + "77" * 20}))
    outcome = trading.do("secp", order, pump=False)
    assert outcome.result is not None
    holds = outcome.result["holds"]
    assert set(holds) == {one["isin"] for one in world.view("securities")} > {BOND_ISIN}
    # It binds here from the request; then the ledger holds every security.
    (holding,) = world.view("holdings", "bank_a_officer", account=account)
    assert (holding["held"], holding["free"]) == (holding["nominal"], 0)
    trading.app.pump()
    shown = {one["id"]: one for one in world.view("holds", "secp_officer")["holds"]}
    assert {shown[one]["state"] for one in holds.values()} == {"held"}
    ledger = trading.app.gateway(CODE)
    for isin in holds:
        assert ledger.call("Security", "getFrozenTokens", account, label=isin) == 2**256 - 1
    with pytest.raises(HoldingIsHeld, match="0 free"):
        trading.do("central_bank", transfer_of(account, trading.at("fund_c.own")))
    for isin, identifier in holds.items():
        trading.do("secp", Release(hold=identifier, **PAPER))
        left = 5 * MILLION if isin == BOND_ISIN else 0  # of an earlier order, which stands
        assert ledger.call("Security", "getFrozenTokens", account, label=isin) == left


def transfer_of(account: str, target: str) -> OrderForcedTransfer:
    """A forced transfer of a million."""
    return OrderForcedTransfer(
        isin=BOND_ISIN, from_account=account, to_account=target, nominal=MILLION, **PAPER
    )


def see_holders(trading: Trading) -> None:
    public = trading.world.view("holders", isin=BOND_ISIN)
    assert (public["holders"], public["total"], public["lines"]) == (4, 1_000 * MILLION, [])
    everyone = trading.world.view("holders", "central_bank_officer", isin=BOND_ISIN)
    assert sum(one["nominal"] for one in everyone["lines"]) == 1_000 * MILLION
    own = trading.world.view("holders", "bank_a_officer", isin=BOND_ISIN)
    assert {one["institution"] for one in own["lines"]} == {"bank_a"}
    before = trading.world.view("holders", "auditor_officer", isin=BOND_ISIN, on="2021-02-26")
    assert before["lines"] == []
    trading.move_to(date(2021, 3, 2))
    trading.trade("bank_a.client", "bank_b.own", nominal=MILLION, paisa=1)
    monday = trading.world.view("holders", "auditor_officer", isin=BOND_ISIN, on=MONDAY.isoformat())
    now = trading.world.view("holders", "auditor_officer", isin=BOND_ISIN)
    units = {
        name: {one["account"]: one["nominal"] for one in shown["lines"]}
        for name, shown in (("monday", monday), ("now", now))
    }
    client = trading.at("bank_a.client")
    assert (units["monday"][client], units["now"][client]) == (30 * MILLION, 29 * MILLION)
    changes = trading.world.view("history", "bank_a_officer", isin=BOND_ISIN, account=client)
    assert [one["change"] for one in changes] == [30 * MILLION, -MILLION]
    with pytest.raises(NotFound):
        trading.world.view("history", "bank_b_officer", isin=BOND_ISIN, account=client)


def set_aside(trading: Trading) -> None:
    """Collateral: bank B sets part of its holding aside for the fund, which alone releases it."""
    account = trading.at("bank_b.own")
    units = trading.holds(BOND_ISIN, "bank_b.own")
    place = PlaceHold(
        isin=BOND_ISIN,
        account=account,
        beneficiary=trading.at("fund_c.own"),
        nominal=units - MILLION,
        last_day=date(2021, 3, 5),
        reason="collateral",
    )
    with pytest.raises(NotFound):
        trading.do("bank_a", place)
    outcome = trading.do("bank_b", place)
    assert outcome.result is not None
    pledged = outcome.result["hold"]
    with pytest.raises(HoldingIsHeld, match="1000000 free"):
        trading.do("bank_b", place)
    (holding,) = trading.world.view("holdings", "bank_b_officer", account=account)
    assert holding["free"] == MILLION
    late = trading.match("bank_b.own", "fund_c.own", nominal=2 * MILLION, paisa=1)
    trading.settle()
    assert trading.instruction(late)["reason_code"] == "ERC7943InsufficientUnfrozenBalance"
    with pytest.raises(NotFound):
        trading.do("bank_b", ReleaseHold(hold=pledged))
    trading.do("fund_c", ReleaseHold(hold=pledged))
    trading.settle()
    assert trading.instruction(late)["state"] == "settled"
    # Another, which nobody releases: after its last day the holder does.
    again = trading.do("bank_b", place.model_copy(update={"nominal": MILLION}))
    assert again.result is not None
    trading.move_to(date(2021, 3, 8))
    trading.do("bank_b", ReleaseHold(hold=again.result["hold"]))
    shown = trading.world.view("holds", "fund_c_officer")["pledges"]
    assert [one["state"] for one in shown] == ["released", "released"]
    with pytest.raises(NotReleasable, match="released"):
        trading.do("bank_b", ReleaseHold(hold=pledged))
