"""A participant tries to see what is another's, through every view, as API and as page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.web.installation import AUDITOR, DEALER, OFFICER, RIVAL, Installation

from amanat.access.acts import VIEWS

OWN = "dealer_1"
OTHER = "dealer_2"
# Columns that say whose a row is; a row of a trade has two.
OWNERS = ("institution", "participant", "deliverer_institution", "receiver_institution")
# Columns that say how much of something a row's owner has, paid or bid.
AMOUNTS = (
    "nominal",
    "paisa",
    "gross_paisa",
    "net_paisa",
    "tax_paisa",
    "consideration",
    "consideration_paisa",
    "held",
    "free",
    "amount_paisa",
    "cash",
    "cash_paisa",
    "nominals",
)
# Public or general: say what everyone may know.
ASKED: dict[str, dict[str, Any]] = {
    "holdings": {},
    "accounts": {},
    "instructions": {},
    "fails": {},
    "allotments": {},
    "cash": {},
    "claims": {},
    "holds": {},
    "cycles": {},
    "withholding_statement": {"first_day": "2020-01-01", "last_day": "2030-01-01"},
}


def rows(shown: Any) -> Iterator[dict[str, Any]]:
    """Every row anywhere in what a view shows."""
    if isinstance(shown, dict):
        yield shown
        for value in shown.values():
            yield from rows(value)
    elif isinstance(shown, list):
        for value in shown:
            yield from rows(value)


@pytest.fixture(scope="module")
def owner_of(site: Installation) -> dict[str, str]:
    """Whose each account is: many rows name it by its address alone.

    The state's own (from which it pays, into which tax goes) stand on every payment.
    """
    accounts = site.view(AUDITOR, "accounts")
    private = [one for one in accounts if one["kind"] in ("own", "client")]
    return {one["address"]: one["participant"] for one in private}


def foreign(shown: Any, own: str, owner_of: dict[str, str]) -> list[dict[str, Any]]:
    """Rows with an amount that belong to others and not to `own`."""
    found = []
    for row in rows(shown):
        owners = {row[name] for name in OWNERS if isinstance(row.get(name), str)}
        owners |= {
            owner_of[one] for one in row.values() if isinstance(one, str) and one in owner_of
        }
        if owners and own not in owners and any(row.get(name) is not None for name in AMOUNTS):
            found.append(row)
    return found


@pytest.fixture(scope="module")
def asked(site: Installation) -> dict[str, list[dict[str, Any]]]:
    """Every view that can say something of a participant, with fields that make it speak."""
    isin = site.view(None, "securities")[0]["isin"]
    tenders = [one["tender"] for one in site.view(None, "tenders")]
    payments = [one["id"] for one in site.view(None, "payments")]
    every = {name: [fields] for name, fields in ASKED.items()}
    every["holders"] = [{"isin": isin}]
    every["my_bids"] = [{"tender": one} for one in tenders]
    every["payment"] = [{"payment": one} for one in payments]
    return every


def test_the_views_do_speak_to_whom_may_see(
    site: Installation, asked: dict[str, list[dict[str, Any]]], owner_of: dict[str, str]
) -> None:
    for name in ("holdings", "instructions", "cash", "holders", "payment"):
        shown = [site.view(AUDITOR, name, **fields) for fields in asked[name]]
        assert any(OTHER in set(map(str, row.values())) for row in foreign(shown, OWN, owner_of)), (
            name
        )


def test_no_view_is_left_out(asked: dict[str, list[dict[str, Any]]]) -> None:
    """A view that is declared tomorrow is either attacked here or shown to everyone alike."""
    rooms = ("auctions", "register", "settlement", "servicing")  # who bids, holds, trades, is paid
    kinds = [kind for kind in VIEWS.values() if kind.room in rooms and not kind.public]
    apart = {"history", "instruction", "outside_list", "tender_letters"}  # of one thing, below
    assert {kind.name for kind in kinds} <= {*asked, *apart}


@pytest.mark.parametrize("face", ["api", "page"])
def test_no_view_shows_a_dealer_what_is_anothers(
    site: Installation,
    asked: dict[str, list[dict[str, Any]]],
    owner_of: dict[str, str],
    face: str,
) -> None:
    for name, all_fields in asked.items():
        for fields in all_fields:
            if face == "api":
                shown = site.view(DEALER, name, **fields)
            else:
                with site.reader(DEALER) as client:
                    answer = client.get(
                        f"{site.pages}/v/{name}", params=fields | {"format": "json"}
                    )
                    answer.raise_for_status()
                    shown = answer.json()
            assert foreign(shown, OWN, owner_of) == [], name


def test_the_public_is_shown_totals_alone(
    site: Installation, asked: dict[str, list[dict[str, Any]]], owner_of: dict[str, str]
) -> None:
    with site.caller(None) as client:
        for name, all_fields in asked.items():
            for fields in all_fields:
                answer = client.get(f"{site.api}/views/{name}", params=fields)
                if answer.status_code != 401:
                    assert foreign(answer.json(), "nobody", owner_of) == [], name


def test_asking_for_anothers_thing_finds_nothing(site: Installation) -> None:
    accounts = site.view(OFFICER, "accounts")
    theirs = next(one["address"] for one in accounts if one["participant"] == OTHER)
    isin = site.view(None, "securities")[0]["isin"]
    trades = site.view(AUDITOR, "instructions")["instructions"]
    foreign_trade = next(
        one["id"]
        for one in trades
        if OWN not in (one["deliverer_institution"], one["receiver_institution"])
    )
    refused = {
        "holdings": {"account": theirs},
        "history": {"isin": isin, "account": theirs},
        "accounts": {"participant": OTHER},
        "instruction": {"instruction": foreign_trade},
    }
    with site.caller(DEALER) as caller, site.reader(DEALER) as reader:
        for name, fields in refused.items():
            for client, path in ((caller, f"{site.api}/views"), (reader, f"{site.pages}/v")):
                answer = client.get(f"{path}/{name}", params=fields)
                assert answer.status_code == 404, name
    with site.caller(RIVAL) as rival:
        for name in ("holdings", "history", "accounts"):
            answer = rival.get(f"{site.api}/views/{name}", params=refused[name])
            assert answer.status_code == 200, name


def test_filters_of_a_list_do_not_reach_into_anothers(
    site: Installation, owner_of: dict[str, str]
) -> None:
    accounts = site.view(OFFICER, "accounts")
    theirs = next(one["address"] for one in accounts if one["participant"] == OTHER)
    shown = [
        site.view(DEALER, "instructions", account=theirs),
        site.view(DEALER, "cash", institution=OTHER),
        site.view(DEALER, "holds", account=theirs),
    ]
    assert foreign(shown, OWN, owner_of) == []


def test_a_proposal_and_the_confidential_log_are_not_found_by_others(site: Installation) -> None:
    proposals = site.view(OFFICER, "proposals")
    with site.caller(DEALER) as client:
        for one in proposals[:3]:
            answer = client.get(f"{site.api}/views/proposal", params={"proposal": one["proposal"]})
            assert answer.status_code == 404
        hidden = client.get(f"{site.api}/views/journal", params={"log": "confidential"})
        assert hidden.status_code == 404
    assert site.view(AUDITOR, "journal", log="confidential")["rows"]


def test_the_list_of_payments_outside_is_not_a_dealers_to_see(site: Installation) -> None:
    """tests/servicing/test_outside.py shows it to those whose it is."""
    payment = site.view(None, "payments")[0]["id"]
    with site.caller(DEALER) as client:
        path = f"{site.api}/views/outside_list"
        assert client.get(path, params={"payment": payment}).status_code == 404


def test_the_letters_of_a_tender_are_not_a_dealers_to_see(site: Installation) -> None:
    tender = site.view(None, "tenders")[0]["tender"]
    assert site.view(OFFICER, "tender_letters", tender=tender) == []
    with site.caller(DEALER) as client:
        path = f"{site.api}/views/tender_letters"
        assert client.get(path, params={"tender": tender}).status_code == 404
