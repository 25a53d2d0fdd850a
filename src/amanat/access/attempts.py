"""Who has failed too often: lock-outs of addresses and people, and limits of requests.

A lock-out stands in the database.  The tenth refusal within a quarter of an hour locks for a
minute, each further lock for twice as long, up to a day; a success forgets all of it, an officer
lifts it.  A person is locked out only by failures with something that is theirs (an expired token,
a passkey that signs wrongly), so that nobody can lock out another by guessing.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.tables import lockout
from amanat.core.errors import Refusal

WINDOW = timedelta(minutes=15)
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(days=1)
_METERS_MAX = 100_000


class ComeBackLater(Refusal):
    """Too much was asked; `seconds` says when to ask again."""

    status: ClassVar[int] = 429
    template = "Too much was asked; come back in {seconds} seconds."


class LockedOut(ComeBackLater):
    """After repeated refusals nobody signs in from that address, or as that person, for a time."""

    template = (
        "Sign-in was refused too often; it is locked for {seconds} seconds, or until an officer"
        " lifts it."
    )


class TooManyRequests(ComeBackLater):
    """A token and an address have a limit of requests a minute."""

    template = "Too many requests; the limit is {limit} a minute. Come back in {seconds} seconds."


def of_address(address: str) -> str:
    """The subject of an address; of IPv6 the network of 64 bits, which one subscriber has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return f"address:{address[:80]}"
    if parsed.version == 6:
        if parsed.ipv4_mapped:
            return f"address:{parsed.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
    return f"address:{parsed}"


def of_person(programme: str, person: str) -> str:
    """The subject of a person."""
    return f"person:{programme}/{person}"


def require_unlocked(connection: Connection, subjects: Iterable[str], now: datetime) -> None:
    """Refuse `LockedOut` while any of these is locked."""
    until = connection.execute(
        sql.select(sql.func.max(lockout.c.locked_until)).where(lockout.c.subject.in_(subjects))
    ).scalar_one()
    if until is not None and until > now.isoformat():
        left = datetime.fromisoformat(until) - now
        raise LockedOut(seconds=max(1, -int(-left.total_seconds() // 1)))


@dataclass(frozen=True, slots=True)
class Lock:
    """What a failure led to: the failures counted, and until when it locks, if it does."""

    failures: int
    until: datetime | None


def note_failure(connection: Connection, subject: str, now: datetime, most: int) -> Lock:
    """Count one refusal; the `most`-th within the window locks.  `most` 0 never does."""
    row = connection.execute(
        sql.select(lockout).where(lockout.c.subject == subject).with_for_update()
    ).one_or_none()
    recent = row is not None and row.failed_at > (now - WINDOW).isoformat()
    failures = (row.failures if row is not None and recent else 0) + 1
    # The doubling is forgotten a day after the lock, or the last refusal after it.
    day_ago = (now - LONGEST_LOCK).isoformat()
    remembered = row is not None and (row.locked_until or row.failed_at) > day_ago
    locks = row.locks if row is not None and remembered else 0
    until = None
    if most and failures >= most:
        until = now + min(FIRST_LOCK * 2 ** min(locks, 20), LONGEST_LOCK)
        locks += 1
    values = {
        "failures": 0 if until else failures,
        "failed_at": now.isoformat(),
        "locks": locks,
        "locked_until": until.isoformat() if until else None,
    }
    if row is None:
        connection.execute(lockout.insert().values(subject=subject, **values))
    else:
        connection.execute(sql.update(lockout).where(lockout.c.subject == subject).values(**values))
    return Lock(failures, until)


def forget(connection: Connection, subjects: Iterable[str]) -> int:
    """Forget every failure and lock of these; how many had any."""
    return connection.execute(
        sql.delete(lockout).where(lockout.c.subject.in_(list(subjects)))
    ).rowcount


class Meter:
    """Requests a minute for each of many askers: a bucket that holds a minute's and refills.

    Kept in memory: `amanat serve` is one process, of whose threads each takes from the same meter.
    Another process on the same database would count for itself.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, asker: str) -> None:
        """Count one request.  Refuses `TooManyRequests`."""
        if not self._limit:
            return
        with self._lock:
            now = self._clock()
            left, then = self._left.pop(asker, (float(self._limit), now))
            left = min(float(self._limit), left + (now - then) * self._limit / 60)
            self._left[asker] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _METERS_MAX:
                self._left.popitem(last=False)
        if left < 1:
            wait = (1 - left) * 60 / self._limit
            raise TooManyRequests(limit=self._limit, seconds=max(1, -int(-wait // 1)))
