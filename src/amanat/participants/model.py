"""Participants: levels, kinds of accounts, tax standing, and the laws over them.

A participant is an institution that has been admitted in one class by that class's authority.
What a level withdraws binds as soon as it is requested; what it grants waits for the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid, Refusal

TEXT_MAX = 200

FREE_CAPACITIES = frozenset({"participant", "primary_dealer", "custodian", "auditor", "applicant"})
"""Capacities that carry no authority on the ledger."""


class OutsidePurpose(StrEnum):
    """What a key does that lives outside this installation and that the register only knows of."""

    ADMINISTRATOR = "administrator"
    STAKING = "staking"
    BACKUP = "backup"
    CERTIFICATE = "certificate"
    OTHER = "other"


class Level(StrEnum):
    """What a participant may do, from most to least."""

    ACTIVE = "active"
    """Buys, sells, pays and receives."""
    CLOSE_OUT_ONLY = "close_out_only"
    """Delivers what it holds and receives cash; takes on nothing new."""
    WIND_DOWN = "wind_down"
    """Only receives payments and redemptions."""
    FROZEN = "frozen"
    """Nothing moves in or out."""

    @property
    def number(self) -> int:
        """The level as the ledger counts it: 1 for active up to 4 for frozen."""
        return list(Level).index(self) + 1

    @classmethod
    def numbered(cls, number: int) -> Level:
        """The level that the ledger calls `number`."""
        return list(cls)[number - 1]


class AccountKind(StrEnum):
    """For whom an account holds."""

    OWN = "own"
    CLIENT = "client"
    DISTRIBUTION = "distribution"
    TREASURY = "treasury"
    TAX = "tax"
    ESCROW = "escrow"


class ParticipantExists(Refusal):
    """An institution is admitted once; later it is renewed or its level set."""

    template: ClassVar[str] = "{participant} has been admitted already, as {participant_class}."


class UnknownClass(Invalid):
    """A class of participants is one that the programme's terms name."""

    template: ClassVar[str] = "{participant_class!r} is not a class of programme {programme}."


class NotClassAuthority(Refusal):
    """Each class is written by its own authority, and by no other."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = (
        "{institution} is not the authority of class {participant_class}; {authority} is."
    )


class ValidityLapsed(Invalid):
    """An admission is valid until a day after the business date."""

    template: ClassVar[str] = (
        "An admission valid until {valid_until} would have lapsed on {business_date}."
    )


class LevelUnchanged(Refusal):
    """A level is set to another than it is or has been requested to be."""

    template: ClassVar[str] = "{participant} is {level} already."


class ChangePending(Refusal):
    """While one order about a thing is under way, no second one is made."""

    template: ClassVar[str] = "{thing} awaits the outcome of {pending} on the ledger."


class ParticipantNotActive(Refusal):
    """What a participant may do follows its level and validity, as requested and as done."""

    template: ClassVar[str] = "{participant} is {level} (valid until {valid_until}): {reason}."


class AccountExists(Refusal):
    """An account belongs to one participant of one programme."""

    template: ClassVar[str] = "Account {address} is enrolled already, for {participant}."


class InvalidAddress(Invalid):
    """An account is an Ethereum address with its checksum (EIP-55)."""

    template: ClassVar[str] = "{address!r} is not an address with its checksum (EIP-55)."


class HolderMissing(Invalid):
    """A client's account says whose it is: name, tax class and residency (segregation)."""

    template: ClassVar[str] = "A client account needs {field}."


class TaxDatesDisorderly(Invalid):
    """A tax status or certificate ends no earlier than it begins."""

    template: ClassVar[str] = "A tax status cannot run from {valid_from} to {valid_to}."


class CertificateIncomplete(Invalid):
    """A certificate of exemption or reduction has a number, dates and a rate of its own."""

    template: ClassVar[str] = "A {certificate} certificate needs {field}."


class CodeTaken(Refusal):
    """A code or key stands for one thing of a programme, for good."""

    template: ClassVar[str] = "The {thing} {code} exists already."


