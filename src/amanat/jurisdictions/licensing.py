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
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from amanat.core.errors import Place, Refused
from amanat.jurisdictions import reading
from amanat.jurisdictions.licensing_laws import LAWS, TABLES
from amanat.jurisdictions.licensing_model import (
    LEVELS,
    NEW,
    PERIODS,
    PROVIDER,
    UNITS,
    BankAccount,
    Cap,
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
_WORDS = ("activities", "register", "requirements")
"""Tables of texts by name."""
_MAY_BE_ABSENT = ("stakeholders", "conditions", "obligations", "caps")

__all__ = [
    "NEW",
    "PROVIDER",
    "BankAccount",
    "Cap",
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
        if not isinstance(value, list) and key not in _WORDS
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
        accounts=each("accounts", _account),
        caps=each("caps", _cap),
        activities=_words(table, "activities", file, refused),
        register=_words({"register": {}} | table, "register", file, refused),
        requirements=_words(table, "requirements", file, refused),
    )
    row.finish()
    for name in table.keys() - set(TABLES) - head.keys() - set(_WORDS):
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


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            raise InvalidTable(reason=f"{value!r} is none of {', '.join(allowed)}")
        return str(value)

    return read


@dataclass(frozen=True, slots=True)
class _Field:
    """How a field is read, what stands for it if it is absent or wrong, whether it must be there.

    `name` is the field's in the file where the pack calls it otherwise.
    """

    read: Callable[[Any], Any]
    default: Any
    needed: bool = True
    name: str = ""

    def optional(self) -> _Field:
        return replace(self, needed=False)

    def called(self, name: str) -> _Field:
        return replace(self, name=name)

    def of(self, row: reading.Row, name: str) -> Any:
        take = row.take if self.needed else row.take_or
        return take(self.name or name, self.read, self.default)


def _record(made: Callable[..., T], **fields: _Field) -> Callable[[reading.Row], T]:
    """Reads a row into a record, field by field."""

    def read(row: reading.Row) -> T:
        return made(**{name: one.of(row, name) for name, one in fields.items()})

    return read


TEXT = _Field(reading.text, "")
COUNT = _Field(reading.count, 0)
FLAG = _Field(reading.flag, False)
TEXTS = _Field(reading.texts, ())
MAYBE_TEXT, MAYBE_COUNT = TEXT.optional(), COUNT.optional()
MAYBE_FLAG, MAYBE_TEXTS = FLAG.optional(), TEXTS.optional()
MAYBE_DAY = _Field(reading.day, None, needed=False)
MATCHED = _Field(_one_of("waits", "cancelled"), "waits")
"""What becomes of trades matched before something shut them."""

_law = _record(
    Law,
    code=TEXT,
    title=TEXT,
    citation=MAYBE_TEXT,
    in_force_from=_Field(reading.day, date.min),
    in_force_until=MAYBE_DAY,
    source=MAYBE_TEXT,
    assumed=MAYBE_FLAG,
)

_section = _record(
    Section,
    code=TEXT,
    law=TEXT,
    section=MAYBE_TEXT,
    first_day=MAYBE_DAY.called("from"),
    last_day=MAYBE_DAY.called("until"),
    assumed=MAYBE_FLAG,
)

_category = _record(
    Category,
    code=TEXT,
    title=TEXT,
    section=TEXT,
    before_licence=FLAG,
    currency=TEXT,
    paid_up_capital=COUNT,
    security_deposit=COUNT,
    net_capital=COUNT,
    clearance=FLAG,
    application_fee=COUNT,
    annual_fee=COUNT,
    term_months=COUNT,
    assumed=MAYBE_TEXTS,
    dealing=MAYBE_FLAG,
)

_status = _record(
    Status,
    code=TEXT,
    title=TEXT,
    opens=TEXTS,
    services=_Field(_one_of("none", "before_licence", "licensed"), "none"),
    level=_Field(_one_of(*LEVELS), "none"),
    account=TEXT,
    lacks=MAYBE_TEXT,
    section=TEXT,
    matched=MATCHED.optional(),
)

_account = _record(
    BankAccount,
    code=TEXT,
    title=TEXT,
    holds=TEXTS,
    money_in=FLAG,
    money_out=FLAG,
    section=TEXT,
    assumed=MAYBE_FLAG,
)

_cap = _record(
    Cap,
    code=TEXT,
    title=TEXT,
    status=TEXT,
    activities=TEXTS,
    category=MAYBE_TEXT,
    unit=TEXT,
    amount=COUNT,
    period=_Field(_one_of(*PERIODS), PERIODS[0]),
    section=TEXT,
    source=MAYBE_TEXT,
    assumed=MAYBE_FLAG,
    consequence=MAYBE_TEXT,
)

_permission = _record(
    PermissionKind,
    code=TEXT,
    title=TEXT,
    status=TEXT,
    months=COUNT,
    section=TEXT,
)

_suspension = _record(
    SuspensionLevel,
    code=TEXT,
    title=TEXT,
    level=_Field(_one_of(*LEVELS[1:]), "frozen"),
    status=TEXT,
    shuts=TEXTS,
    matched=MATCHED,
)

_file = _record(
    FileKind,
    code=TEXT,
    title=TEXT,
    prefix=TEXT,
    stages=TEXTS,
    initial=TEXT,
    final=TEXTS,
    forms=MAYBE_TEXTS,
    checklists=MAYBE_TEXTS,
    grants=MAYBE_TEXT,
)

_step = _record(
    Step,
    file=TEXT,
    act=TEXT,
    outcome=MAYBE_TEXT,
    from_stages=TEXTS.called("from"),
    to=MAYBE_TEXT,
    capacity=TEXT,
    roles=_Field(reading.texts, ("officer", "approver"), needed=False),
    second_person=MAYBE_FLAG,
    not_by=MAYBE_TEXTS,
    requires=MAYBE_TEXTS,
    statuses=MAYBE_TEXTS,
    section=TEXT,
)

_clock = _record(
    Clock,
    code=TEXT,
    file=TEXT,
    title=TEXT,
    starts=TEXTS,
    ends=TEXTS,
    days=COUNT,
    unit=_Field(_one_of(*UNITS), "working"),
    owed_by=_Field(_one_of("authority", "applicant", "confirms"), "authority"),
    stops=MAYBE_FLAG,
    section=TEXT,
    assumed=MAYBE_FLAG,
    fact=MAYBE_TEXT,
)

_stakeholder = _record(
    Stakeholder,
    code=TEXT,
    title=TEXT,
    days=COUNT,
    files=TEXTS,
)

_confirmation = _record(
    Confirmation,
    fact=TEXT,
    title=TEXT,
    section=TEXT,
    per_category=MAYBE_FLAG,
    amount=MAYBE_FLAG,
    grants=MAYBE_TEXT,
)

_condition = _record(
    ConditionTemplate,
    code=TEXT,
    text=TEXT,
    section=TEXT,
    days=MAYBE_COUNT,
    consequence=MAYBE_TEXT,
)

_obligation = _record(
    ObligationTemplate,
    code=TEXT,
    title=TEXT,
    section=TEXT,
    statuses=TEXTS,
    months=MAYBE_COUNT,
    days=MAYBE_COUNT,
    hours=MAYBE_COUNT,
    consequence=MAYBE_TEXT,
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


@functools.cache
def load_licensing(jurisdiction: str) -> LicensingPack:
    """The pack that ships with Amanat, such as `pk`.  Refuses `NotFound`."""
    return licensing_from(*reading.read_table(jurisdiction, "licensing"))


def licensing_of_file(path: Path) -> LicensingPack:
    """The pack of a file, such as a pilot's own.  Refuses as `licensing_from`."""
    return licensing_from(*reading.read_file(path))
