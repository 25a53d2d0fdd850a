"""Pages that ask one question each, list what repeats, and take documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from amanat.access.desk import parse
from amanat.access.sessions import Session
from amanat.core.canonical import digest
from amanat.core.errors import AmanatError, NotFound, Place, Refusal
from amanat.core.messages import Message
from amanat.licensing.commands import SaveSection
from amanat.licensing.documents.received import DocumentTooLarge
from amanat.licensing.forms.answer_kinds import AnswerNotRead
from amanat.licensing.forms.answers import (
    Answers,
    NotAnswered,
    TooManyGiven,
    asked,
    check,
    items_of,
    name_of_item,
    next_item,
)
from amanat.licensing.forms.filling import last_saved_of
from amanat.licensing.forms.form import Question, QuestionKind, Section
from amanat.licensing.model import AnswerMoved
from amanat.web import answering, texts
from amanat.web.answering import FIELD, NO_ITEM, Spot
from amanat.web.application_pages import Filled, OwnFile, countries_for, own_file, summary_of
from amanat.web.guard import BodyTooLarge, require_own_origin
from amanat.web.messages import Reader, message_text, refusal_text
from amanat.web.pages import Pages, Problem, language_of, problems_of
from amanat.web.sign_in import Form, require_session, require_token

_SECTION = "/p/{programme}/apply/{number}/{form}/{section}"
_ITEM = _SECTION + "/{item}"
_QUESTION = _ITEM + "/{question}"
CHECK = "check"


def router(pages: Pages) -> APIRouter:
    """The pages below an applicant's file."""
    routes = APIRouter(include_in_schema=False)
    _section_routes(routes, pages)
    _question_routes(routes, pages)
    _upload_routes(routes, pages)
    return routes


@dataclass(frozen=True, slots=True)
class Page:
    """One question's page: the file, its form, the section and item, and where it goes back to."""

    file: OwnFile
    filled: Filled
    section: Section
    item: str | None
    question: Question
    from_check: bool

    @property
    def spot(self) -> Spot:
        """Where this page stands."""
        return Spot(self.filled.form.code, self.section.code, self.item, self.question.code)

    @property
    def answers(self) -> Answers:
        """The form's answers, with this item even before it has one."""
        return answering.with_item(self.section, self.filled.answers, self.item)

    @property
    def path(self) -> str:
        """Where this answer stands in the form, as refusals name it."""
        return ".".join(filter(None, (self.section.code, self.item, self.question.code)))

    def href(self, spot: Spot) -> str:
        """The address of a question of this file, coming back where this page does."""
        return f"{self.file.base}/{spot.address}" + (f"?back={CHECK}" if self.from_check else "")

    @property
    def current(self) -> Any:
        """What was answered here so far."""
        row = dict(items_of(self.section, self.answers))[self.item]
        return row.get(self.question.code)

    @property
    def version(self) -> str:
        """What the page shows, as a digest: the answer, or the whole item where items repeat."""
        row = dict(items_of(self.section, self.answers))[self.item]
        return digest(dict(row) if self.item else {"answer": self.current}).hex()


def _section_of(
    pages: Pages, request: Request, programme: str, number: str, form: str, section: str
) -> tuple[OwnFile, Filled, Section]:
    """The parts of an address below a file.  Refuses `NotFound`."""
    require_session(pages, request, programme)
    file = own_file(pages, request, programme, number)
    filled = file.filled(form)
    found = filled.form.section(section)
    if found is None:
        raise NotFound(thing="section", value=section[:40])
    return file, filled, found


def _page_of(
    pages: Pages, request: Request, programme: str, number: str, place: tuple[str, str, str, str]
) -> Page:
    """The page of a question that is asked, also of an item that is only begun."""
    form, section, item, question = place
    file, filled, found = _section_of(pages, request, programme, number, form, section)
    named = None if item == NO_ITEM else item
    fresh = next_item(found, filled.answers) if found.repeats else None
    known = [name for name, _ in items_of(found, filled.answers)]
    if (named is None) is not (found.repeats is None) or named not in {*known, fresh}:
        raise NotFound(thing="page", value=item[:8])
    answers = answering.with_item(found, filled.answers, named)
    for one in answering.asked_in(filled.form, answers, section, named):
        if one.question.code == question:
            back = request.query_params.get("back") == CHECK
            return Page(file, filled, found, named, one.question, back)
    raise NotFound(thing="question", value=question[:40])


# -- sections -------------------------------------------------------------------------------------


