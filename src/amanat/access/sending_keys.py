"""The keys that send chain transactions, as the register of keys has them.

At any time one of them sends what is new.  What another has signed goes on as it was signed: a
nonce and a call belong to the key that signed them.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine, Row

from amanat.access.key_register import (
    INSTALLATION,
    SEND,
    enter_key,
    find_key,
    raise_expiry_alarms,
)
from amanat.access.tables import signing_key
from amanat.ledger.completion import time_text
from amanat.ledger.keyring import KeyRing
from amanat.ledger.signers import KeyNotHeld, Signer, Signers
from amanat.store.journal import Clock

OPERATOR = "operator"
_WATCH_EVERY_S = 600.0


class SenderExpired(KeyNotHeld):
    """The key that sends has expired: what is ordered waits until another is appointed."""

    template = "The sending key {holder} expired at {expires_at}; appoint another."


class SendingKeys(Signers):
    """Signs for the name `operator` with the key that the register has in use."""

    def __init__(self, ring: KeyRing, engine: Engine, clock: Clock, first: str) -> None:
        super().__init__()
        self._ring = ring
        self._engine = engine
        self._clock = clock
        self._current = first
        self._expires_at = ""
        self._lost: frozenset[str] = frozenset()
        self._watched = -_WATCH_EVERY_S

    def refresh(self) -> None:
        """Read the register again."""
        with self._engine.connect().execution_options(reads_only=True) as connection:
            rows = sending_keys(connection)
        for row in rows:
            if row.state == "in_use":
                self._current, self._expires_at = row.address, row.expires_at
        self._lost = frozenset(row.address for row in rows if row.state == "lost")

    def get(self, name: str) -> Signer:
        """The key that sends now for `operator`, or of an account.

        Raises `KeyNotHeld`, `SenderExpired`, `DeviceUnavailable`.
        """
        if name != OPERATOR:
            return self._ring.signer(name) if name.startswith("0x") else super().get(name)
        if self._expires_at and self._expires_at <= time_text(self._clock()):
            raise SenderExpired(holder=self._current, expires_at=self._expires_at)
        return self._ring.signer(self._current)

    def at(self, address: str) -> Signer:
        """The signer of an address; raises `KeyNotHeld`."""
        return self._ring.signer(address)

    def senders(self) -> dict[str, str]:
        """See `Signers.senders`: every key of the register, whatever became of it since."""
        with self._engine.connect().execution_options(reads_only=True) as connection:
            found = {row.address: OPERATOR for row in sending_keys(connection)}
        return found | {self._current: OPERATOR}

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
            .where(table.c.programme == INSTALLATION, table.c.purpose == SEND)
            .order_by(table.c.valid_from, table.c.holder)
        )
    )


def enter_senders(
    connection: Connection, ring: KeyRing, clock: Clock, senders: dict[str, str]
) -> None:
    """Enter the first sending keys by their names: the first is in use, others stand by."""
    if sending_keys(connection):
        return
    for at, (name, address) in enumerate(senders.items()):
        if find_key(connection, INSTALLATION, address) is None:
            enter_key(
                connection,
                INSTALLATION,
                address,
                institution="installation",
                holder=name,
                purpose=SEND,
                place=ring.place(address),
                state="standby" if at else "in_use",
                now=clock(),
            )
