"""What orders have to do with each other, said by names of things: the order between queues.

Orders of one sender reach the chain in their sequence, by their nonces.  Orders of different
senders do not, so each says what it *brings* to a thing (an account receives, a participant is
admitted), what it *needs* of one (the business day, a security), and what it *changes* (an account
delivers, the day moves).  An order is sent only after every earlier order of another sender,
in its programme, that it meets in this table has ended:

| this order | waits for earlier orders that |
|---|---|
| brings | nothing |
| needs | bring or change |
| changes | bring, need or change |

An order that says nothing changes everything: it waits for all that was ordered before, and all
that is ordered later waits for it.  That an earlier order is refused ends the waiting: what cannot
be done without it names it in `depends_on`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.ledger import tables
from amanat.store.engine import insert_many

EVERYTHING = "*"
BRINGS, NEEDS, CHANGES = "brings", "needs", "changes"
_WAITS_FOR: Mapping[str, frozenset[str]] = {
    BRINGS: frozenset(),
    NEEDS: frozenset({BRINGS, CHANGES}),
    CHANGES: frozenset({BRINGS, NEEDS, CHANGES}),
}
_NAMES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Things:
    """What an order brings, needs and changes, by names such as `account:0x…` or `day`."""

    brings: Iterable[str] = ()
    needs: Iterable[str] = ()
    changes: Iterable[str] = ()

    def uses(self) -> dict[str, str]:
        """How the order uses each thing; what it both brings and needs, it changes."""
        brought, needed = set(self.brings), set(self.needs)
        found = dict.fromkeys(brought, BRINGS) | dict.fromkeys(needed, NEEDS)
        return found | dict.fromkeys({*self.changes, *(brought & needed)}, CHANGES)


ALL_THINGS = Things(changes=(EVERYTHING,))
"""What an order has to do with that does not say so."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order in the sequence: what it uses, and the senders that may send it."""

    id: str
    sequence: int
    programme: str
    senders: Sequence[str]
    uses: Mapping[str, str]

    @property
    def meets_all(self) -> bool:
        """Whether it waits for every earlier order."""
        return self.uses.get(EVERYTHING) == CHANGES


@dataclass(frozen=True, slots=True)
class _Use:
    order: str
    sequence: int
    sender: str
    use: str


def waits(use: str, earlier: str) -> bool:
    """Whether an order that uses a thing so waits for an earlier one that uses it so."""
    return earlier in _WAITS_FOR[use]


def meet(later: Mapping[str, str], earlier: Mapping[str, str]) -> bool:
    """Whether an order waits for an earlier one, by how both use things."""
    if CHANGES in (later.get(EVERYTHING), earlier.get(EVERYTHING)):
        return True
    return any(waits(use, earlier[thing]) for thing, use in later.items() if thing in earlier)


class Arranged:
    """Gives each new order of a transaction its sender, and the orders for which it waits."""

    def __init__(self, connection: Connection, placed: Sequence[Placed]) -> None:
        self._uses: dict[tuple[str, str], list[_Use]] = {}
        self._open: dict[str, list[_Use]] = {}
        self._load(connection, placed)

    def _load(self, connection: Connection, placed: Sequence[Placed]) -> None:
        for programme in {one.programme for one in placed}:
            own = [one for one in placed if one.programme == programme]
            # One sender's orders keep their sequence by themselves.
            names = {name for one in own for name in one.senders}
            only = names.pop() if len(names) == 1 else None
            wanted = sorted({EVERYTHING, *(thing for one in own for thing in one.uses)})
            for start in range(0, len(wanted), _NAMES_AT_ONCE):
                part = wanted[start : start + _NAMES_AT_ONCE]
                for thing, use in _uses_of(connection, programme, part, only):
                    self._uses.setdefault((programme, thing), []).append(use)
            if any(one.meets_all for one in own):
                self._open[programme] = _open_orders(connection, programme, only)

    def place(self, one: Placed) -> tuple[str, list[str]]:
        """The sender of the next order, and the ids of the orders after which it is sent.

        Of several senders the one that leaves it the fewest to wait for, then the one whose turn
        it is.
        """
        turn = one.sequence % len(one.senders)
        names = [*one.senders[turn:], *one.senders[:turn]]
        met = self._met(one)
        sender = min(names, key=lambda name: sum(1 for use in met if use.sender != name))
        self._note(one, sender)
        return sender, list(dict.fromkeys(use.order for use in met if use.sender != sender))

    def _met(self, one: Placed) -> list[_Use]:
        if one.meets_all:
            return self._open.get(one.programme, [])
        found = {
            use.order: use
            for thing, how in (*one.uses.items(), (EVERYTHING, NEEDS))
            for use in self._uses.get((one.programme, thing), ())
            if waits(how, use.use)
        }
        return list(found.values())

    def _note(self, one: Placed, sender: str) -> None:
        if one.programme in self._open:
            self._open[one.programme].append(_Use(one.id, one.sequence, sender, CHANGES))
        for thing, how in one.uses.items():
            earlier = self._uses.setdefault((one.programme, thing), [])
            if how == CHANGES:  # it stands for all before it of the same sender
                earlier[:] = [use for use in earlier if use.sender != sender]
            earlier.append(_Use(one.id, one.sequence, sender, how))


