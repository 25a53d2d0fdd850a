"""Pages as people meet them: in Chromium, at three widths, on both grounds, in both languages."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.web.installation import APPROVER, CENTRAL_BANK, DEALER, OFFICER, REMOTE, Installation

from amanat.ledger.signers import read_request, sign_request

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (360, 1024, 1920)
SLACK = 2
"""Pixels beyond the screen that nobody notices."""
PAGE_BYTES_MAX = 150_000
SERIOUS = {"serious", "critical"}


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
def addresses(site: Installation) -> dict[str, str]:
    """Every page worth a look, by name."""
    view = f"{site.pages}/v"
    isin = site.view(None, "securities")[0]["isin"]
    tender = site.view(None, "tenders")[0]["tender"]
    payment = site.view(None, "payments")[0]["id"]
    entry = site.view(None, "journal")["rows"][0]["id"]
    trade = site.view(OFFICER, "instructions")["instructions"][0]["id"]
    proposal = site.view(OFFICER, "proposals")[0]["proposal"]
    return {
        "home": "/",
        "sign_in": "/sign-in",
        "me": f"{site.pages}/me",
        "prove": "/prove",
        "programme": site.pages,
        "acts": f"{site.pages}/acts",
        "act": f"{site.pages}/acts/RegisterAsset",
        "announce": f"{site.pages}/acts/AuthoriseSecurity",
        "views": f"{site.pages}/views",
        "securities": f"{view}/securities",
        "security": f"{view}/security?{urlencode({'isin': isin})}",
        "holders": f"{view}/holders?{urlencode({'isin': isin})}",
        "tenders": f"{view}/tenders",
        "tender": f"{view}/tender?{urlencode({'tender': tender})}",
        "instructions": f"{view}/instructions",
        "instruction": f"{view}/instruction?{urlencode({'instruction': trade})}",
        "payments": f"{view}/payments",
        "payment": f"{view}/payment?{urlencode({'payment': payment})}",
        "participants": f"{view}/participants",
        "participant": f"{view}/participant?participant=dealer_1",
        "journal": f"{view}/journal",
        "entry": f"{view}/entry?{urlencode({'id': entry})}",
        "keys": f"{view}/keys",
        "proposals": f"{view}/proposals",
        "proposal": f"{view}/proposal?{urlencode({'proposal': proposal})}",
        "refused": "/nowhere",
    }


PAGES = (
    "home",
    "sign_in",
    "me",
    "prove",
    "programme",
    "acts",
    "act",
    "announce",
    "views",
    "securities",
    "security",
    "holders",
    "tenders",
    "tender",
    "instructions",
    "instruction",
    "payments",
    "payment",
    "participants",
    "participant",
    "journal",
    "entry",
    "keys",
    "proposals",
    "proposal",
    "refused",
)


def opened(
    chromium: Browser,
    site: Installation,
    person: str | None = OFFICER,
    *,
    language: str = "en",
    width: int = 1024,
    **options: Any,
) -> Page:
    """A page in a context of its own, signed in as a person."""
    context = chromium.new_context(
        base_url=site.address, viewport={"width": width, "height": 800}, **options
    )
    cookies = [{"name": "lang", "value": language, "url": site.address}]
    if person:
        secret = site.session(person)
        cookies.append({"name": "amanat_session", "value": secret, "url": site.address})
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context.new_page()


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical, each with the place where it is."""
    # Through the debugger, so that the page keeps its strict policy for scripts.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document)).violations")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ur", "dark")])
