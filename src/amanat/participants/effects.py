"""What acts about participants, accounts and people will do to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.access.tables import access_token, person, proposal
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.participants.commands import (
    AdmitParticipant,
    EnrolAccounts,
    EnterInstitution,
    EnterPerson,
    GiveKey,
    RenewParticipant,
    RetirePerson,
    SetLevel,
)
from amanat.participants.model import withdraws
from amanat.participants.records import (
    accounts_of,
    find_class,
    find_institution,
    find_participant,
    level_of,
)
from amanat.participants.tables import account, participant


@effects(AdmitParticipant)
def admission(command: AdmitParticipant, seen: Seen) -> Iterator[Message]:
    """What the participant may do, and how many of its class there are."""
    find_institution(seen.connection, seen.programme, command.participant)
    find_class(seen.connection, seen.programme, command.participant_class)
    before = seen.connection.execute(
        sql.select(sql.func.count()).where(
            participant.c.programme == seen.programme,
            participant.c.participant_class == command.participant_class,
            participant.c.level.is_not(None),
        )
    ).scalar_one()
    yield Message(
        "{participant} is {level} until {valid_until}",
        participant=command.participant,
        level=Word(command.level.value),
        valid_until=command.valid_until,
    )
    yield Message(
        "Participants of class {class_name}: {before} before, {after} after",
        class_name=command.participant_class,
        before=int(before),
        after=int(before) + 1,
    )


@effects(RenewParticipant)
def renewal(command: RenewParticipant, seen: Seen) -> Iterator[Message]:
    """The last day before and after."""
    row = find_participant(seen.connection, seen.programme, command.participant)
    before = date.fromisoformat(row.valid_until) if row.valid_until else Message("no day")
    yield Message(
        "Admission of {participant} valid until: {before} before, {after} after",
        participant=row.code,
        before=before,
        after=command.valid_until,
    )


@effects(SetLevel)
def level(command: SetLevel, seen: Seen) -> Iterator[Message]:
    """The level before and after, when it binds, and the accounts that change with it."""
    row = find_participant(seen.connection, seen.programme, command.participant)
    former = level_of(row)
    yield Message(
        "Level of {participant}: {before} before, {after} after",
        participant=row.code,
        before=Word(former.value),
        after=Word(command.level.value),
    )
    if withdraws(former, command.level):
        yield Message("It binds here from the request, before the ledger has it")
    else:
        yield Message("It takes effect when the ledger has it")
    yield Message(
        "Accounts that change with their participant: {count}",
        count=len(accounts_of(seen.connection, seen.programme, row.code)),
    )


@effects(EnrolAccounts)
def enrolment(command: EnrolAccounts, seen: Seen) -> Iterator[Message]:
    """How many accounts the participant has before and after."""
    row = find_participant(seen.connection, seen.programme, command.participant)
    authority = find_class(seen.connection, seen.programme, row.participant_class).authority
    if seen.institution not in (row.code, authority):
        return  # the act refuses it; how many accounts another has is not said
    before = len(accounts_of(seen.connection, seen.programme, row.code))
    yield Message(
        "Accounts of {participant}: {before} before, {after} after",
        participant=row.code,
        before=before,
        after=before + len(command.accounts),
    )


@effects(EnterInstitution)
def institution_entered(command: EnterInstitution, seen: Seen) -> Iterator[Message]:
    """What it may do, and that this gives no authority on the ledger."""
    del seen
    yield Message(
        "{institution} acts as {capacities}, without authority on the ledger",
        institution=command.institution,
        capacities=Word(", ".join(command.capacities)),
    )


def _speaks_for(seen: Seen, institution: str | None) -> bool:
    """Whether the proposer enters people of an institution: its own, or as whoever admits."""
    if institution == seen.institution:
        return True
    held = find_institution(seen.connection, seen.programme, seen.institution).capacities
    return any(one.partition(".")[0] in {"registrar", "class_authority"} for one in held)


def _require_person(seen: Seen, code: str) -> str | None:
    """The key of a person for whom the proposer speaks.  Refuses `NotFound`."""
    row = seen.connection.execute(
        sql.select(person.c.institution, person.c.address).where(
            person.c.programme == seen.programme, person.c.code == code
        )
    ).one_or_none()
    if row is None or not _speaks_for(seen, row.institution):
        raise NotFound(thing="person", value=code)
    return None if row.address is None else str(row.address)


@effects(EnterPerson)
def person_entered(command: EnterPerson, seen: Seen) -> Iterator[Message]:
    """How many people of the institution act in this role before and after."""
    if not _speaks_for(seen, command.institution):
        return  # the act refuses it; how many people another has is not said
    before = seen.connection.execute(
        sql.select(sql.func.count()).where(
            person.c.programme == seen.programme,
            person.c.institution == command.institution,
            person.c.role == command.role.value,
            person.c.active,
        )
    ).scalar_one()
    yield Message(
        "People of {institution} who act as {role}: {before} before, {after} after",
        institution=command.institution,
        role=Word(command.role.value),
        before=int(before),
        after=int(before) + 1,
    )


@effects(GiveKey)
def key_given(command: GiveKey, seen: Seen) -> Iterator[Message]:
    """With which key the person signs before and after."""
    before = _require_person(seen, command.person)
    yield Message(
        "Key with which {person} signs: {before} before, {after} after",
        person=command.person,
        before=before or Message("none"),
        after=command.address.lower(),
    )


@effects(RetirePerson)
def retirement(command: RetirePerson, seen: Seen) -> Iterator[Message]:
    """The tokens that are revoked and the open proposals that count no more."""
    _require_person(seen, command.person)
    tokens = seen.connection.execute(
        sql.select(sql.func.count()).where(
            access_token.c.programme == seen.programme,
            access_token.c.person == command.person,
            access_token.c.revoked_at.is_(None),
        )
    ).scalar_one()
    # The proposal of the retirement itself is the officer's who proposes it, never this person's.
    proposals = seen.connection.execute(
        sql.select(sql.func.count()).where(
            proposal.c.programme == seen.programme,
            proposal.c.person == command.person,
            proposal.c.state == "open",
        )
    ).scalar_one()
    yield Message(
        "Tokens of {person} that are revoked: {count}", person=command.person, count=int(tokens)
    )
    yield Message(
        "Open proposals of {person} that can no longer be carried out: {count}",
        person=command.person,
        count=int(proposals),
    )


def account_name(seen: Seen, address: str) -> str:
    """An account as people call it, `bank_a.own`; its address where it is unknown."""
    row = seen.connection.execute(
        sql.select(account.c.participant, account.c.label).where(
            account.c.programme == seen.programme, account.c.address == address.lower()
        )
    ).one_or_none()
    return f"{row.participant}.{row.label}" if row is not None else address
