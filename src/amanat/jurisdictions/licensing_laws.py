"""What a licensing pack must keep: every name is declared, every stage reached and left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

from amanat.core.money import MINOR_DIGITS
from amanat.jurisdictions.licensing_model import (
    HOLDS,
    NEW,
    PROVIDER,
    ROLES,
    STATUSES,
    FileKind,
    LicensingPack,
    Section,
)

TABLES = (
    "laws", "sections", "categories", "statuses", "permissions", "suspensions", "files", "steps",
    "clocks", "checklists", "stakeholders", "confirmations", "conditions", "obligations",
    "accounts", "caps",
)  # fmt: skip
"""The tables of a pack, in its order."""

Mistakes = Iterator[tuple[str, str]]


def _codes_once(pack: LicensingPack) -> Mistakes:
    for name in TABLES:
        if name in ("sections", "steps"):
            continue
        key = {"checklists": "area", "confirmations": "fact"}.get(name, "code")
        rows: Iterable[Any] = getattr(pack, name)
        counted = Counter((getattr(one, key), getattr(one, "file", "")) for one in rows)
        for (code, _file_of), count in counted.items():
            if count > 1:
                yield f"{name}.{code}", f"{code} is given {count} times"
    steps = Counter((one.file, one.act, one.outcome, stage) for one in pack.steps
                    for stage in one.from_stages)  # fmt: skip
    for (file, act, outcome, stage), count in steps.items():
        if count > 1:
            yield f"steps.{file}.{act}", f"{act} {outcome} from {stage} is given {count} times"


def _sections_known(pack: LicensingPack) -> Mistakes:
    laws = {one.code: one for one in pack.laws}
    for one in pack.laws:
        if one.in_force_until is not None and one.in_force_until < one.in_force_from:
            yield f"laws.{one.code}", "it ends before it begins"
        if not one.source and not one.assumed:
            yield f"laws.{one.code}", "it has neither a source nor assumed = true"
    for index, row in enumerate(pack.sections):
        if row.law not in laws:
            yield f"sections[{index}].law", f"there is no law {row.law}"
    if all(row.law in laws for row in pack.sections):
        yield from _sections_apart(pack)
    known = {one.code for one in pack.sections}
    for name in ("categories", "statuses", "permissions", "steps", "clocks", "confirmations",
                 "conditions", "obligations", "accounts", "caps"):  # fmt: skip
        for index, citing in enumerate(getattr(pack, name)):
            if citing.section not in known:
                yield f"{name}[{index}].section", f"there is no section {citing.section}"
    if pack.appeal_section not in known:
        yield "pack.appeal_section", f"there is no section {pack.appeal_section}"


def _sections_apart(pack: LicensingPack) -> Mistakes:
    """No day finds two rows of one section: the first to differ from the others is told."""
    for index, row in enumerate(pack.sections):
        for other in pack.sections[:index]:
            if other.code != row.code:
                continue
            first = max(_first_day(pack, row), _first_day(pack, other))
            if pack.covers(row, first) and pack.covers(other, first):
                yield f"sections[{index}]", f"{row.code} stands twice on {first}"


def _first_day(pack: LicensingPack, row: Section) -> date:
    return max(pack.law(row.law).in_force_from, row.first_day or date.min)


def _stages_sound(pack: LicensingPack) -> Mistakes:
    for kind in pack.files:
        place = f"files.{kind.code}"
        for stage in (kind.initial, *kind.final):
            if stage not in kind.stages:
                yield place, f"{stage} is none of its stages"
        if kind.code == PROVIDER or NEW in kind.stages:
            yield place, f"{PROVIDER} and {NEW} have a meaning of their own"
        for area in kind.checklists:
            if area not in {one.area for one in pack.checklists}:
                yield place, f"there is no checklist {area}"
        yield from _reachable(pack, kind)


def _reachable(pack: LicensingPack, kind: FileKind) -> Mistakes:
    steps = [one for one in pack.steps if one.file == kind.code]
    reached = {NEW}
    while True:
        further = {one.to for one in steps if one.to and reached & set(one.from_stages)}
        if further <= reached:
            break
        reached |= further
    for stage in kind.stages:
        if stage not in reached:
            yield f"files.{kind.code}", f"no step leads to the stage {stage}"
        leaves = any(stage in one.from_stages and one.to not in ("", stage) for one in steps)
        if not leaves and stage not in kind.final:
            yield f"files.{kind.code}", f"no step leaves {stage}, which is not a last stage"


def _steps_known(pack: LicensingPack) -> Mistakes:
    kinds = {one.code: one for one in pack.files}
    statuses = {one.code for one in pack.statuses}
    for index, step in enumerate(pack.steps):
        place = f"steps[{index}]"
        if step.file == PROVIDER:
            stages = statuses
        elif step.file in kinds:
            stages = {NEW, *kinds[step.file].stages}
        else:
            yield f"{place}.file", f"there is no kind of file {step.file}"
            continue
        for stage in (*step.from_stages, *([step.to] if step.to else [])):
            if stage not in stages:
                yield place, f"{stage} is no stage of {step.file}"
        for role in step.roles:
            if role not in ROLES:
                yield f"{place}.roles", f"{role} is no role"
        for status in step.statuses:
            if status not in statuses:
                yield f"{place}.statuses", f"{status} is no status"
        for name in step.requires:
            if name.partition(":")[0] not in pack.requirements:
                yield f"{place}.requires", f"{name} is not among [requirements]"
        for act in step.not_by:
            if act not in {one.act for one in pack.steps if one.file == step.file}:
                yield f"{place}.not_by", f"{act} is no act on a {step.file} file"


def _names_known(pack: LicensingPack) -> Mistakes:
    kinds = {one.code for one in pack.files}
    statuses = {one.code for one in pack.statuses}
    for clock in pack.clocks:
        if clock.file not in kinds:
            yield f"clocks.{clock.code}", f"there is no kind of file {clock.file}"
        acts = {one.act for one in pack.steps if one.file == clock.file}
        for act in (*clock.starts, *clock.ends):
            if act not in acts:
                yield f"clocks.{clock.code}", f"{act} is no act on a {clock.file} file"
        if clock.fact and clock.fact not in {one.fact for one in pack.confirmations}:
            yield f"clocks.{clock.code}.fact", f"there is no fact {clock.fact} to confirm"
        if bool(clock.fact) != (clock.owed_by == "confirms") or bool(clock.fact) == bool(
            clock.ends
        ):
            reason = "who confirms owes the clock of a fact, and no act ends it"
            yield f"clocks.{clock.code}.fact", reason
    for status in pack.statuses:
        for activity in status.opens:
            if activity not in pack.activities:
                yield f"statuses.{status.code}.opens", f"{activity} is not among [activities]"
    for needed in STATUSES:
        if needed not in statuses:
            yield "statuses", f"there is no status {needed}"
    kinds_of_permission = {one.code for one in pack.permissions}
    for permission in pack.permissions:
        if permission.status not in statuses:
            yield f"permissions.{permission.code}", f"there is no status {permission.status}"
    for kind in pack.files:
        if kind.grants and kind.grants not in kinds_of_permission:
            yield f"files.{kind.code}.grants", f"there is no permission {kind.grants}"
    for fact in pack.confirmations:
        if fact.grants and fact.grants not in kinds_of_permission:
            yield f"confirmations.{fact.fact}", f"there is no permission {fact.grants}"
        elif fact.grants and _level_of(pack, fact.grants) != "none":
            reason = f"{fact.grants} has a level on the ledger, which only the authority writes"
            yield f"confirmations.{fact.fact}", reason
    for level in pack.suspensions:
        if level.status not in statuses:
            yield f"suspensions.{level.code}", f"there is no status {level.status}"
        for activity in level.shuts:
            if activity not in pack.activities:
                yield f"suspensions.{level.code}.shuts", f"{activity} is not among [activities]"
    for one in pack.stakeholders:
        for code in one.files:
            if code not in kinds:
                yield f"stakeholders.{one.code}", f"there is no kind of file {code}"
    for duty in pack.obligations:
        for code in duty.statuses:
            if code not in statuses:
                yield f"obligations.{duty.code}", f"there is no status {code}"


def _level_of(pack: LicensingPack, kind: str) -> str:
    statuses = {one.code: one.level for one in pack.statuses}
    return statuses.get(pack.permission(kind).status, "none")


NOT_CAPPED = "bid"
"""How much a sealed bid is for is not known when it is taken; its settlement can be capped."""


def _accounts_and_caps_known(pack: LicensingPack) -> Mistakes:
    accounts = {one.code for one in pack.accounts}
    statuses = {one.code: one for one in pack.statuses}
    categories = {one.code for one in pack.categories}
    for status in pack.statuses:
        if status.account not in accounts:
            yield f"statuses.{status.code}.account", f"there is no account {status.account}"
    for account in pack.accounts:
        for whose in account.holds:
            if whose not in HOLDS:
                yield f"accounts.{account.code}.holds", f"{whose} is none of {', '.join(HOLDS)}"
    for cap in pack.caps:
        place = f"caps.{cap.code}"
        if cap.unit not in MINOR_DIGITS:
            yield f"{place}.unit", f"{cap.unit} is no currency that is known"
        if cap.category and cap.category not in categories:
            yield f"{place}.category", f"there is no category {cap.category}"
        if not cap.source and not cap.assumed:
            yield place, "it has neither a source nor assumed = true"
        if cap.status not in statuses:
            yield f"{place}.status", f"there is no status {cap.status}"
            continue
        for activity in cap.activities:
            if activity == NOT_CAPPED:
                yield f"{place}.activities", "a sealed bid has no amount that could be capped"
            elif activity not in statuses[cap.status].opens:
                yield f"{place}.activities", f"{cap.status} does not open {activity}"


REGISTER_COLUMNS = ("trade_names", "registration")


def _register_known(pack: LicensingPack) -> Mistakes:
    forms = {form for kind in pack.files for form in kind.forms}
    for column, place in pack.register.items():
        parts = place.split(".")
        if column not in REGISTER_COLUMNS:
            yield f"register.{column}", f"is none of {', '.join(REGISTER_COLUMNS)}"
        elif len(parts) != 3 or parts[0] not in forms:
            yield f"register.{column}", f"{place} is no form.section.question of any file"


LAWS: tuple[Callable[[LicensingPack], Mistakes], ...] = (
    _codes_once,
    _sections_known,
    _stages_sound,
    _steps_known,
    _names_known,
    _accounts_and_caps_known,
    _register_known,
)
"""What a pack must keep, in the order in which it is told."""
