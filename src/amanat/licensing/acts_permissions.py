"""What is granted, and how it changes: licences, variation, renewal, suspension, their end.

Each act plans what the ledger has to say, lets the class authority sign it, and records decision,
permission, order and the provider's public status in one transaction.  What withdraws binds here
from that commit; what grants stands once the ledger has it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.licensing import events
from amanat.licensing.commands import (
    AcceptSurrender,
    ConvertPermission,
    Direct,
    GrantLicence,
    LiftSuspension,
    Renew,
    Revoke,
    Surrender,
    Suspend,
    Vary,
)
from amanat.licensing.deriving import Held, Standing
from amanat.licensing.model import (
    APPLICANT,
    LICENCE,
    Change,
    DayOutOfRange,
    FileStillOpen,
    LicensingGoverns,
    PermissionHeld,
    PermissionNotHeld,
)
from amanat.licensing.ordering import Carried, Move, New, ask_moves, carry_moves, written
from amanat.licensing.records import pack_of
from amanat.licensing.stepping import (
    OnProvider,
    Stepped,
    approvers,
    held_licence,
    load_provider_step,
    load_step,
    open_file,
    record_step,
    require_approvers_apart,
    require_no_conflict,
    set_conditions,
)
from amanat.licensing.tables import direction, licensing_file, permission, permission_change
from amanat.participants.acts import governs
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY


@governs
def _licensed_by_acts_here(context: ActContext, code: str, participant_class: str) -> None:
    """Refuse `LicensingGoverns`: what is licensed is neither admitted nor restricted by itself."""
    if participant_class == pack_of(context.uow.connection, context.programme).participant_class:
        acts = Word("GrantLicence, Renew, Suspend, LiftSuspension, Revoke")
        raise LicensingGoverns(participant=code, acts=acts)


def _later(context: ActContext, what: str, day: date) -> date:
    """`day`, which must lie after the business date."""
    if day <= context.business_date:
        raise DayOutOfRange(what=Word(what), day=day, business_date=context.business_date)
    return day


def _signed(
    stepped: Stepped, context: ActContext, moves: list[Move], why: str | None = None
) -> Carried:
    """A step on a file that was signed: recorded, and its moves carried out."""
    require_approvers_apart(context, stepped)
    record_step(context, stepped, why)
    return carry_moves(context, stepped.row.provider, moves)


def _result(carried: Carried, **more: str | None) -> Result:
    return {**more, "order": carried.order, "entry": carried.entry}


# -- licences -------------------------------------------------------------------------------------


def _check_grant(command: GrantLicence, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "GrantLicence", category=command.category)
    stepped.pack.category(command.category)
    if command.category not in stepped.row.categories:
        raise NotFound(thing="category on the file", value=command.category)
    _later(context, "last day", command.valid_until)
    _check_not_held(context, stepped.row.provider, stepped.standing, command.category)
    move = Move(
        change=Change.GRANT,
        reason=f"licence for {command.category} on file {stepped.row.number}",
        citation=stepped.law,
        grants=New(LICENCE, (command.category,), stepped.row.id),
        expires_on=command.valid_until,
        file=stepped.row.id,
    )
    return stepped, [move]


def _check_not_held(context: ActContext, code: str, standing: Standing, category: str) -> None:
    """Refuse `PermissionHeld` where the licence stands, or awaits the ledger."""
    pending = context.uow.connection.execute(
        sql.select(permission.c.categories)
        .join(permission_change, permission_change.c.permission == permission.c.id)
        .where(
            permission.c.programme == context.programme,
            permission.c.provider == code,
            permission.c.kind == LICENCE,
            permission_change.c.change == Change.GRANT.value,
            permission_change.c.done_at.is_(None),
            permission_change.c.refused_at.is_(None),
        )
    ).scalars()
    held = [one.categories for one in standing.held if one.kind == LICENCE]
    if any(category in one for one in (*held, *pending)):
        raise PermissionHeld(provider=code, permission=Word(category))


def _ask_grant(command: GrantLicence, context: ActContext) -> Ask:
    """Two keys of the authority, for what the ledger has to say; else a second person."""
    stepped, moves = _check_grant(command, context)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_grant, confidential=True)
def grant_licence(command: GrantLicence, context: ActContext) -> Result:
    """Grant the licence of one category; the provider is admitted on the ledger with the first one.

    Refuses as the path does, `NotFound` (category), `DayOutOfRange`, `PermissionHeld`,
    `ChangePending`, `StandingMoved`.
    """
    stepped, moves = _check_grant(command, context)
    carried = _signed(stepped, context, moves, command.category)
    set_conditions(
        context,
        stepped.pack,
        stepped.row.provider,
        command.conditions,
        stepped.law,
        permission=carried.permissions[0],
        file=stepped.row.id,
    )
    return _result(carried, file=stepped.row.number, permission=carried.numbers[0])


# -- variation and renewal ------------------------------------------------------------------------


def _subject_of(stepped: Stepped) -> Held:
    """The permission that a file is about, still in force; with none named, the only one.

    Refuses `PermissionNotHeld`.
    """
    held = stepped.standing.held
    found = [one for one in held if one.id == stepped.row.permission]
    if stepped.row.permission is None and len(held) == 1:
        found = list(held)
    if not found:
        raise PermissionNotHeld(
            provider=stepped.row.provider, permission=Word("permission of this file")
        )
    return found[0]


def _check_variation(command: Vary, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "Vary")
    move = Move(
        change=Change.VARY,
        reason=command.reason,
        citation=stepped.law,
        permission=_subject_of(stepped).id,
        file=stepped.row.id,
    )
    return stepped, [move]


def _ask_variation(command: Vary, context: ActContext) -> Ask:
    """A second person of the authority."""
    stepped, moves = _check_variation(command, context)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_variation, confidential=True)
def vary(command: Vary, context: ActContext) -> Result:
    """Carry out a variation.  Refuses as the path does, `PermissionNotHeld`, `StandingMoved`."""
    stepped, moves = _check_variation(command, context)
    carried = _signed(stepped, context, moves, command.reason)
    set_conditions(
        context,
        stepped.pack,
        stepped.row.provider,
        command.conditions,
        stepped.law,
        permission=moves[0].permission,
        file=stepped.row.id,
        lifted=command.lifted,
    )
    return _result(carried, file=stepped.row.number, permission=carried.numbers[0])


def _check_renewal(command: Renew, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "Renew")
    _later(context, "last day", command.valid_until)
    move = Move(
        change=Change.RENEW,
        reason=f"renewal on file {stepped.row.number}",
        citation=stepped.law,
        permission=_subject_of(stepped).id,
        expires_on=command.valid_until,
        file=stepped.row.id,
    )
    return stepped, [move]


def _ask_renewal(command: Renew, context: ActContext) -> Ask:
    """Two keys of the authority where the ledger's last day moves; else a second person."""
    stepped, moves = _check_renewal(command, context)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_renewal, confidential=True)
