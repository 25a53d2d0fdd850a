"""The register of keys: whose, for what, where they live, and until when they may sign.

A key belongs to a person of an institution in a programme, or sends the installation's chain
transactions (its programme is then empty).  Keys of participants' own accounts and tenders' seals
are in it too, and what institutions enter of keys that live outside; keys of clients' accounts are
not: they are the clients' own, and a lost one is put right by a re-registration.

NIST SP 800-57 part 1 revision 5, section 5.3.6, recommends one to three years for a private key
that signs; a key is entered here for two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.tables import signing_key
from amanat.core.errors import Refusal
from amanat.ledger import tables as ledger_tables
from amanat.ledger.completion import raise_alarm, settle_alarms, time_text
from amanat.ledger.sender_names import OPERATOR

KEY_VALIDITY = timedelta(days=730)
WARNED_BEFORE = timedelta(days=30)
INSTALLATION = ""
"""The programme of the keys that send chain transactions: they serve all programmes."""
APPROVE, SEND = "approve", "send"
"""A key approves, or sends: `send` for the operator, `send.NAME` for another sender."""
ACCOUNT, SEAL = "account", "seal"
"""A key moves an account's holdings and signs its bids; or opens one tender's sealed bids."""
USABLE = ("standby", "in_use")


def purpose_of(sender: str) -> str:
    """The purpose of a key that sends for this sender."""
    return SEND if sender == OPERATOR else f"{SEND}.{sender}"


def sender_of(purpose: str) -> str:
    """The sender for which a key of this purpose sends."""
    return purpose.removeprefix(SEND).removeprefix(".") or OPERATOR


class KeyExpired(Refusal):
    """A key signs nothing from the moment at which its validity ends."""

    template = "The key {address} of {institution} expired at {expires_at}; give another."


class KeyEnded(Refusal):
    """A key that was retired, revoked or lost signs nothing more."""

    template = "The key {address} of {institution} is {state}."


class EpochOver(Refusal):
    """Signatures name the epoch of the institutions' keys; a change of keys begins another."""

    template = (
        "{act} {proposal} was to be signed in epoch {signed} of the institutions' keys, and it is "
        "{current} now: propose it again."
    )


def enter_key(
    connection: Connection,
    programme: str,
    address: str,
    *,
    institution: str,
    holder: str,
    now: datetime,
    purpose: str = APPROVE,
    place: str = "elsewhere",
    state: str = "in_use",
    entry: str | None = None,
) -> None:
    """Enter a key, or a known one anew under this holder, valid for `KEY_VALIDITY` from now."""
    values = {
        "institution": institution,
        "holder": holder,
        "purpose": purpose,
        "place": place,
        "state": state,
        "valid_from": time_text(now),
        "expires_at": time_text(now + KEY_VALIDITY),
        "ended_at": None,
        "entry": entry,
    }
    changed = connection.execute(_of(sql.update(signing_key), programme, address).values(**values))
    if changed.rowcount == 0:
        connection.execute(
            signing_key.insert().values(programme=programme, address=address.lower(), **values)
        )
    settle_alarms(connection, {alarm_subject(programme, address)}, time_text(now))


def end_key(
    connection: Connection, programme: str, address: str, state: str, now: datetime
) -> None:
    """A key is retired, revoked or lost from now on; what ended before stays as it ended."""
    connection.execute(
        _of(sql.update(signing_key), programme, address)
        .where(signing_key.c.state.in_(USABLE))
        .values(state=state, ended_at=time_text(now))
    )
    settle_alarms(connection, {alarm_subject(programme, address)}, time_text(now))


def fingerprint_address(public_key: bytes) -> str:
    """How a key that has no address stands in the register: 20 bytes of its SHA-256."""
    return f"0x{hashlib.sha256(public_key).hexdigest()[:40]}"


def find_key(connection: Connection, programme: str, address: str) -> Row[Any] | None:
    """A key of the register."""
    return connection.execute(_of(sql.select(signing_key), programme, address)).one_or_none()


def find_keys(connection: Connection, address: str) -> list[Row[Any]]:
    """A key in every programme that has it, and in the installation."""
    query = sql.select(signing_key).where(signing_key.c.address == address.lower())
    return list(connection.execute(query.order_by(signing_key.c.programme)))


def require_usable(connection: Connection, programme: str, address: str, now: datetime) -> None:
    """Refuse a registered key that has ended or expired: `KeyEnded`, `KeyExpired`."""
    row = find_key(connection, programme, address)
    if row is not None:
        check_usable(row, now)


