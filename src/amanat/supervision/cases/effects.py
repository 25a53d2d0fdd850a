"""What closing, referring and disseminating will do, said to the desk before the second person."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message, Word
from amanat.supervision.cases.commands import CloseCase, Disseminate, ReferCase
from amanat.supervision.cases.tables import case, case_finding, case_transaction


@effects(CloseCase)
def case_closed(command: CloseCase, seen: Seen) -> Iterator[Message]:
    """How the case ends, and what it held."""
    yield Message(
        "Case {case} ends as {disposition}",
        case=command.case,
        disposition=Word(command.disposition),
    )
    yield Message(
        "Its {findings} findings are settled with it; it can be opened again",
        findings=_count(case_finding, command.case, seen),
    )


@effects(ReferCase)
def case_referred(command: ReferCase, seen: Seen) -> Iterator[Message]:
    """What the FIU will see."""
    yield Message(
        "The FIU sees the grounds and {transactions} transactions of {case}",
        transactions=_count(case_transaction, command.case, seen),
        case=command.case,
    )


@effects(Disseminate)
def disseminated(command: Disseminate, seen: Seen) -> Iterator[Message]:
    """Who will read what."""
    del seen
    yield Message(
        "{institution} reads the text, and nothing else of {case}",
        institution=command.recipient,
        case=command.case,
    )


def _count(table: sql.Table, number: str, seen: Seen) -> int:
    """Rows of the case of this number of the institution that proposes."""
    return int(
        seen.connection.execute(
            sql.select(sql.func.count())
            .select_from(table)
            .join(case, case.c.id == table.c.case)
            .where(
                case.c.programme == seen.programme,
                case.c.desk == seen.institution,
                case.c.number == number,
            )
        ).scalar_one()
    )
