"""Opening an identity: for a case, by a role, with a reason, and never unseen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from amanat.access.acts import ActContext, Result, act
from amanat.access.shown_once import ShownOnce
from amanat.core.errors import NotFound
from amanat.supervision.identities.commands import OpenIdentity
from amanat.supervision.identities.model import (
    FIU,
    SECRET,
    SUPERVISES,
    CaseNotTheirs,
    case_checks,
)
from amanat.supervision.identities.openings import keep_opening
from amanat.supervision.identities.vault import Vault

_PERSON_MAX = 2**63


@act(capacities=[SUPERVISES, FIU], confidential=True, untold=True)
def open_identity(command: OpenIdentity, context: ActContext) -> Result:
    """Answer once with what every exchange says of a person; none of it is stored with the act.

    Refuses, in order: `CaseNotTheirs`, `NotFound`.
    """
    actor, connection = context.actor, context.uow.connection
    person = int(command.person)
    if person >= _PERSON_MAX:
        raise NotFound(thing="person", value=command.person)
    stated = (connection, context.programme, command.case_number, actor.institution, person)
    if case_checks and not any(check(*stated) for check in case_checks):
        raise CaseNotTheirs(case=command.case_number, institution=actor.institution)
    vault = Vault(context.uow.store.secret(SECRET))
    found = list(vault.identities(connection, context.programme, persons=[person]))
    if not found:
        raise NotFound(thing="person", value=command.person)
    made = keep_opening(context, person, command.case_number, command.reason, len(found))
    return {
        "opening": made,
        "person": command.person,
        "identities": [_once(asdict(one) | {"person": str(one.person)}) for one in found],
    }


def _once(value: Any) -> Any:
    """What is answered and kept nowhere: every text of it."""
    if isinstance(value, dict):
        return {name: _once(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_once(one) for one in value]
    return ShownOnce(value) if isinstance(value, str) else value