def test_every_page_is_accessible_and_keeps_to_its_policy(
    chromium: Browser,
    site: Installation,
    addresses: dict[str, str],
    language: str,
    scheme: str,
) -> None:
    page = opened(chromium, site, language=language, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    found = {}
    for name in PAGES:
        page.goto(addresses[name])
        assert page.locator("h1").count() == 1, name
        wrong = faults(page)
        if wrong:
            found[name] = wrong
    page.context.close()
    assert found == {}
    # The page of refusals is one; the browser says so.
    assert [text for text in said if "404" not in text] == []


@pytest.mark.parametrize("language", ["en", "ur"])
def test_no_page_is_wider_than_the_screen(
    chromium: Browser, site: Installation, addresses: dict[str, str], language: str
) -> None:
    page = opened(chromium, site, language=language)
    wide = {}
    for name in PAGES:
        page.goto(addresses[name], wait_until="domcontentloaded")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            across = page.evaluate("document.documentElement.scrollWidth")
            if across > width + SLACK:
                wide[name, width] = across
    page.context.close()
    assert wide == {}


def test_urdu_runs_right_to_left_in_nastaliq_and_figures_keep_their_order(
    chromium: Browser, site: Installation, addresses: dict[str, str]
) -> None:
    page = opened(chromium, site, None)
    page.goto(addresses["tender"])
    left = page.locator("header .name").bounding_box()
    page.get_by_role("link", name="اردو").click()
    right = page.locator("header .name").bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] < 200 < right["x"]
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.locator("html").get_attribute("lang") == "ur"
    assert "ٹینڈر" in page.locator("h1").inner_text()
    assert "Nastaliq" in page.locator("html").evaluate("e => getComputedStyle(e).fontFamily")
    page.wait_for_function("document.fonts.check('16px Nastaliq', 'ٹ')")
    # The language stays with the reader on the next page.
    page.goto(addresses["programme"])
    assert page.locator("html").get_attribute("dir") == "rtl"
    date = page.locator("footer b").inner_text()
    assert re.fullmatch(r"\u2066\d{4}-\d\d-\d\d\u2069", date)
    page.context.close()


def test_everything_can_be_read_without_scripts(
    chromium: Browser, site: Installation, addresses: dict[str, str]
) -> None:
    page = opened(chromium, site, None, java_script_enabled=False)
    page.goto(addresses["tender"])
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("section.table, table.dense").first.is_visible()
    assert page.locator(".copy:visible").count() == 0
    page.goto(addresses["journal"])
    page.get_by_label("Find").fill("TenderAwarded")
    page.get_by_role("button", name="Filter").click()
    assert "q=TenderAwarded" in page.url
    page.get_by_role("link", name="Leaf").click()
    assert "sort=leaf" in page.url
    assert "q=TenderAwarded" in page.url
    page.context.close()