def renew(command: Renew, context: ActContext) -> Result:
    """Carry out a renewal.

    Refuses as the path does, `DayOutOfRange`, `PermissionNotHeld`, `ChangePending`,
    `StandingMoved`.
    """
    stepped, moves = _check_renewal(command, context)
    carried = _signed(stepped, context, moves)
    return _result(carried, file=stepped.row.number, permission=carried.numbers[0])


# -- suspension -----------------------------------------------------------------------------------

_PLANNED = "planned"


def _check_suspension(
    command: Suspend, context: ActContext, file_id: str
) -> tuple[OnProvider, list[Move]]:
    on = load_provider_step(context, command.provider, "Suspend", kind="suspension")
    level = on.pack.suspension(command.level)
    held = held_licence(on.standing, command.category)
    move = Move(
        change=Change.SUSPEND,
        reason=command.reason,
        citation=on.law,
        permission=held.id if held else None,
        level=level.code,
        suspension=file_id,
        accounts=command.accounts.value if command.accounts else None,
        file=file_id,
    )
    return on, [move]


def _ask_suspension(command: Suspend, context: ActContext) -> Ask:
    """One key of the authority where the ledger has to say it, by a second person."""
    _on, moves = _check_suspension(command, context, _PLANNED)
    return ask_moves(context, command.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_suspension, confidential=True)
