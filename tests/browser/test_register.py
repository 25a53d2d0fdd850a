"""The public register in Chromium: found, read, of a past day, in both languages, at all widths."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.test_pages import PAGE_BYTES_MAX, faults
from tests.licensing.world import MARCH
from tests.programme.world import CODE
from tests.web.test_register_pages import RegisterSite, site

__all__ = ["site"]

WIDTHS = (360, 1024, 1920)
PAGES = ("/register", "/register/exchange_x", "/register/exchange_y", "/warnings")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or the one that playwright fetched."""
    named = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, named), None), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def opened(chromium: Browser, site: RegisterSite, language: str = "en", **given: object) -> Page:
    context = chromium.new_context(base_url=site.address, **given)  # type: ignore[arg-type]
    context.add_cookies([{"name": "lang", "value": language, "url": site.address}])
    return context.new_page()


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ur", "dark")])
def test_the_registers_pages_are_accessible_at_every_width(
    chromium: Browser, site: RegisterSite, language: str, scheme: str
) -> None:
    page = opened(chromium, site, language, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in PAGES:
        page.goto(f"/p/{CODE}{path}")
        assert page.locator("h1").count() == 1
        assert faults(page) == [], path
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(wider) == 0, (path, width)
    assert said == []


def test_a_reader_finds_a_provider_and_what_it_was_on_an_earlier_day(
    chromium: Browser, site: RegisterSite
) -> None:
    """By keyboard and without scripts."""
    page = opened(chromium, site, java_script_enabled=False)
    page.goto(f"/p/{CODE}")
    page.get_by_role("link", name="Register", exact=True).click()
    page.get_by_label("Name or number").fill("exchange_x")
    page.get_by_label("Name or number").press("Enter")
    assert page.get_by_role("row").count() == 2
    page.get_by_role("link", name="EXCHANGE_X").click()
    assert page.locator("h1").inner_text().startswith("EXCHANGE_X")
    assert page.get_by_role("heading", name="History").count() == 1
    page.goto(f"/p/{CODE}/register")
    page.get_by_label("As of").fill(MARCH.isoformat())
    page.get_by_role("button", name="Find").click()
    assert f"as_of={MARCH.isoformat()}" in page.url
    assert "As it was at the end of 9 March 2026." in page.locator(".lead").inner_text()
    page.goto(f"/p/{CODE}/register?as_of=2026-03-08")
    assert "Nobody on the register fits" in page.locator("main").inner_text()


def test_the_register_is_in_nastaliq_from_right_to_left_and_dates_keep_their_order(
    chromium: Browser, site: RegisterSite
) -> None:
    page = opened(chromium, site, "ur")
    for path in PAGES:
        page.goto(f"/p/{CODE}{path}")
        assert page.locator("html").get_attribute("dir") == "rtl"
        family = page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily")
        assert "Nastaliq" in family
        page.evaluate("document.fonts.ready")
    page.goto(f"/p/{CODE}/register")
    assert page.locator("h1").inner_text() == "فراہم کنندگان کا رجسٹر"
    # First column to the right of the second, and a date's year left of its day.
    left = [page.locator("thead th").nth(place).bounding_box() for place in (0, 1)]
    assert left[0] is not None
    assert left[1] is not None
    assert left[0]["x"] > left[1]["x"]
    order = """() => {
      const text = document.querySelector('tbody .day').firstChild;
      const at = (n) => { const r = document.createRange(); r.setStart(text, n);
                          r.setEnd(text, n + 1); return r.getBoundingClientRect().left; };
      const begins = text.data.indexOf('2026');
      return at(begins) < at(begins + 9);
    }"""
    assert page.evaluate(order)
    page.get_by_role("link", name="English").click()
    assert page.locator("h1").inner_text() == "Register of providers"


def test_the_registers_pages_are_light(chromium: Browser, site: RegisterSite) -> None:
    for language in ("en", "ur"):
        page = opened(chromium, site, language)
        weights: list[int] = []
        page.on(
            "response",
            lambda answer, into=weights: into.append(int(answer.headers.get("content-length", 0))),
        )
        page.goto(f"/p/{CODE}/register")
        page.wait_for_load_state("networkidle")
        fonts = 100_500 if language == "ur" else 0
        assert 0 < sum(weights) <= PAGE_BYTES_MAX + fonts
