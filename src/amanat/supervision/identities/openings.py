"""That an identity was opened: in the journal and on the list of openings, whoever opened it."""

from __future__ import annotations

from amanat.access.acts import ActContext
from amanat.core.ids import new_id
from amanat.supervision.identities.events import IDENTITY_OPENED
from amanat.supervision.identities.tables import opening


def keep_opening(
    context: ActContext, person: int, case_number: str, reason: str, records: int
) -> str:
    """Journal an opening, and list it; its id."""
    actor, made = context.actor, new_id()
    entry = context.uow.journal.append(
        IDENTITY_OPENED,
        {
            "opening": made,
            "person": str(person),
            "case_number": case_number,
            "records": str(records),
            "opened_by": actor.person,
            "reason": reason,
        },
        subject=f"identities:{person}",
    )
    context.uow.connection.execute(
        opening.insert().values(
            id=made,
            programme=context.programme,
            person=person,
            case_number=case_number,
            reason=reason,
            institution=actor.institution,
            opened_by=actor.person,
            role=actor.role.value,
            opened_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return made
