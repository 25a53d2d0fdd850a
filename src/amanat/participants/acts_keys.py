"""A person's key is replaced without a gap, and the validity of keys is kept.

The new key comes onto the ledger first, by an announced change of the Directory that a quorum
signs.  Until the act here both stand there and the person signs with the former one; from the act
on with the new one, and the former one is revoked.  Nobody is without a key at any moment.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.key_register import KEY_VALIDITY, USABLE, end_key, enter_key, find_key
from amanat.access.tables import signing_key
from amanat.core.errors import NotFound, Refused
from amanat.ledger.completion import settle_alarms, time_text
from amanat.ledger.things import Things
from amanat.participants import events, things
from amanat.participants.acts_people import (
    SPEAK_FOR_PEOPLE,
    change_person,
    check_new_key,
    find_person,
    institution_on_ledger,
    register_key,
    second_person,
)
from amanat.participants.commands import EndKey, EnterKey, ExtendKey, RotateKey
from amanat.participants.model import CodeTaken, OutsidePurpose, ValidityTooLong
from amanat.participants.signing import to_sign

KEEPERS = (*SPEAK_FOR_PEOPLE, "operator")
"""Capacities of institutions that may keep keys outside: who runs the installation too."""
_OUTSIDE = frozenset(one.value for one in OutsidePurpose)


def _check_rotation(command: RotateKey, context: ActContext) -> tuple[Row[Any], Row[Any], bool]:
    """The person, the institution, and whether the former key stands on the ledger."""
    found, row = find_person(command.person, "RotateKey", context)
    if found.address is None:
        raise NotFound(thing="signing key of", value=found.code)
    refused = Refused()
    check_new_key(command.address, row, context, refused)
    refused.raise_if_any()
    stands = row.number > 0 and institution_on_ledger(context, found.address) == row.number
    return found, row, stands


def _ask_rotation(command: RotateKey, context: ActContext) -> Ask:
    """Another person of the institution approves, and signs that the former key be revoked."""
    found, row, stands = _check_rotation(command, context)
    subject = f"participants:{row.code}"
    if not stands:
        return second_person(context, subject)
    signed = to_sign(context, "Directory", "KeyRevocation", key=found.address)
    return Ask(
        [signed.requirement(row.code, "directory")], memo={"epoch": signed.epoch}, subject=subject
    )


@act(capacities=SPEAK_FOR_PEOPLE, approvals=_ask_rotation, confidential=True)
def rotate_key(command: RotateKey, context: ActContext) -> Result:
    """Replace a person's key.

    Refuses, in order: `NotFound`, `Forbidden`; then all at once `InvalidAddress`, `CodeTaken`,
    `KeyNotInDirectory`.
    """
    found, row, _stands = _check_rotation(command, context)
    address = command.address.lower()
    change_person(context, found.code, address=address)
    end_key(context.uow.connection, context.programme, found.address, "retired", context.now)
    register_key(context, address, row.code, found.code)
    entry = context.uow.journal.append(
        events.KEY_ROTATED,
        {
            "institution": row.code,
            "person": found.code,
            "address": address,
            "former": found.address,
            "reason": command.reason,
        },
        subject=f"participants:{row.code}",
    )
    order = None
    if "epoch" in context.approved.memo:
        order = context.uow.orders.request(
            "revoke_key",
            context.programme,
            "Directory",
            "revoke_key",
            [found.address, context.approved.memo["epoch"], context.approved.signatures()[0]],
            subject=("programme", found.address),
            cause=entry,
            things=Things(changes=[things.EPOCH]),
        )
    return {
        "person": found.code,
        "address": address,
        "former": found.address,
        "order": order,
        "entry": entry,
    }


def _check_extension(command: ExtendKey, context: ActContext) -> tuple[Row[Any], datetime]:
    row = find_key(context.uow.connection, context.programme, command.key)
    if row is None or row.institution != context.actor.institution or row.state not in USABLE:
        raise NotFound(thing="key", value=command.key)
    return row, _until(row.address, command.expires_on, context)


def _until(key: str, expires_on: date, context: ActContext) -> datetime:
    """The end of a key's validity.  Refuses `ValidityTooLong`."""
    until = datetime.combine(expires_on, time(), UTC)
    latest = (context.now + KEY_VALIDITY).date()
    if not context.now + timedelta(hours=1) < until or expires_on > latest:
        raise ValidityTooLong(key=key, latest=latest, expires_on=expires_on)
    return until


