"""One step of a file: looked up in the table of the jurisdiction, checked, and recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext
from amanat.core.ids import new_id
from amanat.core.messages import Message, Word
from amanat.jurisdictions.licensing import NEW, PROVIDER, Citation, LicensingPack, Step
from amanat.licensing import events
from amanat.licensing.deriving import Held, Standing
from amanat.licensing.model import LICENCE, Conflicted, OwnWork, PermissionNotHeld
from amanat.licensing.openness.grounds import rulebooks_cited
from amanat.licensing.ordering import written
from amanat.licensing.path import Situation, allowed
from amanat.licensing.records import (
    facts_of_provider,
    find_file,
    lock_provider,
    mover_of,
    next_file_number,
    pack_of,
    require_sight,
    situation_of,
)
from amanat.licensing.register.book import note_provider
from amanat.licensing.standing import standing_on
from amanat.licensing.tables import condition, file_step, licensing_file, recusal
from amanat.licensing.timing import Running, clocks_of_file


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step that is allowed: its file, the law that it cites, and where everything stood."""

    pack: LicensingPack
    row: Row[Any]
    step: Step
    law: Citation
    situation: Situation
    standing: Standing

    @property
    def subject(self) -> str:
        """What journal entries of it are about."""
        return f"licensing:{self.row.number}"


@dataclass(frozen=True, slots=True)
class OnProvider:
    """A step on a provider itself, or one that opens a file about it."""

    pack: LicensingPack
    provider: Row[Any]
    step: Step
    law: Citation
    standing: Standing


# -- looking up -----------------------------------------------------------------------------------


def load_step(
    context: ActContext, number: str, act: str, *, outcome: str = "", category: str = ""
) -> Stepped:
    """The step that an act is on a file.

    Refuses, in order: `NotFound` (no such file, or no party of it), and as `path.allowed`, then
    `Conflicted`.
    """
    connection, programme = context.uow.connection, context.programme
    pack = pack_of(connection, programme)
    row = find_file(connection, programme, number)
    require_sight(connection, programme, row, context.actor, pack)
    standing = standing_on(connection, programme, row.provider, context.business_date)
    situation = situation_of(context, pack, row, standing.status)
    mover = mover_of(connection, programme, pack, context.actor, row.provider)
    step = allowed(
        pack,
        situation,
        mover,
        act,
        day=context.business_date,
        outcome=outcome,
        category=category,
    )
    require_no_conflict(context, row.provider, [context.actor.person])
    law = pack.section_on(step.section, context.business_date)
    return Stepped(pack, row, step, law, situation, standing)


def load_provider_step(
    context: ActContext, code: str, act: str, *, kind: str = PROVIDER, stage: str | None = None
) -> OnProvider:
    """The step that an act is on a provider, or that opens a file of a kind about it.

    Refuses, in order: `NotAProvider`, as `path.allowed`, `Conflicted`.
    """
    connection, programme = context.uow.connection, context.programme
    pack = pack_of(connection, programme)
    row = lock_provider(connection, programme, code)
    standing = standing_on(connection, programme, code, context.business_date)
    situation = Situation(
        kind=kind,
        file=code,
        stage=stage or (standing.status if kind == PROVIDER else NEW),
        provider=code,
        status=standing.status,
        facts=facts_of_provider(connection, programme, code, context.business_date),
    )
    mover = mover_of(connection, programme, pack, context.actor, code)
    step = allowed(pack, situation, mover, act, day=context.business_date)
    require_no_conflict(context, code, [context.actor.person])
    law = pack.section_on(step.section, context.business_date)
    return OnProvider(pack, row, step, law, standing)


def require_no_conflict(context: ActContext, code: str, people: Iterable[str]) -> None:
    """Refuse `Conflicted` to whoever is recused from the files of a provider."""
    row = context.uow.connection.execute(
        sql.select(recusal).where(
            recusal.c.programme == context.programme,
            recusal.c.provider == code,
            recusal.c.recused.in_(list(people)),
            recusal.c.ended_on.is_(None),
        )
    ).first()
    if row is not None:
        raise Conflicted(person=row.recused, provider=code, reason=row.reason)


