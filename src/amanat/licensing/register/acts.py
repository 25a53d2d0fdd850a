"""Warnings of who offers services without permission."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.errors import NotFound, Refusal
from amanat.licensing.records import pack_of
from amanat.licensing.register.book import change_of, note_warning
from amanat.licensing.register.columns import published_text
from amanat.licensing.register.commands import PublishWarning, WithdrawWarning
from amanat.licensing.register.model import ChangeKind, ProviderWarning
from amanat.licensing.register.tables import register_change
from amanat.participants.records import check_authority, find_class
from amanat.participants.signing import AUTHORITY

WARNED_OF = {
    "no_permission": "Offers services without permission",
    "permission_ended": "Offers services although its permission has ended",
    "impersonation": "Pretends to be a provider that has permission",
    "outside_permission": "Offers services that its permission does not cover",
}


class WarningWithdrawn(Refusal):
    """A warning is withdrawn once."""

    template: ClassVar[str] = "Warning {warning} was withdrawn on {withdrawn_on}."


def _check_authority(context: ActContext) -> None:
    pack = pack_of(context.uow.connection, context.programme)
    found = find_class(context.uow.connection, context.programme, pack.participant_class)
    check_authority(found, context)


def _ask(_command: PublishWarning | WithdrawWarning, context: ActContext) -> Ask:
    """A second person of the licensing authority."""
    _check_authority(context)
    return Ask([Requirement(context.actor.institution, AUTHORITY)])


@act(capacities=[AUTHORITY], approvals=_ask)
def publish_warning(command: PublishWarning, context: ActContext) -> Result:
    """Put a warning on the register and into its feed, as the licensing authority.

    Refuses `NotClassAuthority`, `RegisterValueInvalid`.
    """
    _check_authority(context)
    warning = ProviderWarning(
        number=_next_number(context),
        name=published_text(command.name),
        also_known_as=tuple(dict.fromkeys(map(published_text, command.also_known_as))),
        websites=tuple(dict.fromkeys(command.websites)),
        reason=command.reason,
        text=published_text(command.text),
        published_on=context.business_date,
        withdrawn_on=None,
    )
    number = note_warning(
        context.uow,
        warning,
        ChangeKind.WARNED,
        programme=context.programme,
        day=context.business_date,
        law=None,
        reason=WARNED_OF[command.reason.value],
    )
    return {"warning": warning.number, "change": number}


@act(capacities=[AUTHORITY], approvals=_ask)
def withdraw_warning(command: WithdrawWarning, context: ActContext) -> Result:
    """Say on the register that a warning no longer stands, and why.

    Refuses, in order: `NotClassAuthority`, `NotFound`, `WarningWithdrawn`.
    """
    _check_authority(context)
    former = _standing_warning(context, command.warning)
    if former.withdrawn_on is not None:
        raise WarningWithdrawn(warning=former.number, withdrawn_on=former.withdrawn_on)
    withdrawn = ProviderWarning(
        number=former.number,
        name=former.name,
        also_known_as=former.also_known_as,
        websites=former.websites,
        reason=former.reason,
        text=former.text,
        published_on=former.published_on,
        withdrawn_on=context.business_date,
    )
    number = note_warning(
        context.uow,
        withdrawn,
        ChangeKind.WARNING_WITHDRAWN,
        programme=context.programme,
        day=context.business_date,
        law=None,
        reason=command.reason,
    )
    return {"warning": former.number, "change": number}


def _standing_warning(context: ActContext, number: str) -> ProviderWarning:
    table = register_change
    content = context.uow.connection.execute(
        sql.select(table.c.content).where(
            table.c.programme == context.programme,
            table.c.subject == number,
            table.c.latest.is_(True),
            table.c.warns.is_(True),
        )
    ).scalar_one_or_none()
    warning = None if content is None else change_of(content).warning
    if warning is None:
        raise NotFound(thing="warning", value=number)
    return warning


def _next_number(context: ActContext) -> str:
    """The next number of a warning in the year of the business date: `W-2026-0001`."""
    table, year = register_change, _year(context.business_date)
    count = context.uow.connection.execute(
        sql.select(sql.func.count(sql.distinct(table.c.subject))).where(
            table.c.programme == context.programme,
            table.c.warns.is_(True),
            table.c.subject.like(f"W-{year}-%"),
        )
    ).scalar_one()
    return f"W-{year}-{count + 1:04d}"


def _year(day: date) -> str:
    return f"{day.year:04d}"
