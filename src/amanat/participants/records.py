"""Reads what other rooms ask of participants: who, at which level, whose account, how taxed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from eth_utils.address import to_checksum_address
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext
from amanat.access.tables import institution
from amanat.core.errors import NotFound, Refusal
from amanat.participants.model import (
    Certificate,
    InvalidAddress,
    Level,
    NotClassAuthority,
    ParticipantNotActive,
    TaxStatus,
    TaxStatusMissing,
    UnknownClass,
    binding_level,
    status_on,
)
from amanat.participants.tables import account, participant, participant_class, tax_status


def find_institution(connection: Connection, programme: str, code: str) -> Row[Any]:
    """The row of an institution.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(institution).where(
            institution.c.programme == programme, institution.c.code == code
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="institution", value=code)
    return row


def institutions_with(connection: Connection, programme: str, capacity: str) -> list[Row[Any]]:
    """The institutions that have a capacity, by their number."""
    # The text of the list sorts out nearly all of very many applicants before they are read.
    rows = connection.execute(
        sql.select(institution)
        .where(
            institution.c.programme == programme,
            sql.cast(institution.c.capacities, sql.String).contains(f'"{capacity}"'),
        )
        .order_by(institution.c.number, institution.c.code)
    )
    return [row for row in rows if capacity in row.capacities]


def find_class(connection: Connection, programme: str, code: str) -> Row[Any]:
    """The row of a class of participants.  Refuses `UnknownClass`."""
    row = connection.execute(
        sql.select(participant_class).where(
            participant_class.c.programme == programme, participant_class.c.code == code
        )
    ).one_or_none()
    if row is None:
        raise UnknownClass(participant_class=code, programme=programme)
    return row


def check_authority(class_row: Row[Any], context: ActContext) -> None:
    """Refuse `NotClassAuthority` unless the actor's institution writes this class."""
    if class_row.authority != context.actor.institution:
        raise NotClassAuthority(
            institution=context.actor.institution,
            participant_class=class_row.code,
            authority=class_row.authority,
        )


def find_participant(connection: Connection, programme: str, code: str) -> Row[Any]:
    """The row of a participant that was admitted, or whose admission is under way.

    Refuses `NotFound`.
    """
    row = connection.execute(
        sql.select(participant).where(
            participant.c.programme == programme, participant.c.code == code
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="participant", value=code)
    return row


def find_account(connection: Connection, programme: str, address: str) -> Row[Any]:
    """The row of an account, whatever the case of its letters.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(account).where(
            account.c.programme == programme, account.c.address == address.lower()
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="account", value=address)
    return row


def accounts_at(
    connection: Connection, programme: str, addresses: Sequence[str]
) -> dict[str, Row[Any]]:
    """The rows of those of these accounts that are known, by address in small letters."""
    wanted = sorted({one.lower() for one in addresses})
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(wanted), 500):
        query = sql.select(account).where(
            account.c.programme == programme,
            account.c.address.in_(wanted[start : start + 500]),
        )
        found.update({row.address: row for row in connection.execute(query)})
    return found


def accounts_of(
    connection: Connection, programme: str, code: str | None = None, kind: str | None = None
) -> list[Row[Any]]:
    """Accounts that the ledger has, of one participant or of all, by participant and label."""
    query = sql.select(account).where(
        account.c.programme == programme,
        account.c.done_at.is_not(None),
        account.c.closed_at.is_(None),
    )
    if code is not None:
        query = query.where(account.c.participant == code)
    if kind is not None:
        query = query.where(account.c.kind == kind)
    return list(connection.execute(query.order_by(account.c.participant, account.c.label)))


def account_of_kind(connection: Connection, programme: str, kind: str) -> str:
    """The address of the one account of a kind: distribution, treasury, tax.

    Where several are enrolled, the first that was.  Refuses `NotFound`.
    """
    row = connection.execute(
        sql.select(account.c.address)
        .where(
            account.c.programme == programme,
            account.c.kind == kind,
            account.c.done_at.is_not(None),
            account.c.closed_at.is_(None),
        )
        .order_by(account.c.done_at, account.c.label)
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="account of kind", value=kind)
    address: str = row.address
    return address


def level_of(row: Row[Any]) -> Level:
    """The level that binds here: the stricter of what the ledger has and what was requested."""
    done = Level(row.level) if row.level else None
    asked = Level(row.level_requested) if row.level_requested else None
    return binding_level(done, asked)


def valid_until(row: Row[Any]) -> str:
    """The last day of a participant's admission that binds here; empty before admission."""
    days = [day for day in (row.valid_until, row.valid_until_requested) if day]
    return min(days) if row.valid_until and days else ""


def require_level(
    connection: Connection,
    programme: str,
    code: str,
    day: date,
    *,
    at_least: Level = Level.ACTIVE,
    reason: str,
) -> None:
    """Refuse `ParticipantNotActive` unless the participant may do this on `day`.

    `reason` says what it wanted, for the message.  Refuses `NotFound`.
    """
    row = find_participant(connection, programme, code)
    level, last = level_of(row), valid_until(row)
    if level.number > at_least.number or last < day.isoformat():
        raise ParticipantNotActive(
            participant=code, level=level.value, valid_until=last or "no day", reason=reason
        )


def tax_status_on(connection: Connection, programme: str, address: str, day: date) -> TaxStatus:
    """How the holder of an account is taxed on `day`.  Refuses `TaxStatusMissing`."""
    found = status_on(tax_statuses_of(connection, programme, address), day)
    if found is None:
        raise TaxStatusMissing(address=address, day=day)
    return found


def tax_statuses_of(connection: Connection, programme: str, address: str) -> list[TaxStatus]:
    """Everything recorded of an account's tax standing, in the order of recording."""
    rows = connection.execute(
        sql.select(tax_status)
        .where(tax_status.c.programme == programme, tax_status.c.address == address.lower())
        .order_by(tax_status.c.id)
    )
    return [_status(row) for row in rows]


def tax_statuses_by_account(connection: Connection, programme: str) -> dict[str, list[TaxStatus]]:
    """As `tax_statuses_of`, for every account at once."""
    rows = connection.execute(
        sql.select(tax_status).where(tax_status.c.programme == programme).order_by(tax_status.c.id)
    )
    found: dict[str, list[TaxStatus]] = {}
    for row in rows:
        found.setdefault(row.address, []).append(_status(row))
    return found


def _status(row: Row[Any]) -> TaxStatus:
    return TaxStatus(
        holder_class=row.holder_class,
        active_taxpayer=row.active_taxpayer,
        valid_from=date.fromisoformat(row.valid_from),
        valid_to=date.fromisoformat(row.valid_to) if row.valid_to else None,
        tax_residency=row.tax_residency,
        certificate=Certificate(row.certificate) if row.certificate else None,
        certificate_number=row.certificate_number,
        reduced_rate=Decimal(row.reduced_rate) if row.reduced_rate else None,
    )


def checked_address(value: str) -> list[Refusal]:
    """`InvalidAddress` where the letters' case is mixed and not the checksum's (EIP-55)."""
    digits = value[2:]
    if digits in (digits.lower(), digits.upper()) or to_checksum_address(value) == value:
        return []
    return [InvalidAddress(address=value)]
