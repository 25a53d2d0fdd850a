"""Terms of a security: what was promised, once and for all.

Terms are data.  `terms_from` reads them from plain fields and reports every mistake at once; a
tuple of small laws is the rulebook.  `terms_hash` is what an authorisation signs and what the
ledger keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from amanat.core.canonical import canonical_bytes
from amanat.core.dates import EPOCH, add_months, date_from, days_between
from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.identifiers import Cfi, Fisn, Isin
from amanat.core.messages import Message, Word
from amanat.core.money import minor_digits
from amanat.core.quantities import UNITS_MAX, Nominal, decimal_from, integer_from, text_from

COUPON_RATE_MAX_PERCENT = 100
TERM_YEARS_MAX = 100
COUPONS_PER_YEAR = (1, 2, 3, 4, 6, 12)

BILL = "bill"
BOND = "bond"


class InvalidTerms(Invalid):
    """The terms contradict themselves or lack something."""

    template: ClassVar[str] = "{reason}."


class MaturityBeforeIssue(Invalid):
    """A security matures after it is issued, and within a hundred years."""

    template: ClassVar[str] = "Issued {issue_date}, it cannot mature {maturity_date}."


class CouponRateOutOfRange(Invalid):
    """A fixed coupon lies between 0 and 100 per cent a year."""

    template: ClassVar[str] = (
        "A coupon of {coupon_rate} per cent is not between 0 and {percent_max}."
    )


class UnknownFrequency(Invalid):
    """A bond pays a number of coupons a year that divides into whole months."""

    template: ClassVar[str] = "{coupons_per_year} coupons a year are not 1, 2, 3, 4, 6 or 12."


class CfiContradictsTerms(Invalid):
    """The CFI names the same kind of instrument as the terms (ISO 10962)."""

    template: ClassVar[str] = "CFI {cfi} does not describe a {kind}: {expected} would."


class NotInDenomination(Invalid):
    """A nominal is a positive multiple of the security's denomination."""

    template: ClassVar[str] = (
        "{units} is not a positive multiple of the denomination {denomination}."
    )


@dataclass(frozen=True, slots=True)
class BillTerms:
    """A discount security: one payment of its nominal at maturity."""

    isin: Isin
    cfi: Cfi
    fisn: Fisn
    currency: str
    issue_date: date
    maturity_date: date
    denomination: int
    convention: str
    calendar: str

    kind: ClassVar[str] = BILL

    def canonical(self) -> dict[str, str]:
        """The terms as text fields, the one form from which the hash is taken."""
        return _canonical(self)

    def nominal(self, units: int) -> Nominal:
        """A nominal of this security.  Refuses `NotInDenomination`, `InvalidNominal`."""
        return _nominal(self, units)


@dataclass(frozen=True, slots=True)
class BondTerms:
    """A fixed-rate bullet bond: `coupon_rate` per cent a year, nominal at maturity.

    Coupon dates step back from maturity, or forward from issue, as its convention says.
    `first_coupon_date` stands only where the first coupon is irregular and long.
    """

    isin: Isin
    cfi: Cfi
    fisn: Fisn
    currency: str
    issue_date: date
    maturity_date: date
    denomination: int
    convention: str
    calendar: str
    coupon_rate: Decimal
    coupons_per_year: int
    end_of_month: bool = False
    first_coupon_date: date | None = None

    kind: ClassVar[str] = BOND

    @property
    def months_per_coupon(self) -> int:
        """Months from one coupon date to the next."""
        return 12 // self.coupons_per_year

    def canonical(self) -> dict[str, str]:
        """The terms as text fields, the one form from which the hash is taken."""
        return _canonical(self)

    def nominal(self, units: int) -> Nominal:
        """A nominal of this security.  Refuses `NotInDenomination`, `InvalidNominal`."""
        return _nominal(self, units)


Terms = BillTerms | BondTerms


def _canonical(terms: Terms) -> dict[str, str]:
    """Every field as text, absent ones left out; `kind` says which form it is."""
    found = {"kind": terms.kind}
    for field in fields(terms):
        value = getattr(terms, field.name)
        if isinstance(value, bool):
            found[field.name] = "true" if value else "false"
        elif isinstance(value, Decimal):
            found[field.name] = text_from(value)
        elif value is not None:
            found[field.name] = str(value)
    return found


