"""Reads what other rooms ask of the programme: its day, calendar, halts, headroom, securities."""

from __future__ import annotations

import functools
import json
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.calendars import Calendar
from amanat.core.errors import NotFound, Refusal
from amanat.core.money import face_text, money_text
from amanat.instruments.model import Terms, terms_from
from amanat.jurisdictions.holidays import calendar_from
from amanat.programme.model import (
    Halted,
    Headroom,
    Phase,
    PhaseForbids,
    ProgrammeDay,
    RateMissing,
    ReservesLapsed,
    ReservesShort,
    dollars,
)
from amanat.programme.tables import (
    authorisation,
    business_day,
    exchange_rate,
    gazette,
    halt,
    kind_rule,
    programme,
    security,
)

WHOLE_PROGRAMME = "programme"


def find_programme(connection: Connection, code: str) -> Row[Any]:
    """The row of a programme.  Refuses `NotFound`."""
    row = connection.execute(sql.select(programme).where(programme.c.code == code)).one_or_none()
    if row is None:
        raise NotFound(thing="programme", value=code)
    return row


def currency_of(connection: Connection, programme: str) -> str:
    """The currency of a programme, ISO 4217.  Refuses `NotFound`."""
    return str(find_programme(connection, programme).currency)


def money_in(connection: Connection, programme: str, minor: int) -> str:
    """Minor units of the programme's currency as the journal writes them."""
    return money_text(minor, currency_of(connection, programme))


def face_in(connection: Connection, programme: str, units: int) -> str:
    """A nominal of the programme as the journal writes it."""
    return face_text(units, currency_of(connection, programme))


def latest_day(connection: Connection, code: str) -> Row[Any] | None:
    """The row of the day and phase to which the programme was last moved; None before the first."""
    return connection.execute(
        sql.select(business_day)
        .where(business_day.c.programme == code)
        .order_by(business_day.c.position.desc())
        .limit(1)
    ).one_or_none()


def programme_day(connection: Connection, code: str) -> ProgrammeDay | None:
    """The programme's day and phase as the ledger has them; None before the first."""
    row = latest_day(connection, code)
    if row is None:
        return None
    return ProgrammeDay(date.fromisoformat(row.business_date), Phase(row.phase))


def business_date_of(connection: Connection, code: str) -> date:
    """The programme's business date as the ledger has it; before its first day, that day.

    Refuses `NotFound`: no such programme.
    """
    today = programme_day(connection, code)
    if today is not None:
        return today.day
    return date.fromisoformat(find_programme(connection, code).first_business_date)


def first_business_date(connection: Connection, code: str) -> str | None:
    """The date on which a programme opens, ISO 8601; None where it is not founded here."""
    return connection.execute(
        sql.select(programme.c.first_business_date).where(programme.c.code == code)
    ).scalar_one_or_none()


def require_phase(connection: Connection, code: str, act: str, *allowed: Phase) -> None:
    """Refuse `PhaseForbids` unless the day is in one of the phases."""
    today = programme_day(connection, code)
    if today is None or today.phase not in allowed:
        raise PhaseForbids(
            act=act,
            allowed=" or ".join(phase.value for phase in allowed),
            day=today.day if today else "none",
            phase=today.phase.value if today else "not yet begun",
        )


def require_running(connection: Connection, code: str, *scopes: str) -> None:
    """Refuse `Halted` where the programme or one of `scopes` is halted, requested or done.

    A scope is `cash`, `orders`, `settlement`, `payments`, `tenders` or an ISIN.
    """
    row = connection.execute(
        sql.select(halt)
        .where(
            halt.c.programme == code,
            halt.c.scope.in_((WHOLE_PROGRAMME, *scopes)),
            halt.c.refused_at.is_(None),
            halt.c.resumed_at.is_(None),
        )
        .order_by(halt.c.id)
        .limit(1)
    ).one_or_none()
    if row is not None:
        raise Halted(scope=row.scope, since=row.requested_at, reason=row.reason)


