"""A bill redeemed with tax on its discount, a coupon with a fail and an escrow, a bond redeemed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.programme.world import CODE
from tests.settlement.trading import BILL_ISIN, BOND_ISIN, MILLION, MONDAY, Trading

from amanat.access.acts import Command
from amanat.core.errors import NotFound
from amanat.core.messages import Face, Message
from amanat.core.money import Money
from amanat.jurisdictions.tax import NoTaxRateForDate
from amanat.participants.commands import SetLevel
from amanat.participants.model import Certificate, Level, TaxStatusMissing
from amanat.programme.commands import Halt, Resume
from amanat.programme.model import Halted
from amanat.servicing.acts import (
    AlreadyFixed,
    OverlappingTaxRates,
    PaymentNotInState,
    RecordDateNotClosed,
)
from amanat.servicing.acts_claims import ClaimNotDue
from amanat.servicing.commands import (
    FixEntitlements,
    FundPayment,
    PayChunk,
    RaiseClaims,
    RecordTaxRates,
    RetryEscrow,
    SettleClaim,
    TaxRateRow,
)
from amanat.servicing.model import PaymentKind
from amanat.servicing.records import NoSuchPayment

HOLDERS = ("bank_a.own", "bank_b.own", "fund_c.own", "bank_a.client")


def rate(classes: tuple[str, ...], active: str, inactive: str, last_day: date) -> TaxRateRow:
    return TaxRateRow(
        instrument="government_security",
        holder_classes=classes,
        first_day=date(2021, 1, 1),
        last_day=last_day,
        active_percent=Decimal(active),
        inactive_percent=Decimal(inactive),
        source="made for tests",
        assumed=True,
    )


def record_rates(trading: Trading) -> None:
    rows = (
        rate(("bank", "individual"), "15", "30", date(2023, 12, 31)),
        rate(("collective_scheme",), "0", "0", date(2021, 4, 30)),
    )
    trading.do("central_bank", RecordTaxRates(rows=rows), pump=False)
    with pytest.raises(OverlappingTaxRates, match="collective_scheme would have two rates"):
        trading.do("central_bank", RecordTaxRates(rows=rows[1:]))


def fix(trading: Trading, isin: str, kind: PaymentKind, due: date) -> dict[str, Any]:
    command = FixEntitlements(isin=isin, kind=kind, due_date=due)
    outcome = trading.do("central_bank", command, pump=False)
    assert outcome.result is not None
    return outcome.result


def fund_and_pay(trading: Trading, payment: str) -> None:
    """Funded by the treasury, signed by issuer, agent and the treasury's own key; then paid."""
    with pytest.raises(PaymentNotInState, match="is fixed"):
        trading.do("central_bank", PayChunk(payment=payment))
    trading.do(
        "ministry",
        FundPayment(
            payment=payment,
            payer=trading.at("ministry.treasury"),
            tax_account=trading.at("ministry.tax"),
        ),
    )
    trading.do("central_bank", PayChunk(payment=payment))


def line(trading: Trading, payment: str, name: str) -> dict[str, Any]:
    shown = trading.world.view("payment", "central_bank_officer", payment=payment)
    (found,) = [one for one in shown["lines"] if one["account"] == trading.at(name)]
    return dict(found)


def foreseen(trading: Trading, institution: str, command: Command) -> tuple[Message, ...]:
    """What an act says that it will do."""
    return trading.app.desk.foresee(trading.world.actor(f"{institution}_officer"), command)


def test_payments_from_the_record_date_to_the_last_rupee(trading: Trading) -> None:
    record_rates(trading)
    trading.fund("ministry.treasury", 2_000 * MILLION * 100)
    redeem_a_bill(trading)
    pay_a_coupon(trading)
    redeem_the_bond(trading)


