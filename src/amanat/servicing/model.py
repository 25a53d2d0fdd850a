"""Entitlements, tax at source, lots at cost and the sums that every payment keeps: pure laws.

Money is an integer of paisa, nominal an integer of units (1 unit = 1 rupee of face), a rate is a
`Decimal` in per cent.  Nothing is rounded but where a `Rounding` is named.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Corrupt, Invalid, Refusal
from amanat.core.quantities import EXACT, Rounding, round_to

PAISA_PER_UNIT = 100
ANY_CLASS = "*"


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
    PAID = "paid"
    """Every entitlement has been tried; what could not be received stays in escrow."""
    COMPLETE = "complete"
    """The escrow is empty."""


class Filer(StrEnum):
    """Where the holder stands with the active taxpayers list on the payment date."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ANY = "any"
    """A rate for both."""


class NoTaxRate(Refusal):
    """A dated rate never reaches beyond its dates: what is missing is refused."""

    template: ClassVar[str] = (
        "No tax rate on {income} is known for {holder_class} ({filer} taxpayer) on {day}."
    )


class OverlappingTaxRates(Invalid):
    """Two rates for one holder class and day cannot both be the rate."""

    template: ClassVar[str] = (
        "The rate on {income} for {holder_class} ({filer}) from {first_day} overlaps another."
    )


class InvalidTaxRate(Invalid):
    """A rate lies between 0 and 100 per cent, for days in their order."""

    template: ClassVar[str] = "{reason}."


class LotsMissing(Refusal):
    """A discount is taxed on what the holder paid: nominal without a recorded cost is refused."""

    template: ClassVar[str] = "{account} holds {held} units but lots for {known} only."


@dataclass(frozen=True, slots=True)
class TaxRate:
    """One row of the dated table of rates at source (in Pakistan Income Tax Ordinance 2001)."""

    income: str
    holder_class: str
    filer: Filer
    rate: Decimal
    first_day: date
    last_day: date
    source: str
    assumed: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 100:
            raise InvalidTaxRate(reason=f"a rate of {self.rate} per cent is not from 0 to 100")
        if self.first_day > self.last_day:
            raise InvalidTaxRate(reason=f"{self.first_day} is after {self.last_day}")
        if not self.source and not self.assumed:
            raise InvalidTaxRate(reason="a rate names its source or is marked as assumed")


@dataclass(frozen=True, slots=True)
class TaxStatus:
    """What is known of a holder on the payment date.

    `exemption` is the certificate that exempts; `reduced_rate` stands with `certificate`.
    """

    holder_class: str
    active_taxpayer: bool
    exemption: str | None = None
    reduced_rate: Decimal | None = None
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Levy:
    """The rate that applies to one holder, and why."""

    rate: Decimal
    basis: str
    assumed: bool


def overlapping(rates: Iterable[TaxRate]) -> OverlappingTaxRates | None:
    """The first rate whose days overlap those of an earlier one for the same holders."""
    seen: dict[tuple[str, str, Filer], list[TaxRate]] = {}
    for rate in rates:
        same = seen.setdefault((rate.income, rate.holder_class, rate.filer), [])
        for other in same:
            if rate.first_day <= other.last_day and other.first_day <= rate.last_day:
                return OverlappingTaxRates(
                    income=rate.income,
                    holder_class=rate.holder_class,
                    filer=rate.filer.value,
                    first_day=rate.first_day,
                )
        same.append(rate)
    return None


def levy_on(rates: Sequence[TaxRate], income: str, status: TaxStatus, day: date) -> Levy:
    """The rate at source on `income` of a holder on the payment date `day`.

    In this order: an exemption certificate, a certificate of reduced rate, the rate of the
    holder's class, the rate for every other class; within a class the row for the holder's place
    on the active taxpayers list before the row for both.  Refuses `NoTaxRate`.
    """
    if status.exemption is not None:
        return Levy(Decimal(0), f"exempt: {status.exemption}", False)
    if status.reduced_rate is not None:
        return Levy(status.reduced_rate, f"reduced: {status.certificate}", False)
    filer = Filer.ACTIVE if status.active_taxpayer else Filer.INACTIVE
    for holder_class in (status.holder_class, ANY_CLASS):
        for wanted in (filer, Filer.ANY):
            for rate in rates:
                if (rate.income, rate.holder_class, rate.filer) == (
                    income,
                    holder_class,
                    wanted,
                ) and rate.first_day <= day <= rate.last_day:
                    return Levy(rate.rate, rate.source or "assumed", rate.assumed)
    raise NoTaxRate(income=income, holder_class=status.holder_class, filer=filer.value, day=day)


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


