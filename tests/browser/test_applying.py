"""An applicant in Chromium: from sign-up to the submitted file, without scripts; a page in Urdu."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.licensing.documents import files_given as files
from tests.programme.world import VALID_UNTIL
from tests.web.applicants import (
    ApplicantsSite,
    answers_for,
    applicants_site,
    pages_of,
)
from tests.web.test_applying import fill, form_token, opened, paper, signed_up

from amanat.licensing.forms.form import Question, QuestionKind, load_form
from amanat.web.answering import typed_of

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}
CHOSEN = {
    QuestionKind.CHOICE,
    QuestionKind.SEVERAL,
    QuestionKind.HELD,
    QuestionKind.DECLARATION,
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or the one that playwright fetched."""
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApplicantsSite]:
    """A programme that licenses, served."""
    with applicants_site(tmp_path_factory.mktemp("applicants") / "installation") as found:
        yield found


def page_in(
    chromium: Browser, site: ApplicantsSite, *, language: str = "en", **options: Any
) -> Page:
    """A page in a context of its own."""
    context = chromium.new_context(
        base_url=site.address, viewport={"width": 1024, "height": 800}, **options
    )
    context.add_cookies([{"name": "lang", "value": language, "url": site.address}])
    return context.new_page()


def answer(page: Page, question: Question, given: Any) -> None:
    """Fill the fields of a question's page as a person does, and go on."""
    if question.kind is QuestionKind.DOCUMENT:
        content, name = paper(question)
        chosen = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        page.locator("input[type=file]").set_input_files(chosen)  # type: ignore[arg-type]
    for name, values in typed_of(question, given).items() if given else ():
        if question.kind is QuestionKind.DOCUMENT:
            continue
        field = page.locator(f'[name="{name}"]')
        if question.kind in CHOSEN or name == "answer-document":
            for value in values:
                page.locator(f'[name="{name}"][value="{value}"]').check()
        elif field.evaluate_all("all => all[0].tagName") == "SELECT":
            field.select_option(values[0])
        else:
            field.fill(values[0])
    page.locator("button.go").click()


def fill_form(page: Page, file: str, code: str) -> None:
    """Answer every question of a form, by its links and buttons alone."""
    form = load_form("pk", code)
    answers = answers_for(form, VALID_UNTIL.isoformat())
    section = ""
    for place, question, given in pages_of(form, answers):
        here = place.rsplit("/", 1)[0]
        if here != section:
            section = here
            _begin(page, file, place)
        expect(page).to_have_url(re.compile(f"{file}/{place}$"))
        expect(page.locator("h1")).to_contain_text(question.label)
        answer(page, question, given)
        expect(page.locator(".errors")).to_have_count(0)


def _begin(page: Page, file: str, place: str) -> None:
    """From wherever one is to the first question of a section, or of its next item."""
    form, section, item, _ = place.split("/")
    if item in ("-", "1"):
        page.goto(file)
        page.locator(f'ol.tasks a[href="{file}/{form}/{section}"]').click()
    if item != "-":
        page.get_by_role("link", name=re.compile("^Add: ")).click()


def test_an_applicant_comes_from_sign_up_to_a_submitted_file_without_scripts(
    chromium: Browser, site: ApplicantsSite
) -> None:
    page = page_in(chromium, site, java_script_enabled=False)
    page.goto(site.apply)
    page.get_by_role("link", name="Start now").click()
    page.get_by_label("Name of the company that applies").fill("Indus Exchange Ltd")
    page.get_by_label("Your full name").fill("Head of compliance")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text("You are signed in as indus_exchange_ltd_1")).to_be_visible()
    page.get_by_role("link", name="Go on to the application").click()
    page.get_by_label("Application for a no-objection certificate").check()
    page.get_by_label("In which country is the head of the company?").select_option("AE")
    page.get_by_role("button", name="Start").click()
    file = page.url.removeprefix(site.address)
    assert re.fullmatch(rf"{site.apply}/NOC-2026-\d{{4}}", file)
    for code in ("A1", "A2", "A3", "A4"):
        fill_form(page, file, code)
    page.goto(file)
    expect(page.locator("ol.tasks .pill.good")).to_have_count(16)
    page.get_by_role("link", name="Check your answers and submit").click()
    expect(page.locator(".errors")).to_have_count(0)
    page.get_by_role("button", name="Submit the application").click()
    page.get_by_role("link", name="Affirm the statement before you submit.").click()
    page.locator("#field-declaration").check()
    page.get_by_role("button", name="Submit the application").click()
    expect(page.get_by_role("heading", name="Application submitted")).to_be_visible()
    expect(page.locator(".receipt .id")).to_have_text(file.rsplit("/", 1)[-1])
    page.get_by_role("link", name="Follow your application").click()
    expect(page.locator("h1 .pill")).to_have_text("Submitted")
    expect(page.get_by_text("Check of completeness")).to_be_visible()


