"""Pages without a browser: tables, downloads, forms, forgeries, what a hostile text becomes."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import httpx
import pytest
from tests.web.installation import (
    APPROVER,
    DEALER,
    OFFICER,
    STRANGER,
    VIEWER,
    Installation,
)

from amanat.web import tables, texts
from amanat.web.charts import parts_of_bar

TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
KEY = re.compile(r'name="idempotency_key" value="([^"]+)"')
HOSTILE = "<script>alert('x')</script>"


def form_token(client: httpx.Client, path: str) -> str:
    """The token of the form on a page."""
    found = TOKEN.search(client.get(path).text)
    assert found is not None
    return found[1]


def asset(code: str, **changes: str) -> dict[str, str]:
    """The filled form of RegisterAsset."""
    return {
        "asset": code,
        "kind": "public_debt",
        "description": "made for tests",
        "place": "Islamabad",
    } | changes


# -- tables ---------------------------------------------------------------------------------------


def test_tables_sort_filter_and_page_by_the_address(site: Installation) -> None:
    path = f"{site.pages}/v/journal"
    with site.reader(None) as client:
        first = client.get(path, params={"sort": "leaf"}).text
        filtered = client.get(path, params={"is.kind": "ActProposed", "sort": "-leaf"}).text
        empty = client.get(path, params={"q": "no such text anywhere"}).text
        rows = client.get(path, params={"format": "json", "table": "rows", "sort": "leaf"}).json()
        chosen = client.get(
            path, params={"format": "json", "table": "rows", "is.kind": "ActProposed"}
        ).json()
    assert 'aria-sort="ascending"' in first
    assert [row["leaf"] for row in rows] == sorted(row["leaf"] for row in rows)
    assert 'aria-sort="descending"' in filtered
    assert "selected" in filtered
    assert chosen
    assert {row["kind"] for row in chosen} == {"ActProposed"}
    assert "No row fits this filter." in empty


def test_a_download_is_the_whole_table_as_filtered(site: Installation) -> None:
    with site.reader(None) as client:
        page = client.get(f"{site.pages}/v/journal").text
        answer = client.get(f"{site.pages}/v/journal", params={"format": "csv"})
        size = client.get(f"{site.api}/views/journal").json()["size"]
        nothing = client.get(f"{site.pages}/v/journal", params={"format": "xls"})
    assert "format=csv" in page
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == size
    assert nothing.status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =HYPERLINK(1)",
        "＝1+1",
        "\xa0=1",
        "-",
        "--1",
        "-1e5",
    ],
)
def test_no_cell_of_a_download_is_a_formula(text: str) -> None:
    shown = list(csv.reader(io.StringIO(tables.csv_of([{text: text}]))))
    assert shown == [[f"'{text}"], [f"'{text}"]]


@pytest.mark.parametrize("number", ["-1", "-1.25", "0", "12.50", -7, 10**30])
def test_numbers_of_a_download_stay_numbers(number: Any) -> None:
    assert tables.csv_of([{"n": number}]).splitlines()[1] == str(number)


def test_a_figure_reads_as_people_write_it() -> None:
    assert texts.grouped(-1234567) == "−1,234,567"
    assert texts.amount(-5) == "−0.05"
    assert texts.large(11_059_204_000) == "PKR 11.06 bn"
    assert texts.quantity("11059204000.00 PKR") == "11,059,204,000.00 PKR"
    assert texts.moment("2021-03-03T05:30:00+00:00", "Asia/Karachi") == "2021-03-03 10:30"
    assert texts.words("AnnounceTender") == "Announce tender"


def test_a_bar_never_passes_its_whole() -> None:
    parts = parts_of_bar(100, [("issued", 40), ("redeemed", 0), ("authorised", 90)])
    assert [(one.name, one.start, one.width) for one in parts] == [
        ("issued", 0, 400),
        ("authorised", 400, 600),
    ]
    assert parts_of_bar(0, [("issued", 0)]) == []


# -- every page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [None, OFFICER, DEALER])
@pytest.mark.parametrize("language", ["en", "ur"])
def test_every_page_is_shown_or_asks_or_refuses(
    site: Installation, person: str | None, language: str
) -> None:
    from amanat.access.acts import ACTS, VIEWS

    paths = ["/", "/sign-in", site.pages, f"{site.pages}/acts", f"{site.pages}/views"]
    paths += [f"{site.pages}/v/{name}" for name in VIEWS]
    paths += [f"{site.pages}/acts/{name}" for name in ACTS]
    with site.reader(person, language) as client:
        for path in paths:
            answer = client.get(path)
            assert answer.status_code in {200, 303, 404}, path
            if answer.status_code == 200:
                assert f'lang="{language}"' in answer.text
                assert f'dir="{texts.direction(language)}"' in answer.text


def test_a_page_for_people_of_the_programme_asks_to_sign_in_and_leads_back(
    site: Installation,
) -> None:
    wanted = f"{site.pages}/v/instructions?state=settled"
    with site.reader(None) as client:
        asked = client.get(wanted)
        assert asked.status_code == 303
        page = client.get(asked.headers["location"])
        assert "state=settled" in page.text
        signed = client.post("/sign-in", data={"token": site.tokens[DEALER], "next": wanted})
    assert signed.headers["location"] == wanted
    cookie = signed.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/x"],
)
def test_signing_in_never_leads_elsewhere(site: Installation, elsewhere: str) -> None:
    with site.reader(None) as client:
        signed = client.post("/sign-in", data={"token": site.tokens[DEALER], "next": elsewhere})
    assert signed.headers["location"] == site.pages


def test_a_wrong_token_does_not_sign_in(site: Installation) -> None:
    with site.reader(None) as client:
        for person in ("expired", "revoked"):
            answer = client.post("/sign-in", data={"token": site.tokens[person]})
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            assert site.tokens[person] not in answer.text


# -- acts through forms ---------------------------------------------------------------------------


def test_a_form_is_checked_then_sent_then_sent_again_without_effect(site: Installation) -> None:
    path = f"{site.pages}/acts/RegisterAsset"
    with site.reader(OFFICER) as client:
        filled = asset("by_form") | {"form_token": form_token(client, path)}
        checked = client.post(path, data=filled | {"step": "check"})
        key = KEY.search(checked.text)
        assert key is not None
        sending = filled | {"step": "send", "idempotency_key": key[1]}
        sent, again = client.post(path, data=sending), client.post(path, data=sending)
        mended = client.post(path, data=filled | {"step": "mend"})
    assert "made for tests" in checked.text
    assert sent.status_code == again.status_code == 200
    assert "Carried out" in sent.text
    assert "Carried out" in again.text
    assert 'value="by_form"' in mended.text


def test_a_wrong_form_comes_back_with_every_error_at_its_field(site: Installation) -> None:
    path = f"{site.pages}/acts/RegisterAsset"
    with site.reader(OFFICER) as client:
        answer = client.post(
            path,
            data=asset(HOSTILE, unit="?") | {"form_token": form_token(client, path)},
        )
    assert answer.status_code == 422
    assert 'href="#field-asset"' in answer.text
    assert 'href="#field-unit"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert HOSTILE not in answer.text


def test_a_hostile_text_is_shown_as_text(site: Installation) -> None:
    with site.caller(OFFICER) as client:
        answer = client.post(
            f"{site.api}/acts/RegisterAsset",
            json={
                "asset": "hostile",
                "kind": "public_debt",
                "description": HOSTILE,
                "place": "=cmd|' /C calc'!A0",
            },
        )
        assert answer.is_success
    with site.reader(None) as client:
        page = client.get(f"{site.pages}/v/assets").text
        sought = client.get(f"{site.pages}/v/assets", params={"q": HOSTILE}).text
        sheet = client.get(f"{site.pages}/v/assets", params={"format": "csv"}).text
    assert HOSTILE not in page
    assert HOSTILE not in sought
    assert "&lt;script&gt;" in page
    assert "'=cmd|" in sheet


def test_a_person_without_the_capacity_finds_no_form_and_cannot_send_one(
    site: Installation,
) -> None:
    path = f"{site.pages}/acts/RegisterAsset"
    for person in (DEALER, VIEWER):
        with site.reader(person) as client:
            page = client.get(path)
            assert 'name="asset"' not in page.text
            answer = client.post(
                path,
                data=asset("not_mine") | {"form_token": form_token(client, path), "step": "send"},
            )
            assert answer.status_code == 422
    assert all(row["asset"] != "not_mine" for row in site.view(None, "assets"))


def test_a_proposal_is_approved_on_its_page_by_another_person(site: Installation) -> None:
    path = f"{site.pages}/acts/Halt"
    with site.reader(OFFICER) as officer, site.reader(APPROVER) as approver:
        proposed = officer.post(
            path,
            data={
                "scope": "tenders",
                "reason": "made for tests",
                "form_token": form_token(officer, path),
                "step": "send",
            },
        )
        found = re.search(r"proposal\?proposal=([0-9a-f-]{36})", proposed.text)
        assert found is not None, proposed.text
        page = f"{site.pages}/v/proposal?proposal={found[1]}"
        assert "another person approves it" in officer.get(page).text
        answer = approver.post(
            f"{site.pages}/proposals/{found[1]}/approve",
            data={"form_token": form_token(approver, page)},
        )
    assert answer.status_code == 200
    assert "Carried out" in answer.text


# -- forgeries ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_sent_by_another_site_is_refused(
    site: Installation, headers: dict[str, str]
) -> None:
    path = f"{site.pages}/acts/RegisterAsset"
    with site.reader(OFFICER) as client:
        token = form_token(client, path)
        for where, data in (
            (path, asset("forged") | {"form_token": token, "step": "send"}),
            ("/sign-out", {"form_token": token}),
            ("/sign-in", {"token": site.tokens[DEALER]}),
        ):
            answer = client.post(where, data=data, headers=headers)
            assert answer.status_code == 403, where
            assert "set-cookie" not in answer.headers
    assert all(row["asset"] != "forged" for row in site.view(None, "assets"))


def test_a_form_without_its_token_or_with_anothers_is_refused(site: Installation) -> None:
    path = f"{site.pages}/acts/RegisterAsset"
    with site.reader(DEALER) as dealer:
        theirs = form_token(dealer, path)
    with site.reader(OFFICER) as client:
        for token in ({}, {"form_token": ""}, {"form_token": theirs}, {"form_token": "AAAA"}):
            answer = client.post(path, data=asset("forged") | {"step": "send"} | token)
            assert answer.status_code == 403
        own = {"form_token": form_token(client, path)}
        assert client.post("/sign-out", data={}).status_code == 403
        assert client.post("/sign-out", data=own).status_code == 303
    assert all(row["asset"] != "forged" for row in site.view(None, "assets"))


def test_a_cookie_of_another_programme_reads_as_the_public(site: Installation) -> None:
    with site.reader(STRANGER) as client:
        assert client.get(site.pages).status_code == 200
        assert client.get(f"{site.pages}/v/instructions").status_code == 303
        assert client.get(f"{site.pages}/acts/RegisterAsset").status_code == 303
