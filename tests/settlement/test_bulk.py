"""Many signed instructions in one act, and many trades in one netted cycle."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sql
from tests.programme.world import CODE

from amanat.core.dates import business_day_from_date
from amanat.core.errors import NotFound, Refusals
from amanat.ledger.signers import typed_data_digest
from amanat.ledger.typed_data import INSTRUCTION, Domain
from amanat.settlement.commands import (
    CycleTrade,
    NetCycle,
    PresignedInstruction,
    SubmitInstructions,
    TakeNumbers,
)
from amanat.settlement.model import NumberNotGiven, SignatureNotOfAccount
from amanat.settlement.signing import Leg
from amanat.store.tables import journal_entry

from .trading import BILL_ISIN, BOND_ISIN, MILLION, MONDAY, WEDNESDAY, Trading


def presigned(
    trading: Trading, deliverer: str, receiver: str, number: int, nominal: int, **changes: Any
) -> PresignedInstruction:
    """An instruction that both accounts have signed where their keys are."""
    gateway = trading.app.gateway(CODE)
    leg = Leg(
        security=gateway.address("Security", BOND_ISIN),
        deliverer=trading.at(deliverer),
        receiver=trading.at(receiver),
        nominal=nominal,
        consideration=nominal * 96,
        number=number,
        first_day=business_day_from_date(MONDAY),
        last_day=business_day_from_date(WEDNESDAY),
    )
    digest = leg.digest(Domain(trading.app.settings.chain_id, gateway.address("Settlement")))
    fields: dict[str, Any] = {
        "isin": BOND_ISIN,
        "deliverer": leg.deliverer,
        "receiver": leg.receiver,
        "number": number,
        "nominal": nominal,
        "consideration_paisa": leg.consideration,
        "trade_date": MONDAY,
        "first_day": MONDAY,
        "last_day": WEDNESDAY,
        "deliverer_signature": trading.app.keys.sign(CODE, leg.deliverer, digest).hex(),
        "receiver_signature": trading.app.keys.sign(CODE, leg.receiver, digest).hex(),
    }
    return PresignedInstruction(**fields | changes)


def test_a_digest_is_that_of_the_typed_data_which_wallets_show() -> None:
    leg = Leg(
        "0x" + "11" * 20,
        "0x" + "22" * 20,
        "0x" + "33" * 20,
        5_000_000,
        478_000_000,
        7,
        18690,
        18697,
    )
    domain = Domain(1, "0x" + "44" * 20)
    typed = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            **INSTRUCTION.types(),
        },
        "primaryType": "Instruction",
        "domain": domain.fields(),
        "message": INSTRUCTION.message(*leg.struct),
    }
    # eth_account is the reference implementation of EIP-712 here.
    assert leg.digest(domain) == typed_data_digest(typed)


def test_many_instructions_in_one_act(trading: Trading) -> None:
    trading.trade("ministry.distribution", "bank_a.own", nominal=100 * MILLION, paisa=100)
    trading.do("bank_a", TakeNumbers(deliverer=trading.at("bank_a.own"), count=40), pump=False)
    many = [presigned(trading, "bank_a.own", "bank_b.own", at, MILLION) for at in range(30)]
    # Numbers 30 and 31 deliver more than bank A has left: they fail, and hinder nobody.
    many += [presigned(trading, "bank_a.own", "fund_c.own", at, 80 * MILLION) for at in (30, 31)]
    many += [presigned(trading, "bank_a.own", "fund_c.own", 32, MILLION)]

    refuse_bad_submissions(trading, many)
    outcome = trading.do("bank_a", SubmitInstructions(instructions=tuple(many)), pump=False)
    assert outcome.result is not None
    assert outcome.result["accepted"] == 33
    with trading.app.store.reading() as connection:
        entries = connection.execute(
            sql.select(journal_entry.c.entry).where(journal_entry.c.kind == "InstructionAccepted")
        ).scalars()
        numbers = [json.loads(entry)["content"]["number"] for entry in entries]
    assert numbers == list(range(33))
    with pytest.raises(NumberNotGiven, match="it is used"):
        trading.do("bank_a", SubmitInstructions(instructions=(many[0],)))

    trading.settle()
    shown = trading.world.view("instructions", "bank_a_officer", limit=100)["instructions"]
    states = {one["number"]: one["state"] for one in shown if one["deliverer"] == many[0].deliverer}
    assert {at for at, state in states.items() if state == "failed"} == {30, 31}
    assert {at for at, state in states.items() if state == "settled"} == {*range(30), 32}
    assert trading.holds(BOND_ISIN, "bank_b.own") == 30 * MILLION
    assert trading.holds(BOND_ISIN, "fund_c.own") == MILLION
    totals = trading.world.view("settlement_totals")
    assert sum(one["instructions"] for one in totals) == 32

    settle_a_cycle(trading)


def refuse_bad_submissions(trading: Trading, many: list[PresignedInstruction]) -> None:
    """Nothing of a submission is accepted where anything is wrong, and all is reported."""
    forged = many[1].model_copy(update={"receiver_signature": many[2].receiver_signature})
    altered = many[2].model_copy(update={"nominal": many[2].nominal + 1})
    beyond = presigned(trading, "bank_a.own", "bank_b.own", 40, MILLION)
    stranger = many[4].model_copy(update={"receiver": "0x" + "99" * 20})
    with pytest.raises(Refusals) as caught:
        trading.do(
            "bank_a",
            SubmitInstructions(instructions=(many[0], forged, altered, beyond, stranger, many[0])),
        )
    refusals = caught.value.refusals
    assert [type(one) for one in refusals] == [
        SignatureNotOfAccount,
        SignatureNotOfAccount,
        NumberNotGiven,
        NotFound,
        NumberNotGiven,
    ]
    assert [one.place.field for one in refusals[:4] if one.place] == [
        f"instructions[{at}]" for at in (1, 2, 3, 4)
    ]
    assert trading.world.view("instructions", "bank_b_officer")["instructions"] == []


def settle_a_cycle(trading: Trading) -> None:
    """Trades round a ring: only net positions move, each account signs once."""
    before = {name: trading.cash(name) for name in ("bank_a.own", "bank_b.own", "fund_c.own")}
    ring = [
        ("bank_a.own", "bank_b.own", 3 * MILLION, 300 * MILLION),
        ("bank_b.own", "fund_c.own", 4 * MILLION, 390 * MILLION),
        ("fund_c.own", "bank_a.own", 2 * MILLION, 200 * MILLION),
    ]
    trades = tuple(
        CycleTrade(
            isin=BOND_ISIN,
            deliverer=trading.at(deliverer),
            receiver=trading.at(receiver),
            nominal=nominal,
            consideration_paisa=paisa,
            trade_date=MONDAY,
        )
        for deliverer, receiver, nominal, paisa in ring
    )
    cycle = NetCycle(trades=trades, first_day=MONDAY, last_day=WEDNESDAY)
    outcome = trading.do("bank_a", cycle)
    assert outcome.result is not None
    for identifier in outcome.result["instructions"]:
        assert trading.instruction(identifier)["state"] == "settled"
    changes = {name: trading.cash(name) - cash for name, cash in before.items()}
    assert changes == {
        "bank_a.own": 100 * MILLION,
        "bank_b.own": 90 * MILLION,
        "fund_c.own": -190 * MILLION,
    }
    assert trading.holds(BOND_ISIN, "bank_b.own") == 29 * MILLION

    # A party sees its own position, and no other.
    (seen,) = trading.world.view("cycles", "fund_c_officer")
    assert [one["cash"] for one in seen["positions"]] == [str(-190 * MILLION)]
    assert trading.world.view("cycles", "secp_officer") == []

    # A cycle that cannot settle whole settles nothing.
    short = trades[0].model_copy(update={"isin": BILL_ISIN})
    failed = trading.do("bank_a", cycle.model_copy(update={"trades": (*trades[1:], short)}))
    assert failed.result is not None
    states = {trading.instruction(one)["state"] for one in failed.result["instructions"]}
    assert states == {"failed"}
    assert trading.holds(BOND_ISIN, "bank_b.own") == 29 * MILLION
    wrong = trades[0].model_copy(update={"receiver": trades[0].deliverer})
    twice = wrong.model_copy(update={"trade_date": date(2021, 3, 5)})
    with pytest.raises(Refusals, match="trade 1"):
        trading.do("bank_a", cycle.model_copy(update={"trades": (wrong, twice)}))
