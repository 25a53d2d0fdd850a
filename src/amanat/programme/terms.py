"""The terms of a programme: what is fixed when it is founded, and the laws that they keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from amanat.access.actors import Role
from amanat.core.calendars import Calendar
from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.messages import Message
from amanat.core.money import minor_digits
from amanat.jurisdictions import reading
from amanat.jurisdictions.holidays import calendar_from
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.records import LICENSING
from amanat.participants.commands import Address, Code, Words
from amanat.participants.model import FREE_CAPACITIES

INSTITUTION_NUMBER_MAX = 63
KEYS_MAX = 256
CLASSES_MAX = 32
KINDS_MAX = 16

LEDGER_CAPACITIES = {
    "issuer": 1,
    "cash_issuer": 2,
    "auctioneer": 3,
    "agent": 4,
    "day_keeper": 5,
    "orders": 6,
    "guardian": 7,
    "registrar": 8,
}
"""Capacities that the Directory knows: bit `1 << number` of an institution's mask."""


class TermsUnsound(Invalid):
    """The terms of a programme contradict themselves or leave a duty without anyone."""

    template: ClassVar[str] = "{reason}."


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InstitutionTerms(_Frozen):
    """An institution; `number` is its own on the ledger, 0 where it has no authority there.

    `capacities` are words: those of `LEDGER_CAPACITIES`, `class_authority.<class>`,
    `clears.<what>`, and `tax_agent`, `participant`, `primary_dealer`, `custodian`, `auditor`,
    `operator`, `applicant`, `confirms.<fact>`, `consulted.<stakeholder>`, which only count in the
    database.
    """

    code: Code
    name: Words
    number: Annotated[int, Field(ge=0, le=INSTITUTION_NUMBER_MAX)] = 0
    capacities: tuple[str, ...] = ()


class PersonTerms(_Frozen):
    """A person of an institution; `address` is the key with which they sign."""

    code: Code
    institution: Code
    role: Role
    name: Words
    address: Address | None = None


class ClassTerms(_Frozen):
    """A class of participants and the institution that alone writes it."""

    code: Code
    authority: Code


class KindTerms(_Frozen):
    """A kind of instrument: its mandatory clearances by word, and the agents that confirm."""

    code: Code
    clearances: Annotated[tuple[Code, ...], Field(min_length=1)]
    confirmations: Annotated[tuple[Code, ...], Field(min_length=1)]


class ExchangeRateTerms(_Frozen):
    """Units of the programme's currency to the US dollar on a day."""

    rate_date: date
    rate: Annotated[Decimal, Field(gt=0, decimal_places=6)]
    source: Words
    assumed: bool = False