class KeyNotInDirectory(Refusal):
    """Who signs for an institution on the ledger does so with a key that the Directory has."""

    template: ClassVar[str] = (
        "{address} is no key of {institution} on the ledger; it comes by a change of the Directory."
    )


class KeyStillStands(Refusal):
    """A key that the Directory still has is revoked before another takes its place."""

    template: ClassVar[str] = "{person}'s key {address} still stands on the ledger; revoke it."


class ValidityTooLong(Invalid):
    """A key is valid for two years at most (NIST SP 800-57 part 1 revision 5, 5.3.6)."""

    template: ClassVar[str] = "{key} may be valid from tomorrow until {latest}, not {expires_on}."


class NotFreeCapacity(Invalid):
    """A capacity with authority on the ledger comes by the founding or a change of Directory."""

    template: ClassVar[str] = "The capacity {capacity} is not given here, only: {allowed}."


class TaxStatusMissing(Refusal):
    """No tax is computed for a holder of whose standing nothing is recorded for the day."""

    template: ClassVar[str] = "No tax status of {address} is recorded for {day}."


class Certificate(StrEnum):
    """What a certificate of the tax authority does to the ordinary rate."""

    EXEMPTION = "exemption"
    REDUCTION = "reduction"


@dataclass(frozen=True, slots=True)
class TaxStatus:
    """How a holder is taxed from `valid_from` to `valid_to`, both included; None is open-ended.

    `reduced_rate` is per cent and stands only with a reduction; `certificate_number` names the
    document of the tax authority.
    """

    holder_class: str
    active_taxpayer: bool
    valid_from: date
    valid_to: date | None
    tax_residency: str
    certificate: Certificate | None = None
    certificate_number: str | None = None
    reduced_rate: Decimal | None = None

    def covers(self, day: date) -> bool:
        """Whether this status answers for `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def country_number(code: str) -> int:
    """ISO 3166-1 alpha-2 as the ledger keeps it: its two letters in two bytes.

    >>> country_number("PK")
    20555
    """
    return ord(code[0]) << 8 | ord(code[1])


def country_code(number: int) -> str:
    """The two letters behind `country_number`."""
    return chr(number >> 8) + chr(number & 255)


def withdraws(before: Level, after: Level) -> bool:
    """Whether going from `before` to `after` takes something away."""
    return after.number > before.number


def binding_level(done: Level | None, requested: Level | None) -> Level:
    """The level that binds here: the stricter of what the ledger says and what was requested.

    Before the ledger has admitted a participant nothing is granted: it counts as frozen.
    """
    if done is None:
        return Level.FROZEN
    return max(done, requested or done, key=lambda level: level.number)


def status_on(statuses: Sequence[TaxStatus], day: date) -> TaxStatus | None:
    """The status for `day`: among those that cover it, the one recorded last."""
    covering = [status for status in statuses if status.covers(day)]
    return covering[-1] if covering else None


def tax_status_refusals(status: TaxStatus) -> list[Refusal]:
    """Everything wrong with a status in itself, in the order of its fields."""
    found: list[Refusal] = []
    if status.valid_to is not None and status.valid_to < status.valid_from:
        found.append(TaxDatesDisorderly(valid_from=status.valid_from, valid_to=status.valid_to))
    if status.certificate is not None:
        if not status.certificate_number:
            found.append(
                CertificateIncomplete(certificate=status.certificate.value, field="a number")
            )
        if status.valid_to is None:
            found.append(
                CertificateIncomplete(certificate=status.certificate.value, field="a last day")
            )
    needs_rate = status.certificate is Certificate.REDUCTION
    if needs_rate != (status.reduced_rate is not None):
        field = "a rate" if needs_rate else "no rate; only a reduction has one"
        found.append(
            CertificateIncomplete(
                certificate=status.certificate.value if status.certificate else "missing",
                field=field,
            )
        )
    elif status.reduced_rate is not None and not 0 <= status.reduced_rate <= 100:
        found.append(CertificateIncomplete(certificate="reduction", field="a rate of 0 to 100"))
    return found
