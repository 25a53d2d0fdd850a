"""Admits, renews and restricts participants.

The room's other acts are in `acts_accounts` and `acts_people`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Refused
from amanat.core.identifiers import Lei
from amanat.core.ids import new_id
from amanat.ledger.orders import next_numbers
from amanat.ledger.things import Things
from amanat.participants import events, things
from amanat.participants.commands import (
    AdmitParticipant,
    RenewParticipant,
    SetLevel,
)
from amanat.participants.model import (
    ChangePending,
    Level,
    LevelUnchanged,
    ParticipantExists,
    ValidityLapsed,
    country_number,
    withdraws,
)
from amanat.participants.records import (
    check_authority,
    find_class,
    find_institution,
    find_participant,
    level_of,
    valid_until,
)
from amanat.participants.signing import AUTHORITY, ToSign, act_number, to_sign, two_keys
from amanat.participants.tables import participant, participant_change

# -- admission and renewal ------------------------------------------------------------------------


def _ask_to_admit(command: AdmitParticipant, context: ActContext) -> Ask:
    """As `ask_admission`, where no other room's acts write the class."""
    require_ungoverned(context, command.participant, command.participant_class)
    return ask_admission(command, context)


def ask_admission(command: AdmitParticipant, context: ActContext) -> Ask:
    """Two keys of the class authority sign: the proposer's and another person's."""
    authority = _check_admission(command, context)
    connection, programme = context.uow.connection, context.programme
    chosen = {
        "participant_number": next_numbers(connection, f"participant:{programme}", 1, 1),
        "number": act_number(context),
    }
    signed = _standing_to_sign(
        context,
        number=chosen["number"],
        participant_number=chosen["participant_number"],
        class_number=find_class(connection, programme, command.participant_class).number,
        country=command.country,
        level=command.level,
        valid_until=command.valid_until,
    )
    return Ask(
        two_keys(authority, signed),
        memo=chosen | {"epoch": signed.epoch},
        subject=f"participants:{command.participant}",
    )


@act(capacities=[AUTHORITY], approvals=_ask_to_admit)
def admit_participant(command: AdmitParticipant, context: ActContext) -> Result:
    """Order the admission, signed by two keys of the class's authority.

    Refuses, in order: what another room refuses that writes the class, `NotFound` (institution),
    `UnknownClass`, `NotClassAuthority`, `ParticipantExists`, `ValidityLapsed`, `InvalidLei`.
    """
    require_ungoverned(context, command.participant, command.participant_class)
    return order_admission(command, context)