def redeem_a_bill(trading: Trading) -> None:
    """84 days, taxed on the discount by the cost of each holder's own lots."""
    bill = {"isin": BILL_ISIN}
    source = "ministry.distribution"
    trading.trade(source, "bank_a.own", nominal=10 * MILLION, paisa=970 * MILLION, **bill)
    trading.trade(source, "bank_a.own", nominal=10 * MILLION, paisa=980 * MILLION, **bill)
    # First in, first out: of the first lot 4m go at their sale's price, 6m stay at 97.
    trading.trade("bank_a.own", "bank_b.own", nominal=4 * MILLION, paisa=393 * MILLION, **bill)
    trading.trade("bank_a.own", "bank_a.client", nominal=MILLION, paisa=0, **bill)
    due = date(2021, 5, 24)
    with pytest.raises(RecordDateNotClosed, match="2021-05-21 has not closed on 2021-03-01"):
        fix(trading, BILL_ISIN, PaymentKind.REDEMPTION, due)
    with pytest.raises(NoSuchPayment):
        fix(trading, BILL_ISIN, PaymentKind.COUPON, due)
    trading.move_to(due)
    with pytest.raises(TaxStatusMissing):
        fix(trading, BILL_ISIN, PaymentKind.REDEMPTION, due)
    trading.tax_status("bank_a.own", "bank", True)
    trading.tax_status("bank_b.own", "bank", False)
    trading.tax_status("bank_a.client", "individual", True)
    command = FixEntitlements(isin=BILL_ISIN, kind=PaymentKind.REDEMPTION, due_date=due)
    told, sums, _nothing_yet = foreseen(trading, "central_bank", command)
    fixed = fix(trading, BILL_ISIN, PaymentKind.REDEMPTION, due)
    payment = fixed["payment"]
    assert told.fields == {"count": fixed["holders"], "nominal": Face(20 * MILLION)}
    assert sums.fields == {name: Money(fixed[f"{name}_paisa"]) for name in ("gross", "tax", "net")}
    with pytest.raises(AlreadyFixed):
        fix(trading, BILL_ISIN, PaymentKind.REDEMPTION, due)
    # By hand, in paisa: A holds 5m at 97.00 and 10m at 98.00: discount 15m + 20m rupees of paisa.
    own = line(trading, payment, "bank_a.own")
    assert own["tax_base_paisa"] == 5 * MILLION * 3 + 10 * MILLION * 2
    assert own["tax_paisa"] == 35 * MILLION * 15 // 100
    # B paid 393m for 4m, and is not on the list: 30% of 7m.
    other = line(trading, payment, "bank_b.own")
    assert (other["tax_base_paisa"], other["tax_paisa"]) == (7 * MILLION, 2_100_000)
    # The client's million was carried over at bank A's oldest cost, 97.00.
    client = line(trading, payment, "bank_a.client")
    assert (client["tax_base_paisa"], client["tax_paisa"]) == (3 * MILLION, 450_000)

    before = {name: trading.cash(name) for name in (*HOLDERS, "ministry.treasury", "ministry.tax")}
    funding = FundPayment(
        payment=payment,
        payer=trading.at("ministry.treasury"),
        tax_account=trading.at("ministry.tax"),
    )
    paid, escrow, taxed, redeemed = foreseen(trading, "ministry", funding)
    assert paid.fields["before"] == Money(before["ministry.treasury"])
    assert escrow.fields["after"] == sums.fields["gross"]
    fund_and_pay(trading, payment)
    assert paid.fields["after"] == Money(trading.cash("ministry.treasury"))
    assert taxed.fields["amount"] == Money(trading.cash("ministry.tax") - before["ministry.tax"])
    assert redeemed.fields["nominal"] == Face(20 * MILLION)
    shown = trading.world.view("payment", payment=payment)
    assert (shown["state"], shown["reconciled"], shown["lines"]) == ("complete", True, [])
    assert trading.cash("bank_a.own") - before["bank_a.own"] == 1_500 * MILLION - own["tax_paisa"]
    changes = {name: trading.cash(name) - cash for name, cash in before.items()}
    assert sum(changes.values()) == 0  # cash in = cash out
    assert changes["ministry.tax"] == 5_250_000 + 2_100_000 + 450_000
    assert trading.holds(BILL_ISIN, "bank_a.own") == 0
    # Again: nobody is paid twice.
    trading.do("central_bank", PayChunk(payment=payment, chunk=0))
    assert {name: trading.cash(name) - cash for name, cash in before.items()} == changes