def _nominal(terms: Terms, units: int) -> Nominal:
    nominal = Nominal(terms.isin, units)
    if units == 0 or units % terms.denomination:
        raise NotInDenomination(units=units, denomination=terms.denomination)
    return nominal


def terms_hash(terms: Terms) -> bytes:
    """SHA-256 over the canonical JSON of the terms: 32 bytes."""
    return hashlib.sha256(canonical_bytes(terms.canonical())).digest()


Value = TypeVar("Value")
Law = Callable[[Terms], Refusal | None]


def _issued_since_the_epoch(terms: Terms) -> Refusal | None:
    if terms.issue_date >= EPOCH:
        return None
    reason = Message(
        "the ledger counts days from {epoch_day}, and {issue_date} is before it",
        epoch_day=EPOCH,
        issue_date=terms.issue_date,
    )
    return InvalidTerms(place=Place(field="issue_date"), reason=reason)


def _matures_after_issue(terms: Terms) -> Refusal | None:
    latest_year = terms.issue_date.year + TERM_YEARS_MAX
    if terms.issue_date < terms.maturity_date and terms.maturity_date.year <= latest_year:
        return None
    return MaturityBeforeIssue(
        place=Place(field="maturity_date"),
        issue_date=terms.issue_date,
        maturity_date=terms.maturity_date,
    )


def _bill_within_a_year(terms: Terms) -> Refusal | None:
    days = days_between(terms.issue_date, terms.maturity_date)
    if isinstance(terms, BondTerms) or days <= 366:
        return None
    reason = Message("a bill runs at most 366 days, not {days}", days=days)
    return InvalidTerms(place=Place(field="maturity_date"), reason=reason)


def _denomination_positive(terms: Terms) -> Refusal | None:
    if 0 < terms.denomination <= UNITS_MAX:
        return None
    reason = Message(
        "a denomination of {denomination} is not between 1 and {maximum}",
        denomination=terms.denomination,
        maximum=UNITS_MAX,
    )
    return InvalidTerms(place=Place(field="denomination"), reason=reason)


def _cfi_fits(terms: Terms) -> Refusal | None:
    if isinstance(terms, BillTerms):
        fits, expected = terms.cfi.is_money_market and terms.cfi.is_zero_rate, "DYZ..."
    else:
        zero = terms.coupon_rate == 0
        fits = terms.cfi[0:3] == ("DBZ" if zero else "DBF")
        expected = "DBZ..." if zero else "DBF..."
    if fits:
        return None
    place = Place(field="cfi")
    return CfiContradictsTerms(place=place, cfi=terms.cfi, kind=terms.kind, expected=expected)


def _coupon_rate_in_range(terms: Terms) -> Refusal | None:
    if isinstance(terms, BillTerms) or 0 <= terms.coupon_rate <= COUPON_RATE_MAX_PERCENT:
        return None
    return CouponRateOutOfRange(
        place=Place(field="coupon_rate"),
        coupon_rate=terms.coupon_rate,
        percent_max=COUPON_RATE_MAX_PERCENT,
    )


def _frequency_known(terms: Terms) -> Refusal | None:
    if isinstance(terms, BillTerms) or terms.coupons_per_year in COUPONS_PER_YEAR:
        return None
    place = Place(field="coupons_per_year")
    return UnknownFrequency(place=place, coupons_per_year=terms.coupons_per_year)


def _first_coupon_on_grid(terms: Terms) -> Refusal | None:
    if isinstance(terms, BillTerms) or terms.first_coupon_date is None:
        return None
    if terms.coupons_per_year not in COUPONS_PER_YEAR or terms.issue_date < EPOCH:
        return None
    first, maturity, step = terms.first_coupon_date, terms.maturity_date, terms.months_per_coupon
    months = (maturity.year - first.year) * 12 + maturity.month - first.month
    stepped = add_months(maturity, -months, end_of_month=terms.end_of_month)
    on_grid = terms.issue_date < first <= maturity and months % step == 0 and stepped == first
    if (
        on_grid
        and add_months(first, -2 * step, end_of_month=terms.end_of_month) <= terms.issue_date
    ):
        return None
    reason = Message(
        "the first coupon date {first_coupon_date} is not whole coupon periods before maturity, "
        "or not within two of them after issue",
        first_coupon_date=first,
    )
    return InvalidTerms(place=Place(field="first_coupon_date"), reason=reason)


