"""Enters institutions without a number on the ledger, and the people of institutions.

Whoever holds authority on the ledger (a number in the Directory) comes by the founding or by an
announced change of the Directory, never by these acts.
"""

from __future__ import annotations

from amanat.access.actors import Role, add_institution, add_person
from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.access.tables import institution, person
from amanat.core.errors import Forbidden, Refused
from amanat.participants import events
from amanat.participants.commands import EnterInstitution, EnterPerson
from amanat.participants.model import FREE_CAPACITIES, CodeTaken, NotFreeCapacity
from amanat.participants.records import checked_address, find_institution
from amanat.participants.signing import AUTHORITY


def _ask_institution(command: EnterInstitution, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    _check_institution(command, context)
    return _second_person(context, f"participants:{command.institution}")


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
    return _second_person(context, f"participants:{command.institution}")


@act(
    capacities=["registrar", AUTHORITY, "participant"],
    approvals=_ask_person,
    confidential=True,
)
def enter_person(command: EnterPerson, context: ActContext) -> Result:
    """Enter a person: of one's own institution, or of any as registrar or class authority.

    Refuses, in order: `NotFound` (institution), `Forbidden`, `InvalidAddress`, `CodeTaken`.
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
        reason = f"the people of {row.code} are entered by {row.code} itself"
        raise Forbidden(actor=context.actor, act="EnterPerson", reason=reason)
    if command.role is Role.OPERATOR and "operator" not in row.capacities:
        reason = f"{row.code} does not operate the installation"
        raise Forbidden(actor=context.actor, act="EnterPerson", reason=reason)
    refused = Refused()
    if command.address is not None:
        for refusal in checked_address(command.address):
            refused.add(refusal)
        taken = person.select().where(
            person.c.programme == programme, person.c.address == command.address.lower()
        )
        if connection.execute(taken).first() is not None:
            refused.add(CodeTaken(thing="key", code=command.address))
    known = person.select().where(person.c.programme == programme, person.c.code == command.person)
    if connection.execute(known).first() is not None:
        refused.add(CodeTaken(thing="person", code=command.person))
    refused.raise_if_any()


def _second_person(context: ActContext, subject: str) -> Ask:
    own = context.actor.institution
    return Ask([Requirement(own, "second_person")], subject=subject)
