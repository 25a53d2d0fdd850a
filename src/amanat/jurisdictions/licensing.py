"""How a jurisdiction licenses providers of virtual-asset services, as dated data.

A pack holds laws and their sections, service categories, public statuses and what each opens,
kinds of file with their stages, the steps between stages, clocks, checklists, who is consulted,
who confirms which fact, templates of conditions, and periodic duties.  It is read and checked as a
whole, and every mistake is told at once with its file, table and key.

A stage `new` stands for a file that is not opened yet.  The kind `provider` stands for a provider
itself; its stages are the public statuses, and a step of it leaves the stage as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from amanat.core.errors import Place, Refused
from amanat.jurisdictions import reading
from amanat.jurisdictions.licensing_laws import LAWS, TABLES
from amanat.jurisdictions.licensing_model import (
    LEVELS,
    NEW,
    PROVIDER,
    UNITS,
    Category,
    Checklist,
    ChecklistItem,
    Citation,
    Clock,
    ConditionTemplate,
    Confirmation,
    FileKind,
    Law,
    LicensingPack,
    ObligationTemplate,
    PermissionKind,
    Section,
    SectionNotInForce,
    Stakeholder,
    Status,
    Step,
    SuspensionLevel,
)
from amanat.jurisdictions.reading import InvalidTable

T = TypeVar("T")
_MAY_BE_ABSENT = ("stakeholders", "conditions", "obligations")

__all__ = [
    "NEW",
    "PROVIDER",
    "Category",
    "Checklist",
    "ChecklistItem",
    "Citation",
    "Clock",
    "ConditionTemplate",
    "Confirmation",
    "FileKind",
    "Law",
    "LicensingPack",
    "ObligationTemplate",
    "PermissionKind",
    "Section",
    "SectionNotInForce",
    "Stakeholder",
    "Status",
    "Step",
    "SuspensionLevel",
    "licensing_from",
    "licensing_of_file",
    "load_licensing",
]


def licensing_from(content: str, file: str) -> LicensingPack:
    """The pack of a file in TOML.

    Refuses, all at once: `InvalidTable` for fields that are missing, wrong or unknown; then for
    names that nothing declares, stages that are not reached, sections without a law.
    """
    absent: dict[str, list[Any]] = {key: [] for key in _MAY_BE_ABSENT}
    table = absent | reading.parse(content, file)
    refused = Refused()

    def each(name: str, read: Callable[[reading.Row], T]) -> tuple[T, ...]:
        found = []
        for index, fields in enumerate(reading.rows(table, name, file)):
            row = reading.Row(fields, file, f"{name}[{index}]", refused)
            found.append(read(row))
            row.finish()
        return tuple(found)

    head = {
        key: value
        for key, value in table.items()
        if not isinstance(value, list) and key not in ("activities", "requirements")
    }
    row = reading.Row(head, file, "pack", refused)
    pack = LicensingPack(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        version=row.take("version", reading.text, ""),
        calendar=row.take("calendar", reading.text, ""),
        participant_class=row.take("participant_class", reading.text, ""),
        appeal_days=row.take("appeal_days", reading.count, 0),
        appeal_section=row.take("appeal_section", reading.text, ""),
        laws=each("laws", _law),
        sections=each("sections", _section),
        categories=each("categories", _category),
        statuses=each("statuses", _status),
        permissions=each("permissions", _permission),
        suspensions=each("suspensions", _suspension),
        files=each("files", _file),
        steps=each("steps", _step),
        clocks=each("clocks", _clock),
        checklists=each("checklists", lambda one: _checklist(one, file, refused)),
        stakeholders=each("stakeholders", _stakeholder),
        confirmations=each("confirmations", _confirmation),
        conditions=each("conditions", _condition),
        obligations=each("obligations", _obligation),
        activities=_words(table, "activities", file, refused),
        requirements=_words(table, "requirements", file, refused),
    )
    row.finish()
    for name in table.keys() - set(TABLES) - head.keys() - {"activities", "requirements"}:
        reason = f"there is no table {name}"
        refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
    refused.raise_if_any()
    for law in LAWS:
        for place, reason in law(pack):
            refused.add(InvalidTable(place=Place(file=file, field=place), reason=reason))
    refused.raise_if_any()
    return pack


def _words(table: Mapping[str, Any], name: str, file: str, refused: Refused) -> dict[str, str]:
    found = table.get(name)
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        reason = f"there is no table [{name}] of texts"
        refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
        return {}
    return dict(found)


def _optional_day(value: Any) -> date | None:
    return reading.day(value)


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            raise InvalidTable(reason=f"{value!r} is none of {', '.join(allowed)}")
        return str(value)

    return read


def _law(row: reading.Row) -> Law:
    return Law(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        citation=row.take_or("citation", reading.text, ""),
        in_force_from=row.take("in_force_from", reading.day, date.min),
        in_force_until=row.take_or("in_force_until", _optional_day, None),
        source=row.take_or("source", reading.text, ""),
        assumed=row.take_or("assumed", reading.flag, False),
    )


def _section(row: reading.Row) -> Section:
    return Section(
        code=row.take("code", reading.text, ""),
        law=row.take("law", reading.text, ""),
        section=row.take_or("section", reading.text, ""),
        first_day=row.take_or("from", _optional_day, None),
        last_day=row.take_or("until", _optional_day, None),
        assumed=row.take_or("assumed", reading.flag, False),
    )


def _category(row: reading.Row) -> Category:
    return Category(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        section=row.take("section", reading.text, ""),
        before_licence=row.take("before_licence", reading.flag, False),
        currency=row.take("currency", reading.text, ""),
        paid_up_capital=row.take("paid_up_capital", reading.count, 0),
        security_deposit=row.take("security_deposit", reading.count, 0),
        net_capital=row.take("net_capital", reading.count, 0),
        clearance=row.take("clearance", reading.flag, False),
        application_fee=row.take("application_fee", reading.count, 0),
        annual_fee=row.take("annual_fee", reading.count, 0),
        term_months=row.take("term_months", reading.count, 0),
        assumed=row.take_or("assumed", reading.texts, ()),
    )


def _status(row: reading.Row) -> Status:
    return Status(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        opens=row.take("opens", reading.texts, ()),
        services=row.take("services", _one_of("none", "before_licence", "licensed"), "none"),
        level=row.take("level", _one_of(*LEVELS), "none"),
        account=row.take("account", reading.text, ""),
        lacks=row.take_or("lacks", reading.text, ""),
        section=row.take("section", reading.text, ""),
    )


def _permission(row: reading.Row) -> PermissionKind:
    return PermissionKind(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        status=row.take("status", reading.text, ""),
        months=row.take("months", reading.count, 0),
        section=row.take("section", reading.text, ""),
    )


def _suspension(row: reading.Row) -> SuspensionLevel:
    return SuspensionLevel(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        level=row.take("level", _one_of(*LEVELS[1:]), "frozen"),
        status=row.take("status", reading.text, ""),
        shuts=row.take("shuts", reading.texts, ()),
    )


def _file(row: reading.Row) -> FileKind:
    return FileKind(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        prefix=row.take("prefix", reading.text, ""),
        stages=row.take("stages", reading.texts, ()),
        initial=row.take("initial", reading.text, ""),
        final=row.take("final", reading.texts, ()),
        forms=row.take_or("forms", reading.texts, ()),
        checklists=row.take_or("checklists", reading.texts, ()),
        grants=row.take_or("grants", reading.text, ""),
    )


def _step(row: reading.Row) -> Step:
    return Step(
        file=row.take("file", reading.text, ""),
        act=row.take("act", reading.text, ""),
        outcome=row.take_or("outcome", reading.text, ""),
        from_stages=row.take("from", reading.texts, ()),
        to=row.take_or("to", reading.text, ""),
        capacity=row.take("capacity", reading.text, ""),
        roles=row.take_or("roles", reading.texts, ("officer", "approver")),
        second_person=row.take_or("second_person", reading.flag, False),
        not_by=row.take_or("not_by", reading.texts, ()),
        requires=row.take_or("requires", reading.texts, ()),
        statuses=row.take_or("statuses", reading.texts, ()),
        section=row.take("section", reading.text, ""),
    )


def _clock(row: reading.Row) -> Clock:
    return Clock(
        code=row.take("code", reading.text, ""),
        file=row.take("file", reading.text, ""),
        title=row.take("title", reading.text, ""),
        starts=row.take("starts", reading.texts, ()),
        ends=row.take("ends", reading.texts, ()),
        days=row.take("days", reading.count, 0),
        unit=row.take("unit", _one_of(*UNITS), "working"),
        owed_by=row.take("owed_by", _one_of("authority", "applicant"), "authority"),
        stops=row.take_or("stops", reading.flag, False),
        section=row.take("section", reading.text, ""),
        assumed=row.take_or("assumed", reading.flag, False),
    )


def _checklist(row: reading.Row, file: str, refused: Refused) -> Checklist:
    area = row.take("area", reading.text, "")
    title = row.take("title", reading.text, "")
    mark = row.take("pass_mark", reading.count, 0)
    listed: list[Mapping[str, Any]] = row.take("items", _tables, [])
    items = []
    for index, fields in enumerate(listed):
        one = reading.Row(fields, file, f"checklists.{area}.items[{index}]", refused)
        items.append(
            ChecklistItem(
                code=one.take("code", reading.text, ""),
                text=one.take("text", reading.text, ""),
                weight=one.take("weight", reading.count, 1),
            )
        )
        one.finish()
    return Checklist(area, title, mark, tuple(items))


def _tables(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InvalidTable(reason="a list of tables is needed")
    return value


def _stakeholder(row: reading.Row) -> Stakeholder:
    return Stakeholder(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        days=row.take("days", reading.count, 0),
        files=row.take("files", reading.texts, ()),
    )


def _confirmation(row: reading.Row) -> Confirmation:
    return Confirmation(
        fact=row.take("fact", reading.text, ""),
        title=row.take("title", reading.text, ""),
        section=row.take("section", reading.text, ""),
        days=row.take("days", reading.count, 0),
        per_category=row.take_or("per_category", reading.flag, False),
        amount=row.take_or("amount", reading.flag, False),
        grants=row.take_or("grants", reading.text, ""),
    )


def _condition(row: reading.Row) -> ConditionTemplate:
    return ConditionTemplate(
        code=row.take("code", reading.text, ""),
        text=row.take("text", reading.text, ""),
        section=row.take("section", reading.text, ""),
        days=row.take_or("days", reading.count, 0),
        consequence=row.take_or("consequence", reading.text, ""),
    )


def _obligation(row: reading.Row) -> ObligationTemplate:
    return ObligationTemplate(
        code=row.take("code", reading.text, ""),
        title=row.take("title", reading.text, ""),
        section=row.take("section", reading.text, ""),
        statuses=row.take("statuses", reading.texts, ()),
        months=row.take_or("months", reading.count, 0),
        days=row.take_or("days", reading.count, 0),
        hours=row.take_or("hours", reading.count, 0),
    )


@functools.cache
def load_licensing(jurisdiction: str) -> LicensingPack:
    """The pack that ships with Amanat, such as `pk`.  Refuses `NotFound`."""
    return licensing_from(*reading.read_table(jurisdiction, "licensing"))


def licensing_of_file(path: Path) -> LicensingPack:
    """The pack of a file, such as a pilot's own.  Refuses as `licensing_from`."""
    return licensing_from(*reading.read_file(path))
