"""The law of effects: what is announced before anyone signs is what is observed afterwards.

Every announced "before, after" is measured from the contracts and the views, not from what
computed it: before the approvals and after the ledger has the act.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from tests.programme.world import CODE
from tests.settlement.trading import (
    BILL_ISIN,
    BOND_ISIN,
    MILLION,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Trading,
)

from amanat.access.acts import ACTS, Command
from amanat.access.effects import EFFECTS, from_json
from amanat.core.errors import Forbidden, NotFound
from amanat.core.messages import Face, Message
from amanat.core.money import Money
from amanat.participants.commands import RenewParticipant, SetLevel
from amanat.participants.model import Level
from amanat.programme.commands import CancelUnsold, Halt, IssueNominal, MoveDay, Resume
from amanat.register.commands import (
    FreezeAccount,
    FreezeHolding,
    OrderForcedTransfer,
    PlaceHold,
    Release,
    Reregister,
)
from amanat.settlement.commands import (
    CreateCash,
    CycleTrade,
    Instruct,
    NetCycle,
    SettleDay,
    Side,
    WithdrawCash,
)

PAPER = {"order_hash": "ab" * 32, "reason": "order of the court 17/2021"}


def measure(trading: Trading, effect: Message) -> Any:
    """What a "before, after" effect speaks of, as the contracts and views have it now."""
    fields = effect.fields
    account, isin = str(fields.get("account", "")), str(fields.get("isin", ""))
    match re.split(r"[:{]", effect.template, maxsplit=1)[0].strip() or effect.template:
        case "Cash of":
            return Money(trading.cash(account))
        case "Tokenised cash in existence":
            return Money(int(trading.app.gateway(CODE).call("Cash", "totalSupply")))
        case "Outstanding of":
            return Face(int(trading.app.gateway(CODE).call("Security", "totalSupply", label=isin)))
        case "Level of":
            (row,) = [
                one
                for one in trading.world.view("participants")
                if one["participant"] == fields["participant"]
            ]
            return row["level"]
        case "Business day":
            return trading.world.view("programme")["day"]["business_date"]
    if "holds of" in effect.template:
        return Face(trading.holds(isin, account))
    if "may dispose of" in effect.template:
        person = f"{account.split('.')[0]}_officer"
        shown = trading.world.view("holdings", person, account=trading.at(account))
        return Face(sum(one["free"] for one in shown if one["isin"] == isin))
    raise AssertionError(effect.template)


def announced(trading: Trading, proposal: str, person: str) -> tuple[Message, ...]:
    """What the proposal announced, as its view gives it to a person."""
    shown = trading.world.view("proposal", person, proposal=proposal)
    effects: Mapping[str, Any] = shown["effects"]
    assert effects["now"] == effects["announced"]
    assert not effects["changed"]
    found = from_json(effects["announced"])
    assert [str(one) for one in found] == [one["text"] for one in effects["announced"]]
    return found


def law(trading: Trading, institution: str, command: Command) -> tuple[Message, ...]:
    """Propose, measure, have it approved and done, and measure again."""
    person = f"{institution}_officer"
    foreseen = trading.app.desk.foresee(trading.world.actor(person), command)
    outcome = trading.world.propose(institution, command)
    assert outcome.proposal is not None
    effects = announced(trading, outcome.proposal, person)
    assert list(map(str, foreseen)) == list(map(str, effects))
    assert effects, command
    for one in effects:
        if "before" in one.fields:
            assert str(measure(trading, one)) == str(one.fields["before"]), one
    while outcome.state == "proposed":
        outcome = trading.world.approve(outcome.awaits[0], outcome)
    trading.app.pump()
    for one in effects:
        if "before" in one.fields:
            assert str(measure(trading, one)) == str(one.fields["after"]), one
    return effects


def counted(effects: tuple[Message, ...], beginning: str) -> int:
    """The count in the one effect that begins so."""
    (found,) = [one for one in effects if one.template.startswith(beginning)]
    return int(found.fields["count"])


def test_announced_effects_are_what_happens(trading: Trading) -> None:
    cash_and_supply(trading)
    orders(trading)
    levels_and_halts(trading)
    own_trades(trading)
    the_day(trading)


def cash_and_supply(trading: Trading) -> None:
    account = trading.at("bank_a.own")
    create = CreateCash(account=account, amount_paisa=5_000_000_00, rtgs_reference="R-1")
    effects = law(trading, "central_bank", create)
    assert str(effects[0]).startswith("Cash of bank_a.own: PKR 1,000,000,000.00 before")
    assert len(effects) == 2
    withdraw = WithdrawCash(account=account, amount_paisa=7_000_000_00, rtgs_reference="R-2")
    law(trading, "central_bank", withdraw)
    law(trading, "ministry", CancelUnsold(isin=BOND_ISIN, nominal=100 * MILLION))
    law(trading, "ministry", IssueNominal(isin=BOND_ISIN, nominal=50 * MILLION))


def orders(trading: Trading) -> None:
    trading.trade("ministry.distribution", "bank_a.own", nominal=100 * MILLION, paisa=100)
    account, target = trading.at("bank_a.own"), trading.at("fund_c.own")
    hold = FreezeHolding(isin=BOND_ISIN, account=account, nominal=60 * MILLION, **PAPER)
    law(trading, "secp", hold)
    (standing,) = trading.world.view("holds", "secp_officer")["holds"]
    law(trading, "secp", Release(hold=standing["id"], **PAPER))
    law(
        trading,
        "central_bank",
        OrderForcedTransfer(
            isin=BOND_ISIN, from_account=account, to_account=target, nominal=20 * MILLION, **PAPER
        ),
    )
    moved = trading.at("bank_a.client")
    law(
        trading,
        "secp",
        Reregister(isin=BOND_ISIN, from_account=account, to_account=moved, **PAPER),
    )
    law(
        trading,
        "fund_c",
        PlaceHold(
            isin=BOND_ISIN,
            account=target,
            beneficiary=trading.at("bank_b.own"),
            nominal=10 * MILLION,
            last_day=WEDNESDAY,
            reason="margin",
        ),
    )


def levels_and_halts(trading: Trading) -> None:
    """What is said to stop is what the day's settlement leaves out."""
    bill: dict[str, Any] = {"isin": BILL_ISIN}
    trading.trade("ministry.distribution", "bank_b.own", nominal=10 * MILLION, paisa=100, **bill)
    for _ in range(3):
        trading.match("bank_b.own", "fund_c.own", nominal=MILLION, paisa=50_000_00, **bill)
    trading.match("fund_c.own", "bank_b.own", nominal=MILLION, paisa=70_000_00)
    freeze = SetLevel(participant="bank_b", level=Level.FROZEN, reason="a test")
    effects = law(trading, "central_bank", freeze)
    assert counted(effects, "Accounts that change") == 1
    (stopped,) = [one for one in effects if one.template.startswith("Matched instructions")]
    assert (stopped.fields["count"], stopped.fields["amount"]) == (4, Money(220_000_00))
    foreseen = trading.app.desk.foresee(trading.world.actor("central_bank_officer"), SettleDay())
    settled = trading.settle().result
    assert settled is not None
    assert settled["instructions"] == counted(foreseen, "Instructions given") == 0
    assert counted(foreseen, "Instructions that wait") == 4

    thaw = SetLevel(participant="bank_b", level=Level.ACTIVE, reason="the test is over")
    effects = law(trading, "central_bank", thaw)
    assert counted(effects, "Matched instructions that can settle again") == 4
    # A frozen account delivers nothing; a halted security settles nothing.
    whole = FreezeAccount(isin=BILL_ISIN, account=trading.at("bank_b.own"), **PAPER)
    assert counted(law(trading, "ministry", whole), "Matched instructions") == 3
    (standing,) = [
        one
        for one in trading.world.view("holds", "secp_officer")["holds"]
        if one["state"] == "held" and one["isin"] == BILL_ISIN
    ]
    law(trading, "ministry", Release(hold=standing["id"], **PAPER))
    halted = law(trading, "secp", Halt(scope=BILL_ISIN, reason="a test"))
    assert counted(halted, "Matched instructions") == 3
    assert [str(one) for one in halted if BILL_ISIN in str(one)] == [
        f"{BILL_ISIN}: PKR 1,000,000,000 face outstanding on 2 accounts"
    ]
    resumed = law(trading, "secp", Resume(scope=BILL_ISIN, reason="the test is over"))
    assert counted(resumed, "Matched instructions that can settle again") == 3
    foreseen = trading.app.desk.foresee(trading.world.actor("central_bank_officer"), SettleDay())
    settled = trading.settle().result
    assert settled is not None
    assert settled["instructions"] == counted(foreseen, "Instructions given") == 4


