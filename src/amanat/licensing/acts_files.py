"""What a provider does with its own files: open, fill, submit, answer, take back."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sql

from amanat.access.acts import ActContext, Result, act
from amanat.core.canonical import canonical_bytes, digest
from amanat.core.errors import Invalid, NotFound, Refusals
from amanat.core.ids import new_id
from amanat.jurisdictions.licensing import NEW
from amanat.ledger.orders import next_numbers
from amanat.licensing import events
from amanat.licensing.commands import (
    AnswerQuestion,
    OpenFile,
    SaveSection,
    SubmitFile,
    WithdrawFile,
)
from amanat.licensing.deriving import APPLICANT as APPLICANT_STATUS
from amanat.licensing.documents.links import link_documents, require_own
from amanat.licensing.forms.filling import (
    answers_of,
    changed_since,
    last_saved,
    section_complete,
    unfilled,
)
from amanat.licensing.forms.form import load_form
from amanat.licensing.model import (
    APPLICANT,
    FileStillOpen,
    NotAProvider,
    PermissionNotHeld,
    QuestionClosed,
    RequirementMissing,
    SectionMoved,
)
from amanat.licensing.ordering import written
from amanat.licensing.records import find_provider, pack_of
from amanat.licensing.stepping import (
    load_provider_step,
    load_step,
    note_due,
    open_file,
    record_step,
)
from amanat.licensing.tables import (
    file_question,
    file_section,
    licensing_file,
    permission,
    provider,
)

SECTION_BYTES_MAX = 200_000


class SectionTooLarge(Invalid):
    """A section holds answers; documents are uploaded and named by their digest."""

    template: ClassVar[str] = "Section {section} of {form} has {size} bytes, at most {most}."


class CountryMissing(Invalid):
    """With its first file a provider says where its head is."""

    template: ClassVar[str] = "The first file of {provider} says the country of its head."


@act(capacities=[APPLICANT], confidential=True)
def open_own_file(command: OpenFile, context: ActContext) -> Result:
    """Open a file; with the first one the institution is entered as a provider.

    Refuses, in order: `CountryMissing`, `NotFound` (kind, category, permission), as the path does,
    `FileStillOpen`, `PermissionNotHeld`.
    """
    connection, programme, code = (
        context.uow.connection,
        context.programme,
        context.actor.institution,
    )
    pack = pack_of(connection, programme)
    kind = pack.file(command.kind)
    categories = sorted({pack.category(one).code for one in command.categories})
    _enter_provider(command, context)
    on = load_provider_step(context, code, "OpenFile", kind=kind.code, stage=NEW)
    former = connection.execute(
        sql.select(licensing_file.c.number).where(
            licensing_file.c.programme == programme,
            licensing_file.c.provider == code,
            licensing_file.c.kind == kind.code,
            licensing_file.c.closed_on.is_(None),
        )
    ).scalar_one_or_none()
    if former is not None:
        raise FileStillOpen(provider=code, file=former)
    about = None
    if command.permission is not None:
        about = _own_permission(command.permission, context, [one.id for one in on.standing.held])
    identifier, number, entry = open_file(context, on, categories=categories, permission=about)
    return {"file": number, "id": identifier, "entry": entry}


def _own_permission(number: str, context: ActContext, held: list[str]) -> str:
    row = context.uow.connection.execute(
        sql.select(permission.c.id).where(
            permission.c.programme == context.programme,
            permission.c.provider == context.actor.institution,
            permission.c.number == number,
        )
    ).scalar_one_or_none()
    if row is None:
        raise NotFound(thing="permission", value=number)
    if row not in held:
        raise PermissionNotHeld(provider=context.actor.institution, permission=number)
    return str(row)


def _enter_provider(command: OpenFile, context: ActContext) -> None:
    connection, programme, code = (
        context.uow.connection,
        context.programme,
        context.actor.institution,
    )
    try:
        find_provider(connection, programme, code)
        return
    except NotAProvider:
        if command.country is None:
            raise CountryMissing(provider=code) from None
    number = next_numbers(connection, f"licensing:{programme}:provider", 1, 1)
    entry = context.uow.journal.append(
        events.PROVIDER_ENTERED,
        {"provider": code, "number": number, "country": command.country},
        subject=f"licensing:{code}",
    )
    connection.execute(
        provider.insert().values(
            programme=programme,
            code=code,
            number=number,
            country=command.country,
            status=APPLICANT_STATUS,
            **written(context, entry),
        )
    )


@act(capacities=[APPLICANT], confidential=True)
def save_section(command: SaveSection, context: ActContext) -> Result:
    """Save a section as it is; what is missing or wrong is told, and counts at the submission.

    Refuses, in order: `NotFound` (file, form, section), as the path does, `SectionMoved`,
    `SectionTooLarge`, `NotFound` (documents that were not given by oneself, all at once).
    """
    stepped = load_step(context, command.file, "SaveSection")
    kind = stepped.pack.file(stepped.row.kind)
    if command.form not in kind.forms:
        raise NotFound(thing="form", value=command.form)
    _require_as_read(command, context, stepped.row.id)
    content = canonical_bytes(command.content)
    if len(content) > SECTION_BYTES_MAX:
        raise SectionTooLarge(
            section=command.section, form=command.form, size=len(content), most=SECTION_BYTES_MAX
        )
    connection = context.uow.connection
    answers = answers_of(connection, stepped.row.id).get(command.form, {})
    answers = answers | {command.section: command.content}
    complete = section_complete(
        stepped.pack, command.form, command.section, answers, context.business_date
    )
    form = load_form(stepped.pack.code, command.form)
    require_own(context, form, answers, command.section)
    stated = digest(command.content).hex()
    entry = context.uow.journal.append(
        events.SECTION_SAVED,
        {
            "file": stepped.row.number,
            "form": command.form,
            "section": command.section,
            "digest": stated,
            "complete": complete,
        },
        subject=stepped.subject,
    )
    connection.execute(
        file_section.insert().values(
            id=new_id(),
            programme=context.programme,
            file=stepped.row.id,
            form=command.form,
            section=command.section,
            content=content,
            digest=stated,
            complete=complete,
            **written(context, entry),
        )
    )
    if form is not None:
        link_documents(context, stepped.row, form, answers, command.section, entry)
    return {"file": stepped.row.number, "complete": complete, "digest": stated, "entry": entry}


def _require_as_read(command: SaveSection, context: ActContext, file_id: str) -> None:
    """Refuse `SectionMoved` where the section is another than the one that was read."""
    if command.former is None:
        return
    last = last_saved(context.uow.connection, file_id, command.form, command.section)
    if last is not None and last.digest != command.former:
        raise SectionMoved(
            person=last.person,
            section=command.section,
            form=command.form,
            at=datetime.fromisoformat(last.recorded_at),
            changed=", ".join(
                changed_since(
                    context.uow.connection, file_id, command.form, command.section, command.former
                )
            ),
        )


@act(capacities=[APPLICANT], confidential=True)
def submit_file(command: SubmitFile, context: ActContext) -> Result:
    """Submit a file.  Refuses as the path does; what forms lack is told all at once."""
    try:
        stepped = load_step(context, command.file, "SubmitFile")
    except (RequirementMissing, Refusals):
        _tell_what_is_missing(command.file, context)
        raise
    entry = record_step(context, stepped, command.declaration)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


def _tell_what_is_missing(number: str, context: ActContext) -> None:
    connection = context.uow.connection
    row = connection.execute(
        sql.select(licensing_file).where(
            licensing_file.c.programme == context.programme, licensing_file.c.number == number
        )
    ).one()
    pack = pack_of(connection, context.programme)
    found = unfilled(
        pack, pack.file(row.kind), answers_of(connection, row.id), context.business_date
    )
    if found:
        raise Refusals(found)


@act(capacities=[APPLICANT], confidential=True)
def withdraw_file(command: WithdrawFile, context: ActContext) -> Result:
    """Take a file back.  Refuses as the path does."""
    stepped = load_step(context, command.file, "WithdrawFile")
    entry = record_step(context, stepped, command.reason)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


@act(capacities=[APPLICANT], confidential=True)
def answer_question(command: AnswerQuestion, context: ActContext) -> Result:
    """Answer a question.  Refuses as the path does, then `NotFound`, `QuestionClosed`."""
    stepped = load_step(context, command.file, "AnswerQuestion")
    connection = context.uow.connection
    row = connection.execute(
        sql.select(file_question)
        .where(file_question.c.id == command.question, file_question.c.file == stepped.row.id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="question", value=command.question)
    if row.answered_on is not None:
        raise QuestionClosed(question=row.id, answered_on=row.answered_on)
    record_step(context, stepped)
    entry = context.uow.journal.append(
        events.QUESTION_ANSWERED,
        {
            "file": stepped.row.number,
            "question": row.id,
            "digest": digest({"answer": command.answer}).hex(),
        },
        subject=stepped.subject,
        cause=row.entry,
    )
    connection.execute(
        sql.update(file_question)
        .where(file_question.c.id == row.id)
        .values(
            answer=command.answer,
            answered_by=context.actor.person,
            answered_at=context.now.isoformat(),
            answered_on=context.business_date.isoformat(),
            answer_entry=entry,
        )
    )
    note_due(context, stepped.pack, stepped.row.id)
    return {"file": stepped.row.number, "question": row.id, "entry": entry}
