"""Reads and writes what the acts of settlement share: accounts, numbers, instructions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.core.money import face_text, money_text
from amanat.ledger.refusals import BY_NAME, ContractRefusal
from amanat.licensing.standing import require_participant
from amanat.participants.model import Level
from amanat.participants.records import (
    accounts_at,
    find_account,
    level_of,
    require_level,
    valid_until,
)
from amanat.participants.tables import participant
from amanat.programme.records import currency_of, money_in
from amanat.programme.tables import security
from amanat.register.model import BINDING
from amanat.register.tables import hold
from amanat.settlement.tables import instruction, number_counter

SEES_TRADES = ("issuer", "cash_issuer", "registrar", "auditor")
"""Capacities of institutions that may see every instruction, under their secrecy."""


def securities_of(connection: Connection, programme: str) -> dict[str, str]:
    """The ledger's address of every security, by ISIN."""
    rows = connection.execute(
        sql.select(security.c.isin, security.c.address).where(security.c.programme == programme)
    )
    return {row.isin: row.address for row in rows}


def security_address(connection: Connection, programme: str, isin: str) -> str:
    """The ledger's address of a security.  Refuses `NotFound`."""
    found = connection.execute(
        sql.select(security.c.address).where(
            security.c.programme == programme, security.c.isin == isin
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(thing="security", value=isin)
    return str(found)


def own_account(connection: Connection, programme: str, address: str, institution: str) -> Row[Any]:
    """An account of this institution.  Refuses `NotFound`, also where it is another's."""
    row = find_account(connection, programme, address)
    if row.participant != institution:
        raise NotFound(thing="account", value=address)
    return row


def take_numbers(connection: Connection, programme: str, account: str, count: int) -> int:
    """The first of `count` dense numbers of an account; the counter stays locked until commit."""
    table = number_counter
    connection.exec_driver_sql(
        "INSERT INTO settlement_number (programme, account, next_number) VALUES "
        + ("(?, ?, 0)" if connection.dialect.name == "sqlite" else "(%s, %s, 0)")
        + " ON CONFLICT DO NOTHING",
        (programme, account),
    )
    following: int = connection.execute(
        sql.update(table)
        .where(table.c.programme == programme, table.c.account == account)
        .values(next_number=table.c.next_number + count)
        .returning(table.c.next_number)
    ).scalar_one()
    return following - count


def numbers_given(connection: Connection, programme: str) -> dict[str, int]:
    """How many numbers have been given, by account."""
    rows = connection.execute(
        sql.select(number_counter).where(number_counter.c.programme == programme)
    )
    return {row.account: row.next_number for row in rows}


def find_instruction(connection: Connection, programme: str, identifier: str) -> Row[Any]:
    """One instruction, locked until the transaction ends.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(instruction)
        .where(instruction.c.programme == programme, instruction.c.id == identifier)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="instruction", value=identifier)
    return row


def update_instruction(
    connection: Connection, programme: str, identifier: str, **values: Any
) -> None:
    """Change one instruction."""
    connection.execute(
        sql.update(instruction)
        .where(instruction.c.programme == programme, instruction.c.id == identifier)
        .values(**values)
    )


def terms_content(row: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """An instruction's terms as its journal entries write them, in the programme's currency."""
    return {
        "instruction": row["id"],
        "isin": row["isin"],
        "deliverer": row["deliverer"],
        "receiver": row["receiver"],
        "number": row["number"],
        "nominal": face_text(row["nominal"], currency),
        "consideration": money_text(row["consideration_paisa"], currency),
        "trade_date": row["trade_date"],
        "first_day": row["first_day"],
        "last_day": row["last_day"],
        "purpose": row["purpose"],
        "reference": row["reference"],
        "digest": row["digest"],
    }


def require_party(row: Row[Any], institution: str) -> None:
    """Refuse `NotFound`, as of no instruction, unless the institution is a party of this one."""
    if institution not in (row.deliverer_institution, row.receiver_institution):
        raise NotFound(thing="instruction", value=row.id)


DELIVERS = Level.CLOSE_OUT_ONLY
"""The strictest level at which a participant delivers what it holds, against cash."""
RECEIVES = Level.ACTIVE
"""The strictest level at which a participant takes on something new and pays for it."""


def require_standing(
    connection: Connection, programme: str, deliverer: str, receiver: str, day: date
) -> None:
    """Refuse `ParticipantNotActive` unless both institutions may do this trade here on `day`.

    What withdraws binds from its request, so this is asked before the ledger is.  Of a licensed
    provider the refusal names what is missing: `ProviderSuspended`, `PermissionMissing`.
    """
    require_participant(connection, programme, deliverer, "deliver", day)
    if deliverer == receiver:
        require_level(
            connection, programme, deliverer, day, at_least=DELIVERS, reason="it moves its own"
        )
        return
    require_level(
        connection, programme, deliverer, day, at_least=DELIVERS, reason="it cannot deliver"
    )
    require_participant(connection, programme, receiver, "acquire", day)
    require_level(connection, programme, receiver, day, at_least=RECEIVES, reason="it cannot buy")


def withheld(connection: Connection, programme: str, day: date) -> tuple[list[str], list[str]]:
    """Participants that may not deliver on `day`, and those that may not receive."""
    rows = connection.execute(sql.select(participant).where(participant.c.programme == programme))
    no_delivery, no_receipt = [], []
    for row in rows:
        lapsed = valid_until(row) < day.isoformat()
        if lapsed or level_of(row).number > DELIVERS.number:
            no_delivery.append(row.code)
        if lapsed or level_of(row).number > RECEIVES.number:
            no_receipt.append(row.code)
    return no_delivery, no_receipt


def deliverer_is_frozen() -> sql.ColumnElement[bool]:
    """Whether an instruction's deliverer is frozen as a whole in the security that it delivers."""
    return sql.exists().where(
        hold.c.programme == instruction.c.programme,
        hold.c.account == instruction.c.deliverer,
        hold.c.isin == instruction.c.isin,
        hold.c.nominal.is_(None),
        hold.c.state.in_([state.value for state in BINDING]),
    )


_AMOUNTS = frozenset({"balance", "needed", "amount", "unfrozen", "held"})
"""Arguments of the ledger's refusals that count what an account has."""


def fail_in_words(connection: Connection, row: Row[Any], reason: ContractRefusal) -> Message:
    """Why an instruction failed, as people say it: accounts by name, amounts with their unit.

    What the deliverer lacks is nominal, what the receiver lacks is money.
    """
    accounts = accounts_at(
        connection,
        row.programme,
        [one for one in reason.arguments.values() if isinstance(one, str) and len(one) == 42],
    )
    short = {one.lower() for one in reason.arguments.values() if isinstance(one, str)}
    words: dict[str, Any] = {}
    for name, value in reason.arguments.items():
        account = accounts.get(value.lower()) if isinstance(value, str) else None
        if account is not None:
            words[name] = Message(
                "account {label} of {participant}",
                label=account.label,
                participant=account.participant,
            )
        elif isinstance(value, int) and name in _AMOUNTS and row.deliverer in short:
            nominal = f"{value} {currency_of(connection, row.programme)}"
            words[name] = Message("{nominal} face of {isin}", nominal=nominal, isin=row.isin)
        elif isinstance(value, int) and name in _AMOUNTS and row.receiver in short:
            words[name] = money_in(connection, row.programme, value)
        else:
            words[name] = value
    declared = BY_NAME.get(reason.name)
    if declared is None:
        return Message("{message}", message=_capital(reason.message))
    return Message.stated(_capital(declared.template.format(**words)), declared.template, words)


def _capital(told: str) -> str:
    return told[:1].upper() + told[1:]
