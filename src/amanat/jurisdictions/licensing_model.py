"""The values of a jurisdiction's licensing: laws, categories, statuses, files, steps, clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, TypeVar

from amanat.core.errors import NotFound, Refusal

NEW = "new"
PROVIDER = "provider"
ROLES = ("officer", "approver", "viewer", "operator")
LEVELS = ("none", "active", "close_out_only", "wind_down", "frozen")
UNITS = ("working", "calendar")
ONCE, DAY, MONTH = "once", "day", "month"
PERIODS = (ONCE, DAY, MONTH)
HOLDS = ("own", "client")
STATUSES = ("applicant", "suspended", "wind_down", "revoked", "surrendered", "refused")
"""Statuses that do not come from a permission, and that every pack therefore has."""
T = TypeVar("T")


class SectionNotInForce(Refusal):
    """An act cites a section of a law that is in force on its day, and never another."""

    template: ClassVar[str] = (
        "On {day} no law is in force under which this can be done ({section})."
    )


@dataclass(frozen=True, slots=True)
class Law:
    """An act, ordinance or regulation, in force from a day until another; None is open-ended."""

    code: str
    title: str
    citation: str
    in_force_from: date
    in_force_until: date | None
    source: str
    assumed: bool

    def in_force(self, day: date) -> bool:
        """Whether it applies on `day`."""
        return self.in_force_from <= day and (
            self.in_force_until is None or day <= self.in_force_until
        )


@dataclass(frozen=True, slots=True)
class Section:
    """Where a rule, known here by its `code`, stands in one law, while that law is in force."""

    code: str
    law: str
    section: str
    first_day: date | None
    last_day: date | None
    assumed: bool


@dataclass(frozen=True, slots=True)
class Citation:
    """A section as a decision cites it: `text` names law and section."""

    code: str
    law: str
    section: str
    text: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Category:
    """A service category; amounts in minor units of `currency`, terms in months.

    `before_licence` says that its services may run before the licence, `dealing` that they rest on
    what the provider does on the ledger: where licences of such categories are suspended, the
    ledger's level follows.  `assumed` names the fields that rest on no published source.
    """

    code: str
    title: str
    section: str
    before_licence: bool
    currency: str
    paid_up_capital: int
    security_deposit: int
    net_capital: int
    clearance: bool
    application_fee: int
    annual_fee: int
    term_months: int
    assumed: tuple[str, ...]
    dealing: bool = False

    def needs(self, fact: str) -> bool:
        """Whether a licence of this category needs a fact: clearance only where it says so."""
        return fact != "security_cleared" or self.clearance


@dataclass(frozen=True, slots=True)
class Status:
    """A public status: what it opens, its level on the ledger, and what the next one needs.

    `account` is the kind of account that it lets a provider have, by its code.
    `services` is `none`, `before_licence` or `licensed`; `lacks` names the fact or permission that
    a refusal says is missing, `section` the rule that it cites.  `matched` says what becomes of
    trades matched earlier that the status does not let settle: `waits` or `cancelled`.
    """

    code: str
    title: str
    opens: tuple[str, ...]
    services: str
    level: str
    account: str
    lacks: str
    section: str
    matched: str = "waits"


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A kind of account at a bank, or of cash on the ledger, that a status lets a provider have.

    `holds` says whose money lies there, `own` or `client`; `money_in` and `money_out` which way it
    may still go.
    """

    code: str
    title: str
    holds: tuple[str, ...]
    money_in: bool
    money_out: bool
    section: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that a status lets a provider do: `amount` in minor units of the currency `unit`.

    It counts each time (`once`), or all of a `day` or calendar `month` together, in one category or
    (empty) in all of them.
    """

    code: str
    title: str
    status: str
    activities: tuple[str, ...]
    category: str
    unit: str
    amount: int
    period: str
    section: str
    source: str
    assumed: bool
    consequence: str


@dataclass(frozen=True, slots=True)
class PermissionKind:
    """What may be granted: the public status that it brings, and for how many months (0: open).

    Of several permissions the one that stands later in the pack gives the status.
    """

    code: str
    title: str
    status: str
    months: int
    section: str


@dataclass(frozen=True, slots=True)
class SuspensionLevel:
    """How far a suspension goes: which activities it shuts, and its level on the ledger.

    `matched` is the rule of finality: what becomes of trades that were matched before it and that
    it shuts, `waits` (until it is lifted, or their last day is over) or `cancelled`.
    """

    code: str
    title: str
    level: str
    status: str
    shuts: tuple[str, ...]
    matched: str = "waits"


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file: its stages, the first and the last ones, and what it must contain."""

    code: str
    title: str
    prefix: str
    stages: tuple[str, ...]
    initial: str
    final: tuple[str, ...]
    forms: tuple[str, ...] = ()
    checklists: tuple[str, ...] = ()
    grants: str = ""
    """The permission that its decision grants by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transition: who moves a file of this kind from which stages to which, and what must hold.

    `to` empty leaves the stage.  `outcome` tells apart the results of one act.  `statuses` are the
    provider's public statuses in which it may be done; none given means any.  `not_by` names acts
    whose author on this file may take no part.
    """

    file: str
    act: str
    outcome: str
    from_stages: tuple[str, ...]
    to: str
    capacity: str
    roles: tuple[str, ...]
    second_person: bool
    not_by: tuple[str, ...]
    requires: tuple[str, ...]
    statuses: tuple[str, ...]
    section: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Days within which something is due, from the act that starts it to one that ends it.

    `owed_by` is `authority` or `applicant`; with `stops` it stands still while the applicant owes
    an answer.  With `fact` it is the clock of who confirms that fact (`owed_by` is `confirms`): one
    for each category of the file that needs it, ended by the confirmation and by no act.
    """

    code: str
    file: str
    title: str
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    days: int
    unit: str
    owed_by: str
    stops: bool
    section: str
    assumed: bool
    fact: str = ""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One point of a checklist, scored from 0 to 5, and its weight."""

    code: str
    text: str
    weight: int


