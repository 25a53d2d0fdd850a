"""What acts of the programme will do: headroom, supply, the day, halts, keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.effects import Seen, effects
from amanat.access.tables import person
from amanat.core.messages import Face, Message, Word
from amanat.core.money import Money
from amanat.instruments.model import terms_from
from amanat.ledger.balances import balance_at, balances_at, supply_at
from amanat.participants.effects import account_name
from amanat.participants.records import account_of_kind
from amanat.programme.commands import (
    AnnounceChange,
    AttestReserves,
    AuthoriseSecurity,
    CancelUnsold,
    Halt,
    IssueNominal,
    MoveDay,
    ReleaseHeadroom,
    Resume,
    RevokeKey,
)
from amanat.programme.model import usd_value_cents
from amanat.programme.records import (
    WHOLE_PROGRAMME,
    find_programme,
    find_security,
    headroom_of,
    programme_day,
    rate_on,
    rate_value,
    securities_of,
)
from amanat.programme.tables import authorisation


def currency_of(seen: Seen) -> str:
    """The programme's currency."""
    return str(find_programme(seen.connection, seen.programme).currency)


def face_of(seen: Seen, units: int) -> Face:
    """Nominal in the programme's currency."""
    return Face(units, currency_of(seen))


def cash_of(seen: Seen, minor: int) -> Money:
    """Money in the programme's currency."""
    return Money(minor, currency_of(seen))


def securities_in(seen: Seen, scope: str) -> list[Row[Any]]:
    """The securities that a halt of `scope` concerns: one, or all."""
    if scope == WHOLE_PROGRAMME:
        return securities_of(seen.connection, seen.programme)
    named = len(scope) == 12 and scope.isupper()
    return [find_security(seen.connection, seen.programme, scope)] if named else []


def _headroom(seen: Seen, change_cents: int) -> Message:
    left = headroom_of(seen.connection, seen.programme).left_cents
    return Message(
        "Headroom under the ceiling: {before} before, {after} after",
        before=Money(left, "USD"),
        after=Money(left + change_cents, "USD"),
    )


@effects(AuthoriseSecurity)
def authorised(command: AuthoriseSecurity, seen: Seen) -> Iterator[Message]:
    """What may be issued of the security, and what is left under the ceiling."""
    terms = terms_from(command.terms)
    rate = rate_on(seen.connection, seen.programme, currency_of(seen), command.rate_date)
    before = seen.connection.execute(
        sql.select(sql.func.coalesce(sql.func.sum(authorisation.c.nominal), 0)).where(
            authorisation.c.programme == seen.programme,
            authorisation.c.isin == str(terms.isin),
            authorisation.c.state.in_(("requested", "done")),
        )
    ).scalar_one()
    yield Message(
        "Authorised of {isin}: {before} before, {after} after",
        isin=str(terms.isin),
        before=face_of(seen, int(before)),
        after=face_of(seen, int(before) + command.nominal),
    )
    yield _headroom(seen, -usd_value_cents(command.nominal, rate_value(rate)))


@effects(ReleaseHeadroom)
def headroom_released(command: ReleaseHeadroom, seen: Seen) -> Iterator[Message]:
    """What can no longer be issued."""
    isin = seen.connection.execute(
        sql.select(authorisation.c.isin).where(
            authorisation.c.programme == seen.programme,
            authorisation.c.number == command.authorisation,
        )
    ).scalar_one_or_none()
    yield Message(
        "{nominal} of {isin} can no longer be issued under authorisation {authorisation}",
        nominal=face_of(seen, command.nominal),
        isin=isin or Message("none"),
        authorisation=str(command.authorisation),
    )


