"""Letters of the public: complaints and comments, taken from whoever writes, within bounds.

Who writes needs no account.  From one network, and over all, only so many letters come in a day;
this is counted in the database, so that neither a restart nor a second process forgets it, and
forgotten after that day.  Where a letter came from stands in no journal.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import ClassVar, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access import attempts
from amanat.access.attempts import ComeBackLater
from amanat.access.entrance import NOBODY, Visitor
from amanat.core.ids import new_id
from amanat.licensing.openness.tables import public_letter
from amanat.store.engine import is_contention
from amanat.store.journal import Provenance
from amanat.store.uow import Store, UnitOfWork

FROM_A_NETWORK = 10
OF_ALL = 2_000
WINDOW = timedelta(days=1)
_ATTEMPTS = 5
T = TypeVar("T")
Work = Callable[[UnitOfWork, datetime, date], T]


class TooManyLetters(ComeBackLater):
    """From one network, and over all, only so many letters of the public come in a day."""

    template: ClassVar[str] = (
        "Too many letters came from your network today; come back in {seconds} seconds, or write"
        " to the authority on paper."
    )


def take_letter(
    store: Store,
    business_date: Callable[[Connection, str], date],
    programme: str,
    kind: str,
    visitor: Visitor | None,
    work: Work[T],
) -> T:
    """Do `work` in one transaction as nobody in particular, if there is room for one more letter.

    Refuses `TooManyLetters`, and what `work` refuses.
    """
    for _ in range(_ATTEMPTS):
        try:
            with store.reading() as connection:
                today = business_date(connection, programme)
            source = Provenance(programme, NOBODY, "", NOBODY, kind, today)
            with store.work(source) as uow:
                now = store.clock()
                if visitor is not None:
                    _count(uow.connection, programme, kind, visitor, now)
                done = work(uow, now, today)
                uow.commit()
            return done
        except sql.exc.DBAPIError as error:
            if not is_contention(error):
                raise
            last = error
    raise ComeBackLater(seconds=1) from last


def _count(
    connection: Connection, programme: str, kind: str, visitor: Visitor, now: datetime
) -> None:
    """Note a letter, unless there were too many.  Refuses `TooManyLetters`."""
    since = (now - WINDOW).isoformat()
    connection.execute(sql.delete(public_letter).where(public_letter.c.at <= since))
    subject = attempts.of_address(visitor.address)[:160]
    for most, query in (
        (
            FROM_A_NETWORK,
            sql.select(public_letter.c.at).where(public_letter.c.visitor == subject),
        ),
        (OF_ALL, sql.select(public_letter.c.at)),
    ):
        # The one whose end leaves room again.
        latest = query.order_by(public_letter.c.at.desc()).offset(most - 1).limit(1)
        at = connection.execute(latest).scalar_one_or_none()
        if at is not None:
            left = datetime.fromisoformat(at) + WINDOW - now
            raise TooManyLetters(seconds=max(1, -int(-left.total_seconds() // 1)))
    connection.execute(
        public_letter.insert().values(
            id=new_id(), programme=programme, kind=kind, visitor=subject, at=now.isoformat()
        )
    )