def _ask_extension(command: ExtendKey, context: ActContext) -> Ask:
    """Another person of the institution approves."""
    row, _until = _check_extension(command, context)
    return second_person(context, f"participants:{row.institution}")


@act(capacities=SPEAK_FOR_PEOPLE, approvals=_ask_extension, confidential=True)
def extend_key(command: ExtendKey, context: ActContext) -> Result:
    """Let a key be valid for longer or shorter.  Refuses `NotFound`, then `ValidityTooLong`."""
    row, until = _check_extension(command, context)
    expires_at = time_text(until)
    context.uow.connection.execute(
        sql.update(signing_key)
        .where(signing_key.c.programme == row.programme, signing_key.c.address == row.address)
        .values(expires_at=expires_at)
    )
    settle_alarms(
        context.uow.connection, {f"key:{row.programme}:{row.address}"}, time_text(context.now)
    )
    entry = context.uow.journal.append(
        events.KEY_EXTENDED,
        {
            "institution": row.institution,
            "address": row.address,
            "former": row.expires_at,
            "expires_at": expires_at,
        },
        subject=f"participants:{row.institution}",
    )
    return {"key": row.address, "expires_at": expires_at, "entry": entry}


def _check_entry(command: EnterKey, context: ActContext) -> datetime:
    """Until when it serves; a key of another purpose or institution keeps its place."""
    known = find_key(context.uow.connection, context.programme, command.key)
    if known is not None:
        own = known.institution == context.actor.institution
        if not own or known.purpose not in _OUTSIDE:
            raise CodeTaken(thing="key", code=command.key.lower())
    return _until(command.key.lower(), command.expires_on, context)


def _ask_entry(command: EnterKey, context: ActContext) -> Ask:
    """Another person of the institution approves."""
    _check_entry(command, context)
    return second_person(context, f"participants:{context.actor.institution}")


@act(capacities=KEEPERS, approvals=_ask_entry, confidential=True)
def enter_outside_key(command: EnterKey, context: ActContext) -> Result:
    """Enter a key that lives outside, or a known one anew.

    Refuses, in order: `CodeTaken`, `ValidityTooLong`.
    """
    until = _check_entry(command, context)
    address, own = command.key.lower(), context.actor.institution
    connection, programme = context.uow.connection, context.programme
    expires_at = time_text(until)
    entry = context.uow.journal.append(
        events.KEY_ENTERED,
        {
            "institution": own,
            "address": address,
            "purpose": command.purpose.value,
            "holder": command.holder,
            "place": command.place,
            "expires_at": expires_at,
        },
        subject=f"participants:{own}",
    )
    enter_key(
        connection,
        programme,
        address,
        institution=own,
        holder=command.holder,
        purpose=command.purpose.value,
        place=command.place,
        now=context.now,
        entry=entry,
    )
    connection.execute(
        sql.update(signing_key)
        .where(signing_key.c.programme == programme, signing_key.c.address == address)
        .values(expires_at=expires_at)
    )
    return {"key": address, "expires_at": expires_at, "entry": entry}


def _check_end(command: EndKey, context: ActContext) -> Row[Any]:
    row = find_key(context.uow.connection, context.programme, command.key)
    own = row is not None and row.institution == context.actor.institution
    if row is None or not own or row.purpose not in _OUTSIDE or row.state not in USABLE:
        raise NotFound(thing="key", value=command.key)
    return row


@act(capacities=KEEPERS, confidential=True)
def end_outside_key(command: EndKey, context: ActContext) -> Result:
    """One person is enough, and it binds at once.  Refuses `NotFound`."""
    row = _check_end(command, context)
    state = "lost" if command.lost else "retired"
    end_key(context.uow.connection, row.programme, row.address, state, context.now)
    entry = context.uow.journal.append(
        events.KEY_ENDED,
        {
            "institution": row.institution,
            "address": row.address,
            "purpose": row.purpose,
            "lost": command.lost,
            "reason": command.reason,
        },
        subject=f"participants:{row.institution}",
    )
    return {"key": row.address, "state": state, "entry": entry}