def test_the_keyboard_alone_reaches_everything(
    chromium: Browser, site: Installation, addresses: dict[str, str]
) -> None:
    page = opened(chromium, site)
    page.goto(addresses["programme"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    reachable = page.locator("a[href], button:visible, input:visible, select, summary").count()
    page.goto(addresses["programme"])
    reached = set()
    for _ in range(reachable + 40):
        page.keyboard.press("Tab")
        where = page.evaluate(
            "() => { const e = document.activeElement; if (!e || e === document.body) return null;"
            " e.dataset.reached ??= Math.random(); const s = getComputedStyle(e);"
            " return [e.dataset.reached, s.outlineStyle !== 'none' || e.className === 'skip']; }"
        )
        if where is None:
            break
        assert where[1], "what has the focus shows it"
        reached.add(where[0])
    left = page.locator(
        "a[href]:visible:not([data-reached]), button:visible:not([data-reached]),"
        " select:visible:not([data-reached]), summary:visible:not([data-reached])"
    )
    assert left.count() == 0, left.first.evaluate("e => e.outerHTML")
    page.context.close()


def test_an_act_is_done_with_the_keyboard_and_its_errors_lead_to_their_fields(
    chromium: Browser, site: Installation
) -> None:
    page = opened(chromium, site)
    page.goto(f"{site.pages}/acts/RegisterAsset")
    page.get_by_label("Asset").fill("Not A Code")
    page.get_by_role("button", name="Check before sending").press("Enter")
    summary = page.locator(".errors")
    assert summary.evaluate("e => e === document.activeElement")
    summary.get_by_role("link").first.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(".field.wrong").count() >= 1
    for label, text in (
        ("Asset", "by_keyboard"),
        ("Kind", "public_debt"),
        ("Description", "made for tests"),
        ("Place", "Islamabad"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Check before sending").press("Enter")
    assert page.get_by_role("cell", name="by_keyboard").is_visible()
    page.get_by_role("button", name="Carry out").press("Enter")
    assert "Carried out" in page.locator("h1").inner_text()
    page.context.close()


def test_signing_in_and_out(chromium: Browser, site: Installation) -> None:
    page = opened(chromium, site, None)
    page.goto(f"{site.pages}/v/instructions")
    page.get_by_label("Your personal token").fill(site.tokens[DEALER])
    page.get_by_role("button", name="Sign in", exact=True).click()
    assert page.url.endswith("/v/instructions")
    assert page.locator("table").first.is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site.pages}/v/instructions")
    assert "/sign-in" in page.url
    page.context.close()


def test_another_site_cannot_act_through_the_console(chromium: Browser, site: Installation) -> None:
    page = opened(chromium, site, APPROVER)
    page.goto(f"{site.pages}/acts/RegisterAsset")
    token = page.locator("form.act input[name=form_token]").get_attribute("value")
    fields = {
        "form_token": token,
        "asset": "forged_elsewhere",
        "kind": "public_debt",
        "description": "forged",
        "place": "elsewhere",
        "step": "send",
    }
    inputs = "".join(f'<input name="{name}" value="{text}">' for name, text in fields.items())
    target = f"{site.address}{site.pages}/acts/RegisterAsset"
    forged = f'<form method="post" action="{target}">{inputs}</form>'
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(content_type="text/html", body=forged),
    )
    page.goto("http://evil.example/")
    with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        page.evaluate("document.forms[0].submit()")
    assert sent.value.status == 403
    page.context.close()
    assert all(row["asset"] != "forged_elsewhere" for row in site.view(None, "assets"))


@pytest.mark.parametrize("uploaded", [False, True])
def test_a_proposal_is_signed_elsewhere_and_its_signature_brought_back(
    chromium: Browser, site: Installation, tmp_path: Path, uploaded: bool
) -> None:
    code = f"browser_{uploaded}".lower()
    line = {
        "auction_date": "2026-12-02",
        "settlement_date": "2026-12-03",
        "security": "3-year bond",
        "target": 1_000_000,
    }
    with site.caller(CENTRAL_BANK) as client:
        fields = {"calendar": code, "lines": [line]}
        proposed = client.post(f"{site.api}/acts/PublishCalendar", json=fields).json()
    page = opened(chromium, site, REMOTE)
    page.goto(f"{site.pages}/v/proposal?{urlencode({'proposal': proposed['proposal']})}")
    assert faults(page) == []
    with page.expect_download() as downloading:
        page.get_by_role("link", name=re.compile("What central_bank signs")).click()
    request = tmp_path / "asked.request.json"
    downloading.value.save_as(request)
    # As `amanat sign` does it, where the key is.
    answer = sign_request(read_request(request.read_text()), site.remote_key)
    signature = tmp_path / "asked.signature.json"
    wrong = answer | {"signature": "0x" + "11" * 65}
    page.get_by_label("The signature, pasted").fill(json.dumps(wrong))
    page.get_by_role("button", name="Approve with this signature").click()
    assert page.locator(".errors").evaluate("e => e === document.activeElement")
    assert page.locator(".field.wrong .fault").is_visible()
    if uploaded:
        signature.write_text(json.dumps(answer))
        page.get_by_label("Or the files of the signatures").set_input_files(signature)
    else:
        page.get_by_label("The signature, pasted").fill(json.dumps(answer))
    page.get_by_role("button", name="Approve with this signature").click()
    assert "Carried out" in page.locator("h1").inner_text()
    page.context.close()
    assert site.view(None, "auction_calendar", calendar=code)["calendar"] == code


def test_an_identifier_is_copied_with_one_click(
    chromium: Browser, site: Installation, addresses: dict[str, str]
) -> None:
    page = opened(chromium, site, None)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(addresses["security"])
    button = page.locator(".copy").first
    button.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == button.get_attribute("data-copy")
    page.context.close()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_pages_are_light_and_do_not_jump(
    chromium: Browser, site: Installation, addresses: dict[str, str], language: str
) -> None:
    for name in ("programme", "tender", "security"):
        page = opened(chromium, site, language=language)
        page.add_init_script(
            "window.jumps = 0; new PerformanceObserver(l => { for (const e of l.getEntries())"
            " if (!e.hadRecentInput) window.jumps += e.value; })"
            ".observe({type: 'layout-shift', buffered: true});"
        )
        page.goto(addresses[name], wait_until="load")
        page.evaluate("document.fonts.ready")
        weight = page.evaluate(
            # Urdu's own face weighs 100 kB more on the first visit, and is kept for a year.
            "() => performance.getEntries().filter(e => e.transferSize !== undefined"
            " && !e.name.includes('urdu-letters')).reduce((sum, e) => sum + e.transferSize, 0)"
        )
        assert 0 < weight < PAGE_BYTES_MAX, (name, weight)
        assert page.evaluate("window.jumps") < 0.05, name
        page.context.close()
