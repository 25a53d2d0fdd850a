"""Entitlements, tax at source, lots at cost and the sums that every payment keeps: pure laws.

Money is an integer of paisa, nominal an integer of units (1 unit = 1 rupee of face), a rate is a
`Decimal` in per cent.  Nothing is rounded but where a `Rounding` is named.
"""

from __future__ import annotations

import decimal
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Corrupt, Refusal
from amanat.core.quantities import EXACT, Rounding, round_to
from amanat.jurisdictions.tax import TaxTable
from amanat.participants.model import Certificate, TaxStatus

PAISA_PER_UNIT = 100


class PaymentKind(StrEnum):
    """What a payment pays."""

    COUPON = "coupon"
    REDEMPTION = "redemption"


class PaymentState(StrEnum):
    """The life of a payment."""

    FIXED = "fixed"
    """Entitlements and tax are fixed; no money has moved."""
    FUNDING = "funding"
    """The whole funding has been given to the ledger."""
    FUNDED = "funded"
    """The escrow holds the whole; chunks are paid."""
    LISTED = "listed"
    """The rest is listed to be paid by other systems; the ledger is asked for nothing of it."""
    RECORDING = "recording"
    """That it was paid by other systems has been given to the ledger."""
    PAID = "paid"
    """Every entitlement has been tried; what could not be received stays in escrow."""
    COMPLETE = "complete"
    """The escrow is empty."""


class LotsMissing(Refusal):
    """A discount is taxed on what the holder paid: nominal without a recorded cost is refused."""

    template: ClassVar[str] = "{account} holds {held} units but lots for {known}."


@dataclass(frozen=True, slots=True)
class Levy:
    """The rate that applies to one holder, and why."""

    rate: Decimal
    basis: str
    source: str
    assumed: bool


NOTHING_TAXABLE = Levy(Decimal(0), "nothing taxable", "", False)


def levy_on(table: TaxTable, instrument: str, status: TaxStatus, day: date) -> Levy:
    """The rate at source on `instrument` of a holder who stands so on the payment date `day`.

    A certificate of exemption or reduction goes before the table.  Refuses as
    `TaxTable.withholding`: a date that no row covers, a class that it does not know.
    """
    certificate = None
    if status.certificate is Certificate.EXEMPTION:
        certificate = Decimal(0)
    elif status.certificate is Certificate.REDUCTION:
        certificate = status.reduced_rate
    found = table.withholding(
        instrument,
        status.holder_class,
        active_taxpayer=status.active_taxpayer,
        on=day,
        certificate_percent=certificate,
    )
    basis = "active taxpayer" if status.active_taxpayer else "not an active taxpayer"
    if found.certificate:
        basis = f"{status.certificate} certificate"
    return Levy(found.percent, basis, found.source, found.assumed)


def tax_of(base_paisa: int, rate: Decimal, rounding: Rounding) -> int:
    """`rate` per cent of a base in paisa, rounded to the paisa; a loss is not taxed."""
    if base_paisa <= 0:
        return 0
    with decimal.localcontext(EXACT):
        return int(round_to(Decimal(base_paisa) * rate / 100, 0, rounding))


def amount_per_100(nominal: int, per_100: Decimal, rounding: Rounding) -> int:
    """What `nominal` units are paid at `per_100` rupees for 100 of face, in paisa.

    >>> amount_per_100(5_000_000, Decimal("3.5"), Rounding.HALF_UP)
    17500000
    """
    with decimal.localcontext(EXACT):
        return int(round_to(Decimal(nominal) * per_100 * PAISA_PER_UNIT / 100, 0, rounding))


