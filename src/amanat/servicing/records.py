"""Reads what servicing rests on: payment dates, rates, lots, payments and their lines."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.calendars import Calendar, RollRule, Standing
from amanat.core.errors import NotFound, Refusal
from amanat.instruments.model import BillTerms, BondTerms, Terms
from amanat.instruments.schedule import coupon_schedule, payment_dates
from amanat.jurisdictions.conventions import load_convention
from amanat.jurisdictions.tax import TaxRow, TaxTable
from amanat.ledger import tables as ledger_tables
from amanat.ledger.typed_data import Entitlement as LedgerEntitlement
from amanat.ledger.typed_data import EntitlementTree
from amanat.ledger.wire import ZERO_ADDRESS
from amanat.participants.records import accounts_at
from amanat.programme.records import calendar_of, find_security, terms_in
from amanat.servicing.model import Lot, Move, PaymentKind, replay_lots
from amanat.servicing.tables import entitlement, payment, tax_rate
from amanat.settlement.tables import cycle, instruction


class NoSuchPayment(Refusal):
    """A payment falls on a coupon date or on maturity of the terms."""

    template: ClassVar[str] = "{isin} pays no {kind} on {due_date}."


@dataclass(frozen=True, slots=True)
class Due:
    """One payment that the terms promise: its days and what it pays per 100 of face."""

    isin: str
    kind: PaymentKind
    due_date: date
    payment_date: date
    record_date: date
    ex_date: date
    shut_from: date
    gross_per_100: Decimal
    taxable_per_100: Decimal
    on_discount: bool
    assumed: bool


def dues_of(terms: Terms, calendar: Calendar) -> tuple[Due, ...]:
    """Every payment of a security in order; a due date without settlement is paid on the next.

    The record date of a redemption is the last settlement day before it, on which the security
    moved for the last time.  Refuses as `payment_dates`.
    """
    convention = load_convention(terms.convention, terms.issue_date)
    assumed = bool({"record_days", "shut_days"} & set(convention.assumed))
    found = []
    if isinstance(terms, BondTerms):
        for period in coupon_schedule(terms, convention):
            days = payment_dates(period.end, convention, calendar)
            found.append(
                Due(
                    isin=str(terms.isin),
                    kind=PaymentKind.COUPON,
                    due_date=period.end,
                    payment_date=days.payment_date,
                    record_date=days.record_date,
                    ex_date=days.ex_dividend_from,
                    shut_from=days.shut_from,
                    gross_per_100=period.coupon,
                    taxable_per_100=period.coupon,
                    on_discount=False,
                    assumed=assumed or _is_uncertain(calendar, days.record_date, days.payment_date),
                )
            )
    base = calendar.roll(terms.maturity_date, RollRule.FOLLOWING)
    record = calendar.add_settlement_days(base, -1)
    paid = calendar.roll(terms.maturity_date, convention.payment_roll)
    found.append(
        Due(
            isin=str(terms.isin),
            kind=PaymentKind.REDEMPTION,
            due_date=terms.maturity_date,
            payment_date=paid,
            record_date=record,
            ex_date=base,
            shut_from=terms.maturity_date,
            gross_per_100=Decimal(100),
            taxable_per_100=Decimal(0),
            on_discount=isinstance(terms, BillTerms),
            assumed=_is_uncertain(calendar, record, paid),
        )
    )
    return tuple(found)


def _is_uncertain(calendar: Calendar, first: date, last: date) -> bool:
    """Whether a provisional or assumed day off lies between record and payment."""
    listed = calendar.unconfirmed(first, last)
    return any(one.standing is not Standing.CONFIRMED for one in listed)


def find_due(
    connection: Connection, programme: str, isin: str, kind: PaymentKind, due_date: date
) -> Due:
    """The payment of a security on a due date.  Refuses `NotFound`, `NoSuchPayment`."""
    terms = terms_in(find_security(connection, programme, isin))
    for due in dues_of(terms, calendar_of(connection, programme)):
        if (due.kind, due.due_date) == (kind, due_date):
            return due
    raise NoSuchPayment(isin=isin, kind=kind.value, due_date=due_date)


def tax_table_of(connection: Connection, programme: str) -> TaxTable:
    """The rates that the programme has recorded."""
    rows = connection.execute(
        sql.select(tax_rate).where(tax_rate.c.programme == programme).order_by(tax_rate.c.id)
    )
    return TaxTable(
        tuple(
            TaxRow(
                instrument=row.instrument,
                holder_classes=tuple(row.holder_classes),
                first_day=date.fromisoformat(row.first_day),
                last_day=date.fromisoformat(row.last_day),
                active_percent=Decimal(row.active_percent),
                inactive_percent=Decimal(row.inactive_percent),
                final=row.final,
                source=row.source,
                assumed=row.assumed,
            )
            for row in rows
        )
    )


# -- lots -----------------------------------------------------------------------------------------


def lots_of(
    connection: Connection, programme: str, isin: str, last_day: str
) -> dict[str, tuple[Lot, ...]]:
    """The lots of every account at the close of a day, replayed from the ledger's own events."""
    return replay_lots(_moves(connection, programme, isin, last_day))


