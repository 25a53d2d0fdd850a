"""How much providers trade here, against the caps that their status has.

Trades count on their trade date, by their consideration, on either side; what was cancelled or
refused does not count, nor what moves between accounts of one institution.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.licensing.caps import Asked, require_within
from amanat.licensing.records import pack_of
from amanat.programme.records import currency_of
from amanat.settlement.model import InstructionState
from amanat.settlement.tables import instruction

SIDES = (("deliver", "deliverer_institution"), ("acquire", "receiver_institution"))

_NO_TRADES = tuple(
    one.value
    for one in (InstructionState.RESERVED, InstructionState.CANCELLED, InstructionState.EXPIRED)
)
"""States in which nobody has signed, or nothing can settle any more."""


class Caps:
    """Asked for each trade in turn; what it has let pass counts for the next of the same batch."""

    def __init__(self, connection: Connection, programme: str) -> None:
        """Reads the pack; where it caps no trades, nothing else is ever read."""
        pack = pack_of(connection, programme)
        self._capped = any(what in one.activities for one in pack.caps for what, _ in SIDES)
        self._connection, self._programme = connection, programme
        self._passed: list[tuple[tuple[str, str], date, int]] = []

    def require(
        self, parties: tuple[str, str], consideration: int, day: date, *, known: str = ""
    ) -> None:
        """Refuse `CapExceeded` where this trade is too much for its deliverer or receiver.

        In minor units of the programme's currency, on its trade date; `known` is the instruction
        where the trade is stored already.
        """
        if not self._capped or parties[0] == parties[1]:
            return
        currency = currency_of(self._connection, self._programme)
        for (what, column), code in zip(SIDES, parties, strict=True):
            asked = Asked(code, what, day, consideration, currency)

            def done(first: date, code: str = code, column: str = column) -> int:
                return self._stored(code, column, first, day, known) + self._now(code, first, day)

            require_within(self._connection, self._programme, asked, done)
        self._passed.append((parties, day, consideration))

    def _stored(self, code: str, column: str, first: date, last: date, known: str) -> int:
        table = instruction
        found = self._connection.execute(
            sql.select(sql.func.coalesce(sql.func.sum(table.c.consideration_paisa), 0)).where(
                table.c.programme == self._programme,
                table.c[column] == code,
                table.c.deliverer_institution != table.c.receiver_institution,
                table.c.trade_date.between(first.isoformat(), last.isoformat()),
                table.c.state.not_in(_NO_TRADES),
                table.c.id != known,
            )
        ).scalar_one()
        return int(found)

    def _now(self, code: str, first: date, last: date) -> int:
        return sum(
            amount
            for parties, day, amount in self._passed
            if code in parties and first <= day <= last
        )