def _section_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get(_SECTION)
    def one(request: Request, programme: str, number: str, form: str, section: str) -> Response:
        file, filled, found = _section_of(pages, request, programme, number, form, section)
        if found.repeats is not None:
            return _items_page(pages, request, programme, file, filled, found)
        asked_here = answering.asked_in(filled.form, filled.answers, section, None)
        if not asked_here:
            raise NotFound(thing="section", value=section[:40])
        first = answering.spot_of(filled.form, asked_here[0])
        if all(q.answer is None for q in asked_here):
            return RedirectResponse(f"{file.base}/{first.address}", 303)
        open_now = answering.following(filled.form, filled.answers, first, only_open=True)
        return pages.render(
            request,
            "apply_section.html",
            programme=programme,
            file=file,
            filled=filled,
            section=found,
            summary=summary_of(file, filled, language_of(request), section),
            onward=f"{file.base}/{open_now.address}" if open_now else None,
        )

    @routes.get(_ITEM + "/remove")
    def removing(
        request: Request, programme: str, number: str, form: str, section: str, item: str
    ) -> Response:
        file, filled, found = _section_of(pages, request, programme, number, form, section)
        row = dict(items_of(found, filled.answers)).get(item)
        if row is None or found.repeats is None:
            raise NotFound(thing="page", value=item[:8])
        return pages.render(
            request,
            "apply_remove.html",
            programme=programme,
            file=file,
            filled=filled,
            section=found,
            item=item,
            name=name_of_item(found, item, row),
            version=digest(dict(row)).hex(),
        )

    @routes.post(_ITEM + "/remove")
    def removed(
        request: Request,
        programme: str,
        number: str,
        form: str,
        section: str,
        item: str,
        sent: Form,
    ) -> Response:
        session = require_session(pages, request, programme)
        require_token(pages, request, sent)
        file, filled, found = _section_of(pages, request, programme, number, form, section)
        if found.repeats is None:
            raise NotFound(thing="page", value=item[:8])
        row = dict(items_of(found, filled.answers)).get(item)
        if row is None or sent.get("version") != digest(dict(row)).hex():
            # Another window took one away before it, so that this would be another one now.
            return RedirectResponse(f"{file.base}/{form}/{section}", 303)
        left = answering.without_item(found, filled.answers, item)
        _save(pages, session, file, form, section, left)
        return RedirectResponse(f"{file.base}/{form}/{section}", 303)


def _items_page(
    pages: Pages,
    request: Request,
    programme: str,
    file: OwnFile,
    filled: Filled,
    section: Section,
) -> Response:
    assert section.repeats is not None
    answers, form = filled.answers, filled.form
    fresh = next_item(section, answers)
    begun = answering.with_item(section, answers, fresh)
    first = answering.asked_in(form, begun, section.code, fresh)
    if not first:
        raise NotFound(thing="section", value=section.code)
    rows = []
    for item, row in items_of(section, answers):
        asked_here = answering.asked_in(form, answers, section.code, item)
        path = f"{section.code}.{item}"
        faults = [one for one in filled.faults if _within(one, path)]
        start = answering.spot_of(form, asked_here[0])
        # The first that is not answered, so that one goes on where one left.
        onward = answering.following(form, answers, start, only_open=True) or start
        reader = pages.reader(request)
        rows.append(
            {
                "item": item,
                "name": name_of_item(section, str(item), row),
                "done": not faults,
                "faults": [refusal_text(reader, one) for one in faults],
                "href": f"{file.base}/{onward.address}",
            }
        )
    return pages.render(
        request,
        "apply_items.html",
        programme=programme,
        file=file,
        filled=filled,
        section=section,
        rows=rows,
        summary=summary_of(file, filled, language_of(request), section.code),
        add=f"{file.base}/{answering.spot_of(form, first[0]).address}",
        full=len(rows) >= section.repeats.most,
    )


def _within(fault: Refusal, path: str) -> bool:
    field = fault.place.field or "" if fault.place else ""
    return field == path or field.startswith(f"{path}.")


# -- questions ------------------------------------------------------------------------------------


def _question_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get(_QUESTION)
    def ask(
        request: Request,
        programme: str,
        number: str,
        form: str,
        section: str,
        item: str,
        question: str,
    ) -> Response:
        place = (form, section, item, question)
        page = _page_of(pages, request, programme, number, place)
        typed = answering.typed_of(page.question, page.current)
        return _draw(pages, request, programme, page, typed, [])

    @routes.post(_QUESTION)
    def answer(
        request: Request,
        programme: str,
        number: str,
        form: str,
        section: str,
        item: str,
        question: str,
        sent: Form,
    ) -> Response:
        session = require_session(pages, request, programme)
        require_token(pages, request, sent)
        place = (form, section, item, question)
        page = _page_of(pages, request, programme, number, place)
        typed = answering.typed_in(sent)
        if sent.get("step") == "language":
            read = str(sent.get("version", ""))
            return _draw(pages, request, programme, page, typed, [], version=read)
        if page.question.kind is QuestionKind.DOCUMENT:
            raise NotFound(thing="page", value=question[:40])
        if _moved(page, sent):
            return _draw(pages, request, programme, page, typed, [_told(pages, request, page)], 409)
        given = answering.answer_of(page.question, typed)
        return _take(pages, request, programme, session, page, typed, given)


