"""Enters institutions without a number on the ledger, and the people of institutions.

Whoever holds authority on the ledger (a number in the Directory) comes by the founding or by an
announced change of the Directory, never by these acts.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.actors import Role, add_institution, add_person
from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.access.key_register import end_key, enter_key
from amanat.access.tables import institution, person
from amanat.access.tokens import revoke_tokens
from amanat.core.errors import Forbidden, NotFound, Refused
from amanat.core.messages import Message
from amanat.participants import events
from amanat.participants.commands import EnterInstitution, EnterPerson, GiveKey, RetirePerson
from amanat.participants.model import (
    FREE_CAPACITIES,
    CodeTaken,
    KeyNotInDirectory,
    KeyStillStands,
    NotFreeCapacity,
)
from amanat.participants.records import checked_address, find_institution
from amanat.participants.signing import AUTHORITY

SPEAK_FOR_PEOPLE = (
    "registrar",
    AUTHORITY,
    "participant",
    "issuer",
    "clears",
    "orders",
    "auditor",
    "confirms",
    "consulted",
)
"""Capacities of institutions that have people here."""


def _ask_institution(command: EnterInstitution, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    _check_institution(command, context)
    return second_person(context, f"participants:{command.institution}")


@act(capacities=["registrar", AUTHORITY], approvals=_ask_institution)
def enter_institution(command: EnterInstitution, context: ActContext) -> Result:
    """Enter an institution.  Refuses, all at once: `CodeTaken`, `NotFreeCapacity`."""
    _check_institution(command, context)
    capacities = sorted(set(command.capacities))
    add_institution(
        context.uow.connection,
        context.programme,
        command.institution,
        number=0,
        name=command.name,
        capacities=capacities,
    )
    entry = context.uow.journal.append(
        events.INSTITUTION_ENTERED,
        {"institution": command.institution, "name": command.name, "capacities": capacities},
        subject=f"participants:{command.institution}",
    )
    return {"institution": command.institution, "entry": entry}


def _check_institution(command: EnterInstitution, context: ActContext) -> None:
    refused = Refused()
    known = institution.select().where(
        institution.c.programme == context.programme, institution.c.code == command.institution
    )
    if context.uow.connection.execute(known).first() is not None:
        refused.add(CodeTaken(thing="institution", code=command.institution))
    for capacity in command.capacities:
        if capacity not in FREE_CAPACITIES:
            allowed = ", ".join(sorted(FREE_CAPACITIES))
            refused.add(NotFreeCapacity(capacity=capacity, allowed=allowed))
    refused.raise_if_any()


def _ask_person(command: EnterPerson, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    _check_person(command, context)
    return second_person(context, f"participants:{command.institution}")


@act(
    capacities=SPEAK_FOR_PEOPLE,
    approvals=_ask_person,
    confidential=True,
)
def enter_person(command: EnterPerson, context: ActContext) -> Result:
    """Enter a person: of one's own institution, or of any as registrar or class authority.

    Refuses, in order: `NotFound` (institution), `Forbidden`, `InvalidAddress`, `CodeTaken`,
    `KeyNotInDirectory`.
    """
    _check_person(command, context)
    address = command.address.lower() if command.address else None
    add_person(
        context.uow.connection,
        context.programme,
        command.person,
        institution=command.institution,
        role=command.role,
        name=command.name,
        address=address,
    )
    if address is not None:
        register_key(context, address, command.institution, command.person)
    entry = context.uow.journal.append(
        events.PERSON_ENTERED,
        {
            "institution": command.institution,
            "person": command.person,
            "role": command.role.value,
            "address": address,
            "name": command.name,
        },
        subject=f"participants:{command.institution}",
    )
    return {"person": command.person, "entry": entry}


def _check_person(command: EnterPerson, context: ActContext) -> None:
    connection, programme = context.uow.connection, context.programme
    row = find_institution(connection, programme, command.institution)
    own = row.code == context.actor.institution
    if not own and (row.number > 0 or not context.actor.capacities & {"registrar", AUTHORITY}):
        reason = Message("the people of {code} are entered by {code} itself", code=row.code)
        raise Forbidden(actor=context.actor, act="EnterPerson", reason=reason)
    if command.role is Role.OPERATOR and "operator" not in row.capacities:
        reason = Message("{code} does not operate the installation", code=row.code)
        raise Forbidden(actor=context.actor, act="EnterPerson", reason=reason)
    refused = Refused()
    if command.address is not None:
        check_new_key(command.address, row, context, refused)
    known = person.select().where(person.c.programme == programme, person.c.code == command.person)
    if connection.execute(known).first() is not None:
        refused.add(CodeTaken(thing="person", code=command.person))
    refused.raise_if_any()


def check_new_key(address: str, row: Row[Any], context: ActContext, refused: Refused) -> None:
    """A key that nobody has, and that the Directory knows where the institution is on it."""
    for refusal in checked_address(address):
        refused.add(refusal)
    taken = person.select().where(
        person.c.programme == context.programme, person.c.address == address.lower()
    )
    if context.uow.connection.execute(taken).first() is not None:
        refused.add(CodeTaken(thing="key", code=address))
    elif row.number > 0 and institution_on_ledger(context, address) != row.number:
        refused.add(KeyNotInDirectory(address=address, institution=row.code))


def institution_on_ledger(context: ActContext, address: str) -> int:
    """The number of the institution whose key the Directory says it is; 0: nobody's."""
    return int(context.ledger.call("Directory", "institution_of", address.lower()))