def suspend(command: Suspend, context: ActContext) -> Result:
    """Suspend a provider or its licence of one category; refused everywhere here from this commit.

    Refuses, in order: `NotAProvider`, as the path does, `NotFound` (level), `PermissionNotHeld`,
    `ChangePending` (its admission), `StandingMoved`.
    """
    on, _moves = _check_suspension(command, context, _PLANNED)
    require_no_conflict(context, command.provider, approvers(context))
    categories = [command.category] if command.category else []
    identifier, number, _entry = open_file(
        context, on, categories=categories, reason=command.reason
    )
    _on, moves = _check_suspension(command, context, identifier)
    carried = carry_moves(context, command.provider, moves)
    return _result(carried, file=number, provider=command.provider)


def _check_lifting(command: LiftSuspension, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "LiftSuspension")
    move = Move(
        change=Change.LIFT,
        reason=command.reason,
        citation=stepped.law,
        suspension=stepped.row.id,
        file=stepped.row.id,
    )
    return stepped, [move]


def _ask_lifting(command: LiftSuspension, context: ActContext) -> Ask:
    """Two keys of the authority where the ledger has to say it; else a second person."""
    stepped, moves = _check_lifting(command, context)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_lifting, confidential=True)
def lift_suspension(command: LiftSuspension, context: ActContext) -> Result:
    """Lift a suspension; until the ledger has it the suspension stands.

    Refuses as the path does, `ChangePending`, `StandingMoved`.
    """
    stepped, moves = _check_lifting(command, context)
    carried = _signed(stepped, context, moves, command.reason)
    return _result(carried, file=stepped.row.number)


# -- the end --------------------------------------------------------------------------------------


def _check_revocation(command: Revoke, context: ActContext) -> tuple[OnProvider, list[Move]]:
    on = load_provider_step(context, command.provider, "Revoke", kind="revocation")
    held = held_licence(on.standing, command.category)
    move = Move(
        change=Change.REVOKE,
        reason=command.reason,
        citation=on.law,
        permission=held.id if held else None,
    )
    return on, [move]


def _ask_revocation(command: Revoke, context: ActContext) -> Ask:
    """One key of the authority where the ledger has to say it, by a second person."""
    _on, moves = _check_revocation(command, context)
    return ask_moves(context, command.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_revocation, confidential=True)
def revoke(command: Revoke, context: ActContext) -> Result:
    """Revoke all permissions, or one licence; the last licence takes the others with it.

    Refuses, in order: `NotAProvider`, as the path does, `PermissionNotHeld`, `StandingMoved`.
    """
    on, moves = _check_revocation(command, context)
    require_no_conflict(context, command.provider, approvers(context))
    categories = [command.category] if command.category else []
    _identifier, number, _entry = open_file(
        context, on, categories=categories, reason=command.reason
    )
    carried = carry_moves(context, command.provider, moves)
    return _result(carried, file=number, provider=command.provider)


@act(capacities=[APPLICANT], confidential=True)
def surrender(command: Surrender, context: ActContext) -> Result:
    """Ask to give permissions back; nothing ends before the authority accepts.

    Refuses, in order: `NotAProvider`, as the path does, `PermissionNotHeld`, `FileStillOpen`.
    """
    code = context.actor.institution
    on = load_provider_step(context, code, "Surrender", kind="surrender")
    held_licence(on.standing, command.category)
    former = context.uow.connection.execute(
        sql.select(licensing_file.c.number).where(
            licensing_file.c.programme == context.programme,
            licensing_file.c.provider == code,
            licensing_file.c.kind == "surrender",
            licensing_file.c.closed_on.is_(None),
        )
    ).scalar_one_or_none()
    if former is not None:
        raise FileStillOpen(provider=code, file=former)
    categories = [command.category] if command.category else []
    _identifier, number, entry = open_file(
        context, on, categories=categories, reason=command.reason
    )
    return {"file": number, "entry": entry}


def _check_surrender(command: AcceptSurrender, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "AcceptSurrender")
    category = stepped.row.categories[0] if stepped.row.categories else None
    held = held_licence(stepped.standing, category)
    move = Move(
        change=Change.SURRENDER,
        reason=command.reason,
        citation=stepped.law,
        permission=held.id if held else None,
        file=stepped.row.id,
    )
    return stepped, [move]