def _moved(page: Page, sent: Mapping[str, Any]) -> bool:
    """Whether something else is saved here than the page showed that is sent in."""
    return str(sent.get("version", page.version)) != page.version


def _told(pages: Pages, request: Request, page: Page) -> Problem:
    """Who has answered meanwhile, and when."""
    with pages.app.store.reading() as connection:
        last = last_saved_of(
            connection,
            request.path_params["programme"],
            page.file.shown["file"],
            page.spot.form,
            page.section.code,
        )
    assert last is not None
    moved = AnswerMoved(person=last.person, at=datetime.fromisoformat(last.recorded_at))
    return Problem(FIELD, refusal_text(pages.reader(request), moved))


def _take(
    pages: Pages,
    request: Request,
    programme: str,
    session: Session,
    page: Page,
    typed: answering.Typed,
    given: Any,
) -> Response:
    """Save an answer and go on, or ask again with what is wrong."""
    content = answering.with_answer(
        page.section, page.filled.answers, page.item, page.question.code, given
    )
    answers = {**page.filled.answers, page.section.code: content}
    today = date.fromisoformat(pages.app.programme_facts(programme)["business_date"])
    found = _faults(page, answers, given, today)
    if found:
        reader = pages.reader(request)
        problems = [Problem(_field(page, one), _here(reader, one)) for one in found]
        return _draw(pages, request, programme, page, typed, problems)
    try:
        _save(pages, session, page.file, page.spot.form, page.section.code, content)
    except AmanatError as error:
        if error.status >= 500:
            raise
        problems = [Problem(FIELD, one.text) for one in problems_of(error, pages.reader(request))]
        return _draw(pages, request, programme, page, typed, problems)
    return RedirectResponse(_onward(page, answers), 303)


def _faults(page: Page, answers: Answers, given: Any, today: date) -> list[Refusal]:
    """What is wrong with this answer, also in view of the others of its section."""
    if given is None:
        if not page.question.required:
            return []
        label = Message(page.question.label)
        return [NotAnswered(place=Place(field=page.path), question=label)]
    found = check(page.filled.form, answers, today)
    # Too many items is the section's fault, and the one that is added is the one too many.
    return [one for one in found if _within(one, page.path) or isinstance(one, TooManyGiven)]


def _here(reader: Reader, fault: Refusal) -> str:
    """A fault in words beside its own question, which it need not repeat."""
    if isinstance(fault, NotAnswered):
        return reader.worded("Answer this question, or leave it for later.")
    if isinstance(fault, AnswerNotRead):
        text = message_text(reader, fault.fields["reason"])
        return text[:1].upper() + text[1:]
    return refusal_text(reader, fault)


def _field(page: Page, fault: Refusal) -> str:
    """The field of the page to which a fault belongs."""
    path = (fault.place.field or "" if fault.place else "").removeprefix(page.path)
    return FIELD + "".join(f"-{part}" for part in path.split(".") if part and "." in path)


def _save(
    pages: Pages, session: Session, file: OwnFile, form: str, section: str, content: Any
) -> None:
    (saved,) = [one["digests"] for one in file.shown["forms"] if one["form"] == form]
    fields = {
        "file": file.shown["file"],
        "form": form,
        "section": section,
        # The answer is put into the section as it was read for this request, and no later one.
        "former": saved.get(section, ""),
        "content": content,
    }
    pages.app.desk.submit(session.actor, parse(SaveSection, fields))


def _onward(page: Page, answers: Answers) -> str:
    """Where one goes after an answer: the next question, the section's list, or the tasks."""
    form = page.filled.form
    if page.from_check:
        open_now = answering.following(form, answers, page.spot, only_open=True)
        return page.href(open_now) if open_now else f"{page.file.base}/check"
    after = answering.following(form, answers, page.spot)
    if after is not None:
        return page.href(after)
    if page.section.repeats is not None:
        return f"{page.file.base}/{form.code}/{page.section.code}"
    return page.file.base


def _back(page: Page) -> str:
    """Where the link back leads."""
    if page.from_check:
        return f"{page.file.base}/check"
    former = answering.before(page.filled.form, page.answers, page.spot)
    if former is not None:
        return page.href(former)
    if page.section.repeats is not None:
        return f"{page.file.base}/{page.spot.form}/{page.section.code}"
    return page.file.base


