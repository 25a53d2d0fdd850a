"""The end of urgent suspensions, which comes by itself: signed beforehand, carried out by the day.

Who suspends urgently signs with the same keys what the ledger is told once the last day is over, so
that nobody has to come back for it.  The ledger takes it only while no later act about the provider
has come between; then, or where something else has to be told, people carry it out
(`CarryOutLapse`), and `fsck` says that it is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.actors import Actor, Role
from amanat.access.acts import ActContext, Approval, Approved, Ask
from amanat.ledger.fsck import Difference
from amanat.ledger.sender_names import OPERATOR
from amanat.licensing.deriving import NO_LEVEL
from amanat.licensing.enforcement.tables import lapse
from amanat.licensing.model import Change
from amanat.licensing.ordering import PLAN, Move, ask_moves, foreseen, plan_moves
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.tables import licensing_file
from amanat.participants import acts as participants
from amanat.participants.model import Level
from amanat.participants.records import valid_until
from amanat.participants.signing import AUTHORITY
from amanat.participants.tables import participant
from amanat.store.uow import UnitOfWork

BACK = "back"
_FIELDS = ("level", "last_day", "number", "epoch")


# -- signed beforehand ----------------------------------------------------------------------------


def ask_with_return(context: ActContext, code: str, moves: Sequence[Move], until: date) -> Ask:
    """As `ask_moves`; with the suspension its end is signed, where the ledger is to be told of it.

    The second person signs both, the proposer the end alone: what gives back takes two keys.
    """
    ask = ask_moves(context, code, moves)
    row = _participant(context.uow.connection, context.programme, code)
    if row is None or row.level is None or len(ask.requirements) != 1:
        return ask
    wanted = foreseen(context, code, moves, until + timedelta(days=1))
    during = foreseen(context, code, moves, context.business_date)
    last_day = date.fromisoformat(valid_until(row))
    if wanted.level in (NO_LEVEL, during.level) or last_day <= until:
        return ask
    if Level(wanted.level).number > Level(during.level).number:
        return ask
    number, signed = participants.sign_standing(context, row, Level(wanted.level), last_day)
    (suspension,) = ask.requirements
    back = {
        "level": wanted.level,
        "last_day": last_day.isoformat(),
        "number": number,
        "epoch": signed.epoch,
    }
    authority = suspension.institution
    needs = [
        suspension,
        signed.requirement(authority, AUTHORITY, proposer_counts=True),
        replace(signed.requirement(authority, AUTHORITY), along=0),
    ]
    return replace(ask, requirements=needs, memo={**ask.memo, BACK: back})


def _participant(connection: Connection, programme: str, code: str) -> Row[Any] | None:
    return connection.execute(
        sql.select(participant).where(
            participant.c.programme == programme, participant.c.code == code
        )
    ).one_or_none()


def first_signed(context: ActContext) -> ActContext:
    """The same act with the signatures of the suspension alone."""
    approved = context.approved
    return replace(context, approval=replace(approved, given=approved.given[:1]))


def keep_return(context: ActContext, code: str, file_id: str, until: date) -> None:
    """Keep what was signed for the day after the last one."""
    approved = context.approved
    back: Mapping[str, Any] = approved.memo.get(BACK, {})
    signatures = [one.signature.hex() for one in approved.given[1:] if one.signature]
    context.uow.connection.execute(
        lapse.insert().values(
            file=file_id,
            programme=context.programme,
            provider=code,
            until=until.isoformat(),
            signatures=signatures if back else [],
            **{name: back.get(name) for name in _FIELDS},
        )
    )


# -- carried out ----------------------------------------------------------------------------------


def open_lapses(connection: Connection, programme: str, day: date) -> list[Row[Any]]:
    """Urgent suspensions whose last day was before `day`, and whose files still stand open."""
    stages = {
        stage
        for step in pack_of(connection, programme).steps
        if step.act == "CarryOutLapse"
        for stage in step.from_stages
    }
    return list(
        connection.execute(
            sql.select(lapse, licensing_file.c.number.label("case"))
            .join(licensing_file, licensing_file.c.id == lapse.c.file)
            .where(
                lapse.c.programme == programme,
                lapse.c.until < day.isoformat(),
                licensing_file.c.stage.in_(stages),
            )
            .order_by(lapse.c.file)
        )
    )


def context_of(uow: UnitOfWork, programme: str, day: date, now: datetime, row: Row[Any]) -> Any:
    """The operator in the authority's place, with what the authority's people have signed."""
    connection = uow.connection
    authority = authority_of(connection, programme, pack_of(connection, programme))
    actor = Actor(
        programme, OPERATOR, authority, frozenset({AUTHORITY}), Role.APPROVER, None, "by_itself"
    )
    memo = {"number": row.number, "epoch": row.epoch, "last_day": row.last_day}
    given = tuple(
        Approved(authority, AUTHORITY, OPERATOR, None, bytes.fromhex(one)) for one in row.signatures
    )
    # What is planned and ordered here was signed: nothing of it asks a ledger.
    no_ledger: Any = None
    approval = Approval("", memo, given)
    return ActContext(uow, actor, now, day, no_ledger, approval)


def with_plan(context: ActContext, row: Row[Any], move: Move) -> ActContext | None:
    """The act as it may be carried out; None where the ledger needs what nobody has signed.

    Refuses `ChangePending`.
    """
    plan = plan_moves(context, row.provider, [move])
    signed = f"change {row.level} {row.last_day}"
    if plan.kind != "none" and (plan.memo() != signed or len(row.signatures) != 2):
        return None
    approved = context.approved
    memo = {**approved.memo, PLAN: plan.memo()}
    return replace(context, approval=replace(approved, memo=memo))


def check_lapses(connection: Connection, programme: str, day: date) -> list[Difference]:
    """Urgent suspensions whose end has not been carried out."""
    return [
        Difference(
            "lapse carried out",
            f"suspension {row.case} of {row.provider}",
            f"{Change.LIFT.value} after {row.until}",
            "in force",
        )
        for row in open_lapses(connection, programme, day)
    ]