@effects(IssueNominal, CancelUnsold)
def supply(command: IssueNominal | CancelUnsold, seen: Seen) -> Iterator[Message]:
    """Nominal in existence, and on the distribution account, before and after."""
    connection = seen.connection
    token = find_security(connection, seen.programme, command.isin).address
    change = command.nominal if isinstance(command, IssueNominal) else -command.nominal
    outstanding = supply_at(connection, token)
    yield Message(
        "Outstanding of {isin}: {before} before, {after} after",
        isin=command.isin,
        before=face_of(seen, outstanding),
        after=face_of(seen, outstanding + change),
    )
    address = command.account or account_of_kind(connection, seen.programme, "distribution")
    yield holding_change(seen, command.isin, address.lower(), change)


def holding_change(seen: Seen, isin: str, address: str, change: int) -> Message:
    """What an account holds of a security before and after."""
    token = find_security(seen.connection, seen.programme, isin).address
    before = balance_at(seen.connection, token, address)
    return Message(
        "{account} holds of {isin}: {before} before, {after} after",
        account=account_name(seen, address),
        isin=isin,
        before=face_of(seen, before),
        after=face_of(seen, before + change),
    )


@effects(AttestReserves)
def reserves(command: AttestReserves, seen: Seen) -> Iterator[Message]:
    """What backs the programme before and after, and what is authorised against it."""
    row = find_programme(seen.connection, seen.programme)
    yield Message(
        "Reserves attested: {before} before, {after} after, valid until {valid_until}",
        before=Money(int(row.reserves_usd_cents or 0), "USD"),
        after=Money(command.reserves_usd_cents, "USD"),
        valid_until=command.valid_until,
    )
    yield Message(
        "Authorised against them: {amount}",
        amount=Money(headroom_of(seen.connection, seen.programme).authorised_cents, "USD"),
    )


@effects(MoveDay)
def day_moved(command: MoveDay, seen: Seen) -> Iterator[Message]:
    """The day and phase before and after."""
    today = programme_day(seen.connection, seen.programme)
    yield Message(
        "Business day: {before}, {phase} before; {after}, {to_phase} after",
        before=today.day if today else Message("no day"),
        phase=Word(today.phase.value) if today else Message("none"),
        after=command.business_date,
        to_phase=Word(command.phase.value),
    )


@effects(Halt, Resume)
def standstill(command: Halt | Resume, seen: Seen) -> Iterator[Message]:
    """When it binds, and how much of which securities, held by how many, it concerns."""
    if isinstance(command, Halt):
        yield Message("It binds here from the request, before the ledger has it")
    else:
        yield Message("It takes effect when the ledger has it")
    for row in securities_in(seen, command.scope):
        held = balances_at(seen.connection, str(row.address))
        yield Message(
            "{isin}: {nominal} outstanding on {count} accounts",
            isin=str(row.isin),
            nominal=face_of(seen, sum(held.values())),
            count=len(held),
        )


@effects(RevokeKey)
def key_revoked(command: RevokeKey, seen: Seen) -> Iterator[Message]:
    """Who signs with the key, and how many people of the institution still have one."""
    rows = seen.connection.execute(
        sql.select(person.c.code, person.c.address).where(
            person.c.programme == seen.programme,
            person.c.institution == seen.institution,
            person.c.active,
            person.c.address.is_not(None),
        )
    ).all()
    lost = [row.code for row in rows if row.address == command.key.lower()]
    yield Message(
        "People of {institution} with a key: {before} before, {after} after",
        institution=seen.institution,
        before=len(rows),
        after=len(rows) - len(lost),
    )
    for code in lost:
        yield Message("{person} can sign nothing until given another key", person=code)


@effects(AnnounceChange)
def contract_replaced(command: AnnounceChange, seen: Seen) -> Iterator[Message]:
    """Which contract comes in the place of which, and what becomes of what was signed for it."""
    if command.contract is None or command.at is None:
        return
    yield Message(
        "{contract}: {before} before, {after} after",
        contract=command.contract.value,
        before=seen.ledger.address(command.contract.value),
        after=command.at.lower(),
    )
    yield Message("The former contract carries out nothing more from then on")
    yield Message("What institutions signed for it and is not carried out by then is void")
