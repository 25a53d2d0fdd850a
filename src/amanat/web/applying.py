"""Pages of an applicant: begin, see one's files, the tasks, check answers, submit, answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from amanat.access.actors import load_actor
from amanat.access.desk import parse
from amanat.core.errors import AmanatError, NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.licensing.commands import AnswerQuestion, OpenFile, SubmitFile, WithdrawFile
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.signing_up import SignedUp, sign_up
from amanat.participants.model import UnknownClass
from amanat.web.application_pages import (
    Mending,
    countries_for,
    mendings,
    own_file,
    progress_of,
    summary_of,
    tasks_of,
)
from amanat.web.messages import message_text
from amanat.web.pages import Pages, Problem, language_of, problems_of
from amanat.web.sign_in import Form, require_session, require_token
from amanat.web.visitors import cookie_name, give_cookie, visitor_of

DECLARATION = (
    "I have checked these answers. They are true and complete, and I may sign for the applicant."
)
_SIGN_UP = {
    "applicant": Message("Give the name of the company that applies."),
    "name": Message("Give your full name."),
}
_OPENING = {
    "kind": Message("Choose what the company applies for."),
    "country": Message("Choose the country of the company's head."),
}
_WITHDRAWAL = {"reason": Message("Give a reason.")}
_ANSWER = {"answer": Message("Write an answer.")}
_PATH = "/p/{programme}/apply"
_FILE = _PATH + "/{number}"


def router(pages: Pages) -> APIRouter:
    """The pages of an applicant, but for questions and documents."""
    routes = APIRouter(include_in_schema=False)
    _start_routes(routes, pages)
    _sign_up_routes(routes, pages)
    _file_routes(routes, pages)
    _submit_routes(routes, pages)
    _answer_routes(routes, pages)
    return routes


def _start_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get(_PATH)
    def start(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        if pages.actor(request, programme) is None:
            licenses = _licenses(pages, programme)
            return pages.render(request, "apply_start.html", programme=programme, licenses=licenses)
        return _files_page(pages, request, programme)

    @routes.get(f"{_PATH}/open")
    def opening(request: Request, programme: str) -> Response:
        require_session(pages, request, programme)
        return _open_page(pages, request, programme, {}, [])

    @routes.post(f"{_PATH}/open")
    def opened(request: Request, programme: str, form: Form) -> Response:
        session = require_session(pages, request, programme)
        require_token(pages, request, form)
        fields: dict[str, Any] = {
            name: str(form[name]) for name in ("kind", "country", "permission") if form.get(name)
        }
        fields["categories"] = [str(one) for one in form.getlist("categories")]
        known = pages.look(request, programme, "my_files", {})["known"]
        asked_for = {"kind": _OPENING["kind"]} if known else _OPENING
        blank = _blank(pages, request, fields, asked_for)
        if blank:
            return _open_page(pages, request, programme, fields, blank)
        try:
            command = parse(OpenFile, fields)
            outcome = pages.app.desk.submit(session.actor, command, key=key_of(form))
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            return _open_page(pages, request, programme, fields, problems)
        assert outcome.result is not None
        return RedirectResponse(f"/p/{programme}/apply/{outcome.result['file']}", 303)


def _licenses(pages: Pages, programme: str) -> bool:
    """Whether somebody licenses in this programme."""
    with pages.app.store.reading() as connection:
        try:
            authority_of(connection, programme, pack_of(connection, programme))
        except UnknownClass:
            return False
    return True


def _sign_up_page(
    pages: Pages,
    request: Request,
    programme: str,
    given: dict[str, str],
    problems: Sequence[Problem],
    status: int = 422,
) -> Response:
    return pages.render(
        request,
        "apply_sign_up.html",
        status if problems else 200,
        programme=programme,
        given=given,
        problems=problems,
    )


def _signed_up_page(
    pages: Pages, request: Request, programme: str, made: SignedUp, secret: str
) -> Response:
    # The page itself is already read by whom it has signed in.
    request.cookies[cookie_name(request)] = secret
    request.state.session = pages.app.entrance.session(secret)
    origin = pages.app.settings.sign_in.origin or f"{request.url.scheme}://{request.url.netloc}"
    response = pages.render(
        request,
        "apply_signed_up.html",
        programme=programme,
        person=made.person,
        institution=made.institution,
        link=origin + made.link,
    )
    give_cookie(request, response, secret)
    return response


def _blank(
    pages: Pages, request: Request, given: Mapping[str, Any], wanted: Mapping[str, Message]
) -> list[Problem]:
    """What was left empty, in words that say what to give."""
    reader = pages.reader(request)
    return [
        Problem(name, message_text(reader, text))
        for name, text in wanted.items()
        if not given.get(name)
    ]


def key_of(form: FormData) -> str:
    """The key with which a form's page was made, so that sending it twice does it once."""
    return str(form.get("idempotency_key") or new_id())


