"""The operator's page in Chromium: accessible, within the screen, in both languages and grounds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.operating.served import OPERATOR, Served

from amanat.web.visitors import COOKIE

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PAGE_BYTES_MAX = 150_000


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


def opened(chromium: Browser, served: Served, language: str, scheme: str) -> Page:
    context = chromium.new_context(base_url=served.address, color_scheme=scheme)  # type: ignore[arg-type]
    context.add_cookies(
        [
            {"name": "lang", "value": language, "url": served.address},
            {"name": COOKIE, "value": served.sessions[OPERATOR], "url": served.address},
        ]
    )
    return context.new_page()


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("en", "dark"), ("ur", "dark")])
def test_the_page_is_accessible_and_fits_every_screen(
    chromium: Browser, served: Served, language: str, scheme: str
) -> None:
    page = opened(chromium, served, language, scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    answer = page.goto(f"/p/{served.programme}/operations")
    assert answer is not None
    assert len(answer.body()) < PAGE_BYTES_MAX
    assert page.locator("h1").count() == 1
    for width in (360, 1024, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document)).violations")
    serious = [one["id"] for one in found if one["impact"] in {"serious", "critical"}]
    page.context.close()
    assert serious == []
    assert said == []


def test_in_urdu_no_words_of_ours_are_left_in_english(chromium: Browser, served: Served) -> None:
    page = opened(chromium, served, "ur", "light")
    page.goto(f"/p/{served.programme}/operations")
    texts = page.locator("main :is(h1, h2, dt, th, .pill)").all_inner_texts()
    page.context.close()
    assert texts
    assert [one for one in texts if not any("\u0600" <= letter <= "\u06ff" for letter in one)] == []
