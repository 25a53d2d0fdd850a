"""The programme: its terms, its ceiling and headroom, its day, and the laws over them.

A ceiling is in US dollars and caps what is authorised, in cents.  The dollar value of an
authorisation is fixed when it is given: nominal divided by the rate of a stated date, rounded up
to the cent, so that rounding never makes room.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal, localcontext
from enum import StrEnum
from typing import ClassVar

from amanat.core.calendars import Calendar
from amanat.core.errors import Invalid, Refusal
from amanat.core.quantities import EXACT


class Phase(StrEnum):
    """The phase of a business day; it only moves forward."""

    OPEN = "open"
    BIDDING_CLOSED = "bidding_closed"
    CLOSED = "closed"

    @property
    def number(self) -> int:
        """The phase as the ledger counts it, from 1."""
        return list(Phase).index(self) + 1

    @classmethod
    def numbered(cls, number: int) -> Phase:
        """The phase that the ledger calls `number`."""
        return list(cls)[number - 1]


class AuthorisationState(StrEnum):
    """What became of an authorisation."""

    REQUESTED = "requested"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class CeilingExceeded(Refusal):
    """What is authorised never passes the programme's ceiling in US dollars."""

    template: ClassVar[str] = (
        "{isin}: USD {value} is more than the headroom of USD {headroom} under the ceiling of "
        "USD {ceiling} (authorised: USD {authorised})."
    )


class ClearanceMissing(Refusal):
    """Each clearance that is mandatory for a kind of instrument has an institution to give it."""

    template: ClassVar[str] = "A {kind} needs the clearance {clearance}, which nobody here gives."


class UnknownKind(Invalid):
    """A kind of instrument is one that the programme's terms allow."""

    template: ClassVar[str] = "Programme {programme} allows no {kind}; it allows {allowed}."


class TermsContradict(Refusal):
    """A further authorisation of an ISIN repeats its terms exactly."""

    template: ClassVar[str] = "{isin} exists with other terms (hash {existing}, given {given})."


class AuthorisationExpired(Invalid):
    """An authorisation expires after the business day on which it is given."""

    template: ClassVar[str] = (
        "An authorisation that expires on {expires_on} has lapsed on {business_date}."
    )


class RateMissing(Refusal):
    """A rate of exchange is taken from the dated table, never guessed."""

    template: ClassVar[str] = "There is no rate of {currency} to the US dollar for {rate_date}."


class RateFromFuture(Invalid):
    """An authorisation uses a rate of its own day or an earlier one."""

    template: ClassVar[str] = "The rate of {rate_date} is not known on {business_date}."


class RateContradicts(Refusal):
    """One day has one rate."""

    template: ClassVar[str] = "The rate for {rate_date} is {existing} already, not {given}."


class NotAuthorised(Refusal):
    """Only what is authorised, done and not lapsed can be issued."""

    template: ClassVar[str] = (
        "{isin}: {nominal} asked, {available} authorised and not yet issued (expired ones aside)."
    )


class NothingUnsold(Refusal):
    """Only what lies unsold in the issuer's distribution account can be cancelled."""

    template: ClassVar[str] = "{isin}: {nominal} asked, {available} unsold."


class DayNotForward(Refusal):
    """The programme's day and phase only move forward."""

    template: ClassVar[str] = "It is {today}, {phase}: the programme cannot go to {to}, {to_phase}."


class NotBusinessDay(Refusal):
    """A programme's day is a settlement day of its calendar."""

    template: ClassVar[str] = "{day} is no settlement day of calendar {calendar}: {reason}."


class DayAheadOfTime(Refusal):
    """The programme's day is never ahead of the ledger's clock, unless it is a simulation."""

    template: ClassVar[str] = "{day} is ahead of the ledger's date {node_date}."


class PhaseForbids(Refusal):
    """An act belongs to certain phases of the day."""

    template: ClassVar[str] = "{act} belongs to the phase {allowed}; the day {day} is {phase}."


class Halted(Refusal):
    """While a security or the programme is halted, nothing new is done with it."""

    template: ClassVar[str] = "{scope} is halted since {since}: {reason}"


class NotHalted(Refusal):
    """Only what is halted can be resumed."""

    template: ClassVar[str] = "{scope} is not halted."


class NotOpenAuthorisation(Refusal):
    """An authorisation can be withdrawn until it is executed, and then not executed."""

    template: ClassVar[str] = "The authorisation proposed as {proposal} is {state}."


class AuthorisationOvertaken(Refusal):
    """An authorisation is carried out with the number and rate that were signed."""

    template: ClassVar[str] = (
        "Authorisation {number} was overtaken: the next number is {next_number}, or its rate "
        "changed. Propose it again."
    )


class CurrencyDiffers(Invalid):
    """A programme's securities are in its currency."""

    template: ClassVar[str] = "{isin} is in {currency}, the programme's currency is {expected}."


class SecurityMatured(Invalid):
    """What has matured is not authorised or issued any more."""

    template: ClassVar[str] = "{isin} matures on {maturity_date}; it is {business_date}."


class RateTooFine(Invalid):
    """A rate has as many decimals as the ledger keeps."""

    template: ClassVar[str] = "A rate of {rate} has more than {decimals} decimals."


class ReservesShort(Refusal):
    """Where reserves back the programme, they cover all that is authorised."""

    template: ClassVar[str] = (
        "Reserves of USD {reserves} do not cover the USD {required} that would be authorised."
    )


class ReservesLapsed(Refusal):
    """The evidence of reserves is valid on the day on which it is relied on."""

    template: ClassVar[str] = "The evidence of reserves was valid until {valid_until}; it is {day}."


class UnknownScope(Invalid):
    """What is halted is the programme, one of its contracts, or a security that exists."""

    template: ClassVar[str] = "There is nothing called {scope} to halt."


class ChangeMeaningless(Invalid):
    """A change of the Directory names what it changes, and nothing else."""

    template: ClassVar[str] = "A change of {kind} {reason}."


class ChangeNotDue(Refusal):
    """An announced change waits for its delay, so that whoever it replaces can stop it."""

    template: ClassVar[str] = "The change {change} can be carried out from {due_at}."


class ChangeStateForbids(Refusal):
    """A change of the Directory is announced, then carried out or cancelled, once."""

    template: ClassVar[str] = "The change {change} is {state}."


class SuccessorMissing(Refusal):
    """A contract is replaced by one that was created here for it, and no other."""

    template: ClassVar[str] = (
        "There is no {contract} at {at} that waits to replace another: have it created first."
    )


class SenderUnknown(Refusal):
    """There are senders for some purposes, and no others."""

    template: ClassVar[str] = (
        "There is no sender {sender}: operator, settlement, payments or tenders, and with _2 to _99"
        " a further one of a purpose."
    )


class SenderSends(Refusal):
    """A key that sends already, for this sender or another, is appointed."""

    template: ClassVar[str] = "The key {key} sends already; appoint another."


class KeyNotTheirs(Refusal):
    """An institution revokes its own keys, and another's never."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{key} is no key of {institution} on the ledger."


@dataclass(frozen=True, slots=True)
class Headroom:
    """The ceiling and what stands against it, in US cents."""

    ceiling_cents: int
    authorised_cents: int

    @property
    def left_cents(self) -> int:
        """What may still be authorised; never negative unless records disagree."""
        return self.ceiling_cents - self.authorised_cents

    def refuse(self, isin: str, value_cents: int) -> Refusal | None:
        """`CeilingExceeded` with all figures, when `value_cents` does not fit."""
        if value_cents <= self.left_cents:
            return None
        return CeilingExceeded(
            isin=isin,
            value=dollars(value_cents),
            headroom=dollars(self.left_cents),
            ceiling=dollars(self.ceiling_cents),
            authorised=dollars(self.authorised_cents),
        )


@dataclass(frozen=True, slots=True)
class ProgrammeDay:
    """The programme's day and its phase."""

    day: date
    phase: Phase

    def refuse_move(self, to: ProgrammeDay, calendar: Calendar) -> Refusal | None:
        """Why the programme cannot go from here to `to`: backward, or no settlement day.

        A new day begins in phase open; within a day, phases may be passed over.
        """
        order = (to.day, to.phase.number)
        backward = order <= (self.day, self.phase.number)
        if backward or (to.day > self.day and to.phase is not Phase.OPEN):
            return DayNotForward(
                today=self.day, phase=self.phase.value, to=to.day, to_phase=to.phase.value
            )
        if not calendar.is_settlement_day(to.day):
            listed = calendar.day_off(to.day)
            reason = listed.name if listed else "weekend"
            return NotBusinessDay(day=to.day, calendar=calendar.code, reason=reason)
        return None


def dollars(cents: int) -> str:
    """US cents as text in dollars, with separators: 12,345.67."""
    return f"{Decimal(cents).scaleb(-2, context=EXACT):,.2f}"


def usd_value_cents(nominal: int, rate: Decimal) -> int:
    """The value of `nominal` (units of one rupee) in US cents at `rate` rupees to the dollar.

    Rounded up to the cent: a ceiling is never passed by rounding.

    >>> usd_value_cents(1_000_000, Decimal("157.50"))
    634921
    """
    with localcontext(EXACT):
        return int((Decimal(nominal) * 100 / rate).to_integral_value(rounding=ROUND_CEILING))


def rate_micro(rate: Decimal) -> int:
    """A rate as the ledger keeps it: units to the dollar, times 1,000,000; exact.

    >>> rate_micro(Decimal("157.50"))
    157500000
    """
    return int(rate.scaleb(6, context=EXACT))


def isin_word(isin: str) -> bytes:
    """An ISIN as the ledger keeps it: its twelve characters, then twenty zero bytes."""
    return isin.encode("ascii").ljust(32, b"\0")


def isin_of_word(word: str) -> str:
    """The ISIN in a word of the ledger, given as `0x` and hexadecimal."""
    return bytes.fromhex(word.removeprefix("0x")).rstrip(b"\0").decode("ascii")


def reason_word(reason: str) -> bytes:
    """A reason as the ledger keeps it: SHA-256 of its text."""
    return hashlib.sha256(reason.encode()).digest()
