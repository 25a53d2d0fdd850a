"""What closing, referring and disseminating will do, said to the desk before the second person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message, Word
from amanat.supervision.cases.acts_alerts import alert_row
from amanat.supervision.cases.commands import (
    AttachAlert,
    CloseCase,
    DismissAlert,
    Disseminate,
    ReferCase,
    ReopenAlert,
)
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


@effects(AttachAlert)
def alert_attached(command: AttachAlert, seen: Seen) -> Iterator[Message]:
    """What the case takes in, and whether it is about somebody else."""
    row = alert_row(seen.connection, seen.programme, command.alert)
    yield Message(
        "Case {case} takes in the alert of {day} with {transactions} transactions",
        case=command.case,
        day=date.fromisoformat(row.day),
        transactions=row.transactions_all,
    )
    subject = seen.connection.execute(
        sql.select(case.c.subject).where(
            case.c.programme == seen.programme,
            case.c.desk == seen.institution,
            case.c.number == command.case,
        )
    ).scalar_one_or_none()
    if subject is not None and subject != row.subject:
        yield Message("The alert is about another subject than the case")


@effects(DismissAlert)
def alert_dismissed(command: DismissAlert, seen: Seen) -> Iterator[Message]:
    """How the alert ends, and that it leaves the queue."""
    row = alert_row(seen.connection, seen.programme, command.alert)
    yield Message(
        "The alert of {day} by {scenario} ends as {disposition}, without a case",
        day=date.fromisoformat(row.day),
        scenario=Word(row.scenario),
        disposition=Word(command.disposition),
    )
    yield Message("It leaves the queue, counts in the statistics and can be opened again")


@effects(ReopenAlert)
def alert_reopened(command: ReopenAlert, seen: Seen) -> Iterator[Message]:
    """That it waits again."""
    row = alert_row(seen.connection, seen.programme, command.alert)
    yield Message(
        "The alert of {day} by {scenario} stands in the queue again",
        day=date.fromisoformat(row.day),
        scenario=Word(row.scenario),
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
