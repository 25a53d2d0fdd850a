"""Appeals: lodged in time, decided by others, and carried out in the act that decides them.

What the path has a step for is undone or made milder at once: a suspension is lifted or gets a
milder level, a revocation gives back what it took.  Nothing is erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Refusal
from amanat.core.messages import Word
from amanat.licensing.enforcement import events
from amanat.licensing.enforcement.acts_stays import given_back, lifting, taken
from amanat.licensing.enforcement.commands import AppealOutcome, DecideAppeal, LodgeAppeal
from amanat.licensing.enforcement.tables import appeal, charge
from amanat.licensing.model import APPLICANT, Change
from amanat.licensing.ordering import Move, ask_moves, carry_moves, written
from amanat.licensing.stepping import (
    OnProvider,
    Stepped,
    approvers,
    load_provider_step,
    load_step,
    open_file,
    record_step,
    require_approvers_apart,
)
from amanat.licensing.tables import decision, file_step, licensing_file, permission_change
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY

_PLANNED = "planned"
_SUSPENSION, _REVOCATION = "suspension", "revocation"


class AppealTooLate(Refusal):
    """An appeal comes within its time."""

    template: ClassVar[str] = "An appeal against {file} could be lodged until {until}."


class NothingToAppeal(Refusal):
    """An appeal is against what was decided or ordered against the provider."""

    template: ClassVar[str] = "Nothing has been decided in {file} that could be appealed."


class LevelNotMilder(Invalid):
    """An appeal that is allowed in part leaves a milder suspension."""

    template: ClassVar[str] = "{file} is {level}: varied it needs a milder level, not {given}."


@act(capacities=[APPLICANT], confidential=True)
def lodge_appeal(command: LodgeAppeal, context: ActContext) -> Result:
    """Lodge an appeal; it stays nothing by itself.

    Refuses, in order: `NotAProvider`, as the path does, `NotFound`, `NothingToAppeal`,
    `AppealTooLate`.
    """
    connection, code = context.uow.connection, context.actor.institution
    on = load_provider_step(context, code, "LodgeAppeal", kind="appeal")
    against = connection.execute(
        sql.select(licensing_file).where(
            licensing_file.c.programme == context.programme,
            licensing_file.c.number == command.against,
            licensing_file.c.provider == code,
        )
    ).one_or_none()
    if against is None:
        raise NotFound(thing="file", value=command.against)
    until = _appeal_until(context, on, against)
    if until is None:
        raise NothingToAppeal(file=against.number)
    if context.business_date > until:
        raise AppealTooLate(file=against.number, until=until)
    identifier, number, _moved = open_file(context, on, reason=command.grounds)
    entry = context.uow.journal.append(
        events.APPEALED,
        {
            "file": number,
            "provider": code,
            "against": against.number,
            "digest": digest({"grounds": command.grounds}).hex(),
        },
        subject=f"licensing:{number}",
    )
    connection.execute(
        appeal.insert().values(
            file=identifier,
            programme=context.programme,
            against=against.id,
            grounds=command.grounds,
            **written(context, entry),
        )
    )
    return {"file": number, "against": against.number, "entry": entry}


def _appeal_until(context: ActContext, on: OnProvider, against: Row[Any]) -> date | None:
    """The last day to appeal; None where nothing was decided."""
    connection = context.uow.connection
    decided = connection.execute(
        sql.select(decision.c.recorded_on)
        .where(decision.c.file == against.id)
        .order_by(decision.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    ordered = connection.execute(
        sql.select(charge.c.ordered_on).where(charge.c.file == against.id)
    ).scalar_one_or_none()
    bound = against.opened_on if against.kind in ("suspension", "revocation") else None
    day = decided or ordered or bound
    return date.fromisoformat(day) + timedelta(days=on.pack.appeal_days) if day else None


@dataclass(frozen=True, slots=True)
class _Decided:
    """An appeal, what it is against as the decision moves it, and what becomes of permissions.

    `against` is None where the path has no step for it: then the decision stands by itself.
    """

    appeal: Stepped
    against: Stepped | None
    moves: tuple[Move, ...]


def _ask_appeal(command: DecideAppeal, context: ActContext) -> Ask:
    """Two keys of the authority where the ledger has to say it; else a second person."""
    decided = _check_appeal(command, context, _PLANNED)
    if not decided.moves:
        return second_person(context, decided.appeal.subject)
    return ask_moves(context, decided.appeal.row.provider, decided.moves)


def _check_appeal(command: DecideAppeal, context: ActContext, file_id: str) -> _Decided:
    stepped = load_step(context, command.file, "DecideAppeal", outcome=command.outcome.value)
    row = context.uow.connection.execute(
        sql.select(licensing_file)
        .join(appeal, appeal.c.against == licensing_file.c.id)
        .where(appeal.c.file == stepped.row.id)
    ).one()
    moved = any(
        (step.file, step.act, step.outcome) == (row.kind, "DecideAppeal", command.outcome.value)
        and row.stage in step.from_stages
        for step in stepped.pack.steps
    )
    if not moved:
        return _Decided(stepped, None, ())
    against = load_step(context, row.number, "DecideAppeal", outcome=command.outcome.value)
    return _Decided(stepped, against, _moves(command, context, against, file_id))


def _moves(
    command: DecideAppeal, context: ActContext, against: Stepped, file_id: str
) -> tuple[Move, ...]:
    reason = f"appeal {command.file} was {command.outcome.value}"
    if against.row.stage == "stayed":
        # A court has given it back already; that stands.
        return ()
    if against.row.kind == _REVOCATION:
        return tuple(given_back(against, one, reason) for one in taken(context, against))
    if command.outcome is AppealOutcome.ALLOWED:
        return (lifting(against, reason),)
    former = context.uow.connection.execute(
        sql.select(permission_change)
        .where(
            permission_change.c.suspension == against.row.id,
            permission_change.c.change == Change.SUSPEND.value,
        )
        .order_by(permission_change.c.id.desc())
        .limit(1)
    ).one()
    milder = Move(
        change=Change.SUSPEND,
        reason=reason,
        citation=against.law,
        permission=former.permission,
        level=_milder(command, against, former.level),
        accounts=former.accounts,
        suspension=file_id,
        expires_on=date.fromisoformat(former.expires_on) if former.expires_on else None,
        file=file_id,
    )
    return (lifting(against, reason), milder)


def _milder(command: DecideAppeal, against: Stepped, former: str) -> str:
    levels = [one.code for one in against.pack.suspensions]
    given = command.level or ""
    if given not in levels or levels.index(given) >= levels.index(former):
        raise LevelNotMilder(
            file=against.row.number, level=Word(former), given=Word(given or "none")
        )
    return given


@act(capacities=[AUTHORITY], approvals=_ask_appeal, confidential=True)
def decide_appeal(command: DecideAppeal, context: ActContext) -> Result:
    """Decide an appeal; nobody who acted in what is appealed against takes part.

    Refuses as the path does, then `LevelNotMilder`, `OwnAppeal`, `ChangePending`, `StandingMoved`;
    `Conflicted` to an approver.
    """
    decided = _check_appeal(command, context, _PLANNED)
    stepped = decided.appeal
    require_approvers_apart(context, stepped)
    _require_others(context, stepped)
    entry = record_step(context, stepped, command.reasons)
    context.uow.connection.execute(
        sql.update(appeal)
        .where(appeal.c.file == stepped.row.id)
        .values(outcome=command.outcome.value, reasons=command.reasons)
    )
    done: Result = {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}
    return done | _carry_out(command, context, decided)


def _carry_out(command: DecideAppeal, context: ActContext, decided: _Decided) -> Result:
    """What the decision does to what it is about: its file, and the permissions."""
    against = decided.against
    if against is None:
        return {}
    done: Result = {"against": against.row.number}
    moves = decided.moves
    if any(one.suspension == _PLANNED for one in moves):
        on = load_provider_step(context, against.row.provider, "Suspend", kind=_SUSPENSION)
        identifier, number, _entry = open_file(
            context, on, categories=against.row.categories, reason=command.reasons
        )
        moves = _moves(command, context, against, identifier)
        done["suspension"] = number
    record_step(context, against, f"appeal {command.file}")
    if moves:
        carried = carry_moves(context, against.row.provider, moves)
        done |= {"permissions": list(carried.numbers), "order": carried.order}
    return done


class OwnAppeal(Refusal):
    """Nobody decides an appeal against what they did."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{person} acted in what {file} is against, and may not decide it."


def _require_others(context: ActContext, stepped: Stepped) -> None:
    connection = context.uow.connection
    against = sql.select(appeal.c.against).where(appeal.c.file == stepped.row.id)
    people = {context.actor.person, *approvers(context)}
    acted = set(
        connection.execute(
            sql.select(file_step.c.person).where(
                file_step.c.file.in_(against),
                file_step.c.institution == context.actor.institution,
            )
        ).scalars()
    ) | set(
        connection.execute(
            sql.select(decision.c.approved_by).where(decision.c.file.in_(against))
        ).scalars()
    )
    for person in sorted(people & acted):
        raise OwnAppeal(person=person, file=stepped.row.number)
