"""An applicant's pages, without scripts: every question, save and come back, check, submit."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.licensing.documents import files_given as files
from tests.programme.world import CODE, VALID_UNTIL
from tests.web.applicants import (
    ApplicantsSite,
    answers_for,
    applicants_site,
    form_token,
    pages_of,
)

from amanat.licensing.commands import AskApplicant, CheckCompleteness
from amanat.licensing.forms.form import DocumentType, QuestionKind, load_form
from amanat.licensing.model import Completeness
from amanat.web.answering import typed_of

FORMS = ("A1", "A2", "A3", "A4")
SUMMARY = 'class="errors"'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApplicantsSite]:
    """A programme that licenses, served; shared by the tests of this file."""
    with applicants_site(tmp_path_factory.mktemp("applicants") / "installation") as found:
        yield found


def signed_up(site: ApplicantsSite, company: str, language: str = "en") -> httpx.Client:
    """A browser of somebody who has just signed up for a company."""
    client = site.reader(None, language)
    token = form_token(client.get(f"{site.apply}/sign-up").text)
    sent = {"form_token": token, "applicant": company, "name": "Head of compliance"}
    answer = client.post(f"{site.apply}/sign-up", data=sent | {"step": "send"})
    assert answer.status_code == 200, answer.text
    return client


def opened(site: ApplicantsSite, client: httpx.Client, kind: str = "noc") -> str:
    """The address of a file that was just opened."""
    page = client.get(f"{site.apply}/open").text
    sent = {"form_token": form_token(page), "kind": kind, "country": "AE"}
    answer = client.post(f"{site.apply}/open", data=sent)
    assert answer.status_code == 200, answer.text
    return urlsplit(str(answer.url)).path


def post(client: httpx.Client, address: str, data: dict[str, Any]) -> httpx.Response:
    """A form of a page, sent with its own token; redirections are followed."""
    page = client.get(address)
    assert page.status_code == 200, (address, page.text)
    version = re.search(r'name="version" value="([0-9a-f]+)"', page.text)
    read = {"version": version[1]} if version else {}
    sent = {"form_token": form_token(page.text), "step": "save"} | read | data
    return client.post(address, data=sent)


def upload(client: httpx.Client, address: str, content: bytes, name: str) -> httpx.Response:
    """A document, sent from its question's page."""
    page = client.get(address)
    assert page.status_code == 200, (address, page.text)
    sent = {"form_token": form_token(page.text)}
    return client.post(f"{address}/upload", data=sent, files={"file": (name, content)})


def paper(question: Any) -> tuple[bytes, str]:
    """A document that a question takes."""
    if DocumentType.PDF in question.accepts:
        return files.pdf(), "paper.pdf"
    return b"a,b\n1,2\n", "table.csv"


def fill(client: httpx.Client, file: str, code: str) -> None:
    """Answer every question of a form on its own page."""
    form = load_form("pk", code)
    for place, question, answer in pages_of(form, answers_for(form, VALID_UNTIL.isoformat())):
        address = f"{file}/{place}"
        if question.kind is QuestionKind.DOCUMENT:
            done = upload(client, address, *paper(question))
        else:
            done = post(client, address, typed_of(question, answer))
        assert done.status_code == 200, (place, done.text)
        assert SUMMARY not in done.text, (place, done.text)


@pytest.fixture(scope="module")
def filled(site: ApplicantsSite) -> tuple[httpx.Client, str]:
    """A browser and the file that it has filled, not submitted yet."""
    client = signed_up(site, "Gulf Exchange FZE")
    file = opened(site, client)
    for code in FORMS:
        fill(client, file, code)
    return client, file


def test_the_start_says_what_is_asked_for_and_what_it_is_not(site: ApplicantsSite) -> None:
    page = site.reader(None).get(site.apply).text
    assert "CNIC or passport" in page
    assert "not a licence" in page