def _files_page(pages: Pages, request: Request, programme: str) -> Response:
    found = pages.look(request, programme, "my_files", {})
    return pages.render(request, "apply_files.html", programme=programme, found=found)


def _open_page(
    pages: Pages,
    request: Request,
    programme: str,
    fields: dict[str, Any],
    problems: Sequence[Problem],
) -> Response:
    return pages.render(
        request,
        "apply_open.html",
        422 if problems else 200,
        programme=programme,
        found=pages.look(request, programme, "my_files", {}),
        given=fields,
        countries=countries_for(request),
        problems=problems,
        at_fault={str(one.field).split(".")[0] for one in problems},
        key=new_id(),
    )


def _sign_up_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get(f"{_PATH}/sign-up")
    def signing_up(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        return _sign_up_page(pages, request, programme, {}, [])

    @routes.post(f"{_PATH}/sign-up")
    def signed_up(request: Request, programme: str, form: Form) -> Response:
        pages.app.require_programme(programme)
        require_token(pages, request, form)
        given = {name: str(form.get(name, "")).strip() for name in ("applicant", "name")}
        if form.get("step") == "language":
            return _sign_up_page(pages, request, programme, given, [])
        blank = _blank(pages, request, given, _SIGN_UP)
        if blank:
            return _sign_up_page(pages, request, programme, given, blank)
        entrance, visitor = pages.app.entrance, visitor_of(request)
        try:
            made = sign_up(entrance, programme, {**given}, visitor)
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            return _sign_up_page(pages, request, programme, given, problems, error.status)
        with pages.app.store.reading() as connection:
            actor = load_actor(connection, programme, made.person, "sign_up")
        # The one who has just signed up goes on at once, whatever their browser can do.
        opened = entrance.open(actor, visitor, former=pages.session(request))
        return _signed_up_page(pages, request, programme, made, opened.secret)


def _file_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get(_FILE)
    def one(request: Request, programme: str, number: str) -> Response:
        require_session(pages, request, programme)
        return file_page(pages, request, programme, number)

    @routes.get(_FILE + "/withdraw")
    def withdrawing(request: Request, programme: str, number: str) -> Response:
        require_session(pages, request, programme)
        return _withdraw_page(pages, request, programme, number, "", [])

    @routes.post(_FILE + "/withdraw")
    def withdrawn(request: Request, programme: str, number: str, form: Form) -> Response:
        session = require_session(pages, request, programme)
        require_token(pages, request, form)
        reason = str(form.get("reason", "")).strip()
        blank = _blank(pages, request, {"reason": reason}, _WITHDRAWAL)
        if blank:
            return _withdraw_page(pages, request, programme, number, reason, blank)
        try:
            command = parse(WithdrawFile, {"file": number, "reason": reason})
            pages.app.desk.submit(session.actor, command)
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            return _withdraw_page(pages, request, programme, number, reason, problems)
        return RedirectResponse(f"/p/{programme}/apply/{number}", 303)


def file_page(pages: Pages, request: Request, programme: str, number: str) -> Response:
    """The list of tasks while a file can be filled; its stage afterwards."""
    file = own_file(pages, request, programme, number)
    if not file.shown["fillable"]:
        return pages.render(request, "apply_stage.html", programme=programme, file=file)
    tasks = tasks_of(file)
    done, of = progress_of(tasks)
    return pages.render(
        request, "apply_tasks.html", programme=programme, file=file, tasks=tasks, done=done, of=of
    )


def _withdraw_page(
    pages: Pages,
    request: Request,
    programme: str,
    number: str,
    reason: str,
    problems: Sequence[Problem],
) -> Response:
    file = own_file(pages, request, programme, number)
    if not file.shown["withdrawable"]:
        raise NotFound(thing="page", value="withdraw")
    return pages.render(
        request,
        "apply_withdraw.html",
        422 if problems else 200,
        programme=programme,
        file=file,
        reason=reason,
        problems=problems,
    )


def _submit_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get(_FILE + "/check")
    def checking(request: Request, programme: str, number: str) -> Response:
        require_session(pages, request, programme)
        return _check_page(pages, request, programme, number, [])

    @routes.post(_FILE + "/check")
    def submitted(request: Request, programme: str, number: str, form: Form) -> Response:
        session = require_session(pages, request, programme)
        require_token(pages, request, form)
        reader = pages.reader(request)
        if form.get("declaration") != "yes":
            text = reader.worded("Affirm the statement before you submit.")
            return _check_page(pages, request, programme, number, [Problem("declaration", text)])
        command = parse(SubmitFile, {"file": number, "declaration": DECLARATION})
        try:
            pages.app.desk.submit(session.actor, command, key=key_of(form))
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, reader)
            return _check_page(pages, request, programme, number, problems)
        pages.app.wake()
        return RedirectResponse(f"/p/{programme}/apply/{number}/submitted", 303)

    @routes.get(_FILE + "/submitted")
    def done(request: Request, programme: str, number: str) -> Response:
        require_session(pages, request, programme)
        file = own_file(pages, request, programme, number)
        if file.shown["submitted_on"] is None:
            return RedirectResponse(file.base, 303)
        return pages.render(request, "apply_submitted.html", programme=programme, file=file)


