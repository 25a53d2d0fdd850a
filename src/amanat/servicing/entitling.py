"""Who is entitled to a payment, and to how much: the holders of its record date, line by line."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.engine import Connection

from amanat.core.errors import NotFound, Refusal
from amanat.ledger.balances import balances_at
from amanat.participants.model import TaxStatusMissing, status_on
from amanat.participants.records import tax_statuses_by_account
from amanat.programme.records import find_security
from amanat.register.records import account_rows
from amanat.servicing.commands import FixEntitlements
from amanat.servicing.model import Entitlement, Holder, PaymentTerms, entitlements
from amanat.servicing.records import Due, lots_of, tax_table_of

NOT_HOLDERS = ("distribution",)
"""Kinds of accounts that are paid nothing: what lies unsold has no holder yet."""


class NobodyEntitled(Refusal):
    """A payment has at least one holder."""

    template: ClassVar[str] = "Nobody held {isin} on {record_date}."


def holders_of_record(connection: Connection, programme: str, due: Due) -> list[Holder]:
    """Holders at the close of the record date, in the order of their accounts.

    Refuses, in order: `NotFound`, `TaxStatusMissing`, `NobodyEntitled`.
    """
    token = find_security(connection, programme, due.isin).address
    record = due.record_date.isoformat()
    accounts = account_rows(connection, programme)
    statuses = tax_statuses_by_account(connection, programme)
    lots = lots_of(connection, programme, due.isin, record) if due.on_discount else {}
    found = []
    for address, units in sorted(balances_at(connection, token, business_date=record).items()):
        row = accounts.get(address)
        if row is None:
            raise NotFound(thing="account", value=address)
        if row.kind in NOT_HOLDERS:
            continue
        status = status_on(statuses.get(address, ()), due.payment_date)
        if status is None:
            raise TaxStatusMissing(address=address, day=due.payment_date)
        found.append(
            Holder(
                account=address,
                institution=row.participant,
                nominal=units,
                status=status,
                lots=lots.get(address, ()),
            )
        )
    if not found:
        raise NobodyEntitled(isin=due.isin, record_date=due.record_date)
    return found


def lines_for(
    connection: Connection,
    programme: str,
    command: FixEntitlements,
    due: Due,
    holders: list[Holder],
) -> tuple[Entitlement, ...]:
    """What each holder is due: gross, tax and net, by the rates of the payment date.

    Refuses, in order: `LotsMissing`, `UnknownHolderClass`, `NoTaxRateForDate`.
    """
    terms = PaymentTerms(
        gross_per_100=due.gross_per_100,
        taxable_per_100=due.taxable_per_100,
        instrument=command.instrument,
        on_discount=due.on_discount,
        payment_date=due.payment_date,
        amount_rounding=command.amount_rounding,
        tax_rounding=command.tax_rounding,
    )
    return entitlements(holders, terms, tax_table_of(connection, programme))