def _draw(
    pages: Pages,
    request: Request,
    programme: str,
    page: Page,
    typed: answering.Typed,
    problems: Sequence[Problem],
    status: int = 422,
    *,
    version: str | None = None,
) -> Response:
    """The page of a question; `version` is what its reader was shown, where not what is saved."""
    kind = page.question.kind
    row = dict(items_of(page.section, page.answers))[page.item]
    name = name_of_item(page.section, page.item, row) if page.item else None
    return pages.render(
        request,
        "apply_question.html",
        status if problems else 200,
        programme=programme,
        file=page.file,
        filled=page.filled,
        section=page.section,
        question=page.question,
        item=page.item,
        item_name=None if name == page.item else name,
        place=sum(1 for _ in _before(page)) + 1,
        action=page.href(page.spot),
        upload=f"{page.file.base}/{page.spot.address}/upload"
        + (f"?back={CHECK}" if page.from_check else ""),
        back=_back(page),
        typed=typed,
        current=page.current,
        version=page.version if version is None else version,
        saved_now=_saved_now(page, language_of(request)) if status == 409 else [],
        problems=problems,
        mib_max=pages.app.documents.mib_max,
        countries=countries_for(request)
        if kind in (QuestionKind.COUNTRY, QuestionKind.PERSON)
        else [],
        offered=_offered(page, language_of(request)),
    )


def _saved_now(page: Page, language: str) -> list[str]:
    """The answer that is saved, in lines."""
    return [
        line
        for one in asked(page.filled.form, page.answers)
        if (one.section.code, one.item, one.question.code)
        == (page.section.code, page.item, page.question.code)
        for line in answering.shown(one, page.answers, language)
    ]


def _offered(page: Page, language: str) -> list[tuple[str, str]]:
    """What may be chosen, by code, in the reader's language."""
    if page.question.kind is QuestionKind.HELD:
        return answering.held_options(page.section, page.answers, page.item)
    return [(one.code, texts.translated(language, one.label)) for one in page.question.options]


def _before(page: Page) -> Sequence[Any]:
    found = [
        one
        for one in asked(page.filled.form, page.answers)
        if one.section.code == page.section.code and one.item == page.item
    ]
    codes = [one.question.code for one in found]
    return found[: codes.index(page.question.code)]


# -- documents ------------------------------------------------------------------------------------


def _upload_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.post(_QUESTION + "/upload")
    async def upload(
        request: Request,
        programme: str,
        number: str,
        form: str,
        section: str,
        item: str,
        question: str,
    ) -> Response:
        # Who has no session, or no such question, is told before the document has come.
        session = await run_in_threadpool(require_session, pages, request, programme)
        require_own_origin(request)
        place = (form, section, item, question)
        page = await run_in_threadpool(_page_of, pages, request, programme, number, place)
        if page.question.kind is not QuestionKind.DOCUMENT:
            raise NotFound(thing="page", value="upload")
        try:
            sent = await request.form(max_files=1, max_fields=20)
        except BodyTooLarge:
            reader = pages.reader(request)
            text = refusal_text(reader, DocumentTooLarge(most=pages.app.documents.mib_max))
            problems = [Problem(FIELD, text)]
            return await run_in_threadpool(
                _draw, pages, request, programme, page, {}, problems, DocumentTooLarge.status
            )
        async with sent_closed(sent):
            require_token(pages, request, sent)
            if _moved(page, sent):
                told = await run_in_threadpool(_told, pages, request, page)
                return await run_in_threadpool(
                    _draw, pages, request, programme, page, {}, [told], 409
                )
            return await run_in_threadpool(
                _receive, pages, request, programme, session, page, sent.get("file")
            )


class sent_closed:
    """Closes the files of a form when the block ends."""

    def __init__(self, form: FormData) -> None:
        self._form = form

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        await self._form.close()


def _receive(
    pages: Pages,
    request: Request,
    programme: str,
    session: Session,
    page: Page,
    file: Any,
) -> Response:
    """Keep an uploaded document and answer the question with it."""
    if not isinstance(file, UploadFile) or not file.filename:
        # Nothing was chosen: what was given before stays.
        return _take(pages, request, programme, session, page, {}, page.current)
    try:
        made = pages.app.documents.receive(
            session.actor, file.file, file.filename, page.question.accepts
        )
    except Refusal as error:
        if error.status >= 500:
            raise
        problems = [Problem(FIELD, one.text) for one in problems_of(error, pages.reader(request))]
        return _draw(pages, request, programme, page, {}, problems, error.status)
    given = {"digest": made.digest, "name": made.name}
    return _take(pages, request, programme, session, page, {}, given)