def _moves(connection: Connection, programme: str, isin: str, last_day: str) -> Iterator[Move]:
    """Every movement of a security; a settled one at its consideration, others carried."""
    table = ledger_tables.event
    token = find_security(connection, programme, isin).address
    costs = _costs_by_digest(connection, programme, isin)
    cycles = _trades_by_cycle(connection, programme, isin)
    settling: dict[str, list[str]] = defaultdict(list)
    cycled: dict[str, str] = {}
    for row in connection.execute(
        sql.select(table.c.tx_hash, table.c.name, table.c.arguments).where(
            table.c.programme == programme,
            table.c.contract == "Settlement",
            table.c.name.in_(("InstructionsSettled", "CycleSettled")),
        )
    ):
        told = json.loads(row.arguments)
        if row.name == "CycleSettled":
            cycled[row.tx_hash] = told["trades"].removeprefix("0x")
        else:
            settling[row.tx_hash] += [one.removeprefix("0x") for one in told["digests"]]
    due: dict[str, dict[tuple[str, str, int], list[int]]] = {}
    done: set[str] = set()
    for row in connection.execute(
        sql.select(table.c.tx_hash, table.c.arguments, table.c.business_date)
        .where(table.c.address == token, table.c.name == "Transfer")
        .where(table.c.business_date <= last_day)
        .order_by(table.c.position)
    ):
        day = date.fromisoformat(row.business_date)
        trades = cycles.get(cycled.get(row.tx_hash, ""))
        if trades is not None:
            if row.tx_hash not in done:
                done.add(row.tx_hash)
                yield from (Move(day, *trade) for trade in trades)
            continue
        if row.tx_hash not in due:
            due[row.tx_hash] = _costs_in(settling.get(row.tx_hash, []), costs)
        yield _move(day, json.loads(row.arguments), due[row.tx_hash])


def _move(
    day: date, told: Mapping[str, str], costs: Mapping[tuple[str, str, int], list[int]]
) -> Move:
    giver, taker, nominal = told["sender"], told["receiver"], int(told["value"])
    paid = costs.get((giver, taker, nominal))
    return Move(
        day,
        None if giver == ZERO_ADDRESS else giver,
        None if taker == ZERO_ADDRESS else taker,
        nominal,
        paid.pop(0) if paid else None,
    )


def _costs_by_digest(
    connection: Connection, programme: str, isin: str
) -> dict[str, tuple[str, str, int, int]]:
    table = instruction
    rows = connection.execute(
        sql.select(
            table.c.digest,
            table.c.deliverer,
            table.c.receiver,
            table.c.nominal,
            table.c.consideration_paisa,
        ).where(
            table.c.programme == programme,
            table.c.isin == isin,
            table.c.state == "settled",
            table.c.digest.is_not(None),
            table.c.consideration_paisa > 0,
        )
    )
    return {row.digest: (row[1], row[2], row[3], row[4]) for row in rows}


def _costs_in(
    digests: list[str], costs: Mapping[str, tuple[str, str, int, int]]
) -> dict[tuple[str, str, int], list[int]]:
    """What was paid in one chain transaction, by giver, taker and nominal, in its order."""
    found: dict[tuple[str, str, int], list[int]] = {}
    for digest in digests:
        if digest in costs:
            giver, taker, nominal, paid = costs[digest]
            found.setdefault((giver, taker, nominal), []).append(paid)
    return found


def _trades_by_cycle(
    connection: Connection, programme: str, isin: str
) -> dict[str, list[tuple[str, str, int, int]]]:
    table = instruction
    rows = connection.execute(
        sql.select(
            cycle.c.digest,
            table.c.deliverer,
            table.c.receiver,
            table.c.nominal,
            table.c.consideration_paisa,
        )
        .join(cycle, (cycle.c.programme == table.c.programme) & (cycle.c.id == table.c.cycle))
        .where(table.c.programme == programme, table.c.isin == isin, cycle.c.state == "settled")
        .order_by(table.c.id)
    )
    found: dict[str, list[tuple[str, str, int, int]]] = {}
    for row in rows:
        found.setdefault(row.digest, []).append((row[1], row[2], row[3], row[4]))
    return found


# -- payments -------------------------------------------------------------------------------------


def find_payment(connection: Connection, programme: str, identifier: str) -> Row[Any]:
    """One payment, locked until the transaction ends.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(payment)
        .where(payment.c.programme == programme, payment.c.id == identifier)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="payment", value=identifier)
    return row


def find_payment_to_read(connection: Connection, programme: str, identifier: str) -> Row[Any]:
    """One payment for a view.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(payment).where(payment.c.programme == programme, payment.c.id == identifier)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="payment", value=identifier)
    return row


def update_payment(connection: Connection, programme: str, identifier: str, **values: Any) -> None:
    """Change one payment."""
    connection.execute(
        sql.update(payment)
        .where(payment.c.programme == programme, payment.c.id == identifier)
        .values(**values)
    )


def lines_of(connection: Connection, programme: str, identifier: str) -> list[Row[Any]]:
    """The entitlements of a payment in the order of its tree."""
    return list(
        connection.execute(
            sql.select(entitlement)
            .where(entitlement.c.programme == programme, entitlement.c.payment == identifier)
            .order_by(entitlement.c.position)
        )
    )


def ledger_entitlement(row: Row[Any]) -> LedgerEntitlement:
    """An entitlement as the ledger proves it."""
    return LedgerEntitlement(row.position, row.account, row.nominal, row.gross_paisa, row.tax_paisa)


def tree_of(connection: Connection, programme: str, identifier: str) -> EntitlementTree:
    """The Merkle-sum tree of a payment's entitlements."""
    rows = lines_of(connection, programme, identifier)
    return EntitlementTree([ledger_entitlement(row) for row in rows])


SETTLES_CLAIMS = frozenset({"agent", "registrar", "issuer", "cash_issuer"})
"""Capacities of institutions that may have any claim settled; a party may have its own."""


def claim_concerns(
    connection: Connection, row: Row[Any], institution: str, capacities: Iterable[str]
) -> bool:
    """Whether a claim is this institution's to know of."""
    if SETTLES_CLAIMS & set(capacities):
        return True
    owners = accounts_at(connection, row.programme, [row.debtor, row.creditor]).values()
    return institution in {one.participant for one in owners}