class ProgrammeTerms(_Frozen):
    """Everything that founding a programme fixes.

    `calendar` names the gazette that ships for a jurisdiction; `gazette` is the TOML text of
    another one, used instead.  `quorum` institutions sign the founding and every later change of
    the Directory, which takes effect `delay_seconds` after its announcement.  `attestors` are
    empty where nothing but the issuer's credit backs the securities.  `sender_list` is the chain's
    own list of who may send transactions, which this programme then keeps with its participants;
    none where the chain has no such list, as on the embedded node.  `licensing` names the
    jurisdiction whose path of licences applies; without it that of `pk`.
    """

    code: Code
    name: Words
    currency: str = "PKR"
    zone: str = "Asia/Karachi"
    calendar: Code = "pk"
    gazette: str | None = None
    ceiling_usd_cents: Annotated[int, Field(gt=0, le=2**53 - 1)]
    simulation: bool = False
    redemption_frees_headroom: bool = False
    quorum: Annotated[int, Field(ge=2)] = 2
    orders_quorum: Annotated[int, Field(ge=2)] = 2
    delay_seconds: Annotated[int, Field(ge=0)] = 172_800
    closing_confirmations: Annotated[int, Field(ge=0)] = 0
    cash_name: str = "Tokenised rupee"
    cash_symbol: str = "PKRT"
    institutions: tuple[InstitutionTerms, ...]
    people: tuple[PersonTerms, ...]
    classes: tuple[ClassTerms, ...]
    kinds: tuple[KindTerms, ...]
    attestors: tuple[Code, ...] = ()
    ceiling_signers: tuple[Code, ...] = ()
    first_business_date: date
    exchange_rates: tuple[ExchangeRateTerms, ...] = ()
    sender_list: Annotated[str, Field(pattern=r"^0x[0-9a-f]{40}$")] | None = None
    licensing: Code | None = None

    def institution(self, code: str) -> InstitutionTerms | None:
        """The institution with a code."""
        return next((one for one in self.institutions if one.code == code), None)

    def with_capacity(self, capacity: str) -> list[InstitutionTerms]:
        """Institutions on the ledger with a capacity, by number."""
        found = [one for one in self.institutions if one.number and capacity in one.capacities]
        return sorted(found, key=lambda one: one.number)

    def keys_of(self, code: str) -> list[PersonTerms]:
        """The people of an institution who sign for it."""
        return [
            one
            for one in self.people
            if one.institution == code
            and one.address is not None
            and one.role in (Role.OFFICER, Role.APPROVER)
        ]

    def mask_of(self, codes: list[str] | tuple[str, ...]) -> int:
        """The mask of institutions on the ledger: bit `1 << number` for each."""
        return sum(1 << one.number for one in self.institutions if one.number and one.code in codes)

    def zone_seconds(self) -> int:
        """How far the zone is ahead of UTC on the first business date."""
        noon = datetime(
            self.first_business_date.year,
            self.first_business_date.month,
            self.first_business_date.day,
            12,
            tzinfo=ZoneInfo(self.zone),
        )
        offset = noon.utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def gazette_text(self) -> str:
        """The gazette's TOML.  Refuses `NotFound`: no gazette ships for the calendar."""
        if self.gazette is not None:
            return self.gazette
        return reading.read_table(self.calendar, "holidays")[0]

    def read_calendar(self) -> Calendar:
        """The calendar of settlement days.  Refuses as `calendar_from`."""
        return calendar_from(self.gazette_text(), f"{self.calendar} gazette")


Law = Callable[[ProgrammeTerms], Iterator[str]]


def _codes_once(terms: ProgrammeTerms) -> Iterator[str]:
    for what, codes in (
        ("institution", [one.code for one in terms.institutions]),
        ("number of an institution", [one.number for one in terms.institutions if one.number]),
        ("person", [one.code for one in terms.people]),
        ("key", [one.address.lower() for one in terms.people if one.address]),
        ("class", [one.code for one in terms.classes]),
        ("kind", [one.code for one in terms.kinds]),
        ("rate for", [one.rate_date for one in terms.exchange_rates]),
    ):
        for code, count in Counter(map(str, codes)).items():
            if count > 1:
                yield f"the {what} {code} is given {count} times"


def _sizes(terms: ProgrammeTerms) -> Iterator[str]:
    keys = [one for one in terms.people if one.address]
    for what, count, most in (
        ("keys", len(keys), KEYS_MAX),
        ("classes", len(terms.classes), CLASSES_MAX),
        ("kinds", len(terms.kinds), KINDS_MAX),
    ):
        if count > most:
            yield f"{count} {what} are more than {most}"


def _people_belong(terms: ProgrammeTerms) -> Iterator[str]:
    for one in terms.people:
        if terms.institution(one.institution) is None:
            yield f"{one.code} belongs to {one.institution}, which is no institution here"


DESKS = frozenset({"supervises", "fiu"})
"""The supervisor's and the financial intelligence unit's desks: only founding gives them."""


def licensing_words(terms: ProgrammeTerms) -> set[str]:
    """The capacities in which institutions confirm and are consulted, of the terms' pack."""
    pack = load_licensing(terms.licensing or LICENSING)
    return {f"confirms.{one.fact}" for one in pack.confirmations} | {
        f"consulted.{one.code}" for one in pack.stakeholders
    }


def _capacities_known(terms: ProgrammeTerms) -> Iterator[str]:
    free = {"tax_agent", "operator", *FREE_CAPACITIES, *DESKS} | licensing_words(terms)
    classes = {f"class_authority.{one.code}" for one in terms.classes}
    for one in terms.institutions:
        for capacity in one.capacities:
            clears = capacity.startswith("clears.") and capacity != "clears."
            needs_number = capacity in LEDGER_CAPACITIES or capacity in classes or clears
            if not needs_number and capacity not in free:
                yield f"{one.code} has the unknown capacity {capacity}"
            if needs_number and one.number == 0:
                yield f"{one.code} needs a number on the ledger to be {capacity}"