def require_approvers_apart(context: ActContext, stepped: Stepped) -> None:
    """Refuse `OwnWork`, `Conflicted` to approvers who did what the step is kept apart from."""
    people = approvers(context)
    for person in people:
        former = stepped.situation.did(person, stepped.step.not_by)
        if former is not None:
            raise OwnWork(
                person=person,
                former=Word(former),
                file=stepped.row.number,
                act=Word(stepped.step.act),
            )
    require_no_conflict(context, stepped.row.provider, people)


def approvers(context: ActContext) -> list[str]:
    """Who approved the act, besides its proposer."""
    people = [one.person for one in context.approved.given]
    return [one for one in people if one != context.actor.person] or people


def held_licence(standing: Standing, category: str | None) -> Held | None:
    """The licence of a category, or None for all permissions.

    With a single licence left, that licence is all.  Refuses `PermissionNotHeld`.
    """
    licences = [one for one in standing.held if one.kind == LICENCE]
    if category is None:
        if not standing.held:
            raise PermissionNotHeld(provider=standing.provider, permission=Word("permission"))
        return None
    found = [one for one in licences if category in one.categories]
    if not found:
        raise PermissionNotHeld(
            provider=standing.provider,
            permission=Message("licence for {category}", category=Word(category)),
        )
    return found[0] if len(licences) > 1 else None


# -- recording ------------------------------------------------------------------------------------


def record_step(context: ActContext, stepped: Stepped, reason: str | None = None) -> str:
    """Journal the step and move the file; the entry's id."""
    row, step = stepped.row, stepped.step
    stage = step.to or row.stage
    entry = _note_step(context, row.id, row.number, step, row.stage, stepped.law, reason)
    values: dict[str, str] = {"stage": stage}
    if step.act == "SubmitFile":
        values["submitted_on"] = context.business_date.isoformat()
    if stage != row.stage and stage in stepped.pack.file(row.kind).final:
        values["closed_on"] = context.business_date.isoformat()
    context.uow.connection.execute(
        sql.update(licensing_file).where(licensing_file.c.id == row.id).values(**values)
    )
    note_due(context, stepped.pack, row.id)
    return entry


def note_due(context: ActContext, pack: LicensingPack, file_id: str) -> None:
    """Let a file's row say which of its clocks runs out first, and who owes what it is for.

    The clocks of who confirms a fact stand apart: they run beside those of the file.
    """
    connection = context.uow.connection
    row = connection.execute(sql.select(licensing_file).where(licensing_file.c.id == file_id)).one()
    running = [
        one
        for one in clocks_of_file(connection, pack, row, context.business_date)
        if one.reading.due is not None and one.reading.ended is None
    ]
    first = _first_due(one for one in running if not one.clock.fact)
    awaited = _first_due(one for one in running if one.clock.fact)
    connection.execute(
        sql.update(licensing_file)
        .where(licensing_file.c.id == file_id)
        .values(
            due_on=_iso(first),
            due_clock=first.clock.code if first else None,
            due_by=first.clock.owed_by if first else None,
            fact_due_on=_iso(awaited),
            fact_clock=awaited.clock.code if awaited else None,
        )
    )


def _first_due(running: Iterable[Running]) -> Running | None:
    return min(running, key=lambda one: one.reading.due or date.max, default=None)


def _iso(one: Running | None) -> str | None:
    return one.reading.due.isoformat() if one is not None and one.reading.due is not None else None


