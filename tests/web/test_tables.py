"""Every table of every page sorts, filters, pages and downloads by its address."""

from __future__ import annotations

import csv
import html
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.web.installation import CENTRAL_BANK, Installation

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import tender_page

SECTION = re.compile(r'<section class="table" id="([^"]+)">(.*?)</section>', re.S)
# Pairs and the lists in their cells are one record's content, not rows to page through.
TABLE = re.compile(r"<table(?! class=\"(?:pairs|dense inside)\")", re.S)
LINK = re.compile(r'<a href="([^"]+)"[^>]*>([^<]*)</a>')
COUNT = re.compile(r"Rows: ([\d,]+)")
# What a page needs to be asked for, by view.
ASKED = ("isin", "tender", "payment", "participant", "instruction", "asset", "id", "proposal")


def pages(site: Installation) -> Iterator[str]:
    """Every page with tables: of each view, asked for the first thing there is, and the others."""
    from amanat.access.acts import VIEWS

    known = {
        "isin": site.view(None, "securities")[0]["isin"],
        "tender": site.view(None, "tenders")[0]["tender"],
        "payment": site.view(None, "payments")[0]["id"],
        "participant": "dealer_1",
        "instruction": site.view(CENTRAL_BANK, "instructions")["instructions"][0]["id"],
        "asset": site.view(None, "assets")[0]["asset"],
        "id": site.view(None, "journal")["rows"][0]["id"],
        "proposal": site.view(CENTRAL_BANK, "proposals")[0]["proposal"],
    }
    yield "/"
    yield site.pages
    yield f"{site.pages}/acts"
    for name, kind in VIEWS.items():
        needed = [one for one, info in kind.query.model_fields.items() if info.is_required()]
        if set(needed) <= set(known):
            yield f"{site.pages}/v/{name}?{urlencode({one: known[one] for one in needed})}"


def links(section: str) -> dict[str, str]:
    """The addresses in a section by their words."""
    return {words: html.unescape(address) for address, words in LINK.findall(section)}


def test_every_table_of_every_page_downloads_sorts_and_counts(site: Installation) -> None:
    seen = 0
    with site.reader(CENTRAL_BANK) as client:
        for path in pages(site):
            page = client.get(path)
            if page.status_code == 404:
                continue
            assert page.status_code == 200, path
            outside = SECTION.sub("", page.text)
            assert not TABLE.search(outside), f"{path}: a table that keeps no state"
            for name, section in SECTION.findall(page.text):
                if TABLE.search(section):
                    check_table(client, path, name, section)
                    seen += 1
    assert seen > 30


def check_table(client: httpx.Client, path: str, name: str, section: str) -> None:
    """Its downloads hold the rows that it counts; each head sorts, and the address says so."""
    found = links(section)
    counted = COUNT.search(section)
    assert counted is not None, (path, name)
    count = int(counted[1].replace(",", ""))
    answer = client.get(found["CSV"])
    assert answer.headers.get("content-type", "").startswith("text/csv"), (path, name)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) >= count, (path, name)
    address = found["JSON"] if "table=" in found["JSON"] else f"{found['JSON']}&table=rows"
    assert len(client.get(address).json()) == len(rows), (path, name)
    head = section.split("</thead>")[0]
    sorting = [one for one in links(head.split("<thead>")[1]).values() if "sort=" in one]
    assert sorting, (path, name)
    again = client.get(sorting[0]).text
    assert 'aria-sort="ascending"' in dict(SECTION.findall(again))[name], (path, name)


@pytest.fixture(scope="module")
def large(site: Installation) -> str:
    """The page of an awarded tender with 120 bids."""
    tender_page.add_tender(site.app, site.programme, "large_tender", 120)
    return f"{site.pages}/v/tender?tender=large_tender"


def rows_of(page: str) -> list[str]:
    """The numbers of the bids that a page of the result sheet shows."""
    sheet = dict(SECTION.findall(page))["sheet"]
    return re.findall(r'<tr class="[^"]*"><td class="number">(\d+)</td>', sheet)


def test_the_result_sheet_pages_sorts_filters_and_downloads(site: Installation, large: str) -> None:
    with site.reader(None) as client:
        first = client.get(large).text
        assert rows_of(first) == [str(n) for n in range(1, 51)]
        second = links(dict(SECTION.findall(first))["sheet"])["Next"]
        third = client.get(second).text
        assert rows_of(third) == [str(n) for n in range(51, 101)]
        # Half of the amount was awarded: the cut lies after the sixtieth bid, on the second page.
        assert "Cut-off: nothing below this line" not in first
        assert "Cut-off: nothing below this line" in third
        worst = client.get(large, params={"tender": "large_tender", "sheet.sort": "-bid"}).text
        assert rows_of(worst)[0] == "120"
        assert "Cut-off: nothing below this line" not in worst
        asked = {"tender": "large_tender", "sheet.is.status": "unsuccessful"}
        lost = client.get(large, params=asked).text
        assert rows_of(lost)[0] == "61"
        whole = client.get(large, params=asked | {"table": "sheet", "format": "csv"}).text
        assert len(list(csv.DictReader(io.StringIO(whole)))) == 60
        none = client.get(large, params={"tender": "large_tender", "sheet.q": "no such"}).text
        assert "No row fits this filter." in dict(SECTION.findall(none))["sheet"]


def test_the_page_of_500_bids_begins_to_arrive_at_once(site: Installation) -> None:
    tender_page.add_tender(site.app, site.programme, "larger_tender", 500)
    with site.reader(None) as client:
        path = f"{site.pages}/v/tender?tender=larger_tender"
        client.get(path)  # draws the chart, where nobody has yet
        assert min(tender_page.look(client, path) for _ in range(5)) < 100


def test_what_is_shown_of_a_result_is_read_and_not_computed(
    site: Installation, large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("a published result was computed again")

    monkeypatch.setattr("amanat.auctions.book.unseal", never)
    with site.reader(None) as client:
        assert client.get(large).status_code == 200
