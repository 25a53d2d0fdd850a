"""Attacks on settlement and on secrecy: what is planted as private appears nowhere in public."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sql
from tests.auctions.acts_world import LAST_DAY, SETTLEMENT_DAY, Auctions, bid
from tests.programme.world import CODE

from amanat.access.actors import Role
from amanat.access.acts import VIEWS
from amanat.access.desk import Outcome
from amanat.auctions.commands import AwardTender, FixCutOff
from amanat.auctions.tables import allotment
from amanat.core.errors import AmanatError, Refusals
from amanat.ledger.tables import event
from amanat.participants.commands import EnterPerson, SetLevel
from amanat.participants.model import AccountKind, Level, ParticipantNotActive
from amanat.register.commands import FreezeAccount, Release
from amanat.settlement.acts_primary import AfterLastSettlement
from amanat.settlement.commands import (
    ConfirmInstruction,
    CreateCash,
    CycleTrade,
    Instruct,
    InstructAllotments,
    NetCycle,
    SettleDay,
    Side,
    WithdrawCash,
)
from amanat.settlement.model import NothingToSign
from amanat.settlement.tables import instruction
from amanat.store.tables import journal_entry

from .trading import BOND_ISIN, MILLION, MONDAY, Trading

HOLDER = "Zulaikha Planted-Holder"
PERSON = "Yaqub Planted-Person"
CERTIFICATE = "CERT-PLANTED-7781"
REFERENCE = "RTGS-PLANTED-MR-BENYAMIN"
TRADE = "PLANTED-TRADE-REFERENCE"
SOURCE = "planted source of a tax status"
PLANTED = (HOLDER, PERSON, CERTIFICATE, REFERENCE, TRADE, SOURCE)


def plant(trading: Trading) -> None:
    """A client, a person, a tax standing, cash and a trade, each with a text to be found by."""
    trading.world.enrol(
        "bank_b", "central_bank", AccountKind.CLIENT, holder=HOLDER, holder_class="individual"
    )
    trading.do(
        "bank_b",
        EnterPerson(institution="bank_b", person="planted", name=PERSON, role=Role.VIEWER),
    )
    trading.tax_status(
        "bank_b.client",
        "individual",
        False,
        certificate="exemption",
        certificate_number=CERTIFICATE,
        valid_to=MONDAY + timedelta(days=400),
    )
    for command in (CreateCash, WithdrawCash):
        trading.do(
            "central_bank",
            command(
                account=trading.at("bank_b.client"),
                amount_paisa=777_777_701,
                rtgs_reference=f"{REFERENCE}-{command.__name__}",
            ),
        )
    trade_with_reference(trading)


def trade_with_reference(trading: Trading) -> None:
    trading.fund("bank_b.client", 10_000_000_00)
    fields = trading.terms(
        "ministry.distribution", "bank_b.client", 100_000, 9_500_001, reference=TRADE
    )
    for side, institution in ((Side.DELIVER, "ministry"), (Side.RECEIVE, "bank_b")):
        trading.do(institution, Instruct(side=side, **fields), pump=False)
    trading.do("central_bank", SettleDay())


def public_texts(trading: Trading) -> Iterator[tuple[str, str]]:
    """Everything that anybody may read: the public log, public views, and the ledger's events."""
    with trading.app.store.reading() as connection:
        for row in connection.execute(
            sql.select(journal_entry).where(journal_entry.c.log == "public")
        ):
            yield f"journal {row.kind}", row.entry.decode() + str(row.subject)
        for row in connection.execute(sql.select(event)):
            yield f"ledger {row.name}", str(row.arguments)
    for name, kind in VIEWS.items():
        if kind.public:
            for fields in ({}, {"isin": BOND_ISIN}, {"participant": "bank_b"}):
                try:
                    shown = trading.app.desk.view(None, CODE, name, fields)
                except AmanatError as refusal:
                    yield f"refusal of {name}", json.dumps(refusal.problem(), default=str)
                else:
                    yield f"view {name}", json.dumps(shown, default=str)


def test_nothing_private_is_public(trading: Trading) -> None:
    plant(trading)
    found = [
        (where, text)
        for where, text in public_texts(trading)
        for planted in PLANTED
        if planted.casefold() in text.casefold()
    ]
    assert found == []
    # The accounts of clients and dealers, and whose cash moved, are in no public entry or view.
    account = trading.at("bank_b.client")
    named = [
        (where, text)
        for where, text in public_texts(trading)
        if account in text and not where.startswith("ledger")
    ]
    assert named == []
    # What was planted is there for whom it concerns.
    shown = trading.world.view("accounts", "bank_b_officer")
    assert HOLDER in json.dumps(shown, default=str)
    other = trading.world.view("accounts", "secp_officer")
    assert HOLDER not in json.dumps(other, default=str)