def own_trades(trading: Trading) -> None:
    """What settlement will do to the own side; nothing of the other side is shown."""
    fields = trading.terms("bank_b.own", "fund_c.own", MILLION, 900_000_00, isin=BILL_ISIN)
    outcome = trading.world.propose("bank_b", Instruct(side=Side.DELIVER, **fields))
    assert outcome.proposal is not None
    effects = announced(trading, outcome.proposal, "bank_b_officer")
    assert {one.fields["account"] for one in effects if "account" in one.fields} == {"bank_b.own"}
    before = [str(measure(trading, one)) for one in effects[1:]]
    assert before == [str(one.fields["before"]) for one in effects[1:]]
    trading.world.approve("bank_b", outcome)
    trading.instruct(Side.RECEIVE, fields)
    trading.settle()
    after = [str(measure(trading, one)) for one in effects[1:]]
    assert after == [str(one.fields["after"]) for one in effects[1:]]
    with pytest.raises(NotFound):
        trading.world.view("proposal", "fund_c_officer", proposal=outcome.proposal)
    trades = tuple(
        CycleTrade(
            isin=BILL_ISIN,
            deliverer=trading.at(giver),
            receiver=trading.at(taker),
            nominal=MILLION,
            consideration_paisa=paisa,
            trade_date=MONDAY,
        )
        for giver, taker, paisa in (
            ("bank_b.own", "fund_c.own", 900_000_00),
            ("fund_c.own", "bank_b.own", 800_000_00),
        )
    )
    cycle = NetCycle(trades=trades, first_day=MONDAY, last_day=WEDNESDAY)
    effects = law(trading, "bank_b", cycle)
    assert counted(effects, "Trades that settle") == 2
    (shown,) = trading.world.view("cycles", "central_bank_officer")
    (moved,) = [one for one in effects if one.template.startswith("Money that moves")]
    assert moved.fields["gross"] == Money(shown["gross_paisa"])
    assert moved.fields["net"] == Money(shown["net_paisa"])