def _check_page(
    pages: Pages, request: Request, programme: str, number: str, problems: Sequence[Problem]
) -> Response:
    file = own_file(pages, request, programme, number)
    open_now: list[Mending] = []
    for filled in file.forms:
        open_now += mendings(file, filled, request, pages)
    language = language_of(request)
    return pages.render(
        request,
        "apply_check.html",
        422 if problems else 200,
        programme=programme,
        file=file,
        forms=[(one, summary_of(file, one, language)) for one in file.forms],
        open_now=open_now if file.shown["fillable"] else [],
        # What leads to its page is said there; only what has no page is said beside it.
        problems=[] if open_now else problems,
        declaration=DECLARATION,
        key=new_id(),
    )


def _answer_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get(_FILE + "/questions/{question}")
    def asked(request: Request, programme: str, number: str, question: str) -> Response:
        require_session(pages, request, programme)
        return _answer_page(pages, request, programme, number, question, "", [])

    @routes.post(_FILE + "/questions/{question}")
    def answered(
        request: Request, programme: str, number: str, question: str, form: Form
    ) -> Response:
        session = require_session(pages, request, programme)
        require_token(pages, request, form)
        text = str(form.get("answer", "")).replace("\r\n", "\n").strip()
        if form.get("step") == "language":
            return _answer_page(pages, request, programme, number, question, text, [])
        blank = _blank(pages, request, {"answer": text}, _ANSWER)
        if blank:
            return _answer_page(pages, request, programme, number, question, text, blank)
        try:
            fields = {"file": number, "question": question, "answer": text}
            command = parse(AnswerQuestion, fields)
            pages.app.desk.submit(session.actor, command, key=key_of(form))
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            return _answer_page(pages, request, programme, number, question, text, problems)
        return RedirectResponse(
            f"/p/{programme}/apply/{number}?{urlencode({'answered': question})}", 303
        )


def _answer_page(
    pages: Pages,
    request: Request,
    programme: str,
    number: str,
    question: str,
    text: str,
    problems: Sequence[Problem],
) -> Response:
    file = own_file(pages, request, programme, number)
    found = next((q for q in file.shown["questions"] if q["question"] == question), None)
    if found is None:
        raise NotFound(thing="question", value=question[:40])
    return pages.render(
        request,
        "apply_answer.html",
        422 if problems else 200,
        programme=programme,
        file=file,
        asked=found,
        text=text,
        problems=problems,
        key=new_id(),
    )