@pytest.fixture(scope="module")
def draft(site: ApplicantsSite) -> tuple[list[dict[str, str]], str]:
    """The cookies of an applicant and the address of a file with some answers."""
    client = signed_up(site, "Mehran Custody Ltd")
    file = opened(site, client)
    fill(client, file, "A1")
    # A word that no line can hold.
    sent = {"form_token": form_token(client.get(file).text), "step": "save", "answer": "x" * 400}
    assert client.post(f"{file}/A3/plan/-/summary", data=sent).status_code == 200
    kept = [
        {"name": name, "value": value, "url": site.address}
        for name, value in client.cookies.items()
        if name != "lang"
    ]
    return kept, file


def drafting(
    chromium: Browser,
    site: ApplicantsSite,
    draft: tuple[list[dict[str, str]], str],
    language: str = "en",
    **options: Any,
) -> tuple[Page, str]:
    """A page of the applicant, and the address of their file."""
    page = page_in(chromium, site, language=language, **options)
    page.context.add_cookies(draft[0])  # type: ignore[arg-type]
    return page, draft[1]


def test_a_page_in_urdu_takes_urdu_and_keeps_what_is_typed_when_the_language_is_switched(
    chromium: Browser, site: ApplicantsSite, draft: tuple[list[dict[str, str]], str]
) -> None:
    page, file = drafting(chromium, site, draft, "ur", java_script_enabled=False)
    page.goto(f"{file}/A2/individuals/1/who")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("h1")).to_have_text("وہ شخص کون ہے؟")
    page.locator("#field-answer-name").fill("عائشہ")
    page.locator("#field-answer-born").fill("۳۰")
    page.locator("#field-answer-born-month").fill("۴")
    page.locator("#field-answer-born-year").fill("۱۹۷۵")
    page.locator("#field-answer-nationality").select_option("PK")
    page.locator('[name="answer-document"][value="cnic"]').check()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    expect(page.locator("#field-answer-name")).to_have_value("عائشہ")
    expect(page.locator("#field-answer-born")).to_have_value("۳۰")
    expect(page.locator('[name="answer-document"][value="cnic"]')).to_be_checked()
    page.get_by_role("button", name="اردو").click()
    page.locator("#field-answer-number").fill("۱۲")
    page.locator("button.go").click()
    expect(page.locator(".errors a")).to_have_attribute("href", "#field-answer-number")
    page.locator("#field-answer-number").fill("۴۲۱۰۱۱۲۳۴۵۶۷۱")
    page.locator("button.go").click()
    page.goto(f"{file}/A2/individuals/1/who")
    expect(page.locator("#field-answer-number")).to_have_value("42101-1234567-1")
    expect(page.locator("#field-answer-born-year")).to_have_value("1975")


def test_the_keyboard_alone_answers_a_question(
    chromium: Browser, site: ApplicantsSite, draft: tuple[list[dict[str, str]], str]
) -> None:
    page, file = drafting(chromium, site, draft)
    page.goto(f"{file}/A1/home/-/supervised")
    page.locator("#field-answer").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/A1/home/-/refused_before$"))
    page.goto(f"{file}/A1/home/-/supervised")
    expect(page.locator('[value="no"]')).to_be_checked()
    page.locator('[value="yes"]').check()
    page.locator("button.go").click()


def test_the_error_summary_leads_to_the_field(
    chromium: Browser, site: ApplicantsSite, draft: tuple[list[dict[str, str]], str]
) -> None:
    page, file = drafting(chromium, site, draft)
    page.goto(f"{file}/A1/contact/-/email")
    page.locator("#field-answer").fill("nobody")
    page.keyboard.press("Enter")
    expect(page.locator(".errors")).to_be_focused()
    page.locator(".errors a").press("Enter")
    expect(page.locator("#field-answer")).to_be_focused()
    assert page.title().startswith("Error: ")


@pytest.mark.parametrize("size", [2**27, pytest.param(2**31, marks=pytest.mark.soak)])
def test_an_upload_far_over_the_limit_is_answered_politely(
    chromium: Browser,
    site: ApplicantsSite,
    draft: tuple[list[dict[str, str]], str],
    tmp_path: Path,
    size: int,
) -> None:
    page, file = drafting(chromium, site, draft)
    huge = tmp_path / "huge.pdf"
    with huge.open("wb") as sparse:
        sparse.truncate(size)
    page.goto(f"{file}/A1/applicant/-/certificate")
    page.locator("input[type=file]").set_input_files(huge)
    # The click waits for the answer, which comes once the browser has read the file.
    page.locator("button.go").click(timeout=120_000)
    expect(page.locator(".errors")).to_contain_text("larger than the 1 MiB", timeout=120_000)


@pytest.mark.parametrize(
    ("language", "width"),
    [
        ("en", 1024),
        ("ur", 360),
        pytest.param("en", 360, marks=pytest.mark.soak),
        pytest.param("ur", 1024, marks=pytest.mark.soak),
    ],
)
def test_no_page_has_a_serious_fault_for_those_who_see_or_move_otherwise(
    chromium: Browser,
    site: ApplicantsSite,
    draft: tuple[list[dict[str, str]], str],
    language: str,
    width: int,
) -> None:
    page, file = drafting(chromium, site, draft, language, bypass_csp=True, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "",
        "/check",
        "/withdraw",
        "/A1/applicant",
        "/A1/licences",
        "/A1/applicant/-/legal_name",
        "/A1/applicant/-/incorporated_on",
        "/A1/applicant/-/country",
        "/A1/applicant/-/certificate",
        "/A1/services/-/wanted",
        "/A1/services/-/description",
        "/A1/declaration/-/true",
        "/A2/individuals/1/who",
        "/A2/controllers/1/kind",
        "/A3/means/-/paid_up",
    ):
        page.goto(file + path)
        assert _faults(page) == [], path
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0, path
    page.goto(f"{file}/A2/individuals/1/who")
    page.locator("button.go").click()
    assert _faults(page) == []
    for path in ("", "/sign-up", "/open"):
        page.goto(site.apply + path)
        assert _faults(page) == [], path


def _faults(page: Page) -> list[str]:
    """What axe finds that is serious."""
    page.add_script_tag(path=AXE)
    found = page.evaluate("async () => JSON.stringify((await axe.run()).violations)")
    return [
        f"{one['id']}: {[node['html'] for node in one['nodes']][:2]}"
        for one in json.loads(found)
        if one["impact"] in SERIOUS
    ]


def test_a_program_that_calls_itself_a_pdf_is_refused_beside_the_field(
    chromium: Browser, site: ApplicantsSite, draft: tuple[list[dict[str, str]], str]
) -> None:
    page, file = drafting(chromium, site, draft, java_script_enabled=False)
    page.goto(f"{file}/A1/applicant/-/certificate")
    for content, said in (
        (b"MZ\x90\0" + bytes(99), "a program for Windows"),
        (files.pdf_with_script(), "a script"),
    ):
        chosen = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": content}
        page.locator("input[type=file]").set_input_files(chosen)  # type: ignore[arg-type]
        page.locator("button.go").click()
        expect(page.locator("#fault-answer")).to_contain_text(said)
    expect(page.get_by_text("Given so far:")).to_contain_text("paper.pdf")