def test_who_signs_up_is_signed_in_and_shown_a_way_back_once(site: ApplicantsSite) -> None:
    client = site.reader(None)
    token = form_token(client.get(f"{site.apply}/sign-up").text)
    sent = {"form_token": token, "applicant": "Northern Custody Ltd", "name": "A founder"}
    page = client.post(f"{site.apply}/sign-up", data=sent | {"step": "send"}).text
    assert "northern_custody_ltd_1" in page
    link = re.search(r"(http://[^<\s]+/join/[^<\s]+)<", page)
    assert link is not None
    assert client.get(link[1]).status_code == 200
    assert "My applications" in client.get(site.apply).text


def test_a_sign_up_without_a_name_says_so_at_the_field(site: ApplicantsSite) -> None:
    client = site.reader(None)
    token = form_token(client.get(f"{site.apply}/sign-up").text)
    answer = client.post(f"{site.apply}/sign-up", data={"form_token": token, "step": "send"})
    assert answer.status_code == 422
    for name in ("applicant", "name"):
        assert f'href="#field-{name}"' in answer.text
        assert f'id="fault-{name}"' in answer.text


def test_an_applicant_answers_every_question_checks_and_submits(
    filled: tuple[httpx.Client, str],
) -> None:
    client, file = filled
    tasks = client.get(file).text
    assert "Not started" not in tasks
    assert "In progress" not in tasks
    check = client.get(f"{file}/check").text
    assert SUMMARY not in check
    assert "A director" in check
    without = post(client, f"{file}/check", {})
    assert without.status_code == 422
    assert 'href="#field-declaration"' in without.text
    done = post(client, f"{file}/check", {"declaration": "yes"})
    assert str(done.url).endswith("/submitted")
    assert file.rsplit("/", 1)[-1] in done.text
    after = client.get(file).text
    assert "Submitted" in after
    assert "Check of completeness" in after
    # The answers stand from now on.
    page = post(client, f"{file}/A1/contact/-/name", {"answer": "Somebody else"})
    assert page.status_code in (409, 422)
    assert "Somebody else" not in client.get(f"{file}/check").text


def test_a_question_of_the_authority_is_answered_on_its_page(
    site: ApplicantsSite, filled: tuple[httpx.Client, str]
) -> None:
    client, file = filled
    number = file.rsplit("/", 1)[-1]
    if "to be filled in" in client.get(site.apply).text:
        post(client, f"{file}/check", {"declaration": "yes"})
    site.world.do_as("pvara_officer", AskApplicant(file=number, text="Who keeps the keys?"))
    page = client.get(file).text
    assert "Who keeps the keys?" in page
    link = re.search(rf'href="({file}/questions/[0-9a-f-]+)"', page)
    assert link is not None
    empty = post(client, link[1], {"answer": "", "step": "send"})
    assert empty.status_code == 422
    assert 'id="fault-answer"' in empty.text
    told = post(client, link[1], {"answer": "Three people,\nof whom two sign.", "step": "send"})
    assert told.status_code == 200
    assert "of whom two sign." in client.get(file).text
    assert (
        "Who keeps the keys?"
        in site.reader("pvara_officer").get(f"/p/{CODE}/v/file?file={number}").text
    )


def test_what_the_authority_finds_missing_stands_above_the_tasks(
    site: ApplicantsSite, filled: tuple[httpx.Client, str]
) -> None:
    client, file = filled
    number = file.rsplit("/", 1)[-1]
    site.world.do_as(
        "pvara_officer",
        CheckCompleteness(
            file=number, outcome=Completeness.INCOMPLETE, missing=("The charter of the parent",)
        ),
    )
    page = client.get(file).text
    assert "The authority returned this application" in page
    assert "The charter of the parent" in page
    # The answers can be changed again, and it is submitted again.
    changed = post(client, f"{file}/A1/contact/-/name", {"answer": "Somebody else"})
    assert changed.status_code == 200
    assert "Somebody else" in client.get(f"{file}/check").text
    assert str(post(client, f"{file}/check", {"declaration": "yes"}).url).endswith("/submitted")
    assert "returned this application" not in client.get(file).text


