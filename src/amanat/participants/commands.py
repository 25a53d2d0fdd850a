"""The commands and queries of participants, as the API, files and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.actors import Role
from amanat.access.acts import Command, Query
from amanat.access.fields import Day, PlainDecimal, Whole
from amanat.participants.model import TEXT_MAX, AccountKind, Certificate, Level, OutsidePurpose

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A short name of a thing within a programme."""
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""
Words = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX)]
"""A text that a person wrote."""
Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
"""An account on the ledger, with its checksum (EIP-55)."""


class AdmitParticipant(Command):
    """Admit an institution as a participant of one class; its class authority signs."""

    participant: Code
    participant_class: Code
    country: Country
    valid_until: Day
    level: Level = Level.ACTIVE
    lei: Annotated[str, StringConstraints(max_length=20)] | None = None


class RenewParticipant(Command):
    """Extend (or shorten) the day until which a participant's admission is valid."""

    participant: Code
    valid_until: Day


class SetLevel(Command):
    """Set what a participant may do; a stricter level binds here from the request."""

    participant: Code
    level: Level
    reason: Words


class AccountToEnrol(Command):
    """One account: for a client also the holder's name (kept private), class and residency."""

    address: Address
    kind: AccountKind
    label: Code
    holder_class: Code
    tax_residency: Country
    holder: Words | None = None


class EnrolAccounts(Command):
    """Enrol accounts of one participant, all of them or none; its class authority signs."""

    participant: Code
    accounts: Annotated[tuple[AccountToEnrol, ...], Field(min_length=1, max_length=64)]


class RecordTaxStatus(Command):
    """Record how the holder of an account is taxed: class, active taxpayer, certificate."""

    address: Address
    holder_class: Code
    active_taxpayer: bool
    valid_from: Day
    valid_to: Day | None = None
    tax_residency: Country
    certificate: Certificate | None = None
    certificate_number: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    reduced_rate: PlainDecimal | None = None
    source: Words


class RecordTaxStatuses(Command):
    """Record how the holders of many accounts are taxed: all of them, or none."""

    statuses: Annotated[tuple[RecordTaxStatus, ...], Field(min_length=1, max_length=5_000)]


class EnterInstitution(Command):
    """Enter an institution that may then be admitted; it has no authority on the chain."""

    institution: Code
    name: Words
    capacities: tuple[Code, ...] = ("participant",)


class EnterPerson(Command):
    """Enter a person of an institution with the key with which they sign."""

    institution: Code
    person: Code
    name: Words
    role: Role
    address: Address | None = None


class GiveKey(Command):
    """Give a person the key with which they sign from now on."""

    person: Code
    address: Address


class RotateKey(Command):
    """Let a person sign with a new key from now on, and revoke the former one."""

    person: Code
    address: Address
    reason: Words


class ExtendKey(Command):
    """Let a key of one's institution be valid until another day, at most two years from now."""

    key: Address
    expires_on: Day


class EnterKey(Command):
    """Enter in the register a key of one's institution that lives outside this installation.

    `key` is its address; of a key that has none, 20 bytes of the SHA-256 of its public half.
    `holder` says which one it is, `place` where it lives; it may serve for two years at most.
    """

    key: Address
    purpose: OutsidePurpose
    holder: Code
    place: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    expires_on: Day


class EndKey(Command):
    """Say that a key which lives outside serves no more: it was replaced, or it is lost."""

    key: Address
    lost: bool = False
    reason: Words


class RetirePerson(Command):
    """End a person's part: tokens, proposals and approvals of theirs count no more."""

    person: Code
    reason: Words


class KeysAsked(Query):
    """Which keys to list: all, of one purpose, or those whose validity ends within some days."""

    purpose: Annotated[str | None, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,15}$")] = None
    within_days: Annotated[Whole | None, Field(ge=0, le=3_660)] = None


class ParticipantsAsked(Query):
    """Which participants to list."""

    participant_class: Code | None = None


class ParticipantAsked(Query):
    """One participant by its code."""

    participant: Code


class AccountsAsked(Query):
    """Which accounts to list; without a participant, all that the actor may see."""

    participant: Code | None = None
    kind: AccountKind | None = None