def check_usable(row: Row[Any], now: datetime) -> None:
    """As `require_usable`, of a row at hand.

    An account's key that has expired is told of and goes on: no date locks up what somebody owns.
    """
    if row.state not in USABLE:
        raise KeyEnded(address=row.address, institution=row.institution, state=row.state)
    if row.expires_at <= time_text(now) and row.purpose != ACCOUNT:
        raise KeyExpired(
            address=row.address, institution=row.institution, expires_at=row.expires_at
        )


def note_use(connection: Connection, programme: str, address: str, now: datetime) -> None:
    """A key has signed."""
    connection.execute(
        _of(sql.update(signing_key), programme, address).values(last_used_at=time_text(now))
    )


def begin_use(connection: Connection, programme: str, address: str, purpose: str) -> None:
    """A key that stood by is in use from now on, for this purpose."""
    connection.execute(
        _of(sql.update(signing_key), programme, address).values(
            purpose=purpose, state="in_use", ended_at=None
        )
    )


def set_state(connection: Connection, programme: str, address: str, state: str) -> None:
    """Another state of a key that goes on being valid."""
    connection.execute(
        _of(sql.update(signing_key), programme, address).values(state=state, ended_at=None)
    )


def keys_of(connection: Connection, programmes: Iterable[str]) -> list[Row[Any]]:
    """The register of some programmes, by owner, holder and time."""
    table = signing_key
    query = sql.select(table).where(table.c.programme.in_(list(programmes)))
    order = (table.c.programme, table.c.institution, table.c.holder, table.c.valid_from)
    return list(connection.execute(query.order_by(*order)))


def expiring(connection: Connection, now: datetime, within: timedelta) -> list[Row[Any]]:
    """Usable keys, of all programmes, whose validity ends within a span, or has ended."""
    table = signing_key
    return list(
        connection.execute(
            sql.select(table)
            .where(table.c.state.in_(USABLE), table.c.expires_at <= time_text(now + within))
            .order_by(table.c.expires_at)
        )
    )


def alarm_subject(programme: str, address: str) -> str:
    """Under what the alarms of a key stand."""
    return f"key:{programme}:{address.lower()}"[:120]


def raise_expiry_alarms(connection: Connection, now: datetime) -> int:
    """An alarm for each key that expires soon or has expired; how many are new."""
    new = 0
    for row in expiring(connection, now, WARNED_BEFORE):
        ended = row.expires_at <= time_text(now)
        detail = f"{row.institution}/{row.holder}: {row.address}, {row.expires_at}"
        kind = "key_expired" if ended else "key_expires"
        subject = alarm_subject(row.programme, row.address)
        new += raise_alarm(connection, kind, subject, detail, time_text(now))
    return new


class ContractOver(Refusal):
    """What institutions sign is for one contract, and void for the one that replaces it."""

    template = (
        "{act} {proposal} was to be signed for the contract at {address}, which has been replaced."
        " Propose it again."
    )


def require_contract(connection: Connection, row: Row[Any], needs: Iterable[Row[Any]]) -> None:
    """Refuse `ContractOver` where an act of institutions is for a contract that was replaced."""
    table = ledger_tables.contract
    named = {
        str(need.shows["domain"]["verifyingContract"]).lower()
        for need in needs
        if need.shows is not None and "epoch" in need.shows.get("message", {})
    }
    if not named:
        return
    gone = connection.execute(
        sql.select(table.c.address)
        .where(table.c.address.in_(named), table.c.replaced.is_(True))
        .limit(1)
    ).scalar_one_or_none()
    if gone is not None:
        raise ContractOver(act=row.act, proposal=row.id, address=gone)


def require_epoch(connection: Connection, row: Row[Any], needs: Iterable[Row[Any]]) -> None:
    """Refuse `EpochOver` where what is to be signed names an epoch that a change of keys ended."""
    signed = {
        int(need.shows["message"]["epoch"])
        for need in needs
        if need.shows is not None and "epoch" in need.shows.get("message", {})
    }
    if not signed:
        return
    current = _epoch(connection, row.programme)
    for one in signed:
        if current is not None and one != current:
            raise EpochOver(act=row.act, proposal=row.id, signed=one, current=current)


def _epoch(connection: Connection, programme: str) -> int | None:
    """The epoch as the final chain last changed it; None where it never did."""
    event, contract = ledger_tables.event, ledger_tables.contract
    found = connection.execute(
        sql.select(event.c.arguments)
        .join(contract, contract.c.address == event.c.address)
        .where(
            contract.c.programme == programme,
            contract.c.kind == "Directory",
            event.c.name == "EpochChanged",
        )
        .order_by(event.c.position.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else int(json.loads(found)["epoch"])


def _of(statement: Any, programme: str, address: str) -> Any:
    return statement.where(
        signing_key.c.programme == programme, signing_key.c.address == address.lower()
    )