def pay_a_coupon(trading: Trading) -> None:
    """A half-year of 7%: classes, a certificate, a frozen holder, a trade that came too late."""
    record, due = date(2021, 8, 19), date(2021, 8, 20)
    window = {"first_day": date(2021, 5, 24), "last_day": date(2021, 7, 1)}
    for name, nominal in (("bank_a.own", 40), ("bank_b.own", 20), ("fund_c.own", 10)):
        trading.trade("ministry.distribution", name, nominal=nominal * MILLION, paisa=100, **window)
    trading.move_to(record)
    late = trading.match(
        "bank_a.own",
        "bank_b.own",
        nominal=5 * MILLION,
        paisa=500 * MILLION,
        first_day=record,
        last_day=date(2021, 9, 1),
    )
    trading.move_to(due)
    trading.settle()
    assert trading.instruction(late)["settled_on"] == due.isoformat()

    payment = fix_the_coupon(trading, due)
    keep_in_escrow(trading, payment)
    claim_the_coupon(trading, payment, late)


def fix_the_coupon(trading: Trading, due: date) -> str:
    trading.tax_status("fund_c.own", "collective_scheme", True)
    with pytest.raises(NoTaxRateForDate, match="collective_scheme on 2021-08-20"):
        fix(trading, BOND_ISIN, PaymentKind.COUPON, due)
    trading.do(
        "central_bank",
        RecordTaxRates(
            rows=(
                TaxRateRow(
                    instrument="government_security",
                    holder_classes=("collective_scheme",),
                    first_day=date(2021, 5, 1),
                    last_day=date(2023, 12, 31),
                    active_percent=Decimal(0),
                    inactive_percent=Decimal(0),
                    source="made for tests",
                ),
            )
        ),
        pump=False,
    )
    trading.tax_status(
        "bank_b.own",
        "bank",
        True,
        valid_to=date(2021, 12, 31),
        certificate=Certificate.REDUCTION,
        certificate_number="RD/1",
        reduced_rate=Decimal("7.5"),
    )
    fixed = fix(trading, BOND_ISIN, PaymentKind.COUPON, due)
    payment: str = fixed["payment"]
    # 70m of face were held at the record date: 3.5 per 100.
    assert fixed["gross_paisa"] == 70 * MILLION * 7 // 2
    expected = {"bank_a.own": (40, 15_00), "bank_b.own": (20, 7_50), "fund_c.own": (10, 0)}
    for name, (millions, rate_bp) in expected.items():
        gross = millions * MILLION * 7 // 2
        assert line(trading, payment, name)["gross_paisa"] == gross
        assert line(trading, payment, name)["tax_paisa"] == gross * rate_bp // 10_000

    return payment


def keep_in_escrow(trading: Trading, payment: str) -> None:
    """A holder that may not receive: its money stays in escrow, with the reason."""
    trading.do("secp", SetLevel(participant="fund_c", level=Level.FROZEN, reason="court order"))
    fund_and_pay(trading, payment)
    shown = trading.world.view("payment", "central_bank_officer", payment=payment)
    assert (shown["state"], shown["escrow_paisa"]) == ("paid", 35 * MILLION)
    assert shown["reconciled"]
    kept = line(trading, payment, "fund_c.own")
    assert kept["state"] == "escrow"
    assert "is at level 4" in kept["reason"]
    gateway = trading.app.gateway(CODE)
    assert gateway.call("Payments", "escrow_of", shown["number"]) == 35 * MILLION
    with pytest.raises(NotFound):
        trading.do("central_bank", RetryEscrow(payment=payment, positions=(99,)))
    trading.do("central_bank", RetryEscrow(payment=payment))
    assert line(trading, payment, "fund_c.own")["state"] == "escrow"
    trading.do("secp", SetLevel(participant="fund_c", level=Level.ACTIVE, reason="lifted"))
    before = trading.cash("fund_c.own")
    trading.do("central_bank", RetryEscrow(payment=payment))
    assert trading.cash("fund_c.own") - before == 35 * MILLION
    shown = trading.world.view("payment", "fund_c_officer", payment=payment)
    assert (shown["state"], shown["escrow_paisa"]) == ("complete", 0)
    # A holder sees its own line, and no other.
    assert [one["account"] for one in shown["lines"]] == [trading.at("fund_c.own")]


