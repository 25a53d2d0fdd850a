"""The API: who is let in, what is answered twice, how lists go on, what errors look like."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import httpx
import pytest
import sqlalchemy as sql
from tests.web.installation import (
    APPROVER,
    AUDITOR,
    CENTRAL_BANK,
    DEALER,
    OFFICER,
    STRANGER,
    VIEWER,
    Installation,
)

from amanat.access.acts import ACTS, VIEWS
from amanat.settlement.tables import instruction


def asset(code: str, **changes: Any) -> dict[str, Any]:
    """The fields of RegisterAsset."""
    return {
        "asset": code,
        "kind": "public_debt",
        "description": "made for tests",
        "place": "Islamabad",
    } | changes


def test_openapi_describes_every_act_and_view(site: Installation) -> None:
    with site.caller(None) as client:
        schema = client.get("/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert schema["info"]["title"] == "Amanat"
    operations = {
        one["operationId"]: one for path in schema["paths"].values() for one in path.values()
    }
    assert set(ACTS) <= set(operations)
    assert {f"view_{name}" for name in VIEWS} <= set(operations)
    for name, kind in VIEWS.items():
        assert ({} in operations[f"view_{name}"]["security"]) == kind.public
    for name in ACTS:
        assert operations[name]["security"] == [{"token": []}]


@pytest.mark.parametrize("person", ["expired", "revoked"])
def test_tokens_that_no_longer_hold_are_refused(site: Installation, person: str) -> None:
    with site.caller(person) as client:
        answer = client.get(f"{site.api}/views/proposals")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("stated", ["", "Bearer", "Bearer nonsense", "Basic YTpi", "bearer  x y"])
def test_no_act_is_anonymous(site: Installation, stated: str) -> None:
    with site.caller(None) as client:
        answer = client.post(
            f"{site.api}/acts/RegisterAsset", json=asset("a"), headers={"Authorization": stated}
        )
    assert answer.status_code == 401


def test_the_console_cookie_opens_nothing_in_the_api(site: Installation) -> None:
    with site.reader(OFFICER) as client:
        assert client.get(f"{site.api}/views/proposals").status_code == 401
        assert client.post(f"{site.api}/acts/RegisterAsset", json=asset("a")).status_code == 401


def test_a_token_of_another_programme_finds_nothing_here(site: Installation) -> None:
    with site.caller(STRANGER) as client:
        assert client.get(f"{site.api}/views/proposals").status_code == 404
        assert client.get(f"{site.api}/views/programme").status_code == 404
        assert client.post(f"{site.api}/acts/RegisterAsset", json=asset("a")).status_code == 404


def test_viewers_and_others_without_the_capacity_change_nothing(site: Installation) -> None:
    for person in (VIEWER, DEALER):
        with site.caller(person) as client:
            answer = client.post(f"{site.api}/acts/RegisterAsset", json=asset("mine"))
        assert answer.status_code == 403
        assert answer.json()["code"] == "forbidden"
    with site.caller(OFFICER) as client:
        assert client.post(f"{site.api}/acts/RegisterAsset", json=asset("theirs")).is_success


def test_all_errors_of_a_command_come_at_once(site: Installation) -> None:
    with site.caller(OFFICER) as client:
        answer = client.post(
            f"{site.api}/acts/RegisterAsset", json=asset("NOT A CODE", unit="?", surprise=1)
        )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    fields = {one["place"]["field"] for one in answer.json()["errors"]}
    assert {"asset", "unit", "surprise"} <= fields


def test_an_idempotency_key_answers_once_more_and_refuses_another_command(
    site: Installation,
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with site.caller(OFFICER) as client:
        first = client.post(f"{site.api}/acts/RegisterAsset", json=asset("once"), headers=key)
        again = client.post(f"{site.api}/acts/RegisterAsset", json=asset("once"), headers=key)
        other = client.post(f"{site.api}/acts/RegisterAsset", json=asset("twice"), headers=key)
        bare = client.post(f"{site.api}/acts/RegisterAsset", json=asset("once"))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency_key_reused"
    assert bare.status_code == 409


def test_a_proposal_is_approved_by_another_person_and_can_be_withdrawn(site: Installation) -> None:
    move = {"scope": "programme", "reason": "made for tests"}
    with site.caller(OFFICER) as officer, site.caller(APPROVER) as approver:
        proposed = officer.post(f"{site.api}/acts/Halt", json=move)
        assert proposed.status_code == 202, proposed.text
        path = f"{site.api}/proposals/{proposed.json()['proposal']}"
        assert officer.post(f"{path}/approve", json={}).status_code == 403
        with site.caller(DEALER) as dealer:
            assert dealer.post(f"{path}/approve", json={}).status_code == 404
        assert officer.post(f"{path}/withdraw").json()["state"] == "withdrawn"
        assert approver.post(f"{path}/approve", json={}).status_code == 409


def by_cursor(client: httpx.Client, path: str, name: str, limit: int) -> list[dict[str, Any]]:
    """Every row of a list, asked for in parts as the API's description says."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        part = client.get(path, params=asked).raise_for_status().json()
        assert len(part[name]) <= limit
        found += part[name]
        cursor = part.get("next")
        if cursor is None:
            return found


def test_lists_go_on_by_cursor_and_end(site: Installation) -> None:
    """To the last row: the journal counts its leaves, the database its instructions."""
    with site.caller(None) as client:
        path = f"{site.api}/views/journal"
        size = client.get(path).json()["size"]
        found = [row["leaf"] for row in by_cursor(client, path, "rows", 97)]
        assert size > 200
        assert (len(found), sorted(found, reverse=True)) == (size, found)
        path = f"{site.api}/views/securities"
        assert len(by_cursor(client, path, "rows", 1)) == len(site.view(None, "securities"))
    with site.caller(AUDITOR) as client, site.app.store.reading() as connection:
        trades = connection.execute(sql.select(instruction.c.id)).scalars().all()
        found = by_cursor(client, f"{site.api}/views/instructions", "instructions", 3)
        assert len(trades) > 3
        assert sorted(row["id"] for row in found) == sorted(trades)


def test_a_parameter_that_a_view_does_not_know_is_refused(site: Installation) -> None:
    """A misspelt filter would else answer with everything."""
    with site.caller(AUDITOR) as client:
        answer = client.get(f"{site.api}/views/instructions", params={"acount": "0x" + "1" * 40})
    assert answer.status_code == 422
    assert [one["fields"]["field"] for one in answer.json()["errors"]] == ["acount"]


@pytest.mark.parametrize(
    "cursor",
    ["x", "!!!!", base64.urlsafe_b64encode(b'{"from": -1}').decode(), "eyJmcm9tIjogMX0x", "AAAA"],
)
def test_a_made_up_cursor_is_refused(site: Installation, cursor: str) -> None:
    with site.caller(None) as client:
        answer = client.get(f"{site.api}/views/journal", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["code"] == "cursor_not_ours"


def test_a_public_view_is_shown_to_all_and_another_only_to_the_signed_in(
    site: Installation,
) -> None:
    with site.caller(None) as client:
        for kind in VIEWS.values():
            answer = client.get(f"{site.api}/views/{kind.name}")
            assert answer.status_code != 401 if kind.public else answer.status_code == 401
            if not kind.public:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail"] == (
                    f"Sign in first: the view {kind.name} is not public"
                )
        assert client.get(f"{site.api}/views/no_such_view").status_code == 404
    with site.caller(CENTRAL_BANK) as client:
        assert client.get(f"{site.api}/views/instructions").status_code == 200