@dataclass(frozen=True, slots=True)
class Checklist:
    """What a review of one area looks at; the pass mark is per cent of the weighted most."""

    area: str
    title: str
    pass_mark: int
    items: tuple[ChecklistItem, ...]


@dataclass(frozen=True, slots=True)
class Stakeholder:
    """An institution that is consulted: who holds the capacity `consulted.<code>`."""

    code: str
    title: str
    days: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A fact that the institution with the capacity `confirms.<fact>` confirms, and nobody else.

    `grants` names the permission that it brings; `per_category` facts are of one category each.
    """

    fact: str
    title: str
    section: str
    per_category: bool
    amount: bool
    grants: str


@dataclass(frozen=True, slots=True)
class ConditionTemplate:
    """A condition that a decision may attach; due in `days` calendar days, or standing (0)."""

    code: str
    text: str
    section: str
    days: int
    consequence: str


@dataclass(frozen=True, slots=True)
class ObligationTemplate:
    """A duty of whoever has a status: every `months`, due `days` later; 0 months: by event.

    `consequence` is what a breach of it leads to, in words.
    """

    code: str
    title: str
    section: str
    statuses: tuple[str, ...]
    months: int
    days: int
    hours: int
    consequence: str


@dataclass(frozen=True, slots=True)
class LicensingPack:
    """The licensing of one jurisdiction, as checked data."""

    code: str
    title: str
    version: str
    calendar: str
    participant_class: str
    appeal_days: int
    appeal_section: str
    laws: tuple[Law, ...]
    sections: tuple[Section, ...]
    categories: tuple[Category, ...]
    statuses: tuple[Status, ...]
    permissions: tuple[PermissionKind, ...]
    suspensions: tuple[SuspensionLevel, ...]
    files: tuple[FileKind, ...]
    steps: tuple[Step, ...]
    clocks: tuple[Clock, ...]
    checklists: tuple[Checklist, ...]
    stakeholders: tuple[Stakeholder, ...]
    confirmations: tuple[Confirmation, ...]
    conditions: tuple[ConditionTemplate, ...]
    obligations: tuple[ObligationTemplate, ...]
    accounts: tuple[BankAccount, ...] = ()
    caps: tuple[Cap, ...] = ()
    activities: Mapping[str, str] = field(default_factory=dict)
    """What statuses open and refusals name, by code."""
    register: Mapping[str, str] = field(default_factory=dict)
    """Columns of the register that a granted file's forms fill: form.section.question, by column.

    `trade_names` may hold several, parted by commas, semicolons or lines; `registration` is one.
    """
    requirements: Mapping[str, str] = field(default_factory=dict)
    """What must hold before a step, in words, by name; `{category}` stands for a category."""

    def law(self, code: str) -> Law:
        """A law by its code.  Refuses `NotFound`."""
        return _find(self.laws, "law", code)

    def category(self, code: str) -> Category:
        """A service category.  Refuses `NotFound`."""
        return _find(self.categories, "service category", code)

    def status(self, code: str) -> Status:
        """A public status.  Refuses `NotFound`."""
        return _find(self.statuses, "status", code)

    def account(self, code: str) -> BankAccount:
        """A kind of account.  Refuses `NotFound`."""
        return _find(self.accounts, "kind of account", code)

    def caps_of(self, status: str) -> tuple[Cap, ...]:
        """The caps of a status, in the pack's order."""
        return tuple(one for one in self.caps if one.status == status)

    def permission(self, code: str) -> PermissionKind:
        """A kind of permission.  Refuses `NotFound`."""
        return _find(self.permissions, "kind of permission", code)

    def suspension(self, code: str) -> SuspensionLevel:
        """A level of suspension.  Refuses `NotFound`."""
        return _find(self.suspensions, "level of suspension", code)

    def file(self, code: str) -> FileKind:
        """A kind of file.  Refuses `NotFound`."""
        return _find(self.files, "kind of file", code)

    def checklist(self, area: str) -> Checklist:
        """The checklist of an area.  Refuses `NotFound`."""
        return _find(self.checklists, "checklist", area, "area")

    def stakeholder(self, code: str) -> Stakeholder:
        """Who is consulted.  Refuses `NotFound`."""
        return _find(self.stakeholders, "stakeholder", code)

    def confirmation(self, fact: str) -> Confirmation:
        """A fact that is confirmed.  Refuses `NotFound`."""
        return _find(self.confirmations, "fact to confirm", fact, "fact")

    def condition(self, code: str) -> ConditionTemplate:
        """The template of a condition.  Refuses `NotFound`."""
        return _find(self.conditions, "condition", code)

    def obligation(self, code: str) -> ObligationTemplate:
        """The template of a periodic duty.  Refuses `NotFound`."""
        return _find(self.obligations, "obligation", code)

    def section_on(self, code: str, day: date) -> Citation:
        """The section that has a rule on a day.  Refuses `NotFound`, `SectionNotInForce`."""
        rows = [one for one in self.sections if one.code == code]
        if not rows:
            raise NotFound(thing="section", value=code)
        for one in rows:
            if self.covers(one, day):
                law = self.law(one.law)
                text = f"{law.title}, {one.section}" if one.section else law.title
                return Citation(code, one.law, one.section, text, one.assumed or law.assumed)
        raise SectionNotInForce(section=code, day=day)

    def covers(self, section: Section, day: date) -> bool:
        """Whether a row of a section answers for `day`: its own dates, and those of its law."""
        return (
            self.law(section.law).in_force(day)
            and (section.first_day is None or section.first_day <= day)
            and (section.last_day is None or day <= section.last_day)
        )

    def assumptions(self) -> tuple[str, ...]:
        """Everything in the pack that rests on no published source, as `table code: field`."""
        found = [f"laws {one.code}" for one in self.laws if one.assumed]
        found += [f"sections {one.code} ({one.law})" for one in self.sections if one.assumed]
        found += [
            f"categories {one.code}: {name}" for one in self.categories for name in one.assumed
        ]
        found += [f"clocks {one.code}" for one in self.clocks if one.assumed]
        found += [f"accounts {one.code}" for one in self.accounts if one.assumed]
        found += [f"caps {one.code}" for one in self.caps if one.assumed]
        return tuple(found)


def _find(rows: Sequence[T], thing: str, code: str, key: str = "code") -> T:
    for one in rows:
        if getattr(one, key) == code:
            return one
    raise NotFound(thing=thing, value=code[:60])
