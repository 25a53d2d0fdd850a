"""The path of a file, as the jurisdiction's table has it: which step is allowed, and why not.

Pure: what is known of a file comes in as values.  Refusals come in this order: no such step from
this stage, not done by this actor, the provider's status, what must hold, own work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from amanat.core.errors import Refusal, Refused
from amanat.core.messages import Message, Word
from amanat.jurisdictions.licensing import NEW, Citation, LicensingPack, SectionNotInForce, Step
from amanat.licensing.model import (
    CONFIRMS,
    CONSULTED,
    NotTheirStep,
    OwnWork,
    RequirementMissing,
    StepNotAllowed,
    WrongStatus,
)


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a file stands: its kind, number for people, stage, and the provider's status.

    `facts` are the names of what holds, such as `incorporated` or `capital_paid:exchange`.
    `authors` are the people who did acts on this file, by act.
    """

    kind: str
    file: str
    stage: str
    provider: str
    status: str
    facts: frozenset[str] = frozenset()
    authors: tuple[tuple[str, str], ...] = ()

    def did(self, person: str, acts: Iterable[str]) -> str | None:
        """Which of `acts` this person did on the file, if any."""
        wanted = set(acts)
        return next((act for act, who in self.authors if who == person and act in wanted), None)


@dataclass(frozen=True, slots=True)
class Mover:
    """Who wants to move a file: person, role, and the capacities in which they may act on it.

    `authority` and `applicant` stand for the authority of the licensed class and the provider
    itself; other capacities are those of the institution, such as `confirms.incorporated`.
    """

    person: str
    role: str
    capacities: frozenset[str]

    def acts_as(self, capacity: str) -> bool:
        """Whether one of their capacities is this one, or one of its kind."""
        family = capacity in (CONFIRMS, CONSULTED)
        return capacity in self.capacities or (
            family and any(one.startswith(f"{capacity}.") for one in self.capacities)
        )


def allowed(
    pack: LicensingPack,
    situation: Situation,
    mover: Mover,
    act: str,
    *,
    day: date,
    outcome: str = "",
    category: str = "",
) -> Step:
    """The step that `act` is on this file now.

    Refuses, in order: `StepNotAllowed`, `NotTheirStep`, `SectionNotInForce`, `WrongStatus`,
    then every `RequirementMissing` at once, `OwnWork`.
    """
    step = find_step(pack, situation, act, outcome, day)
    if not mover.acts_as(step.capacity) or mover.role not in step.roles:
        raise NotTheirStep(
            act=Word(act),
            file=situation.file,
            capacity=Word(step.capacity),
            roles=Word(" or ".join(step.roles)),
            actor=mover.person,
        )
    law = pack.section_on(step.section, day)
    if step.statuses and situation.status not in step.statuses:
        raise WrongStatus(
            provider=situation.provider,
            status=Word(situation.status),
            act=Word(act),
            needed=Word(" or ".join(step.statuses)),
            law=law.text,
        )
    refused = Refused()
    for missing in missing_requirements(pack, step, situation.facts, category):
        refused.add(
            RequirementMissing(
                act=Word(act),
                file=situation.file,
                requirement=in_words(pack, missing),
                law=law.text,
            )
        )
    refused.raise_if_any()
    require_other_hands(step, situation, mover.person)
    return step


def find_step(pack: LicensingPack, situation: Situation, act: str, outcome: str, day: date) -> Step:
    """The step from the stage where the file is.  Refuses `StepNotAllowed`."""
    for step in pack.steps:
        if (
            step.file == situation.kind
            and step.act == act
            and step.outcome == outcome
            and situation.stage in step.from_stages
        ):
            return step
    raise StepNotAllowed(
        file=situation.file,
        stage=Word("not opened" if situation.stage == NEW else situation.stage),
        act=Word(act),
        law=law_of(pack, situation.kind, act, day),
    )


def law_of(pack: LicensingPack, kind: str, act: str, day: date) -> str:
    """The law that has an act on a kind of file, in words; the pack's own title where none has."""
    for step in pack.steps:
        if step.file == kind and step.act == act:
            try:
                return pack.section_on(step.section, day).text
            except SectionNotInForce as refusal:
                return refusal.message
    return pack.title


def missing_requirements(
    pack: LicensingPack, step: Step, facts: Collection[str], category: str
) -> tuple[str, ...]:
    """What a step requires and does not hold, in its order; each with the category that it is of.

    What a category does not need, such as security clearance, is not required for it.
    """
    missing = []
    for name in step.requires:
        if "{" in name and not pack.category(category).needs(name.partition(":")[0]):
            continue
        wanted = name.format(category=category)
        if wanted not in facts:
            missing.append(wanted)
    return tuple(missing)


def in_words(pack: LicensingPack, requirement: str) -> Message:
    """A requirement as people say it."""
    name, _, category = requirement.partition(":")
    return Message(pack.requirements[name], category=Word(category))


def require_other_hands(step: Step, situation: Situation, person: str) -> None:
    """Refuse `OwnWork` to who did an act from which the step is kept apart."""
    former = situation.did(person, step.not_by)
    if former is not None:
        raise OwnWork(person=person, former=Word(former), file=situation.file, act=Word(step.act))


def open_steps(
    pack: LicensingPack, situation: Situation, mover: Mover, *, day: date
) -> tuple[tuple[Step, Refusal | None], ...]:
    """Every step that this mover could do from here, each with what stands in its way, if any.

    Steps of another capacity or role are left out; a requirement of a category is not asked.
    """
    found: list[tuple[Step, Refusal | None]] = []
    for step in pack.steps:
        if step.file != situation.kind or situation.stage not in step.from_stages:
            continue
        if not mover.acts_as(step.capacity) or mover.role not in step.roles:
            continue
        found.append((step, _hindrance(pack, step, situation, mover, day)))
    return tuple(found)


def _hindrance(
    pack: LicensingPack, step: Step, situation: Situation, mover: Mover, day: date
) -> Refusal | None:
    try:
        law: Citation = pack.section_on(step.section, day)
        require_other_hands(step, situation, mover.person)
    except Refusal as refusal:
        return refusal
    if step.statuses and situation.status not in step.statuses:
        return WrongStatus(
            provider=situation.provider,
            status=Word(situation.status),
            act=Word(step.act),
            needed=Word(" or ".join(step.statuses)),
            law=law.text,
        )
    for name in step.requires:
        if "{" not in name and name not in situation.facts:
            return RequirementMissing(
                act=Word(step.act),
                file=situation.file,
                requirement=in_words(pack, name),
                law=law.text,
            )
    return None
