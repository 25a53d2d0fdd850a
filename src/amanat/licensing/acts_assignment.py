"""Whose desk a file lies on: an officer takes it, gives it to a colleague, or puts it back.

It says who is expected to act; who may act follows from the path, as before.
"""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sql

from amanat.access.actors import Role
from amanat.access.acts import ActContext, Result, act
from amanat.access.tables import person
from amanat.core.errors import Invalid, NotFound, Refusal
from amanat.licensing import events
from amanat.licensing.commands import AssignFile, PutBackFile
from amanat.licensing.openness.grounds import require_authority
from amanat.licensing.records import find_file
from amanat.licensing.stepping import require_no_conflict
from amanat.licensing.tables import licensing_file
from amanat.participants.signing import AUTHORITY

_WORK_ON_FILES = (Role.OFFICER.value, Role.APPROVER.value)


class FileClosed(Refusal):
    """What is over lies on nobody's desk."""

    template: ClassVar[str] = "{file} is closed since {closed_on}."


class NotTheirDesk(Invalid):
    """A file is given to an officer or approver of the authority who is still there."""

    template: ClassVar[str] = "{person} is no officer or approver of {institution}."


@act(capacities=[AUTHORITY], confidential=True)
def assign_file(command: AssignFile, context: ActContext) -> Result:
    """Take a file, or give it to a colleague.

    Refuses, in order: `NotClassAuthority`, `NotFound` (no such file), `FileClosed`, `NotTheirDesk`,
    `Conflicted` (oneself, or who shall have it).
    """
    receiver = command.to or context.actor.person
    row = find_open(command.file, context)
    _require_colleague(receiver, context)
    require_no_conflict(context, row.provider, [context.actor.person, receiver])
    return _lay(context, command.file, row.id, row.provider, receiver)


@act(capacities=[AUTHORITY], confidential=True)
def put_back_file(command: PutBackFile, context: ActContext) -> Result:
    """Put a file back where everybody takes from.

    Refuses, in order: `NotClassAuthority`, `NotFound` (no such file, or on nobody's desk),
    `FileClosed`, `Conflicted`.
    """
    row = find_open(command.file, context)
    if row.officer is None:
        raise NotFound(thing="officer of file", value=command.file)
    require_no_conflict(context, row.provider, [context.actor.person])
    return _lay(context, command.file, row.id, row.provider, None)


def find_open(number: str, context: ActContext) -> sql.Row[tuple[object, ...]]:
    """An open file, asked by who licenses.

    Refuses `NotClassAuthority`, `NotFound`, `FileClosed`.
    """
    require_authority(context)
    row = find_file(context.uow.connection, context.programme, number)
    if row.closed_on is not None:
        raise FileClosed(file=number, closed_on=row.closed_on)
    return row


def _require_colleague(code: str, context: ActContext) -> None:
    found = context.uow.connection.execute(
        sql.select(person.c.code).where(
            person.c.programme == context.programme,
            person.c.code == code,
            person.c.institution == context.actor.institution,
            person.c.role.in_(_WORK_ON_FILES),
            person.c.active.is_(True),
        )
    ).first()
    if found is None:
        raise NotTheirDesk(person=code, institution=context.actor.institution)


def _lay(
    context: ActContext, number: str, identifier: str, provider: str, officer: str | None
) -> Result:
    entry = context.uow.journal.append(
        events.FILE_ASSIGNED,
        {"file": number, "to": officer},
        subject=f"licensing:{provider}",
    )
    context.uow.connection.execute(
        sql.update(licensing_file).where(licensing_file.c.id == identifier).values(officer=officer)
    )
    return {"file": number, "officer": officer, "entry": entry}