def open_file(
    context: ActContext,
    on: OnProvider,
    *,
    categories: Iterable[str] = (),
    permission: str | None = None,
    reason: str | None = None,
) -> tuple[str, str, str]:
    """Open a file by a step from `new`; its id, number and journal entry."""
    connection, programme, today = context.uow.connection, context.programme, context.business_date
    kind = on.pack.file(on.step.file)
    number = next_file_number(connection, programme, kind, today)
    identifier, named = new_id(), sorted(set(categories))
    subject = f"licensing:{number}"
    entry = context.uow.journal.append(
        events.FILE_OPENED,
        {
            "file": number,
            "kind": kind.code,
            "provider": on.provider.code,
            "categories": named,
            "permission": permission,
        },
        subject=subject,
    )
    final = on.step.to in kind.final
    connection.execute(
        licensing_file.insert().values(
            id=identifier,
            programme=programme,
            number=number,
            provider=on.provider.code,
            kind=kind.code,
            stage=on.step.to,
            categories=named,
            permission=permission,
            opened_on=today.isoformat(),
            submitted_on=None if on.step.to == kind.initial and not final else today.isoformat(),
            closed_on=today.isoformat() if final else None,
            **written(context, entry),
        )
    )
    moved = _note_step(context, identifier, number, on.step, NEW, on.law, reason)
    note_due(context, on.pack, identifier)
    return identifier, number, moved


def _note_step(
    context: ActContext,
    file_id: str,
    number: str,
    step: Step,
    from_stage: str,
    law: Citation,
    reason: str | None,
) -> str:
    to_stage = step.to or from_stage
    rulebook = rulebooks_cited(context.uow.connection, context.programme, context.business_date)
    entry = context.uow.journal.append(
        events.FILE_MOVED,
        {
            "file": number,
            "act": step.act,
            "outcome": step.outcome,
            "from_stage": from_stage,
            "to_stage": to_stage,
            "section": law.code,
            "law": law.text,
            "rulebook": rulebook,
            "reason": reason,
        },
        subject=f"licensing:{number}",
    )
    context.uow.connection.execute(
        file_step.insert().values(
            id=new_id(),
            programme=context.programme,
            file=file_id,
            act=step.act,
            outcome=step.outcome,
            from_stage=from_stage,
            to_stage=to_stage,
            section=law.code,
            law=law.text,
            rulebook=rulebook,
            reason=reason,
            **written(context, entry),
        )
    )
    return entry


# -- conditions -----------------------------------------------------------------------------------


def set_conditions(
    context: ActContext,
    pack: LicensingPack,
    code: str,
    stated: Iterable[str],
    law: Citation,
    *,
    permission: str | None,
    file: str | None,
    lifted: Iterable[str] = (),
) -> list[str]:
    """Attach conditions, by the code of a template or as a text of their own; their ids."""
    texts, gone = list(stated), list(lifted)
    if not texts and not gone:
        return []
    connection, today = context.uow.connection, context.business_date
    known = {one.code: one for one in pack.conditions}
    identifiers = [new_id() for _ in texts]
    rulebook = rulebooks_cited(connection, context.programme, today)
    entry = context.uow.journal.append(
        events.CONDITIONS_SET,
        {
            "provider": code,
            "permission": permission,
            "set": texts,
            "lifted": gone,
            "rulebook": rulebook,
        },
        subject=f"licensing:{code}",
    )
    for identifier, text in zip(identifiers, texts, strict=True):
        template = known.get(text)
        cited = pack.section_on(template.section, today) if template else law
        days = template.days if template else 0
        connection.execute(
            condition.insert().values(
                id=identifier,
                programme=context.programme,
                provider=code,
                permission=permission,
                file=file,
                code=template.code if template else None,
                text=template.text if template else text,
                section=cited.code,
                law=cited.text,
                due_on=(today + timedelta(days=days)).isoformat() if days else None,
                consequence=template.consequence if template else None,
                rulebook=rulebook,
                **written(context, entry),
            )
        )
    connection.execute(
        sql.update(condition)
        .where(
            condition.c.programme == context.programme,
            condition.c.provider == code,
            condition.c.id.in_(gone),
        )
        .values(lifted_on=today.isoformat(), lifted_entry=entry)
    )
    note_provider(
        context.uow,
        code,
        programme=context.programme,
        day=today,
        law=law.text,
        reason="Conditions set or lifted",
    )
    return identifiers
