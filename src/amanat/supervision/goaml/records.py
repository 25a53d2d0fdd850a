"""Reports as their institution and the FIU reach them; what they say of people stays sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext
from amanat.core.canonical import canonical_bytes
from amanat.core.errors import NotFound
from amanat.jurisdictions.goaml import GoamlPack, load_goaml
from amanat.licensing.records import pack_of, reporting_entity_on
from amanat.licensing.tables import reporting_entity
from amanat.supervision.cases.model import FIU
from amanat.supervision.cases.records import desk_of
from amanat.supervision.goaml.building import Heading
from amanat.supervision.goaml.content import ReportContent
from amanat.supervision.goaml.gate import Expected
from amanat.supervision.goaml.latin import romanise_text
from amanat.supervision.goaml.model import NotRegistered
from amanat.supervision.goaml.tables import report, submission

_SALT = bytes(32)
CONTENT, XML = "content", "xml"


def goaml_of(connection: Connection, programme: str) -> GoamlPack:
    """What the programme's jurisdiction says of reports."""
    return load_goaml(pack_of(connection, programme).code)


def load_report(context: ActContext, number: str) -> Row[Any]:
    """A report of the actor's institution, locked.  Refuses `NotFound`."""
    actor = desk_of(context)
    row = context.uow.connection.execute(
        sql.select(report)
        .where(
            report.c.programme == context.programme,
            report.c.institution == actor.institution,
            report.c.number == number,
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="report", value=number)
    return row


def load_submission(context: ActContext, reference: str) -> Row[Any]:
    """A submission by its reference: to the FIU any, to an institution its own.

    Refuses `NotFound`.
    """
    actor = desk_of(context)
    wanted = sql.select(submission).where(
        submission.c.programme == context.programme, submission.c.reference == reference
    )
    if FIU not in actor.capacities:
        wanted = wanted.where(submission.c.institution == actor.institution)
    row = context.uow.connection.execute(wanted.with_for_update()).one_or_none()
    if row is None:
        raise NotFound(thing="report", value=reference)
    return row


# -- sealed ---------------------------------------------------------------------------------------


def seal(context: ActContext, identifier: str, path: str, value: str) -> bytes:
    """A text under the key for openings, bound to its row."""
    return context.uow.store.vault.seal(identifier, path, _SALT, value)


def opened(context: ActContext, identifier: str, path: str, sealed: bytes) -> str:
    """What was sealed.  An altered row raises `InvalidTag`."""
    return context.uow.store.vault.open(identifier, path, sealed)[1]


def seal_content(context: ActContext, identifier: str, content: ReportContent) -> bytes:
    """A report's content, sealed."""
    text = canonical_bytes(content.model_dump(mode="json")).decode()
    return seal(context, identifier, CONTENT, text)


def content_from(context: ActContext, row: Row[Any]) -> ReportContent:
    """A report's content."""
    return ReportContent.model_validate_json(opened(context, row.id, CONTENT, row.content))


# -- who reports ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reporter:
    """The entity that is registered on a day; `former` reported before `first_day`, if any did."""

    registration: str
    name: str
    first_day: date
    former: Row[Any] | None

    def former_for(self, oldest: date | None) -> str | None:
        """Who reported when the oldest transaction happened, as it is named; None: this entity."""
        if self.former is None or oldest is None or oldest >= self.first_day:
            return None
        return f"{self.former.registration} {romanise_text(self.former.entity_name).latin}"[:200]


def reporter_on(connection: Connection, programme: str, institution: str, day: date) -> Reporter:
    """The entity registered on goAML on a day.  Refuses `NotRegistered`."""
    row = reporting_entity_on(connection, programme, institution, day)
    if row is None:
        raise NotRegistered(institution=institution, day=day)
    table = reporting_entity
    former = connection.execute(
        sql.select(table)
        .where(
            table.c.programme == programme,
            table.c.provider == institution,
            table.c.first_day < row.first_day,
        )
        .order_by(table.c.first_day.desc())
        .limit(1)
    ).one_or_none()
    return Reporter(row.registration, row.entity_name, date.fromisoformat(row.first_day), former)


def heading_of(
    reporter: Reporter, row: Row[Any], content: ReportContent, day: date, attempt: int
) -> tuple[Heading, Expected, str | None]:
    """The head of a submission on a day, what the gate holds it against, and the former entity."""
    oldest = min((one.day for one in content.transactions), default=None)
    former = reporter.former_for(oldest)
    reference = f"{reporter.registration}-{row.institution}-{row.number}-{attempt}"
    before = ""
    if former is not None:
        reference = f"{reference}; former entity {former}"[:255]
        before = (
            f"Before {reporter.first_day.isoformat()} the reporting entity was {former}; "
            "transactions of those days are its own. "
        )
    expected = Expected(
        today=day,
        registration=reporter.registration,
        former=former,
        handover=reporter.first_day if former else None,
    )
    return Heading(reporter.registration, reference, day, before), expected, former