def lots_between(acquired: Sequence[Lot], first: int, last: int) -> tuple[Lot, ...]:
    """Units `first` to `last` (the latter not included) of all that was acquired, oldest first.

    A lot that is cut shares its cost so that the parts always sum to the whole, wherever and how
    often it is cut.
    """
    found: list[Lot] = []
    offset = 0
    for lot in acquired:
        start, end = max(first - offset, 0), min(last - offset, lot.nominal)
        if start < end:
            cost = lot.cost_paisa * end // lot.nominal - lot.cost_paisa * start // lot.nominal
            found.append(Lot(lot.acquired_on, end - start, cost))
        offset += lot.nominal
    return tuple(found)


def lots_held(acquired: Sequence[Lot], held: int, account: str = "") -> tuple[Lot, ...]:
    """The lots left of `acquired` (oldest first) when `held` units are left: first in, first out.

    What has been given away is always the oldest, so what is left is always the latest `held`
    units, whatever the order of purchases and sales was.  Refuses `LotsMissing`.
    """
    known = sum(lot.nominal for lot in acquired)
    if held > known:
        raise LotsMissing(account=account, held=held, known=known)
    return lots_between(acquired, known - held, known)


def lots_given(
    acquired: Sequence[Lot], held: int, given: int, account: str = ""
) -> tuple[Lot, ...]:
    """The lots that leave with the next `given` of `held` units: the oldest that are left.

    Used where a holding is carried to another account of its holder at its own cost.
    Refuses `LotsMissing`.
    """
    known = sum(lot.nominal for lot in acquired)
    if held > known or given > held:
        raise LotsMissing(account=account, held=max(held, given), known=min(known, held))
    return lots_between(acquired, known - held, known - held + given)


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
    income: str
    on_discount: bool
    payment_date: date
    amount_rounding: Rounding = Rounding.HALF_UP
    tax_rounding: Rounding = Rounding.HALF_UP


def entitlements(
    holders: Sequence[Holder], terms: PaymentTerms, rates: Sequence[TaxRate]
) -> tuple[Entitlement, ...]:
    """What each holder is due, in the order of `holders`; those that hold nothing are left out.

    Refuses `NoTaxRate`, `LotsMissing`.
    """
    found = []
    for holder in holders:
        if holder.nominal == 0:
            continue
        gross = amount_per_100(holder.nominal, terms.gross_per_100, terms.amount_rounding)
        if terms.on_discount:
            lots = lots_held(holder.lots, holder.nominal, holder.account)
            base = max(0, gross - sum(lot.cost_paisa for lot in lots))
        else:
            base = amount_per_100(holder.nominal, terms.taxable_per_100, terms.amount_rounding)
        levy = (
            levy_on(rates, terms.income, holder.status, terms.payment_date)
            if base
            else Levy(Decimal(0), "nothing taxable", False)
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

    @property
    def difference_paisa(self) -> int:
        """Cash in less cash out less what is kept; nothing, unless something is wrong."""
        return self.funded_paisa - self.paid_paisa - self.tax_paisa - self.escrow_paisa


def check_reconciled(payment: str, sums: Reconciliation) -> None:
    """Raise `Corrupt` unless paid + tax + escrow equals the funding."""
    if sums.difference_paisa:
        raise Corrupt(
            f"payment {payment}: funded {sums.funded_paisa} paisa, paid {sums.paid_paisa}, "
            f"tax {sums.tax_paisa}, escrow {sums.escrow_paisa}: "
            f"{sums.difference_paisa} paisa are unaccounted for"
        )


def by_class(of: Sequence[Entitlement]) -> Mapping[str, Totals]:
    """The sums per holder class, as a withholding statement shows them."""
    classes = sorted({one.holder_class for one in of})
    return {name: totals([one for one in of if one.holder_class == name]) for name in classes}