def _uses_of(
    connection: Connection, programme: str, names: Sequence[str], but: str | None
) -> list[tuple[str, _Use]]:
    """The uses of things that a new order may have to wait for, by other senders than `but`.

    Of one sender's changes of a thing the last one stands for what it did to it before.
    """
    table, last = tables.thing, tables.thing.alias("last")
    newest = (
        sql.select(sql.func.max(last.c.sequence))
        .where(
            last.c.programme == table.c.programme,
            last.c.thing == table.c.thing,
            last.c.sender == table.c.sender,
            last.c.use == CHANGES,
        )
        .correlate(table)
        .scalar_subquery()
    )
    query = sql.select(table).where(
        table.c.programme == programme,
        table.c.thing.in_(names),
        sql.or_(table.c.sequence >= newest, newest.is_(None)),
    )
    if but is not None:
        query = query.where(table.c.sender != but)
    return [
        (row.thing, _Use(row.order_id, row.sequence, row.sender, row.use))
        for row in connection.execute(query.order_by(table.c.sequence))
    ]


def _open_orders(connection: Connection, programme: str, but: str | None) -> list[_Use]:
    table = tables.order
    query = sql.select(table.c.id, table.c.sequence, table.c.sender).where(
        table.c.programme == programme, table.c.state.in_(("requested", "signed", "sent"))
    )
    if but is not None:
        query = query.where(table.c.sender != but)
    return [
        _Use(row.id, row.sequence, row.sender, CHANGES)
        for row in connection.execute(query.order_by(table.c.sequence))
    ]


def store_uses(connection: Connection, placed: Sequence[tuple[Placed, str]]) -> None:
    """Keep what new orders use, each with its sender, until they end."""
    insert_many(
        connection,
        tables.thing,
        [
            {
                "order_id": one.id,
                "thing": thing,
                "programme": one.programme,
                "sequence": one.sequence,
                "sender": sender,
                "use": use,
            }
            for one, sender in placed
            for thing, use in one.uses.items()
        ],
    )


def forget_uses(connection: Connection, orders: Sequence[str]) -> None:
    """Orders that ended hold up nothing any more."""
    table = tables.thing
    for start in range(0, len(orders), _NAMES_AT_ONCE):
        part = orders[start : start + _NAMES_AT_ONCE]
        connection.execute(sql.delete(table).where(table.c.order_id.in_(part)))


def uses_by_order(connection: Connection, orders: Sequence[str]) -> dict[str, dict[str, str]]:
    """What each of these orders uses."""
    table = tables.thing
    found: dict[str, dict[str, str]] = {order: {} for order in orders}
    for start in range(0, len(orders), _NAMES_AT_ONCE):
        part = orders[start : start + _NAMES_AT_ONCE]
        query = sql.select(table.c.order_id, table.c.thing, table.c.use)
        for row in connection.execute(query.where(table.c.order_id.in_(part))):
            found[row.order_id][row.thing] = row.use
    return found