# -- one page each --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def draft(site: ApplicantsSite) -> tuple[httpx.Client, str]:
    """A browser and a file that is empty at first."""
    client = signed_up(site, "Draft Exchange")
    return client, opened(site, client)


def test_what_is_left_and_come_back_to_is_there(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    answer = post(client, f"{file}/A1/applicant/-/legal_name", {"answer": "  Draft Exchange Ltd "})
    assert str(answer.url).endswith("/A1/applicant/-/trading_name")
    again = client.get(f"{file}/A1/applicant/-/legal_name").text
    assert 'value="Draft Exchange Ltd"' in again
    assert "In progress" in client.get(file).text


@pytest.mark.parametrize(
    ("place", "typed", "field", "kept"),
    [
        ("A1/applicant/-/legal_name", {"answer": "x"}, "answer", 'value="x"'),
        (
            "A1/applicant/-/incorporated_on",
            {"answer-day": "31", "answer-month": "2", "answer-year": "2019"},
            "answer",
            'value="31"',
        ),
        ("A1/contact/-/email", {"answer": "nobody"}, "answer", 'value="nobody"'),
        ("A1/services/-/wanted", {}, "answer", ""),
        (
            "A3/means/-/paid_up",
            {"answer-amount": "a lot", "answer-currency": "PKR"},
            "answer",
            'value="a lot"',
        ),
        (
            "A2/individuals/1/who",
            {
                "answer-name": "A director",
                "answer-born-day": "1",
                "answer-born-month": "1",
                "answer-born-year": "1980",
                "answer-nationality": "PK",
                "answer-document": "cnic",
                "answer-number": "123",
            },
            "answer-number",
            'value="123"',
        ),
    ],
)
def test_a_wrong_answer_is_shown_at_its_field_with_what_was_typed(
    draft: tuple[httpx.Client, str], place: str, typed: dict[str, str], field: str, kept: str
) -> None:
    client, file = draft
    answer = post(client, f"{file}/{place}", typed)
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    assert f'href="#field-{field}"' in answer.text
    assert f'id="field-{field}"' in answer.text
    assert f'id="fault-{field}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert kept in answer.text


def test_urdu_digits_and_separators_are_read(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    typed = {"answer-amount": "۱,۲۵۰,۰۰۰٫۵۰", "answer-currency": "PKR"}
    answer = post(client, f"{file}/A3/means/-/planned", typed)
    assert answer.status_code == 200
    assert 'value="1250000.50"' in client.get(f"{file}/A3/means/-/planned").text
    assert "1,250,000.50" in client.get(f"{file}/A3/means").text


def test_switching_the_language_keeps_what_was_typed(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    address = f"{file}/A1/services/-/description"
    page = client.get(address).text
    assert f'formaction="{address}?lang=ur"' in page
    sent = {"form_token": form_token(page), "step": "language", "answer": "half a sentence"}
    switched = client.post(f"{address}?lang=ur", data=sent)
    assert switched.status_code == 200
    assert 'dir="rtl"' in switched.text
    assert "half a sentence" in switched.text
    # Shown, not saved.
    assert "half a sentence" not in client.get(f"{file}/check").text
    assert 'dir="rtl"' in client.get(file).text
    client.get(f"{file}?lang=en")


def test_what_repeats_is_listed_added_and_removed(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    section = f"{file}/A2/controllers"
    for item, held in (("1", "applicant"), ("2", "1")):
        post(client, f"{section}/{item}/kind", {"answer": "company"})
        post(client, f"{section}/{item}/company", {"answer": f"Holding {item}"})
        post(client, f"{section}/{item}/held", {"answer": held})
        post(client, f"{section}/{item}/share", {"answer": "60"})
    listed = client.get(section).text
    assert "Holding 1" in listed
    assert "Holding 2" in listed
    assert f"{section}/3/kind" in listed
    # Nobody may hold more than the whole of one company.
    post(client, f"{section}/3/kind", {"answer": "state"})
    post(client, f"{section}/3/company", {"answer": "A fund of the state"})
    post(client, f"{section}/3/held", {"answer": "applicant"})
    above = post(client, f"{section}/3/share", {"answer": "40.5"})
    assert above.status_code == 422
    assert "100.5" in above.text
    circle = post(client, f"{section}/1/held", {"answer": "2"})
    assert circle.status_code == 422
    assert "circle" in circle.text
    removed = post(client, f"{section}/3/remove", {})
    assert "A fund of the state" not in removed.text
    # What others hold is asked for again, if it is removed.
    post(client, f"{section}/1/remove", {})
    assert "the share is held" in client.get(section).text


def test_an_older_page_does_not_save_over_a_later_answer(draft: tuple[httpx.Client, str]) -> None:
    """Two windows show one question; the one that sends second is told what is saved by then."""
    client, file = draft
    address = f"{file}/A1/contact/-/telephone"
    first, second = (versioned(client.get(address).text) for _ in range(2))
    saved = client.post(address, data=first | {"step": "save", "answer": "+92 51 111 1111"})
    assert saved.status_code == 200
    typed = {"step": "save", "answer": "+92 51 222 2222"}
    late = client.post(address, data=second | typed)
    assert late.status_code == 409
    assert "has answered this meanwhile" in late.text
    assert "+92 51 111 1111" in late.text  # what is saved now
    assert 'value="+92 51 222 2222"' in late.text  # what was typed
    assert client.post(address, data=versioned(late.text) | typed).status_code == 200
    assert "+92 51 222 2222" in client.get(address).text


def test_an_older_page_removes_nothing_else(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    section = f"{file}/A2/individuals"
    item = re.findall(r"A2/individuals/(\d+)/", client.get(section).text)[-1]
    person = f"{section}/{item}/position"
    post(client, person, {"answer": "director"})
    asked = versioned(client.get(f"{section}/{item}/remove").text)
    post(client, person, {"answer": "compliance_officer"})
    kept = client.post(f"{section}/{item}/remove", data=asked)
    assert f"A2/individuals/{item}/remove" in kept.text
    post(client, f"{section}/{item}/remove", {})
    assert client.get(f"{section}/{item}/remove").status_code == 404


def versioned(html: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.search(r'name="version" value="([0-9a-f]{64})"', html)
    assert found is not None
    return {"form_token": form_token(html), "version": found[1]}


def test_coming_from_the_check_one_goes_back_to_it(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    address = f"{file}/A1/contact/-/position?back=check"
    assert str(post(client, address, {"answer": "Officer"}).url).endswith(
        "/contact/-/name?back=check"
    )
    post(client, f"{file}/A1/contact/-/name", {"answer": "Somebody"})
    post(client, f"{file}/A1/contact/-/email", {"answer": "team@example.org"})
    post(client, f"{file}/A1/contact/-/telephone", {"answer": "+92 51 1234567"})
    assert str(post(client, address, {"answer": "Head"}).url).endswith("/check")


def test_the_check_leads_to_each_thing_that_is_missing(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    check = client.get(f"{file}/check").text
    links = re.findall(rf'<li><a href="({file}/[^"]+)">', check)
    assert len(links) > 20
    assert "Submit the application" not in check
    for link in links[:: len(links) // 8]:
        assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        "A1/applicant/-/nothing",
        "A1/nothing",
        "A9/applicant",
        "A7/report",
        "A1/applicant/1/legal_name",
        "A2/individuals/9/who",
        "A2/individuals/-/who",
        "A1/applicant/-/lei",
        "A1/licences",
    ],
)
def test_what_is_not_asked_has_no_page(draft: tuple[httpx.Client, str], place: str) -> None:
    client, file = draft
    assert client.get(f"{file}/{place}").status_code == 404


def test_another_s_file_has_no_pages(site: ApplicantsSite, draft: tuple[httpx.Client, str]) -> None:
    _client, file = draft
    places = ("", "/check", "/submitted", "/withdraw", "/A1/applicant/-/legal_name", "/A1/contact")
    for person in ("exchange_y_officer", "pvara_officer", "auditor_officer"):
        other = site.reader(person)
        for place in places:
            assert other.get(file + place).status_code == 404
        token = form_token(other.get(f"{site.apply}").text)
        sent = {"form_token": token, "answer": "Stolen", "step": "save"}
        assert other.post(f"{file}/A1/applicant/-/legal_name", data=sent).status_code == 404
    nobody = site.reader(None)
    assert "/sign-in" in str(nobody.get(file).url)
    assert nobody.post(f"{file}/check", data={}).status_code in (401, 403)


def test_a_form_without_its_token_changes_nothing(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    sent = {"answer": "Forged", "step": "save"}
    assert client.post(f"{file}/A1/applicant/-/legal_name", data=sent).status_code == 403
    address = f"{file}/A1/applicant/-/certificate/upload"
    sent_file = {"file": ("a.pdf", files.pdf())}
    assert client.post(address, data={}, files=sent_file).status_code == 403


def test_an_application_is_taken_back(site: ApplicantsSite) -> None:
    client = signed_up(site, "Fickle Exchange")
    file = opened(site, client, "sandbox")
    assert post(client, f"{file}/withdraw", {"reason": ""}).status_code == 422
    done = post(client, f"{file}/withdraw", {"reason": "Not now"})
    assert "Withdrawn" in done.text
    assert "Start an application" in client.get(site.apply).text


# -- documents ------------------------------------------------------------------------------------

CERTIFICATE = "A1/applicant/-/certificate"


def test_a_document_is_given_downloaded_and_replaced(draft: tuple[httpx.Client, str]) -> None:
    client, file = draft
    given = upload(client, f"{file}/{CERTIFICATE}", files.pdf(), "دستاویز.pdf")
    assert given.status_code == 200
    page = client.get(f"{file}/{CERTIFICATE}").text
    assert "دستاویز.pdf" in page
    link = re.search(r'href="(/p/[a-z_]+/documents/[0-9a-f]{64})"', page)
    assert link is not None
    got = client.get(link[1])
    assert got.content == files.pdf()
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%D8")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    # Going on without choosing another keeps it.
    again = client.post(
        f"{file}/{CERTIFICATE}/upload",
        data={"form_token": form_token(page)},
        files={"file": ("", b"")},
    )
    assert again.status_code == 200
    upload(client, f"{file}/{CERTIFICATE}", files.png(), "other.png")
    assert "other.png" in client.get(f"{file}/{CERTIFICATE}").text


@pytest.mark.parametrize("person", ["exchange_y_officer", "pvara_officer", "bank_a_officer", None])
def test_a_document_of_a_draft_is_given_out_to_its_applicant_alone(
    site: ApplicantsSite, draft: tuple[httpx.Client, str], person: str | None
) -> None:
    client, file = draft
    upload(client, f"{file}/{CERTIFICATE}", files.pdf(3), "certificate.pdf")
    page = client.get(f"{file}/{CERTIFICATE}").text
    link = re.search(r'href="(/p/[a-z_]+/documents/[0-9a-f]{64})"', page)
    assert link is not None
    answer = site.reader(person).get(link[1])
    if person is None:
        assert "/sign-in" in str(answer.url)
    else:
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MZ\x90\0" + bytes(99), "a program for Windows"),
        (files.pdf_with_script(), "a script"),
        (files.pdf_locked(), "encrypted"),
        (files.zip_of("a", b"b"), "a ZIP archive"),
        (b"", "is empty"),
    ],
    ids=["program", "script", "password", "archive", "empty"],
)
def test_a_refused_document_is_told_of_at_its_field(
    draft: tuple[httpx.Client, str], content: bytes, said: str
) -> None:
    client, file = draft
    answer = upload(client, f"{file}/{CERTIFICATE}", content, "certificate.pdf")
    assert answer.status_code == 422
    assert said in answer.text
    assert 'href="#field-answer"' in answer.text


def test_a_document_that_is_too_large_is_told_of_on_its_page(
    draft: tuple[httpx.Client, str],
) -> None:
    client, file = draft
    answer = upload(client, f"{file}/{CERTIFICATE}", bytes(2 * 2**20), "certificate.pdf")
    assert answer.status_code == 413
    assert "larger than the 1 MiB" in answer.text


def raw(site: ApplicantsSite, head: list[str], body: bytes = b"") -> bytes:
    """The beginning of the answer to a request as its bytes."""
    host, _, port = urlsplit(site.address).netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join([*head, f"Host: {host}:{port}", "", ""]).encode() + body)
        return connection.recv(4096)


def test_two_gigabytes_are_refused_before_they_come(site: ApplicantsSite) -> None:
    path = f"/v1/programmes/{CODE}/documents?name=a.pdf"
    head = [
        f"POST {path} HTTP/1.1",
        f"Authorization: Bearer {site.token('exchange_x_officer')}",
        f"Content-Length: {2**31}",
    ]
    assert raw(site, head).startswith(b"HTTP/1.1 413")


def test_parts_without_an_end_are_refused_at_the_limit(site: ApplicantsSite) -> None:
    part = b"10000\r\n" + bytes(65_536) + b"\r\n"
    head = [
        f"POST /v1/programmes/{CODE}/documents?name=a.pdf HTTP/1.1",
        f"Authorization: Bearer {site.token('exchange_x_officer')}",
        "Transfer-Encoding: chunked",
    ]
    assert raw(site, head, part * 18).startswith(b"HTTP/1.1 413")


def test_nobody_uploads_without_a_token(site: ApplicantsSite) -> None:
    head = [f"POST /v1/programmes/{CODE}/documents HTTP/1.1", f"Content-Length: {2**31}"]
    assert raw(site, head).startswith(b"HTTP/1.1 401")


def test_a_program_gives_a_document_and_names_it_in_an_answer(site: ApplicantsSite) -> None:
    with site.caller("exchange_x_officer") as client:
        base = f"/v1/programmes/{CODE}"
        given = client.post(f"{base}/documents?name=chart.pdf", content=files.pdf(4))
        assert given.status_code == 200, given.text
        digest = given.json()["digest"]
        assert given.json() | {"digest": ""} == {
            "digest": "",
            "name": "chart.pdf",
            "size": len(files.pdf(4)),
            "media_type": "application/pdf",
        }
        assert client.get(f"{base}/documents/{digest}").content == files.pdf(4)
        refused = client.post(f"{base}/documents?name=a.pdf", content=files.pdf_with_script())
        assert refused.status_code == 422
        assert refused.json()["code"] == "document_acts"
        opened_file = client.post(f"{base}/acts/OpenFile", json={"kind": "noc", "country": "AE"})
        number = opened_file.json()["result"]["file"]
        content = {"chart": {"digest": digest, "name": "chart.pdf"}}
        save = {"file": number, "form": "A2", "section": "chart", "content": content}
        assert client.post(f"{base}/acts/SaveSection", json=save).status_code == 200
        save["content"] = {"chart": {"digest": "f" * 64, "name": "chart.pdf"}}
        assert client.post(f"{base}/acts/SaveSection", json=save).status_code == 404
    with site.caller("exchange_y_officer") as other:
        assert other.get(f"{base}/documents/{digest}").status_code == 404
        assert other.get(f"{base}/documents/nothing").status_code == 404
