"""What acts of screening will do, said before they are signed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.engine import Row

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message, Word
from amanat.core.money import Money
from amanat.supervision.screening.acts_hits import find_hit
from amanat.supervision.screening.commands import (
    ConfirmHit,
    ExtendFreeze,
    LicenseExpenses,
    OrderFreeze,
    ReleaseFreeze,
)
from amanat.supervision.screening.freezing import (
    find_freeze,
    linked_accounts,
    names_of,
    ordered_accounts,
    orders_of,
)


@effects(ConfirmHit)
def confirmed(command: ConfirmHit, seen: Seen) -> Iterator[Message]:
    """Who is held to be whom, and until when."""
    row = find_hit(seen.connection, seen.programme, command.hit)
    yield Message(
        "{party} is the listed {reference} of {list}, until {day}",
        party=row.party,
        reference=row.reference,
        list=row.list,
        day=command.until,
    )


@effects(OrderFreeze)
def frozen(command: OrderFreeze, seen: Seen) -> Iterator[Message]:
    """Which exchanges are ordered to freeze how many accounts, and what on the ledger."""
    row = find_hit(seen.connection, seen.programme, command.hit)
    names = names_of(row)
    linked = linked_accounts(seen.connection, seen.programme, names)
    before = ordered_accounts(seen.connection, seen.programme, names, seen.business_date)
    known = {
        exchange: len(rows) - len(before.get(exchange, ())) for exchange, rows in linked.items()
    }
    for one in command.exchanges:
        named = len(set(one.accounts) - before.get(one.exchange, set()))
        known[one.exchange] = max(known.get(one.exchange, 0), named)
    for exchange, count in sorted(known.items()):
        if count <= 0 and exchange in before:
            continue
        yield Message(
            "{exchange} is ordered to freeze what {party} has there; accounts known: {count}",
            exchange=exchange,
            party=row.party,
            count=count,
        )
    if command.ledger_account is not None:
        yield Message(
            "{account} is frozen on the ledger in every security", account=command.ledger_account
        )
    yield Message("The freeze ends on {day} unless it is extended", day=command.until)


def _exchanges(seen: Seen, row: Row[object]) -> int:
    return len(orders_of(seen.connection, str(row.id)))


@effects(ExtendFreeze)
def extended(command: ExtendFreeze, seen: Seen) -> Iterator[Message]:
    """From which last day to which."""
    row = find_freeze(seen.connection, seen.programme, command.freeze)
    yield Message(
        "{freeze} ends on {day} instead of {former}",
        freeze=row.number,
        day=command.until,
        former=row.until,
    )


@effects(LicenseExpenses)
def licensed(command: LicenseExpenses, seen: Seen) -> Iterator[Message]:
    """How much may be paid out in spite of the freeze."""
    row = find_freeze(seen.connection, seen.programme, command.freeze)
    yield Message(
        "Up to {amount} may be paid out under {freeze} for basic expenses until {day}",
        amount=Money(command.amount, command.currency),
        freeze=row.number,
        day=command.until,
    )


@effects(ReleaseFreeze)
def released(command: ReleaseFreeze, seen: Seen) -> Iterator[Message]:
    """What becomes free, and what has to be released on the ledger by its own quorum."""
    row = find_freeze(seen.connection, seen.programme, command.freeze)
    yield Message(
        "{freeze} ends ({ground}): {count} exchanges free what they froze",
        freeze=row.number,
        ground=Word(command.ground.value),
        count=_exchanges(seen, row),
    )
    if row.ledger.get("account"):
        yield Message(
            "What {account} has on the ledger stays frozen until its quorum releases it",
            account=row.ledger["account"],
        )
