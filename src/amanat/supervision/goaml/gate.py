"""The offline gate: every rule by which the FIU turns a report away, all problems at once.

    problems(content, file, pack, expected, schema)

A law is a small function over the report; the tuple is the rulebook.  Nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import ClassVar

from amanat.core.errors import Invalid, Place, Refusals
from amanat.core.messages import Message
from amanat.jurisdictions.goaml import GoamlPack, ReportCode, ReportCodeUnknown
from amanat.supervision.goaml.xml_in import Element, Schema, read_xml


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a report from elsewhere; None is not known and not checked.

    `today` is the business date; `registration` is the entity registered on the submission date;
    `former` and `handover` say which entity reported before which day.
    """

    today: date
    registration: str | None = None
    former: str | None = None
    handover: date | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to turn a report away: the rule's name, where, and how to mend it."""

    rule: str
    path: str
    line: int
    message: Message


class ReportNotAccepted(Invalid):
    """A report passes every rule of the FIU before it leaves (AML Act 2010 s.7; the FIU's form)."""

    template: ClassVar[str] = "{path}: {reason}"


class Report:
    """A report as the laws read it."""

    def __init__(self, root: Element, pack: GoamlPack, expected: Expected) -> None:
        self.root, self.pack, self.expected = root, pack, expected
        self._tree = root.getroottree()

    def problem(self, rule: str, at: Element, message: Message) -> Problem:
        """A problem at an element."""
        path = str(self._tree.getelementpath(at)) if at is not self.root else ""
        return Problem(rule, f"report/{path}".rstrip("/."), int(at.sourceline or 0), message)

    def text(self, path: str, at: Element | None = None) -> str:
        """The text of an element without spaces around it; empty where there is none."""
        found = (self.root if at is None else at).findtext(path)
        return (found or "").strip()

    @cached_property
    def submitted(self) -> date | None:
        """The submission date; None where it is not written as one."""
        return day_of(self.text("submission_date"))

    @cached_property
    def code(self) -> ReportCode | None:
        """The kind of report; None where the FIU takes none such on that day."""
        on = self.submitted or self.expected.today
        try:
            return self.pack.report_on(self.text("report_code"), on)
        except ReportCodeUnknown:
            return None

    @cached_property
    def transactions(self) -> list[Element]:
        """All transactions."""
        return list(self.root.findall("transaction"))


_WHEN = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?")
Law = Callable[[Report], Iterator[Problem]]


def day_of(text: str) -> date | None:
    """The day of `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`; None of anything else."""
    if not _WHEN.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def problems(
    content: bytes,
    file: str,
    pack: GoamlPack,
    expected: Expected,
    schema: Schema | None = None,
) -> list[Problem]:
    """Everything that is wrong with a report, in the order of the file.

    Refuses `NotXml` alone: of what is no XML nothing else can be said.
    """
    from amanat.supervision.goaml.laws import LAWS

    root = read_xml(content, file)
    report = Report(root, pack, expected)
    if root.tag != "report":
        said = Message("the document is {name}, not report", name=str(root.tag)[:60])
        return [report.problem("root", root, said)]
    found = [one for law in LAWS for one in law(report)]
    if schema is not None:
        found += by_schema(root, schema)
    return sorted(found, key=lambda one: (one.line, one.path, one.rule))


def by_schema(root: Element, schema: Schema) -> list[Problem]:
    """What the operator's schema finds."""
    if schema.validate(root):
        return []
    return [
        Problem(
            "schema",
            (error.path or "/report").lstrip("/"),
            error.line,
            Message("the schema says: {text}", text=error.message[:400]),
        )
        for error in schema.error_log
    ]


def require_none(found: Sequence[Problem], file: str | None = None) -> None:
    """Refuse `ReportNotAccepted` for every problem at once."""
    if found:
        raise Refusals(
            ReportNotAccepted(
                place=Place(file=file, line=one.line, field=one.rule),
                path=one.path,
                reason=one.message,
            )
            for one in found
        )