def test_one_side_is_not_signed_twice_by_two_proposals(trading: Trading) -> None:
    """Both accounts are one bank's: a second proposal for a signed side signs nothing else."""
    fields = trading.terms("bank_a.own", "bank_a.client", 100_000, 9_000_000)
    first = trading.world.propose("bank_a", Instruct(side=Side.DELIVER, **fields))
    with trading.app.store.reading() as connection:
        identifier = connection.execute(sql.select(instruction.c.id)).scalar_one()
    twice: list[Outcome] = [
        trading.world.propose("bank_a", ConfirmInstruction(instruction=identifier))
        for _ in range(2)
    ]
    trading.world.approve("bank_a", twice[0])
    with pytest.raises(NothingToSign):
        trading.world.approve("bank_a", twice[1])
    trading.world.approve("bank_a", first)
    assert trading.instruction(identifier)["state"] == "matched"


def test_allotments_settle_by_the_tenders_last_day_or_never(trading: Trading) -> None:
    auctions, code = Auctions(trading.world), "T1"
    auctions.announce(code, target=100, non_competitive=None)
    auctions.submit(code, "bank_a", [bid(1, 100, "95.5000")])
    auctions.open(code)
    trading.do("ministry", FixCutOff(tender=code, amount=100 * MILLION))
    trading.do("central_bank", AwardTender(tender=code))
    trading.move_to(SETTLEMENT_DAY)
    with pytest.raises(AfterLastSettlement):
        trading.do(
            "ministry", InstructAllotments(tender=code, last_day=LAST_DAY + timedelta(days=1))
        )
    with pytest.raises((Refusals, AmanatError)):
        trading.do("ministry", InstructAllotments(tender=code, last_day=MONDAY))
    with trading.app.store.reading() as connection:
        assert connection.execute(sql.select(allotment.c.instruction)).scalars().all() == [None]
    trading.do("ministry", InstructAllotments(tender=code, last_day=LAST_DAY), pump=False)


def test_a_fail_for_want_of_cash_is_told_in_words(trading: Trading) -> None:
    poor: dict[str, Any] = {"nominal": 1_000 * MILLION, "paisa": 2_000 * MILLION * 100}
    late = trading.match("ministry.distribution", "bank_b.own", **poor)
    trading.settle()
    assert trading.instruction(late)["reason"] == (
        "Account own of bank_b holds 1000000000.00 PKR and needs 2000000000.00 PKR."
    )


def test_what_was_withdrawn_binds_settlement_from_the_request(trading: Trading) -> None:
    trading.trade("ministry.distribution", "bank_a.own", nominal=2 * MILLION, paisa=MILLION)
    matched = trading.match("bank_a.own", "bank_b.own", nominal=100_000, paisa=9_500_000)
    fields = trading.terms("bank_a.own", "bank_b.own", 200_000, 19_000_000)
    for level, forbidden in (
        (Level.CLOSE_OUT_ONLY, "bank_b"),  # takes on nothing new
        (Level.FROZEN, "bank_b"),
    ):
        change = SetLevel(participant=forbidden, level=level, reason="made for tests")
        trading.do("central_bank", change, pump=False)
        with pytest.raises(ParticipantNotActive, match=f"bank_b is {level.value}"):
            trading.instruct(Side.DELIVER, fields)
        given = trading.do("central_bank", SettleDay(), pump=False)
        assert given.result is not None
        assert given.result["instructions"] == 0
        cycle = CycleTrade(
            isin=BOND_ISIN,
            deliverer=trading.at("bank_a.own"),
            receiver=trading.at("bank_b.own"),
            nominal=100_000,
            consideration_paisa=9_500_000,
            trade_date=MONDAY,
        )
        with pytest.raises(ParticipantNotActive):
            trading.world.propose(
                "bank_a", NetCycle(trades=(cycle,), first_day=MONDAY, last_day=MONDAY)
            )
        trading.app.pump()
    with pytest.raises(ParticipantNotActive, match="its cash stays"):
        trading.world.propose(
            "central_bank",
            WithdrawCash(
                account=trading.at("bank_b.own"), amount_paisa=1, rtgs_reference="RTGS-out"
            ),
        )
    trading.do("central_bank", SetLevel(participant="bank_b", level=Level.ACTIVE, reason="lifted"))
    # A freeze of the whole account holds the delivery back before the ledger has it.
    frozen = FreezeAccount(
        isin=BOND_ISIN, account=trading.at("bank_a.own"), order_hash="ab" * 32, reason="a court"
    )
    outcome = trading.do("secp", frozen, pump=False)
    given = trading.do("central_bank", SettleDay())
    assert given.result is not None
    assert given.result["instructions"] == 0
    assert outcome.result is not None
    trading.do(
        "secp", Release(hold=outcome.result["hold"], order_hash="cd" * 32, reason="released")
    )
    trading.settle()
    assert trading.instruction(matched)["state"] == "settled"