def claim_the_coupon(trading: Trading, payment: str, late: str) -> None:
    """The trade was to settle on the record date and came a day later: A owes B what it got."""
    outcome = trading.do("central_bank", RaiseClaims(payment=payment), pump=False)
    net = 5 * MILLION * 7 // 2 * 85 // 100
    assert outcome.result is not None
    assert (outcome.result["claims"], outcome.result["total_paisa"]) == (1, net)
    again = trading.do("central_bank", RaiseClaims(payment=payment), pump=False)
    assert again.result is not None
    assert again.result["claims"] == 0
    before = trading.cash("bank_a.own"), trading.cash("bank_b.own")
    trading.do("bank_b", SettleClaim(trade=late, payment=payment))
    assert trading.cash("bank_a.own") == before[0] - net
    assert trading.cash("bank_b.own") == before[1] + net
    (claim,) = trading.world.view("claims", "bank_b_officer")
    assert (claim["state"], claim["paid_on"]) == ("paid", "2021-08-20")
    assert trading.world.view("claims", "fund_c_officer") == []
    with pytest.raises(ClaimNotDue):
        trading.do("bank_b", SettleClaim(trade=late, payment=payment))
    statement = trading.world.view(
        "withholding_statement",
        "central_bank_officer",
        first_day=MONDAY.isoformat(),
        last_day="2021-12-31",
    )
    assert statement["gross_paisa"] == statement["net_paisa"] + statement["tax_paisa"]
    # The statement is what the tax account holds.
    assert statement["tax_paisa"] == trading.cash("ministry.tax")
    mine = trading.world.view(
        "withholding_statement", "fund_c_officer", first_day="2021-01-01", last_day="2021-12-31"
    )
    assert len(mine["lines"]) == 1


def redeem_the_bond(trading: Trading) -> None:
    """Due on Sunday 20 August 2023: paid on Monday, to the holders of Friday; burnt with it."""
    due = date(2023, 8, 20)
    days = {
        (one["kind"], one["due_date"]): (one["record_date"], one["payment_date"])
        for one in trading.world.view("payment_calendar", isin=BOND_ISIN)
    }
    assert days["redemption", "2023-08-20"] == ("2023-08-18", "2023-08-21")
    assert days["coupon", "2022-02-20"] == ("2022-02-18", "2022-02-21")
    trading.move_to(date(2023, 8, 21))
    payment = fix(trading, BOND_ISIN, PaymentKind.REDEMPTION, due)["payment"]
    trading.fund("ministry.treasury", 70 * MILLION * 100)
    fund_and_pay(trading, payment)
    shown = trading.world.view("payment", payment=payment)
    assert (shown["state"], shown["tax_paisa"]) == ("complete", 0)
    assert shown["paid_paisa"] == 70 * MILLION * 100
    gateway = trading.app.gateway(CODE)
    assert gateway.call("Security", "redeemed", label=BOND_ISIN) == 70 * MILLION


def test_a_payment_is_funded_whole_or_not_at_all(trading: Trading) -> None:
    record_rates(trading)
    trading.tax_status("bank_a.own", "bank", True)
    trading.trade("ministry.distribution", "bank_a.own", nominal=10 * MILLION, paisa=100)
    due = date(2022, 2, 20)
    trading.move_to(date(2022, 2, 18))
    with pytest.raises(RecordDateNotClosed):
        fix(trading, BOND_ISIN, PaymentKind.COUPON, due)
    trading.move_to(date(2022, 2, 21))
    payment = fix(trading, BOND_ISIN, PaymentKind.COUPON, due)["payment"]
    # 35m paisa are due; with one less the ledger refuses, and nothing has moved.
    trading.fund("ministry.treasury", 35 * MILLION - 1)
    funding = FundPayment(
        payment=payment,
        payer=trading.at("ministry.treasury"),
        tax_account=trading.at("ministry.tax"),
    )
    trading.do("ministry", funding)
    shown = trading.world.view("payment", payment=payment)
    assert (shown["state"], shown["funded_paisa"]) == ("fixed", 0)
    assert "needs 35000000" in shown["reason"]
    assert trading.cash("ministry.treasury") == 35 * MILLION - 1
    # While payments are halted nothing is proposed.
    trading.do("secp", Halt(scope="payments", reason="a drill"))
    with pytest.raises(Halted):
        trading.do("ministry", funding)
    trading.do("central_bank", Resume(scope="payments", reason="over"))
    trading.fund("ministry.treasury", 1)
    fund_and_pay(trading, payment)
    assert trading.world.view("payment", payment=payment)["state"] == "complete"
    assert trading.cash("ministry.treasury") == 0