def the_day(trading: Trading) -> None:
    """What is due on the day to come, and what has expired by then."""
    later = {"first_day": TUESDAY, "last_day": TUESDAY}
    trading.match("fund_c.own", "bank_b.own", nominal=MILLION, paisa=1_00, **later)
    trading.match("fund_c.own", "bank_b.own", nominal=MILLION, paisa=1_00, last_day=MONDAY)
    effects = law(trading, "ministry", MoveDay(business_date=TUESDAY))
    assert counted(effects, "Instructions to settle") == 1
    assert counted(effects, "Instructions whose last day") == 1
    settled = trading.settle().result
    assert settled is not None
    assert (settled["instructions"], settled["expired"]) == (1, 1)


def test_an_effect_is_computed_again_and_both_are_shown(trading: Trading) -> None:
    account = trading.at("bank_b.own")
    create = CreateCash(account=account, amount_paisa=1_00, rtgs_reference="R-1")
    outcome = trading.world.propose("central_bank", create)
    trading.fund("bank_b.own", 9_00)
    shown = trading.world.view("proposal", "central_bank_approver", proposal=outcome.proposal)
    told, now = (from_json(shown["effects"][name])[0] for name in ("announced", "now"))
    assert shown["effects"]["changed"] is True
    assert now.fields["before"] == told.fields["before"] + Money(9_00)
    trading.world.approve("central_bank", outcome)
    trading.app.pump()
    shown = trading.world.view("proposal", "central_bank_approver", proposal=outcome.proposal)
    assert (shown["effects"]["now"], shown["effects"]["changed"]) == (None, False)
    assert shown["effects"]["announced"][0]["text"] == str(told)
    assert trading.world.view("entry", id=shown["entry"])["entry"]["kind"] == "ActProposed"


def test_nothing_is_foreseen_for_whoever_may_not_act(trading: Trading) -> None:
    desk = trading.app.desk
    halt = Halt(scope="programme", reason="mischief")
    with pytest.raises(Forbidden):
        desk.foresee(trading.world.actor("bank_a_officer"), halt)
    officer = trading.world.actor("central_bank_officer")
    unknown = RenewParticipant(participant="nobody", valid_until=date(2029, 1, 1))
    with pytest.raises(NotFound):
        desk.foresee(officer, unknown)


def test_every_act_that_announces_effects_exists() -> None:
    assert set(EFFECTS) <= set(ACTS)