def calendar_of(connection: Connection, code: str) -> Calendar:
    """The calendar of settlement days as last adopted.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(gazette)
        .where(gazette.c.programme == code)
        .order_by(gazette.c.adopted_at.desc(), gazette.c.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="gazette of programme", value=code)
    return _read_calendar(row.content, f"{row.code} gazette")


@functools.lru_cache(maxsize=16)
def _read_calendar(content: str, name: str) -> Calendar:
    return calendar_from(content, name)


def headroom_of(connection: Connection, code: str) -> Headroom:
    """The ceiling and what stands against it: authorised (also where still under way), less what
    was given up and, where the programme says so, redeemed.
    """
    row = find_programme(connection, code)
    table = authorisation
    used = connection.execute(
        sql.select(
            sql.func.coalesce(sql.func.sum(table.c.usd_value_cents - table.c.released_usd_cents), 0)
        ).where(table.c.programme == code, table.c.state.in_(("requested", "done")))
    ).scalar_one()
    return Headroom(row.ceiling_usd_cents, int(used) - row.usd_freed_cents)


def frees_headroom(connection: Connection, code: str) -> bool:
    """Whether what is redeemed may be authorised again in this programme."""
    return bool(find_programme(connection, code).redemption_frees_headroom)


def attestors_of(connection: Connection, code: str) -> list[str]:
    """The institutions that attest reserves; empty where none back the programme."""
    found: list[str] = json.loads(find_programme(connection, code).terms)["attestors"]
    return found


def reserves_refusal(
    connection: Connection, code: str, added_cents: int, day: date
) -> Refusal | None:
    """Why reserves do not carry `added_cents` more, where the programme is backed by any."""
    if not attestors_of(connection, code):
        return None
    row = find_programme(connection, code)
    required = headroom_of(connection, code).authorised_cents + added_cents
    if row.reserves_valid_until is None or row.reserves_valid_until < day.isoformat():
        return ReservesLapsed(valid_until=row.reserves_valid_until or "never", day=day)
    if row.reserves_usd_cents < required:
        return ReservesShort(reserves=dollars(row.reserves_usd_cents), required=dollars(required))
    return None


def find_kind(connection: Connection, code: str, kind: str) -> Row[Any] | None:
    """The rule for a kind of instrument, if the programme allows it."""
    return connection.execute(
        sql.select(kind_rule).where(kind_rule.c.programme == code, kind_rule.c.code == kind)
    ).one_or_none()


def kinds_of(connection: Connection, code: str) -> list[Row[Any]]:
    """The rules for every kind that the programme allows, by number."""
    return list(
        connection.execute(
            sql.select(kind_rule).where(kind_rule.c.programme == code).order_by(kind_rule.c.number)
        )
    )


def find_security(connection: Connection, code: str, isin: str) -> Row[Any]:
    """The row of a security that the ledger has.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(security).where(security.c.programme == code, security.c.isin == isin)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="security", value=isin)
    return row


def securities_of(connection: Connection, code: str) -> list[Row[Any]]:
    """Every security that the ledger has, by issue date and ISIN."""
    return list(
        connection.execute(
            sql.select(security)
            .where(security.c.programme == code)
            .order_by(security.c.issue_date, security.c.isin)
        )
    )


def security_at(connection: Connection, code: str, address: str) -> Row[Any]:
    """The security whose contract lies at an address.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(security).where(
            security.c.programme == code, security.c.address == address.lower()
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="security at", value=address)
    return row


def terms_in(row: Row[Any]) -> Terms:
    """The terms in a row of `security` or `authorisation`."""
    return terms_from(json.loads(row.terms))


def terms_of(connection: Connection, code: str, isin: str) -> Terms:
    """The terms of a security.  Refuses `NotFound`."""
    return terms_in(find_security(connection, code, isin))


def rate_on(connection: Connection, code: str, currency: str, day: date) -> Row[Any]:
    """The recorded rate of a day (`rate`, `source`, `assumed`).  Refuses `RateMissing`."""
    row = connection.execute(
        sql.select(exchange_rate).where(
            exchange_rate.c.programme == code,
            exchange_rate.c.currency == currency,
            exchange_rate.c.rate_date == day.isoformat(),
        )
    ).one_or_none()
    if row is None:
        raise RateMissing(currency=currency, rate_date=day)
    return row


def rate_value(row: Row[Any]) -> Decimal:
    """The rate in a row of `exchange_rate`: units of the currency to the US dollar."""
    return Decimal(row.rate)