# -- keys and leave -------------------------------------------------------------------------------


def find_person(code: str, act_name: str, context: ActContext) -> tuple[Row[Any], Row[Any]]:
    """An active person whom the actor's institution may speak for, and their institution."""
    found = context.uow.connection.execute(
        person.select().where(
            person.c.programme == context.programme, person.c.code == code, person.c.active
        )
    ).one_or_none()
    if found is None:
        raise NotFound(thing="person", value=code)
    row = find_institution(context.uow.connection, context.programme, found.institution)
    own = row.code == context.actor.institution
    if not own and not context.actor.capacities & {"registrar", AUTHORITY}:
        raise NotFound(thing="person", value=code)
    if not own and row.number > 0:
        reason = Message("{person} is a person of {institution}", person=code, institution=row.code)
        raise Forbidden(actor=context.actor, act=act_name, reason=reason)
    return found, row


def _check_giving(command: GiveKey, context: ActContext) -> tuple[Row[Any], Row[Any]]:
    found, row = find_person(command.person, "GiveKey", context)
    refused = Refused()
    check_new_key(command.address, row, context, refused)
    stands = row.number > 0 and found.address is not None
    if stands and institution_on_ledger(context, found.address) == row.number:
        refused.add(KeyStillStands(person=found.code, address=found.address))
    refused.raise_if_any()
    return found, row


def _ask_giving(command: GiveKey, context: ActContext) -> Ask:
    """Another person of the institution approves; where none has a key, a quorum of others."""
    found, row = _check_giving(command, context)
    subject = f"participants:{row.code}"
    own = row.code == context.actor.institution
    if row.number == 0 or not own or _another_approves(context, found.code):
        return second_person(context, subject)
    others = context.uow.connection.execute(
        sql.select(institution.c.code)
        .where(institution.c.programme == context.programme, institution.c.number > 0)
        .where(institution.c.code != row.code)
        .order_by(institution.c.number)
        .limit(int(context.ledger.call("Directory", "quorum")))
    ).scalars()
    return Ask([Requirement(code, "directory") for code in others], subject=subject)


def _another_approves(context: ActContext, but: str) -> bool:
    """Whether the institution has an approver with a key, other than proposer and this person."""
    others = person.select().where(
        person.c.programme == context.programme,
        person.c.institution == context.actor.institution,
        person.c.role == Role.APPROVER.value,
        person.c.active,
        person.c.address.is_not(None),
        person.c.code.not_in((but, context.actor.person)),
    )
    return context.uow.connection.execute(others).first() is not None


@act(capacities=SPEAK_FOR_PEOPLE, approvals=_ask_giving, confidential=True)
def give_key(command: GiveKey, context: ActContext) -> Result:
    """Give a person another key.

    Refuses, in order: `NotFound`, `Forbidden`; then all at once `InvalidAddress`, `CodeTaken`,
    `KeyNotInDirectory`, `KeyStillStands`.
    """
    found, row = _check_giving(command, context)
    address = command.address.lower()
    change_person(context, found.code, address=address)
    if found.address is not None:
        end_key(context.uow.connection, context.programme, found.address, "retired", context.now)
    register_key(context, address, row.code, found.code)
    entry = context.uow.journal.append(
        events.KEY_GIVEN,
        {
            "institution": row.code,
            "person": found.code,
            "address": address,
            "former": found.address,
        },
        subject=f"participants:{row.code}",
    )
    return {"person": found.code, "address": address, "entry": entry}


def _ask_retirement(command: RetirePerson, context: ActContext) -> Ask:
    """Another person of the proposer's institution approves."""
    _found, row = find_person(command.person, "RetirePerson", context)
    return second_person(context, f"participants:{row.code}")


@act(capacities=SPEAK_FOR_PEOPLE, approvals=_ask_retirement, confidential=True)
def retire_person(command: RetirePerson, context: ActContext) -> Result:
    """End a person's part.  A key of theirs on the ledger is revoked by `RevokeKey`.

    Refuses, in order: `NotFound`, `Forbidden`.
    """
    found, row = find_person(command.person, "RetirePerson", context)
    change_person(context, found.code, active=False)
    if found.address is not None:
        end_key(context.uow.connection, context.programme, found.address, "retired", context.now)
    tokens = revoke_tokens(context.uow.connection, context.programme, found.code, context.now)
    entry = context.uow.journal.append(
        events.PERSON_RETIRED,
        {
            "institution": row.code,
            "person": found.code,
            "reason": command.reason,
            "tokens": tokens,
        },
        subject=f"participants:{row.code}",
    )
    return {
        "person": found.code,
        "tokens": tokens,
        "key_to_revoke": found.address if row.number > 0 else None,
        "entry": entry,
    }


def register_key(context: ActContext, address: str, institution: str, person: str) -> None:
    """Enter in the register of keys that a person signs with this one from now on."""
    enter_key(
        context.uow.connection,
        context.programme,
        address,
        institution=institution,
        holder=person,
        place="elsewhere" if context.keys is None else context.keys.place(address),
        now=context.now,
    )


def change_person(context: ActContext, code: str, **values: Any) -> None:
    """Change the row of a person of the programme."""
    context.uow.connection.execute(
        sql.update(person)
        .where(person.c.programme == context.programme, person.c.code == code)
        .values(**values)
    )


def second_person(context: ActContext, subject: str) -> Ask:
    """The approval of another person of the proposer's institution."""
    own = context.actor.institution
    return Ask([Requirement(own, "second_person")], subject=subject)
