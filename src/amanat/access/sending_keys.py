"""The keys that send chain transactions, as the register of keys has them.

There are several *senders* (`amanat.ledger.sender_names`), each with a queue of its own, so that
one does not hold up another.

At any time one key is in use for each sender and sends what is new.  What another has signed goes
on as it was signed: a nonce and a call belong to the key that signed them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine, Row

from amanat.access.key_register import (
    INSTALLATION,
    SEND,
    enter_key,
    find_key,
    purpose_of,
    raise_expiry_alarms,
    sender_of,
)
from amanat.access.tables import signing_key
from amanat.ledger.completion import time_text
from amanat.ledger.keyring import KeyRing
from amanat.ledger.sender_names import OPERATOR, PURPOSES
from amanat.ledger.signers import KeyNotHeld, Signer, Signers
from amanat.store.journal import Clock

_RESERVE = "reserve"
_WATCH_EVERY_S = 600.0


class SenderExpired(KeyNotHeld):
    """The key that sends has expired: what is ordered waits until another is appointed."""

    template = "The sending key {holder} expired at {expires_at}; appoint another."


class SendingKeys(Signers):
    """Signs for each sender with the key that the register has in use for it."""

    def __init__(self, ring: KeyRing, engine: Engine, clock: Clock, first: str) -> None:
        super().__init__()
        self._ring = ring
        self._engine = engine
        self._clock = clock
        self._current: dict[str, tuple[str, str]] = {OPERATOR: (first, "")}
        self._lost: frozenset[str] = frozenset()
        self._watched = -_WATCH_EVERY_S

    def refresh(self) -> None:
        """Read the register again."""
        with self._engine.connect().execution_options(reads_only=True) as connection:
            rows = sending_keys(connection)
        for row in rows:
            if row.state == "in_use":
                self._current[sender_of(row.purpose)] = (row.address, row.expires_at)
        self._lost = frozenset(row.address for row in rows if row.state == "lost")

    def get(self, name: str) -> Signer:
        """The key that sends now for a sender, or of an account.

        Raises `KeyNotHeld`, `SenderExpired`, `DeviceUnavailable`.
        """
        if name.startswith("0x"):
            return self._ring.signer(name)
        if name not in self._current:
            raise KeyNotHeld(holder=name)
        address, expires_at = self._current[name]
        if expires_at and expires_at <= time_text(self._clock()):
            raise SenderExpired(holder=address, expires_at=expires_at)
        return self._ring.signer(address)

    def at(self, address: str) -> Signer:
        """The signer of an address; raises `KeyNotHeld`."""
        return self._ring.signer(address)

    def senders(self) -> dict[str, str]:
        """See `Signers.senders`: every key of the register, whatever became of it since."""
        with self._engine.connect().execution_options(reads_only=True) as connection:
            found = {row.address: sender_of(row.purpose) for row in sending_keys(connection)}
        return found | {address: name for name, (address, _) in self._current.items()}

    def is_lost(self, address: str) -> bool:
        """Whether the register says that this sending key was lost."""
        return address in self._lost

    def watch(self) -> None:
        """Raise the alarms of keys that expire, every ten minutes."""
        if time.monotonic() - self._watched < _WATCH_EVERY_S:
            return
        self._watched = time.monotonic()
        with self._engine.begin() as connection:
            raise_expiry_alarms(connection, self._clock())


def sending_keys(connection: Connection) -> list[Row[Any]]:
    """The sending keys of the register, the oldest first."""
    table = signing_key
    return list(
        connection.execute(
            sql.select(table)
            .where(table.c.programme == INSTALLATION, table.c.purpose.like(f"{SEND}%"))
            .order_by(table.c.valid_from, table.c.holder)
        )
    )


def key_in_use(connection: Connection, sender: str) -> str | None:
    """The key that sends now for a sender; None where there is no such sender."""
    table = signing_key
    found: str | None = connection.execute(
        sql.select(table.c.address).where(
            table.c.programme == INSTALLATION,
            table.c.purpose == purpose_of(sender),
            table.c.state == "in_use",
        )
    ).scalar_one_or_none()
    return found


def senders_of(connection: Connection, purpose: str) -> list[str]:
    """The senders that there are for a purpose; without any the operator sends for it."""
    if purpose not in PURPOSES:
        return [purpose]
    table = signing_key
    found = connection.execute(
        sql.select(table.c.purpose).where(
            table.c.programme == INSTALLATION,
            table.c.purpose.like(f"{purpose_of(purpose)}%"),
            table.c.state == "in_use",
        )
    ).scalars()
    return sorted(sender_of(one) for one in found) or [OPERATOR]


def enter_senders(
    connection: Connection, ring: KeyRing, clock: Clock, senders: Mapping[str, str], reserve: str
) -> None:
    """Enter the first key of each sender, in use, and one that stands by for any of them.

    Where the register has sending keys already it is left as it is: others are appointed.
    """
    if sending_keys(connection):
        return
    for name, address in {**senders, _RESERVE: reserve}.items():
        if find_key(connection, INSTALLATION, address) is None:
            enter_key(
                connection,
                INSTALLATION,
                address,
                institution="installation",
                holder=name,
                purpose=SEND if name == _RESERVE else purpose_of(name),
                place=ring.place(address),
                state="standby" if name == _RESERVE else "in_use",
                now=clock(),
            )