def order_admission(command: AdmitParticipant, context: ActContext) -> Result:
    """Order an admission as it was signed in `ask_admission`; refuses as `admit_participant`."""
    _check_admission(command, context)
    connection, programme = context.uow.connection, context.programme
    memo = context.approved.memo
    class_number = find_class(connection, programme, command.participant_class).number
    entry = context.uow.journal.append(
        events.PARTICIPANT_ADMISSION_REQUESTED,
        {
            "participant": command.participant,
            "number": memo["participant_number"],
            "participant_class": command.participant_class,
            "country": command.country,
            "lei": command.lei,
            "level": command.level.value,
            "valid_until": command.valid_until.isoformat(),
        },
        subject=f"participants:{command.participant}",
    )
    order = _order_standing(
        context,
        kind="admit_participant",
        participant_code=command.participant,
        participant_number=memo["participant_number"],
        class_number=class_number,
        country=command.country,
        level=command.level,
        last_day=command.valid_until,
        entry=entry,
    )
    # Only a refused admission is replaced; its number is never given to another.
    connection.execute(
        sql.delete(participant).where(
            participant.c.programme == programme, participant.c.code == command.participant
        )
    )
    connection.execute(
        participant.insert().values(
            programme=programme,
            code=command.participant,
            number=memo["participant_number"],
            participant_class=command.participant_class,
            country=command.country,
            lei=command.lei,
            level_requested=command.level.value,
            valid_until_requested=command.valid_until.isoformat(),
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )
    _note_change(context, command.participant, "admission", command.level, command.valid_until,
                 order, entry, None)  # fmt: skip
    return {"participant": command.participant, "order": order, "entry": entry}


def _check_admission(command: AdmitParticipant, context: ActContext) -> str:
    connection, programme = context.uow.connection, context.programme
    find_institution(connection, programme, command.participant)
    row = find_class(connection, programme, command.participant_class)
    check_authority(row, context)
    known = connection.execute(
        sql.select(participant).where(
            participant.c.programme == programme, participant.c.code == command.participant
        )
    ).one_or_none()
    refused = Refused()
    if known is not None and known.refused_at is None:
        refused.add(
            ParticipantExists(
                participant=command.participant, participant_class=known.participant_class
            )
        )
    if command.valid_until < context.business_date:
        refused.add(
            ValidityLapsed(valid_until=command.valid_until, business_date=context.business_date)
        )
    refused.raise_if_any()
    if command.lei is not None:
        Lei(command.lei)
    authority: str = row.authority
    return authority


def _ask_renewal(command: RenewParticipant, context: ActContext) -> Ask:
    """The class authority signs: two keys, or one where admission only becomes shorter."""
    row = _check_renewal(command, context)
    return ask_change(context, row, level_of(row), command.valid_until)


@act(capacities=[AUTHORITY], approvals=_ask_renewal)
def renew_participant(command: RenewParticipant, context: ActContext) -> Result:
    """Order another last day of validity.

    Refuses, in order: `NotFound`, `NotClassAuthority`, `ChangePending`, `ValidityLapsed`.
    """
    row = _check_renewal(command, context)
    entry = context.uow.journal.append(
        events.PARTICIPANT_RENEWAL_REQUESTED,
        {
            "participant": row.code,
            "level": level_of(row).value,
            "valid_until": command.valid_until.isoformat(),
        },
        subject=f"participants:{row.code}",
    )
    return carry_change(
        context, row, "renew_participant", "renewal", level_of(row), command.valid_until,
        entry, None,
    )  # fmt: skip


def _check_renewal(command: RenewParticipant, context: ActContext) -> Row[Any]:
    row = _own_class(command.participant, context)
    _check_nothing_pending(row, context)
    if command.valid_until < context.business_date:
        raise ValidityLapsed(valid_until=command.valid_until, business_date=context.business_date)
    return row


# -- levels ---------------------------------------------------------------------------------------


def _ask_level(command: SetLevel, context: ActContext) -> Ask:
    """The class authority signs: one key for a stricter level, two for a milder one."""
    row, last_day = _check_level(command, context)
    return ask_change(context, row, command.level, last_day)


@act(capacities=[AUTHORITY], approvals=_ask_level)
def set_level(command: SetLevel, context: ActContext) -> Result:
    """Order another level.  A stricter one binds here from now, a milder one once it is done.

    A stricter level takes one key of the authority, a milder one two, as on the ledger.
    Refuses, in order: `NotFound`, `NotClassAuthority`, `LevelUnchanged`, `ChangePending`.
    """
    row, last_day = _check_level(command, context)
    former = level_of(row)
    entry = context.uow.journal.append(
        events.LEVEL_CHANGE_REQUESTED,
        {
            "participant": row.code,
            "former": former.value,
            "level": command.level.value,
            "binds_now": withdraws(former, command.level),
            "reason": command.reason,
        },
        subject=f"participants:{row.code}",
    )
    return carry_change(
        context, row, "set_level", "level", command.level, last_day, entry, command.reason
    )


def _check_level(command: SetLevel, context: ActContext) -> tuple[Row[Any], date]:
    row = _own_class(command.participant, context)
    if row.level is None:
        raise ChangePending(thing=row.code, pending="its admission")
    current = level_of(row)
    # One that the ledger refused binds here alone: it may be ordered again.
    if command.level is current and (row.level == current.value or change_waits(row, context)):
        raise LevelUnchanged(participant=row.code, level=current.value)
    if not withdraws(current, command.level):
        _check_nothing_pending(row, context)
    # While a longer validity is under way the shorter one is signed: a withdrawal never grants.
    return row, date.fromisoformat(valid_until(row))


# -- what these have in common -------------------------------------------------------------------


def change_standing(
    context: ActContext, row: Row[Any], level: Level, last_day: date, reason: str
) -> Result:
    """Order level and validity as they were signed in `ask_change`, for a room whose acts decide.

    The caller has checked who writes the class and that nothing stands in the way.
    """
    former = level_of(row)
    journal, subject = context.uow.journal, f"participants:{row.code}"
    if level is former:
        entry = journal.append(
            events.PARTICIPANT_RENEWAL_REQUESTED,
            {"participant": row.code, "level": level.value, "valid_until": last_day.isoformat()},
            subject=subject,
        )
        return carry_change(
            context, row, "renew_participant", "renewal", level, last_day, entry, reason
        )
    entry = journal.append(
        events.LEVEL_CHANGE_REQUESTED,
        {
            "participant": row.code,
            "former": former.value,
            "level": level.value,
            "binds_now": withdraws(former, level),
            "reason": reason,
        },
        subject=subject,
    )
    return carry_change(context, row, "set_level", "level", level, last_day, entry, reason)


Governs = Callable[[ActContext, str, str], None]
_GOVERNORS: list[Governs] = []


def governs(rule: Governs) -> Governs:
    """Let a room whose acts write a class refuse the acts here: `rule(context, code, class)`."""
    _GOVERNORS.append(rule)
    return rule


def require_ungoverned(context: ActContext, code: str, participant_class: str) -> None:
    """Refuse `UnknownClass`, and what another room refuses because its acts write this class."""
    find_class(context.uow.connection, context.programme, participant_class)
    for rule in _GOVERNORS:
        rule(context, code, participant_class)


def _own_class(code: str, context: ActContext) -> Row[Any]:
    connection, programme = context.uow.connection, context.programme
    row = find_participant(connection, programme, code)
    require_ungoverned(context, code, row.participant_class)
    check_authority(find_class(connection, programme, row.participant_class), context)
    return row


def change_waits(row: Row[Any], context: ActContext) -> bool:
    """Whether the outcome of an earlier change is not known yet."""
    table = participant_change
    waiting = context.uow.connection.execute(
        sql.select(table.c.id).where(
            table.c.programme == row.programme,
            table.c.participant == row.code,
            table.c.done_at.is_(None),
            table.c.refused_at.is_(None),
        )
    )
    return waiting.first() is not None


def _check_nothing_pending(row: Row[Any], context: ActContext) -> None:
    if row.level is None:
        raise ChangePending(thing=row.code, pending="its admission")
    if change_waits(row, context):
        raise ChangePending(thing=row.code, pending="an earlier change")


def ask_change(context: ActContext, row: Row[Any], level: Level, last_day: date) -> Ask:
    """One key of the class authority where only something is taken away, else two."""
    class_row = find_class(context.uow.connection, context.programme, row.participant_class)
    number, signed = sign_standing(context, row, level, last_day)
    takes_away = level.number >= level_of(row).number and last_day.isoformat() <= row.valid_until
    needs = (
        [signed.requirement(class_row.authority, AUTHORITY)]
        if takes_away
        else two_keys(class_row.authority, signed)
    )
    memo = {"number": number, "epoch": signed.epoch, "last_day": last_day.isoformat()}
    return Ask(needs, memo=memo, subject=f"participants:{row.code}")


def sign_standing(
    context: ActContext, row: Row[Any], level: Level, last_day: date
) -> tuple[int, ToSign]:
    """What is signed for a participant's whole new standing, and the number of that act.

    Of two that are signed together the ledger takes the later one after the earlier one alone.
    """
    number = act_number(context)
    class_row = find_class(context.uow.connection, context.programme, row.participant_class)
    signed = _standing_to_sign(
        context,
        number=number,
        participant_number=row.number,
        class_number=class_row.number,
        country=row.country,
        level=level,
        valid_until=last_day,
    )
    return number, signed


def _standing_to_sign(
    context: ActContext,
    *,
    number: int,
    participant_number: int,
    class_number: int,
    country: str,
    level: Level,
    valid_until: date,
) -> ToSign:
    return to_sign(
        context,
        "Eligibility",
        "Participant",
        number=number,
        participant=participant_number,
        participant_class=class_number,
        country=country_number(country),
        level=level.number,
        valid_until=business_day_from_date(valid_until),
    )


def carry_change(
    context: ActContext,
    row: Row[Any],
    kind: str,
    change: str,
    level: Level,
    last_day: date,
    entry: str,
    reason: str | None,
) -> Result:
    """Order what was signed in `ask_change`; `kind` names the order, `change` the row."""
    connection, programme = context.uow.connection, context.programme
    # What was signed counts, also where a shorter validity has come since.
    last_day = date.fromisoformat(context.approved.memo["last_day"])
    order = _order_standing(
        context,
        kind=kind,
        participant_code=row.code,
        participant_number=row.number,
        class_number=find_class(connection, programme, row.participant_class).number,
        country=row.country,
        level=level,
        last_day=last_day,
        entry=entry,
    )
    # What the ledger refused to withdraw binds here until what grants it again is done.
    binds = max(level, level_of(row), key=lambda one: one.number)
    connection.execute(
        sql.update(participant)
        .where(participant.c.programme == programme, participant.c.code == row.code)
        .values(level_requested=binds.value, valid_until_requested=last_day.isoformat())
    )
    _note_change(context, row.code, change, level, last_day, order, entry, reason)
    return {"participant": row.code, "order": order, "entry": entry}


def _order_standing(
    context: ActContext,
    *,
    kind: str,
    participant_code: str,
    participant_number: int,
    class_number: int,
    country: str,
    level: Level,
    last_day: date,
    entry: str,
) -> str:
    memo = context.approved.memo
    standing = {
        "number": memo["number"],
        "epoch": memo["epoch"],
        "participant": participant_number,
        "participant_class": class_number,
        "country": country_number(country),
        "level": level.number,
        "valid_until": business_day_from_date(last_day),
    }
    order: str = context.uow.orders.request(
        kind,
        context.programme,
        "Eligibility",
        "set_participant",
        [standing, context.approved.signatures()],
        subject=("participants", participant_code),
        cause=entry,
        things=Things(brings=things.participants([participant_code])),
    )
    return order


def _note_change(
    context: ActContext,
    code: str,
    change: str,
    level: Level,
    last_day: date,
    order: str,
    entry: str,
    reason: str | None,
) -> None:
    context.uow.connection.execute(
        participant_change.insert().values(
            id=new_id(),
            programme=context.programme,
            participant=code,
            change=change,
            level=level.value,
            valid_until=last_day.isoformat(),
            reason=reason,
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )
