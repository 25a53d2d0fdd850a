"""From sign-up to certificate to suspension, each step in the page of whoever does it.

The applicant, officers, stakeholders and approvers act in Chromium.  What is between certificate
and licence is done without a browser; afterwards the authority suspends in its page, and ledger,
API, register, feed, status list and certificate all say so.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.auctions.acts_world import MILLION
from tests.browser.test_applying import _faults as faults
from tests.browser.test_applying import chromium as chromium  # a fixture
from tests.browser.test_applying import page_in
from tests.e2e.test_licence_and_suspension import LATER, own_account
from tests.licensing.forms.test_answers import DOCUMENT, PAPER
from tests.licensing.world import MARCH, PACK, scored
from tests.programme.world import CODE, VALID_UNTIL, authorisation, register_asset
from tests.web.applicants import ApplicantsSite, answers_for, applicants_site
from tests.web.test_applying import post

from amanat.ledger.refusals import ContractRefusal
from amanat.licensing.commands import CheckCompleteness, GrantLicence, OpenConsultation, SaveSection
from amanat.licensing.credentials.book import make_key
from amanat.licensing.credentials.certificate_check import check_certificate
from amanat.licensing.credentials.jose import read_keys
from amanat.licensing.credentials.licence import CredentialSuspended, verify_licence
from amanat.licensing.credentials.status_lists import CheckedList, read_status_list
from amanat.licensing.forms.form import SCANS, load_form
from amanat.licensing.model import Completeness
from amanat.licensing.register.commands import IssueCredential
from amanat.licensing.register.feed import replay_feed
from amanat.licensing.register.model import entry_json
from amanat.participants.model import AccountKind
from amanat.store.journal import Provenance

HERE = f"/p/{CODE}"
COMPANY = "indus_exchange_ltd"
APPLICANT = f"{COMPANY}_1"
AREAS = PACK.file("noc").checklists
STAKEHOLDERS = (("sbp", "central_bank"), ("secp", "secp"), ("fmu", "fmu"))


@dataclass
class Offices:
    """A browser's page for everyone who acts, each signed in on its own."""

    chromium: Browser
    site: ApplicantsSite
    pages: dict[str, Page] = field(default_factory=dict)

    def new(self) -> Page:
        """A browser of its own, without scripts."""
        context = self.chromium.new_context(
            base_url=self.site.address,
            viewport={"width": 1024, "height": 800},
            java_script_enabled=False,
        )
        return context.new_page()

    def of(self, person: str) -> Page:
        """The page of a person of the programme, who signs in first."""
        if person not in self.pages:
            page = self.new()
            page.goto("/sign-in")
            page.locator('input[name="token"]').fill(self.site.token(person))
            page.locator("main form button").first.click()
            self.pages[person] = page
        return self.pages[person]

    def end(self) -> None:
        """Close every browser."""
        for page in self.pages.values():
            page.context.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApplicantsSite]:
    """A programme that licenses, served."""
    with applicants_site(tmp_path_factory.mktemp("walk") / "installation") as found:
        yield found


@pytest.fixture
def offices(chromium: Browser, site: ApplicantsSite) -> Iterator[Offices]:
    """Everyone's browsers."""
    found = Offices(chromium, site)
    yield found
    found.end()


def test_from_sign_up_to_a_certificate_and_from_a_licence_to_a_suspension(
    offices: Offices, site: ApplicantsSite
) -> None:
    number = applies(offices, site)
    examined(offices, site, number)
    decided(offices, number)
    page = offices.of(APPLICANT)
    page.goto(f"{site.apply}/{number}")
    expect(page.locator("h1 .pill")).to_have_text("Granted")
    expect(page.get_by_role("heading", name="Decision: Grant")).to_be_visible()
    licensed(site, signed_in(site, page))
    own, other = accounts(site)
    gateway = site.world.app.ledger.gateway(CODE)
    assert gateway.call("Cash", "transfer", other, 1, sender=own) is True
    token, paper = credential(site, page)
    keys = read_keys(got(site, "/keys.json").content)
    assert verify_licence(token, keys, lists(site), time.time()).provider == COMPANY
    suspension = suspended(offices, site)
    shut(site, suspension, own, other)
    said(site, offices.new(), token, paper)


@pytest.fixture(scope="module")
def open_file(site: ApplicantsSite) -> str:
    """A file of which one checklist is scored and one stakeholder is consulted."""
    world = site.world
    number = world.submitted("exchange_x", "noc", "exchange")
    world.do_as("pvara_officer", CheckCompleteness(file=number, outcome=Completeness.COMPLETE))
    world.do_as("pvara_officer", scored(number, AREAS[0], 4))
    ask = OpenConsultation(file=number, stakeholder="fmu", question="Any objection?")
    world.do_as("pvara_officer", ask)
    return number


@pytest.mark.parametrize(("language", "width"), [("en", 1024), ("ur", 360)])
def test_no_page_of_the_desk_has_a_serious_fault(
    chromium: Browser, site: ApplicantsSite, open_file: str, language: str, width: int
) -> None:
    page = page_in(chromium, site, language=language, bypass_csp=True, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/sign-in")
    page.locator('input[name="token"]').fill(site.token("pvara_officer"))
    page.locator("main form button").first.click()
    for path in (
        "/licensing",
        "/licensing/providers",
        f"/v/file?file={open_file}",
        "/v/provider?provider=exchange_x",
        f"/acts/ScoreReview?file={open_file}&area={AREAS[1]}",
        f"/acts/Recommend?file={open_file}",
        "/acts/Suspend?provider=exchange_x",
    ):
        page.goto(HERE + path)
        assert faults(page) == [], path
        over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(over) <= 0, path
    page.context.close()


# -- the applicant, in their pages ----------------------------------------------------------------


def applies(offices: Offices, site: ApplicantsSite) -> str:
    """Signs up, fills the forms and submits them; the file's number."""
    page = offices.new()
    offices.pages[APPLICANT] = page
    page.goto(f"{site.apply}/sign-up")
    page.get_by_label("Name of the company that applies").fill("Indus Exchange Ltd")
    page.get_by_label("Your full name").fill("Head of compliance")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text(f"You are signed in as {APPLICANT}")).to_be_visible()
    page.get_by_role("link", name="Go on to the application").click()
    page.get_by_label("Application for a no-objection certificate").check()
    page.get_by_label("In which country is the head of the company?").select_option("AE")
    page.get_by_role("button", name="Start").click()
    file = page.url.removeprefix(site.address)
    number = file.rsplit("/", 1)[-1]
    answers_forms(site, number, "noc")
    page.goto(f"{file}/check")
    page.locator("#field-declaration").check()
    page.get_by_role("button", name="Submit the application").click()
    expect(page.get_by_role("heading", name="Application submitted")).to_be_visible()
    return number


def answers_forms(site: ApplicantsSite, number: str, kind: str) -> None:
    """Every answer at once: question by question in Chromium is a test of its own."""
    app, actor = site.world.app, site.world.actor(APPLICANT)
    app.documents.receive(actor, io.BytesIO(PAPER), str(DOCUMENT["name"]), SCANS)
    for code in PACK.file(kind).forms:
        answers = answers_for(load_form("pk", code), VALID_UNTIL.isoformat())
        for section, content in answers.items():
            saved = SaveSection(file=number, form=code, section=section, content=content)
            app.desk.submit(actor, saved)


def signed_in(site: ApplicantsSite, page: Page) -> httpx.Client:
    """A program with the session of a browser."""
    client = httpx.Client(base_url=site.address, timeout=60, follow_redirects=True)
    for one in page.context.cookies():
        client.cookies.set(str(one["name"]), str(one["value"]), path="/")
    return client


def answers_question(offices: Offices, site: ApplicantsSite, number: str) -> None:
    page = offices.of(APPLICANT)
    page.goto(f"{site.apply}/{number}")
    expect(page.get_by_text("Who keeps the keys?")).to_be_visible()
    page.get_by_role("link", name="Answer", exact=True).click()
    page.locator('textarea[name="answer"]').fill("Three people, of whom two sign.")
    page.locator("button.go").click()
    expect(page.get_by_text("of whom two sign.")).to_be_visible()


# -- officers, stakeholders and the authority, in theirs ------------------------------------------


def examined(offices: Offices, site: ApplicantsSite, number: str) -> None:
    """Complete, asked about, scored, consulted on, recommended."""
    officer = offices.of("pvara_officer")
    step(officer, number, "Check completeness: Complete")
    sent(officer)
    step(officer, number, "Ask applicant")
    sent(officer, text="Who keeps the keys?")
    answers_question(offices, site, number)
    for area in AREAS:
        at(officer, number)
        label = re.compile(f"Score this checklist.*{PACK.checklist(area).title}")
        officer.get_by_role("link", name=label).click()
        scores = {f"scores.{one.code}.score": "4" for one in PACK.checklist(area).items}
        notes = {f"scores.{one.code}.note": "seen" for one in PACK.checklist(area).items}
        sent(officer, **scores, **notes, rationale="As the evidence shows.")
    at(officer, number)
    expect(officer.locator("section.checklist .pill.good")).to_have_count(len(AREAS))
    for code, institution in STAKEHOLDERS:
        step(officer, number, "Open consultation")
        sent(officer, stakeholder=code, question="Is there any objection?")
        asked = offices.of(f"{institution}_officer")
        asked.goto(f"{HERE}/licensing")
        asked.get_by_role("link", name="Answer", exact=True).click()
        sent(asked, position="no_objection", answer="None.")
    step(officer, number, "Recommend")
    conditions = "Keep a register of complaints."
    sent(officer, outcome="grant", rationale="It meets the rules.", conditions=conditions)


def decided(offices: Offices, number: str) -> None:
    """Not by who recommended it; by another officer and an approver."""
    officer = offices.of("pvara_officer")
    at(officer, number)
    expect(officer.locator("ul.steps")).to_contain_text("Decide: Grant")
    expect(officer.get_by_role("link", name="Decide: Grant")).to_have_count(0)
    second = offices.of("pvara_second")
    second.goto(f"{HERE}/licensing")
    mine = second.locator("#mine + .scroll")
    mine.get_by_role("link", name=number).click()
    second.get_by_role("link", name="Decide: Grant").click()
    sent(second, reasons="It meets the rules.", criteria="The four checklists.", conflicts="None.")
    approved(offices, "Decide")


def approved(offices: Offices, act: str) -> None:
    """The approver finds on the desk what waits, reads it, and signs."""
    approver = offices.of("pvara_approver")
    approver.goto(f"{HERE}/licensing")
    row = approver.get_by_role("row", name=re.compile(act))
    row.get_by_role("link", name="Read and sign").click()
    approver.get_by_role("button", name="Approve and sign").click()
    expect(approver.locator("h1 .pill")).to_have_text("Carried out")


def suspended(offices: Offices, site: ApplicantsSite) -> str:
    """The authority suspends on the provider's page; the number of the suspension."""
    officer = offices.of("pvara_officer")
    officer.goto(f"{HERE}/licensing/providers")
    officer.get_by_role("link", name="Indus Exchange Ltd").click()
    expect(officer.locator("h1 .pill")).to_have_text("Licensed")
    officer.get_by_role("link", name="Suspend", exact=True).click()
    sent(officer, level="full_freeze", reason="Client assets are missing.")
    approved(offices, "Suspend")
    officer.goto(f"{HERE}/v/provider?provider={COMPANY}")
    expect(officer.locator("h1 .pill")).to_have_text("Suspended")
    expect(officer.locator(".stopped")).to_contain_text("Full freeze")
    expect(officer.locator("ul.opens .open")).to_have_count(0)
    # It binds before the ledger has it; from now on the ledger has it too.
    site.world.app.pump()
    return str(officer.locator("a", has_text=re.compile(r"^SUS-")).first.inner_text())


def at(page: Page, number: str) -> None:
    """The page of a file."""
    page.goto(f"{HERE}/v/file?file={number}")
    expect(page.locator("h1")).to_contain_text(number)


def step(page: Page, number: str, label: str) -> None:
    """A step of a file, by its button."""
    at(page, number)
    page.get_by_role("link", name=label, exact=True).click()


def sent(page: Page, **fields: str) -> None:
    """The form on the page, filled, checked and sent."""
    for name, value in fields.items():
        field = page.locator(f'[name="{name}"]:not([type="checkbox"])')
        if field.first.get_attribute("type") == "radio":
            page.locator(f'[name="{name}"][value="{value}"]').check()
        else:
            field.fill(value)
    page.get_by_role("button", name="Check before sending").click()
    expect(page.locator(".errors")).to_have_count(0)
    page.locator('button[value="send"]').click()
    expect(page.locator(".errors")).to_have_count(0)
    expect(page.locator("h1 .pill")).to_have_text(re.compile("Carried out|Proposed"))


# -- between the certificate and the suspension ---------------------------------------------------


def licensed(site: ApplicantsSite, client: httpx.Client) -> None:
    """Confirmed by the institutions, applied for, decided, and granted on the ledger."""
    world = site.world
    world.confirm("fmu", COMPANY, "goaml_registered")
    world.confirm("secp", COMPANY, "incorporated")
    told = {"kind": "licence", "categories": "exchange"}
    file = str(post(client, f"{site.apply}/open", told).url).removeprefix(site.address)
    number = file.rsplit("/", 1)[-1]
    answers_forms(site, number, "licence")
    assert str(post(client, f"{file}/check", {"declaration": "yes"}).url).endswith("/submitted")
    world.decided(number, "licence")
    world.confirm_means(COMPANY, "exchange")
    grant = GrantLicence(file=number, category="exchange", valid_until=VALID_UNTIL)
    world.do_as("pvara_second", grant, "pvara_approver", pump=True)


def accounts(site: ApplicantsSite) -> tuple[str, str]:
    """An account of the exchange with cash in it, and one of a bank; a bond is authorised."""
    world = site.world
    world.admit("ministry", "issuer", "central_bank")
    world.enrol("ministry", "central_bank", AccountKind.DISTRIBUTION)
    register_asset(world, "full_faith")
    bond = {"terms": LATER, "classes": ("bank", "vasp"), "expires_on": VALID_UNTIL}
    world.do("ministry", authorisation(**bond, nominal=2_000 * MILLION, rate_date=MARCH))
    world.admit("bank_a", "bank", "central_bank")
    return own_account(world, COMPANY, "pvara"), own_account(world, "bank_a", "central_bank")


def credential(site: ApplicantsSite, page: Page) -> tuple[str, bytes]:
    """The licence as a credential, and its certificate as the exchange downloads it."""
    app = site.world.app
    by = Provenance(CODE, "installation", "operator", "operator", "folder", MARCH)
    with app.store.work(by) as uow:
        make_key(uow, app.keys.p256, CODE, f"{site.address}/p/{CODE}", app.store.clock())
        uow.commit()
    shown = app.desk.view(None, CODE, "registered_provider", {"provider": COMPANY})
    (number,) = [one["number"] for one in shown["permissions"] if one["kind"] == "licence"]
    actor = site.world.actor(APPLICANT)
    app.desk.submit(actor, IssueCredential(permission=number))
    (row,) = app.desk.view(actor, CODE, "licence_credentials", {})
    answer = signed_in(site, page).get(f"{HERE}/certificates/{number}.pdf")
    assert answer.status_code == 200
    return row["token"], answer.content


# -- what is shut ---------------------------------------------------------------------------------


def shut(site: ApplicantsSite, suspension: str, own: str, other: str) -> None:
    """On the ledger and in the API, each with a reason that a program reads."""
    gateway = site.world.app.ledger.gateway(CODE)
    with pytest.raises(ContractRefusal) as refused:
        gateway.call("Cash", "transfer", other, 1, sender=own)
    assert refused.value.name == "LevelForbids"
    assert (refused.value.arguments["account"], refused.value.arguments["level"]) == (own, 4)
    trade = {
        "side": "deliver",
        "isin": LATER["isin"],
        "deliverer": own,
        "receiver": other,
        "nominal": 100_000,
        "consideration_paisa": 1,
        "trade_date": MARCH.isoformat(),
        "first_day": MARCH.isoformat(),
        "last_day": MARCH.isoformat(),
    }
    with site.caller(APPLICANT) as client:
        answer = client.post(f"/v1/programmes/{CODE}/acts/Instruct", json=trade)
    assert answer.status_code == 403, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["fields"]["suspension"] == suspension
    assert told["fields"]["provider"] == COMPANY


def said(site: ApplicantsSite, page: Page, token: str, paper: bytes) -> None:
    """By register page, Atom feed, status list and certificate."""
    page.goto(f"{HERE}/register/{COMPANY}")
    expect(page.locator("h1 .pill")).to_have_text("Suspended")
    page.goto(f"{HERE}/register?q=Indus")
    expect(page.get_by_role("row", name=re.compile("Indus"))).to_contain_text("Suspended")
    page.context.close()
    replayed = replay_feed([got(site, "/register.atom").content], MARCH)
    told = [entry_json(one) for one in replayed.entries]
    assert [one["status"] for one in told if one["provider"] == COMPANY] == ["suspended"]
    assert told == got(site, "/register.json").json()["providers"]
    keys = read_keys(got(site, "/keys.json").content)
    with pytest.raises(CredentialSuspended):
        verify_licence(token, keys, lists(site), time.time())
    # The library that reads signatures runs a loop of its own, and the browser's is here.
    with ThreadPoolExecutor(1) as apart, pytest.raises(CredentialSuspended):
        apart.submit(check_certificate, paper, keys, lists(site), time.time()).result()
    assert site.world.app.check() == []


def got(site: ApplicantsSite, path: str) -> httpx.Response:
    """What anybody gets below the programme's pages."""
    answer = httpx.get(f"{site.address}{HERE}{path}", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


def lists(site: ApplicantsSite) -> list[CheckedList]:
    """The published status list."""
    keys = read_keys(got(site, "/keys.json").content)
    return [read_status_list(got(site, "/status-lists/1").text, keys)]