@dataclass(frozen=True, slots=True)
class Lot:
    """Nominal acquired at one time at one cost, in the order of acquisition."""

    acquired_on: date
    nominal: int
    cost_paisa: int


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of a security, in the order of the ledger.

    `giver` is None where nominal was created, `taker` where it was destroyed.  `cost_paisa` is
    what the taker paid; without it the giver's lots are carried to the taker at their own cost.
    """

    day: date
    giver: str | None
    taker: str | None
    nominal: int
    cost_paisa: int | None


def replay_lots(moves: Iterable[Move]) -> dict[str, tuple[Lot, ...]]:
    """The lots of every account after `moves`: first in, first out.

    Created nominal has no cost until somebody pays for it, and is no lot.
    """
    lots: dict[str, deque[Lot]] = {}
    for move in moves:
        given: list[Lot] = []
        if move.giver is not None:
            given = _take(lots.setdefault(move.giver, deque()), move.nominal)
        if move.taker is None:
            continue
        if move.cost_paisa is not None:
            given = [Lot(move.day, move.nominal, move.cost_paisa)]
        lots.setdefault(move.taker, deque()).extend(given)
    return {account: tuple(left) for account, left in lots.items() if left}


def _take(lots: deque[Lot], nominal: int) -> list[Lot]:
    """The oldest lots up to `nominal`; a lot that is cut shares its cost without loss."""
    taken: list[Lot] = []
    while nominal and lots:
        lot = lots.popleft()
        if lot.nominal > nominal:
            part = lot.cost_paisa * nominal // lot.nominal
            lots.appendleft(Lot(lot.acquired_on, lot.nominal - nominal, lot.cost_paisa - part))
            lot = Lot(lot.acquired_on, nominal, part)
        taken.append(lot)
        nominal -= lot.nominal
    return taken


def check_lots(lots: Sequence[Lot], held: int, account: str) -> None:
    """Refuse `LotsMissing` unless the lots are of exactly what is held."""
    known = sum(lot.nominal for lot in lots)
    if known != held:
        raise LotsMissing(account=account, held=held, known=known)


@dataclass(frozen=True, slots=True)
class Holder:
    """An account on the record date: what it holds, who it is for tax, what it paid."""

    account: str
    institution: str
    nominal: int
    status: TaxStatus
    lots: tuple[Lot, ...] = ()


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What one holder is due: gross = net + tax."""

    account: str
    institution: str
    holder_class: str
    nominal: int
    gross_paisa: int
    tax_base_paisa: int
    levy: Levy
    tax_paisa: int

    @property
    def net_paisa(self) -> int:
        """What reaches the holder."""
        return self.gross_paisa - self.tax_paisa


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """What is paid per 100 of face and how it is taxed.

    `on_discount`: the base is the gross less the cost of the lots held (bills, and only they);
    otherwise `taxable_per_100` of the face is the base (a bond's coupon, not its principal).
    """

    gross_per_100: Decimal
    taxable_per_100: Decimal
    instrument: str
    on_discount: bool
    payment_date: date
    amount_rounding: Rounding = Rounding.HALF_UP
    tax_rounding: Rounding = Rounding.HALF_UP


def entitlements(
    holders: Sequence[Holder], terms: PaymentTerms, table: TaxTable
) -> tuple[Entitlement, ...]:
    """What each holder is due, in the order of `holders`; those that hold nothing are left out.

    Refuses `LotsMissing` and as `levy_on`.
    """
    found = []
    for holder in holders:
        if holder.nominal == 0:
            continue
        gross = amount_per_100(holder.nominal, terms.gross_per_100, terms.amount_rounding)
        if terms.on_discount:
            check_lots(holder.lots, holder.nominal, holder.account)
            base = max(0, gross - sum(lot.cost_paisa for lot in holder.lots))
        else:
            base = amount_per_100(holder.nominal, terms.taxable_per_100, terms.amount_rounding)
        levy = (
            levy_on(table, terms.instrument, holder.status, terms.payment_date)
            if base
            else NOTHING_TAXABLE
        )
        found.append(
            Entitlement(
                account=holder.account,
                institution=holder.institution,
                holder_class=holder.status.holder_class,
                nominal=holder.nominal,
                gross_paisa=gross,
                tax_base_paisa=base,
                levy=levy,
                tax_paisa=tax_of(base, levy.rate, terms.tax_rounding),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a payment, in paisa and units."""

    holders: int
    nominal: int
    gross_paisa: int
    tax_paisa: int
    net_paisa: int


def totals(of: Sequence[Entitlement]) -> Totals:
    """The sums over entitlements; gross = net + tax, line by line and in sum."""
    return Totals(
        holders=len(of),
        nominal=sum(one.nominal for one in of),
        gross_paisa=sum(one.gross_paisa for one in of),
        tax_paisa=sum(one.tax_paisa for one in of),
        net_paisa=sum(one.net_paisa for one in of),
    )


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Where the money of a payment is: what was funded, and what became of it."""

    funded_paisa: int
    paid_paisa: int
    tax_paisa: int
    escrow_paisa: int
    outside_paisa: int = 0

    @property
    def difference_paisa(self) -> int:
        """Cash in less cash out less what is kept; nothing, unless something is wrong."""
        gone = self.paid_paisa + self.tax_paisa + self.outside_paisa
        return self.funded_paisa - gone - self.escrow_paisa


def check_reconciled(payment: str, sums: Reconciliation) -> None:
    """Raise `Corrupt` unless paid + tax + escrow + paid outside equals the funding."""
    if sums.difference_paisa:
        raise Corrupt(
            f"payment {payment}: funded {sums.funded_paisa} paisa, paid {sums.paid_paisa}, "
            f"tax {sums.tax_paisa}, escrow {sums.escrow_paisa}, outside {sums.outside_paisa}: "
            f"{sums.difference_paisa} paisa are unaccounted for"
        )


def by_class(of: Sequence[Entitlement]) -> Mapping[str, Totals]:
    """The sums per holder class, as a withholding statement shows them."""
    classes = sorted({one.holder_class for one in of})
    return {name: totals([one for one in of if one.holder_class == name]) for name in classes}
