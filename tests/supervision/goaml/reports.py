"""A suspicious-transaction report and a currency-transaction report as exchanges write them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from amanat.jurisdictions.goaml import load_goaml
from amanat.supervision.goaml.building import Heading, report_xml
from amanat.supervision.goaml.content import (
    ReportContent,
    ReportedAccount,
    ReportedAddress,
    ReportedPerson,
    ReportedPhone,
    ReportedSide,
    ReportedTransaction,
)
from amanat.supervision.goaml.gate import Expected

PACK = load_goaml("pk")
TODAY = date(2026, 3, 13)
REGISTRATION = "4711"
SCHEMA = Path(__file__).parent / "order.xsd"
HEADING = Heading(REGISTRATION, "EX-2026-0001", TODAY)
EXPECTED = Expected(TODAY, REGISTRATION)
REASON = (
    "The customer's account was credited on four days in amounts just below the threshold and "
    "emptied within the hour to one unhosted wallet; the declared income does not explain it."
)
LAHORE = ReportedAddress(address="12 Mall Road, Gulberg", district="Lahore", province="Punjab")


def customer(**changes: object) -> ReportedPerson:
    """A customer whose names are written in Urdu."""
    stated = {
        "first_name": "محمد علی",
        "last_name": "خان",
        "gender": "M",
        "birthdate": date(1988, 5, 17),
        "identifier": "3520212345671",
        "nationality": "PK",
        "residence": "PK",
        "phones": (ReportedPhone(number="03001234567"),),
        "addresses": (LAHORE,),
        "occupation": "Trader",
    }
    return ReportedPerson.model_validate(stated | changes)


def officer() -> ReportedPerson:
    """The compliance officer of who reports."""
    return ReportedPerson(
        first_name="Compliance", last_name="Officer", occupation="Compliance officer"
    )


def client_account() -> ReportedAccount:
    """The customer's account with who reports."""
    return ReportedAccount(
        institution_name="Exchange X (Private) Limited",
        institution_code="EXX",
        account="PKX-000017",
        account_name="محمد علی خان",
        client_number="17",
        opened=date(2025, 12, 20),
        owner=customer(),
    )


def bank_account() -> ReportedAccount:
    """The customer's account with a bank."""
    return ReportedAccount(
        institution_name="Bank A Limited",
        institution_code="BKA",
        bank=True,
        account="PK36BANK0000001123456702",
        account_name="Muhammad Ali Khan",
    )


def wallet() -> ReportedAccount:
    """A wallet that no provider keeps."""
    return ReportedAccount(
        institution_name="Unhosted wallet",
        account="bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh",
        currency="BTC",
    )


def deposit(number: str, day: date, amount: int, *, funds: str = "ELEC") -> ReportedTransaction:
    """Rupees that came from a bank to the customer."""
    return ReportedTransaction(
        number=number,
        day=day,
        description="Deposit of rupees from a bank account",
        location="Online",
        transmode="INTR",
        amount=amount,
        source=ReportedSide(funds=funds, account=bank_account()),
        target=ReportedSide(funds=funds, account=client_account(), my_client=True),
    )


def withdrawal(number: str, day: date, amount: int) -> ReportedTransaction:
    """An asset that went to an unhosted wallet."""
    return ReportedTransaction(
        number=number,
        day=day,
        description="Withdrawal of 0.61 BTC to an unhosted wallet",
        location="Online",
        transmode="INTR",
        amount=amount,
        source=ReportedSide(funds="VRTL", account=client_account(), my_client=True),
        target=ReportedSide(funds="VRTL", account=wallet()),
        comments="Network bitcoin",
    )


def suspicious(**changes: object) -> ReportContent:
    """A suspicious-transaction report of three transactions."""
    stated = {
        "report_code": "STR",
        "reporting_person": officer(),
        "location": LAHORE,
        "reason": REASON,
        "action": "Withdrawals wait for a second look; no word to the customer.",
        "transactions": (
            deposit("T-1", date(2026, 3, 9), 195_000_000),
            deposit("T-2", date(2026, 3, 10), 196_500_050),
            withdrawal("T-3", date(2026, 3, 10), 391_000_000),
        ),
        "indicators": ("VA-TXN", "VA-ANON"),
    }
    return ReportContent.model_validate(stated | changes)


def currency(**changes: object) -> ReportContent:
    """A currency-transaction report: two deposits of one day that reach PKR 2.0m together."""
    stated = {
        "report_code": "CTR",
        "reporting_person": officer(),
        "location": LAHORE,
        "reason": "Deposits of one day at or above the threshold",
        "action": "None",
        "transactions": (
            deposit("C-1", date(2026, 3, 9), 120_000_000),
            deposit("C-2", date(2026, 3, 9), 80_000_000),
        ),
        "indicators": ("CTR",),
    }
    return ReportContent.model_validate(stated | changes)


def golden(content: ReportContent | None = None, heading: Heading = HEADING) -> bytes:
    """The report's XML."""
    return report_xml(content or suspicious(), heading, PACK)