LAWS: tuple[Law, ...] = (
    _issued_since_the_epoch,
    _matures_after_issue,
    _bill_within_a_year,
    _denomination_positive,
    _cfi_fits,
    _coupon_rate_in_range,
    _frequency_known,
    _first_coupon_on_grid,
)
"""What terms must keep, in the order in which it is reported."""


def _text(value: Any) -> str:
    known = isinstance(value, str) and 0 < len(value) <= 40 and value.isascii()
    if not known or not value.replace("-", "").replace("_", "").isalnum():
        raise InvalidTerms(reason=Message("{value!r} is not a code", value=str(value)[:40]))
    return str(value)


def _currency(value: Any) -> str:
    minor_digits(_text(value))
    return str(value)


def _flag(value: Any) -> bool:
    if value in ("true", "false"):
        return bool(value == "true")
    if isinstance(value, bool):
        return value
    raise InvalidTerms(reason=Message("{value!r} is neither true nor false", value=str(value)[:40]))


_READERS: Mapping[str, Callable[[Any], object]] = {
    "isin": Isin,
    "cfi": Cfi,
    "fisn": Fisn,
    "currency": _currency,
    "issue_date": date_from,
    "maturity_date": date_from,
    "denomination": integer_from,
    "convention": _text,
    "calendar": _text,
    "coupon_rate": decimal_from,
    "coupons_per_year": integer_from,
    "end_of_month": _flag,
    "first_coupon_date": date_from,
}

_OPTIONAL = {"end_of_month", "first_coupon_date"}


def terms_from(given: Mapping[str, object]) -> Terms:
    """Terms from plain fields, as a file, a form or `canonical()` holds them.

    `kind` is `bill` or `bond`; the other fields are those of `BillTerms` and `BondTerms`, with
    dates and numbers as text or as themselves.  Refuses all mistakes at once, each with its
    field as its place: the single refusal itself, or `Refusals`.
    """
    kind = given.get("kind")
    if kind not in (BILL, BOND):
        reason = Message("the kind is {kind!r}, not bill or bond", kind=str(kind)[:40])
        raise InvalidTerms(place=Place(field="kind"), reason=reason)
    form: type[BillTerms] | type[BondTerms] = BillTerms if kind == BILL else BondTerms
    names = [field.name for field in fields(form)]
    refused = Refused()
    values: dict[str, Any] = {}
    for name in names:
        if given.get(name) is not None:
            try:
                values[name] = _READERS[name](given[name])
            except Refusal as refusal:
                refused.add(refusal.at(Place(field=name)))
        elif name not in _OPTIONAL:
            refused.add(
                InvalidTerms(place=Place(field=name), reason=Message("the field is missing"))
            )
    for name in given:
        if name != "kind" and name not in names:
            reason = Message("a {kind} has no field {name!r}", kind=Word(kind), name=str(name)[:40])
            refused.add(InvalidTerms(place=Place(field=str(name)[:40]), reason=reason))
    _add_laws_of_what_was_read(form, values, refused)
    refused.raise_if_any()
    return form(**values)


def _innocent(form: type[BillTerms] | type[BondTerms]) -> dict[str, Any]:
    """Values that break no law, to stand in for fields that could not be read."""
    shared = {
        "isin": Isin("XS0000000009"),
        "fisn": Fisn("A/B"),
        "currency": "PKR",
        "denomination": 1,
        "convention": "x",
        "calendar": "x",
    }
    if form is BillTerms:
        return shared | {"cfi": Cfi("DYZTXR")}
    return shared | {"coupon_rate": Decimal(1), "coupons_per_year": 1}


def _add_laws_of_what_was_read(
    form: type[BillTerms] | type[BondTerms], values: dict[str, Any], refused: Refused
) -> None:
    """Check the laws even beside unreadable fields, so that one pass reports everything.

    Dates have no innocent value: without both, the laws wait for the next pass.  Without a
    readable rate or CFI, the other of the two is not judged against it.
    """
    if "issue_date" not in values or "maturity_date" not in values:
        return
    full = _innocent(form) | values
    if form is BondTerms and ("cfi" not in values or "coupon_rate" not in values):
        full["cfi"] = Cfi("DBZTFR" if full["coupon_rate"] == 0 else "DBFTFR")
    terms = form(**full)
    for law in LAWS:
        refusal = law(terms)
        if refusal is not None:
            refused.add(refusal)