def _duties_held(terms: ProgrammeTerms) -> Iterator[str]:
    for capacity, least in (
        ("issuer", 1),
        ("cash_issuer", 1),
        ("auctioneer", 1),
        ("day_keeper", 2),
        ("guardian", 2),
        ("registrar", 1),
        ("orders", terms.orders_quorum),
    ):
        held = len(terms.with_capacity(capacity))
        if held < least:
            yield f"{held} institutions are {capacity}, at least {least} must be"
    numbered = sum(1 for one in terms.institutions if one.number)
    if terms.quorum > numbered:
        yield f"a quorum of {terms.quorum} is more than the {numbered} institutions on the ledger"


def _two_keys(terms: ProgrammeTerms) -> Iterator[str]:
    authorities = {one.authority for one in terms.classes}
    for one in terms.institutions:
        if one.number and (one.code in authorities or "cash_issuer" in one.capacities):
            held = len(terms.keys_of(one.code))
            if held < 2:
                yield f"{one.code} needs two people with keys, and has {held}"
        if one.number and not any(
            person.role is Role.APPROVER for person in terms.keys_of(one.code)
        ):
            yield f"{one.code} has no approver with a key, so it could approve nothing"


def _classes_written(terms: ProgrammeTerms) -> Iterator[str]:
    for one in terms.classes:
        authority = terms.institution(one.authority)
        if authority is None or authority.number == 0:
            yield f"class {one.code} is written by {one.authority}, which is not on the ledger"


def _kinds_signed(terms: ProgrammeTerms) -> Iterator[str]:
    for one in terms.kinds:
        for clearance in one.clearances:
            if not terms.with_capacity(f"clears.{clearance}"):
                yield f"a {one.code} needs the clearance {clearance}, which nobody gives"
        for code in one.confirmations:
            agent = terms.institution(code)
            if agent is None or agent.number == 0:
                yield f"a {one.code} is confirmed by {code}, which is not on the ledger"


def _signers_known(terms: ProgrammeTerms) -> Iterator[str]:
    for what, codes in (("attestor", terms.attestors), ("ceiling signer", terms.ceiling_signers)):
        for code in codes:
            found = terms.institution(code)
            if found is None or found.number == 0:
                yield f"the {what} {code} is not on the ledger"


def _zone_known(terms: ProgrammeTerms) -> Iterator[str]:
    try:
        ZoneInfo(terms.zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield f"{terms.zone!r} is no time zone"


def _names_fit(terms: ProgrammeTerms) -> Iterator[str]:
    for what, text, most in (
        ("cash_name", terms.cash_name, 35),
        ("cash_symbol", terms.cash_symbol, 12),
    ):
        if not 0 < len(text) <= most or not text.isascii():
            yield f"{what} {text!r} is not 1 to {most} ASCII characters"


LAWS: tuple[Law, ...] = (
    _codes_once,
    _sizes,
    _people_belong,
    _capacities_known,
    _duties_held,
    _two_keys,
    _classes_written,
    _kinds_signed,
    _signers_known,
    _zone_known,
    _names_fit,
)
"""What terms must keep, in the order in which it is reported."""


def check_terms(terms: ProgrammeTerms) -> None:
    """Refuse every mistake of the terms at once: `TermsUnsound`, a currency, a day, a gazette."""
    refused = Refused()
    try:
        load_licensing(terms.licensing or LICENSING)
    except Refusal as refusal:
        raise refusal.at(Place(field="licensing")) from refusal
    for law in LAWS:
        for reason in law(terms):
            refused.add(TermsUnsound(place=Place(field=law.__name__.strip("_")), reason=reason))
    try:
        minor_digits(terms.currency)
    except Refusal as refusal:
        refused.add(refusal.at(Place(field="currency")))
    try:
        if not terms.read_calendar().is_settlement_day(terms.first_business_date):
            reason = Message(
                "{day} is no settlement day of {calendar}",
                day=terms.first_business_date,
                calendar=terms.calendar,
            )
            refused.add(TermsUnsound(place=Place(field="first_business_date"), reason=reason))
    except Refusal as refusal:
        refused.add(refusal.at(Place(field="calendar")))
    refused.raise_if_any()