def _ask_surrender(command: AcceptSurrender, context: ActContext) -> Ask:
    """One key of the authority where the ledger has to say it, by a second person."""
    stepped, moves = _check_surrender(command, context)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_surrender, confidential=True)
def accept_surrender(command: AcceptSurrender, context: ActContext) -> Result:
    """Accept a surrender.  Refuses as the path does, `PermissionNotHeld`, `StandingMoved`."""
    stepped, moves = _check_surrender(command, context)
    carried = _signed(stepped, context, moves, command.reason)
    return _result(carried, file=stepped.row.number)


# -- conversion and directions --------------------------------------------------------------------


def _check_conversion(
    command: ConvertPermission, context: ActContext
) -> tuple[OnProvider, list[Move]]:
    on = load_provider_step(context, command.provider, "ConvertPermission", kind="conversion")
    held = next((one for one in on.standing.held if one.number == command.permission), None)
    if held is None:
        raise PermissionNotHeld(provider=command.provider, permission=command.permission)
    row = _permission_row(context, held.id)
    last = held.expires_on
    if command.valid_until is not None:
        last = _later(context, "last day", command.valid_until)
    moves = [
        Move(
            change=Change.CONVERT,
            reason=command.reason,
            citation=on.law,
            permission=held.id,
        ),
        Move(
            change=Change.GRANT,
            reason=command.reason,
            citation=on.law,
            grants=New(held.kind, held.categories, row.file, row.decision),
            expires_on=last,
        ),
    ]
    return on, moves


def _permission_row(context: ActContext, identifier: str) -> Row[Any]:
    return context.uow.connection.execute(
        sql.select(permission).where(permission.c.id == identifier)
    ).one()


def _ask_conversion(command: ConvertPermission, context: ActContext) -> Ask:
    """A second person of the authority."""
    _on, moves = _check_conversion(command, context)
    return ask_moves(context, command.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_conversion, confidential=True)
def convert_permission(command: ConvertPermission, context: ActContext) -> Result:
    """Let an older permission go on under the law in force: a new one takes its place.

    Refuses, in order: `NotAProvider`, as the path does, `PermissionNotHeld`, `DayOutOfRange`.
    """
    on, moves = _check_conversion(command, context)
    require_no_conflict(context, command.provider, approvers(context))
    _identifier, number, _entry = open_file(context, on, reason=command.reason)
    carried = carry_moves(context, command.provider, moves)
    return _result(carried, file=number, permission=carried.numbers[1])


def _ask_direction(command: Direct, context: ActContext) -> Ask:
    """A second person of the authority."""
    _check_direction(command, context)
    return second_person(context, f"licensing:{command.provider}")


def _check_direction(command: Direct, context: ActContext) -> OnProvider:
    on = load_provider_step(context, command.provider, "Direct")
    if command.due_on is not None:
        _later(context, "due day", command.due_on)
    return on


@act(capacities=[AUTHORITY], approvals=_ask_direction, confidential=True)
def direct(command: Direct, context: ActContext) -> Result:
    """Direct a provider; a public direction is in the public log with its text.

    Refuses, in order: `NotAProvider`, as the path does, `DayOutOfRange`.
    """
    on = _check_direction(command, context)
    require_no_conflict(context, command.provider, approvers(context))
    identifier = new_id()
    due = command.due_on.isoformat() if command.due_on else None
    told = {
        "provider": command.provider,
        "direction": identifier,
        "due_on": due,
        "section": on.law.code,
        "law": on.law.text,
    }
    subject = f"licensing:{command.provider}"
    if command.public:
        told["text"] = command.text
        entry = context.uow.journal.append(events.PROVIDER_DIRECTED, told, subject=subject)
    else:
        told["digest"] = digest({"text": command.text}).hex()
        kind = events.PROVIDER_DIRECTED_CONFIDENTIALLY
        entry = context.uow.journal.append(kind, told, subject=subject)
    context.uow.connection.execute(
        direction.insert().values(
            id=identifier,
            programme=context.programme,
            provider=command.provider,
            text=command.text,
            due_on=due,
            public=command.public,
            section=on.law.code,
            law=on.law.text,
            **written(context, entry),
        )
    )
    return {"provider": command.provider, "direction": identifier, "entry": entry}
