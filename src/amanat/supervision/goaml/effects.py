"""What submitting a report will do, said to its institution before the second person."""

from __future__ import annotations

from collections.abc import Iterator

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message
from amanat.supervision.goaml.commands import SubmitReport
from amanat.supervision.goaml.records import reporter_on


@effects(SubmitReport)
def report_submitted(command: SubmitReport, seen: Seen) -> Iterator[Message]:
    """In whose name it goes out, and that nobody is told."""
    reporter = reporter_on(seen.connection, seen.programme, seen.institution, seen.business_date)
    yield Message(
        "Report {report} goes to the FIU in the name of {entity}, {registration} on goAML",
        report=command.report,
        entity=reporter.name,
        registration=reporter.registration,
    )
    yield Message("Nobody else learns of it, the customer least of all")
