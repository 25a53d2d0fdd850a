"""Contracts of a running programme are replaced: announced, signed by a quorum, after the delay.

Nothing that was open is lost, the former contract moves nothing more, and contracts, index and
journal agree after every step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.programme.world import CODE
from tests.settlement.trading import (
    BILL_ISIN,
    BOND,
    BOND_ISIN,
    MILLION,
    MONDAY,
    TUESDAY,
    Trading,
    open_trading,
)

from amanat.access.key_register import ContractOver
from amanat.keeping.rebuild import rebuild
from amanat.ledger.gateway import former_addresses
from amanat.ledger.refusals import ContractRefusal
from amanat.ledger.typed_data import CONTRACT_NUMBERS
from amanat.participants.commands import SetLevel
from amanat.participants.model import Level
from amanat.programme.commands import (
    AnnounceChange,
    AuthoriseSecurity,
    CreateSuccessor,
    DirectoryChange,
    ExecuteChange,
    IssueNominal,
    MoveDay,
    Replaceable,
)
from amanat.programme.model import ChangeMeaningless, ChangeNotDue, SuccessorMissing
from amanat.servicing.commands import (
    FixEntitlements,
    FundPayment,
    PayChunk,
    RecordTaxRates,
    RetryEscrow,
    TaxRateRow,
)
from amanat.servicing.model import PaymentKind
from amanat.settlement.commands import Side

DELAY_S = 1


@pytest.fixture
def trading(tmp_path: Path, database_url: str) -> Iterator[Trading]:
    """Traders in a programme whose Directory changes a second after the announcement."""
    yield from open_trading(tmp_path, database_url, delay_seconds=DELAY_S)


def in_use(trading: Trading, contract: str) -> str:
    shown = trading.world.view("contracts")
    (found,) = [one for one in shown if (one["contract"], one["state"]) == (contract, "in_use")]
    directory = trading.app.gateway(CODE)
    named = directory.call("Directory", "contract_at", CONTRACT_NUMBERS[contract])
    assert found["address"] == named.lower()
    return str(named).lower()


def prepare(trading: Trading, contract: Replaceable) -> str:
    """Create a successor and announce it; the change."""
    trading.do("central_bank", CreateSuccessor(contract=contract, reason="made for tests"))
    (waiting,) = [
        one
        for one in trading.world.view("contracts")
        if (one["contract"], one["state"]) == (contract.value, "successor")
    ]
    outcome = trading.do(
        "ministry",
        AnnounceChange(
            kind=DirectoryChange.CONTRACT,
            contract=contract,
            at=waiting["address"],
            reason="made for tests",
        ),
    )
    assert outcome.result is not None
    return str(outcome.result["change"])


def execute(trading: Trading, change: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=60)
    while datetime.now(UTC) < until:
        try:
            trading.do("central_bank", ExecuteChange(change=change))
            break
        except ChangeNotDue:
            time.sleep(0.2)
    (state,) = [
        one["state"] for one in trading.world.view("directory_changes") if one["change"] == change
    ]
    assert state == "done"
    assert trading.app.ledger.check() == []


def replace(trading: Trading, contract: Replaceable) -> str:
    """The whole step; the address of the former contract."""
    former = in_use(trading, contract.value)
    execute(trading, prepare(trading, contract))
    assert in_use(trading, contract.value) != former
    with trading.app.store.reading() as connection:
        assert former in former_addresses(connection, CODE, contract.value)
    return former


def test_settlement_is_replaced_while_instructions_are_under_way(trading: Trading) -> None:
    source = "ministry.distribution"
    trading.trade(source, "bank_a.own", nominal=100 * MILLION, paisa=9_500 * MILLION)
    tomorrow = trading.match(
        "bank_a.own", "bank_b.own", nominal=MILLION, paisa=95 * MILLION, first_day=TUESDAY
    )
    failing = trading.match("fund_c.own", "bank_b.own", nominal=MILLION, paisa=95 * MILLION)
    trading.settle()
    assert trading.instruction(failing)["state"] == "failed"
    half = trading.terms("bank_a.own", "bank_b.own", 2 * MILLION, 190 * MILLION)
    trading.instruct(Side.DELIVER, half)
    change = prepare(trading, Replaceable.SETTLEMENT)
    trading.trade("bank_a.own", "fund_c.own", nominal=2 * MILLION, paisa=190 * MILLION)
    former = in_use(trading, "Settlement")
    execute(trading, change)
    assert in_use(trading, "Settlement") != former

    # What was signed for the former contract settles here: failed before, and half signed.
    other = trading.instruct(Side.RECEIVE, half)
    assert other.result is not None
    assert other.result["state"] == "matched"
    trading.settle()
    for identifier in (failing, other.result["instruction"]):
        assert trading.instruction(identifier)["state"] == "settled"
    trading.trade("bank_a.own", "bank_b.own", nominal=MILLION, paisa=95 * MILLION)
    trading.move_to(TUESDAY)
    trading.settle()
    assert trading.instruction(tomorrow)["state"] == "settled"
    assert trading.holds(BOND_ISIN, "bank_b.own") == 5 * MILLION

    # The former contract moves nothing more, whoever asks it.
    gateway = trading.app.gateway(CODE)
    with pytest.raises(ContractRefusal) as refused:
        gateway.call("Settlement", "settle_batch", b"\0\0\0\0", address=former)
    assert refused.value.name == "ContractReplaced"
    assert trading.app.ledger.check() == []


def test_each_contract_is_replaced_and_the_programme_goes_on(trading: Trading) -> None:
    world = trading.world
    headroom = world.view("programme")["headroom_usd"]
    stale = trading.world.propose("ministry", authorise_more(MILLION))
    replace(trading, Replaceable.PROGRAMME)
    with pytest.raises(ContractOver):
        trading.world.approve(stale.awaits[0], stale)
    gateway = trading.app.gateway(CODE)
    cents = int(Decimal(headroom.removesuffix(" USD").replace(",", "")) * 100)
    assert gateway.call("Programme", "headroom") == cents
    trading.do("ministry", authorise_more(10 * MILLION))
    trading.do("ministry", IssueNominal(isin=BOND_ISIN, nominal=10 * MILLION))
    shown = world.view("security", isin=BOND_ISIN)
    assert int(gateway.call("Security", "totalSupply", label=BOND_ISIN)) == 1_010 * MILLION
    assert "1010000000" in str(shown["issued"]).replace(",", "")

    replace(trading, Replaceable.BUSINESS_DAY)
    trading.do("ministry", MoveDay(business_date=TUESDAY))
    replace(trading, Replaceable.ELIGIBILITY)
    trading.do("central_bank", level(Level.FROZEN))
    trading.do("central_bank", level(Level.ACTIVE))
    replace(trading, Replaceable.ORDERS)
    replace(trading, Replaceable.TENDER)
    trading.trade(
        "ministry.distribution", "bank_a.own", nominal=MILLION, paisa=MILLION, first_day=TUESDAY
    )
    # Made anew from the chain alone, the index has the same contracts in the same places.
    other = f"sqlite:///{trading.app.settings.data_dir / 'rebuilt.sqlite'}"
    assert rebuild(trading.app, other).differences == ()


def level(to: Level) -> SetLevel:
    return SetLevel(participant="bank_b", level=to, reason="made for tests")


def authorise_more(nominal: int) -> AuthoriseSecurity:
    return AuthoriseSecurity(
        terms=BOND,
        nominal=nominal,
        rate_date=MONDAY,
        asset="faith",
        authority="made",
        classes=("issuer", "bank", "fund"),
        expires_on=date(2021, 12, 31),
    )


def test_payments_are_replaced_with_money_in_escrow(trading: Trading) -> None:
    trading.fund("ministry.treasury", 2_000 * MILLION * 100)
    row = TaxRateRow(
        instrument="government_security",
        holder_classes=("bank",),
        first_day=date(2021, 1, 1),
        last_day=date(2023, 12, 31),
        active_percent=Decimal("15"),
        inactive_percent=Decimal("30"),
        source="made for tests",
        assumed=True,
    )
    trading.do("central_bank", RecordTaxRates(rows=(row,)), pump=False)
    bill: dict[str, Any] = {"isin": BILL_ISIN}
    for buyer in ("bank_a.own", "bank_b.own"):
        trading.trade(
            "ministry.distribution", buyer, nominal=10 * MILLION, paisa=970 * MILLION, **bill
        )
        trading.tax_status(buyer, "bank", True)
    due = date(2021, 5, 24)
    trading.move_to(due)
    fixed = trading.do(
        "central_bank",
        FixEntitlements(isin=BILL_ISIN, kind=PaymentKind.REDEMPTION, due_date=due),
        pump=False,
    )
    assert fixed.result is not None
    payment = fixed.result["payment"]
    trading.do(
        "ministry",
        FundPayment(
            payment=payment,
            payer=trading.at("ministry.treasury"),
            tax_account=trading.at("ministry.tax"),
        ),
    )
    trading.do("central_bank", level(Level.FROZEN))
    former = in_use(trading, "Payments")
    cash = trading.app.gateway(CODE)
    funded = int(cash.call("Cash", "balanceOf", former))
    assert funded == 20 * MILLION * 100
    replace(trading, Replaceable.PAYMENTS)
    assert int(cash.call("Cash", "balanceOf", former)) == 0
    assert int(cash.call("Cash", "balanceOf", in_use(trading, "Payments"))) == funded
    trading.do("central_bank", PayChunk(payment=payment))
    assert trading.holds(BILL_ISIN, "bank_a.own") == 0
    kept = int(cash.call("Cash", "balanceOf", in_use(trading, "Payments")))
    assert kept == 10 * MILLION * 100
    replace(trading, Replaceable.PAYMENTS)  # again, with one holder's money still in escrow
    trading.do("central_bank", level(Level.ACTIVE))
    trading.do("central_bank", RetryEscrow(payment=payment))
    assert int(cash.call("Cash", "balanceOf", in_use(trading, "Payments"))) == 0
    assert trading.holds(BILL_ISIN, "bank_b.own") == 0
    assert trading.app.ledger.check() == []


def test_what_is_no_successor_is_not_announced(trading: Trading) -> None:
    here = in_use(trading, "Orders")

    def announce(**fields: Any) -> None:
        command = AnnounceChange(kind=DirectoryChange.CONTRACT, reason="made for tests", **fields)
        trading.world.propose("ministry", command)

    with pytest.raises(SuccessorMissing):
        announce(contract=Replaceable.SETTLEMENT, at="0x" + "77" * 20)
    with pytest.raises(SuccessorMissing):
        announce(contract=Replaceable.ORDERS, at=here)
    with pytest.raises(ChangeMeaningless):
        announce(contract=Replaceable.ORDERS)
    with pytest.raises(ValueError, match="contract"):
        announce(contract="Cash", at=here)
