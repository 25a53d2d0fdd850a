"""An applicant enters its own people, until it may do more than file for itself."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sql

from amanat.access import passkeys
from amanat.access.actors import Role, add_person
from amanat.access.acts import ActContext, Result, act
from amanat.access.shown_once import ShownOnce
from amanat.access.tables import person
from amanat.core.errors import Refusal
from amanat.core.messages import Word
from amanat.licensing import events
from amanat.licensing.commands import EnterColleague
from amanat.licensing.model import APPLICANT
from amanat.licensing.signing_up import LINK_LIFETIME

COLLEAGUES_MAX = 20


class NotByApplicants(Refusal):
    """Who only files has officers and viewers; whoever may do more enters people by two of them."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{institution} enters a person as {role} by EnterPerson, with two."


class ColleaguesFull(Refusal):
    """An applicant has so many people at most."""

    template: ClassVar[str] = "{institution} has {count} people, the most that an applicant has."


@act(capacities=[APPLICANT], confidential=True)
def enter_colleague(command: EnterColleague, context: ActContext) -> Result:
    """Enter a colleague and invite them.

    Refuses, in order: `NotByApplicants` (more capacities than that of an applicant, or another role
    than officer or viewer), `ColleaguesFull`.
    """
    actor, connection = context.actor, context.uow.connection
    if actor.capacities != {APPLICANT} or command.role not in (Role.OFFICER, Role.VIEWER):
        raise NotByApplicants(institution=actor.institution, role=Word(command.role.value))
    known = list(
        connection.execute(
            sql.select(person.c.code).where(
                person.c.programme == context.programme,
                person.c.institution == actor.institution,
            )
        ).scalars()
    )
    if len(known) >= COLLEAGUES_MAX:
        raise ColleaguesFull(institution=actor.institution, count=len(known))
    number = len(known) + 1
    while f"{actor.institution}_{number}" in known:
        number += 1
    code = f"{actor.institution}_{number}"
    add_person(
        connection,
        context.programme,
        code,
        institution=actor.institution,
        role=command.role,
        name=command.name,
    )
    identifier, secret = passkeys.invite(
        connection, context.programme, code, context.now, LINK_LIFETIME
    )
    expires_at = (context.now + LINK_LIFETIME).isoformat()
    entry = context.uow.journal.append(
        events.COLLEAGUE_ENTERED,
        {
            "institution": actor.institution,
            "invitation": identifier,
            "expires_at": expires_at,
            "name": command.name,
            "colleague": code,
        },
        subject=f"participants:{actor.institution}",
    )
    link = ShownOnce(f"/join/{secret}")
    return {"person": code, "link": link, "expires_at": expires_at, "entry": entry}
