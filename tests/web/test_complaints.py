"""Complaints over HTTP: anyone complains, on pages without scripts and by the interface."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.licensing.world import MARCH, LicensingWorld, found_licensing_world
from tests.programme.world import CODE
from tests.web.installation import serving

from amanat.access.shown_once import hash_of
from amanat.app import Application
from amanat.licensing.commands import Revoke
from amanat.licensing.enforcement.commands import BeginWindingDown, ListClients, ProposeTransfer
from amanat.licensing.openness.commands import AnswerComment, ConsultOnRulebook, DraftRulebook
from amanat.licensing.openness.public_letters import FROM_A_NETWORK
from amanat.licensing.openness.tables import public_letter
from amanat.settings import Settings
from amanat.web.server import create_app

PAGE = f"/p/{CODE}/complain"
API = f"/v1/programmes/{CODE}/complaints"
FIELDS = {
    "about": "Exchange X",
    "topic": "withdrawal",
    "text": "Nothing has been paid out <script>since March</script>.",
    "mail": "somebody@mail.example",
}


@pytest.fixture(scope="module")
def licensing_site(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, LicensingWorld]]:
    """A served installation whose programme licenses, and its world."""
    settings = Settings.at(tmp_path_factory.mktemp("complaints"), light_keys=True)
    with Application(settings) as app:
        world = found_licensing_world(app)
        with serving(create_app(app)) as address:
            yield address, world


@pytest.fixture
def reader(licensing_site: tuple[str, LicensingWorld]) -> Iterator[httpx.Client]:
    """A browser without scripts, of nobody, and from a network that has written nothing yet."""
    address, world = licensing_site
    with world.app.engine.begin() as connection:
        connection.execute(public_letter.delete())
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


def token_of(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return html.unescape(found[1])


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


def whole(page: str) -> list[str]:
    """What the page shows once: the number, then the secret."""
    return re.findall(r'<code class="whole">([^<]+)</code>', page)


def test_a_complaint_is_written_checked_sent_and_followed(reader: httpx.Client) -> None:
    page = reader.get(PAGE).text
    given = FIELDS | {"form_token": token_of(page), "key": key_of(page)}
    checked = reader.post(PAGE, data=given | {"step": "check"})
    assert checked.status_code == 200
    assert "&lt;script&gt;since March" in checked.text
    sent = reader.post(PAGE, data=given | {"step": "send"})
    number, secret = whole(sent.text)
    assert re.fullmatch(r"CMP-\d{4}-\d{4}", number)
    ask = {"form_token": token_of(page), "complaint": number, "secret": secret}
    state = reader.post(f"/p/{CODE}/complaint", data=ask)
    assert (state.status_code, number in state.text) == (200, True)
    wrong = reader.post(f"/p/{CODE}/complaint", data=ask | {"secret": "AAAA-BBBB"})
    assert wrong.status_code == 404
    assert "No complaint has this number" in wrong.text
    again = reader.post(PAGE, data=given | {"step": "send"})
    assert whole(again.text) == [number]


def test_faults_stand_together_and_lead_to_their_fields(reader: httpx.Client) -> None:
    page = reader.get(PAGE).text
    sent = {"form_token": token_of(page), "mail": "nobody", "about": "X", "step": "check"}
    answer = reader.post(PAGE, data=sent)
    assert answer.status_code == 422
    for field in ("topic", "text", "mail"):
        assert f'href="#field-{field}"' in answer.text
        assert f'id="field-{field}"' in answer.text
    assert 'value="nobody"' in answer.text


def test_another_language_loses_nothing(reader: httpx.Client) -> None:
    page = reader.get(PAGE).text
    given = FIELDS | {"form_token": token_of(page), "step": "language"}
    answer = reader.post(f"{PAGE}?lang=ur", data=given)
    assert '<html lang="ur" dir="rtl">' in answer.text
    assert html.escape(FIELDS["text"]) in answer.text
    assert 'value="withdrawal" checked' in answer.text


def test_a_draft_is_commented_by_anyone(
    licensing_site: tuple[str, LicensingWorld], reader: httpx.Client
) -> None:
    _address, world = licensing_site
    draft = DraftRulebook(rulebook="general", title="General rules", text="Rule 1 <b>of</b> 1.")
    world.do_as("pvara_officer", draft)
    until = MARCH + timedelta(days=20)
    consult = ConsultOnRulebook(rulebook="general", version=1, until=until)
    address = f"/p/{CODE}/rulebook/general/1/comment"
    assert reader.get(address).status_code == 404  # a draft is nobody's but the authority's
    world.do_as("pvara_officer", consult, "pvara_approver")
    read = reader.get(f"/p/{CODE}/v/rulebook?rulebook=general")
    assert "Rule 1 &lt;b&gt;of" in read.text
    assert address in read.text
    page = reader.get(address).text
    given = {"form_token": token_of(page), "key": key_of(page), "name": "A reader"}
    faulty = reader.post(address, data=given)
    assert (faulty.status_code, 'href="#field-text"' in faulty.text) == (422, True)
    sent = reader.post(address, data=given | {"text": "Too strict."})
    assert "It has the number 1" in sent.text
    more = {"rulebook": "general", "version": 1, "name": "Another", "text": "Too mild."}
    assert reader.post(f"/v1/programmes/{CODE}/comments", json=more).json() == {"number": 2}
    assert "Too strict" not in reader.get(f"/p/{CODE}/v/rulebook?rulebook=general").text
    answer = AnswerComment(
        rulebook="general", version=1, number=1, answer="It stays.", accepted=False
    )
    world.do_as("pvara_officer", answer)
    read = reader.get(f"/p/{CODE}/v/rulebook?rulebook=general").text
    assert "Too strict" in read
    assert "Too mild" not in read


def test_a_form_of_another_site_is_refused(reader: httpx.Client) -> None:
    sent = FIELDS | {"step": "send", "form_token": "bm90IG91cnM="}
    assert reader.post(PAGE, data=sent).status_code == 403
    page = reader.get(PAGE).text
    strange = FIELDS | {"step": "send", "form_token": token_of(page)}
    answer = reader.post(PAGE, data=strange, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403


def test_the_interface_takes_the_same(reader: httpx.Client) -> None:
    taken = reader.post(API, json=FIELDS)
    assert taken.status_code == 201
    found = reader.post(f"{API}/state", json=taken.json())
    assert found.json()["stage"] == "received"
    assert FIELDS["mail"] not in found.text
    refused = reader.post(f"{API}/state", json=taken.json() | {"secret": "A"})
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_complaint")
    faulty = reader.post(API, json={"topic": "weather"})
    assert faulty.status_code == 422
    assert len(faulty.json()["errors"]) == 3
    assert reader.post(API.replace(CODE, "nowhere"), json=FIELDS).status_code == 404


def test_a_network_may_only_so_often_in_a_day(reader: httpx.Client) -> None:
    for _ in range(FROM_A_NETWORK):
        assert reader.post(API, json=FIELDS).status_code == 201
    refused = reader.post(API, json=FIELDS)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 86_000
    page = reader.get(PAGE).text
    sent = FIELDS | {"form_token": token_of(page), "step": "send"}
    assert reader.post(PAGE, data=sent).status_code == 429


@pytest.mark.parametrize(
    "name",
    [
        "agreements",
        "selections",
        "advisers_who_apply",
        "decisions",
        "rulebooks",
        "complaint_counts",
        "client_asset_declarations",
    ],
)
def test_what_is_published_has_a_page_for_everyone(reader: httpx.Client, name: str) -> None:
    for language in ("en", "ur"):
        page = reader.get(f"/p/{CODE}/v/{name}", params={"lang": language})
        assert (page.status_code, f'<html lang="{language}"' in page.text) == (200, True)
    assert (
        reader.get(f"/p/{CODE}/v/{name}?format=csv").headers["content-type"].startswith("text/csv")
    )


def test_a_client_objects_to_being_moved_on_a_page_and_by_the_interface(
    licensing_site: tuple[str, LicensingWorld], reader: httpx.Client
) -> None:
    """With reference and code together; a wrong code is told nothing, and is not shown again."""
    _address, world = licensing_site
    day, code = MARCH, "tulip-4711-brass-kettle"
    world.noc("exchange_y")
    world.confirm("fmu", "exchange_y", "goaml_registered")
    world.noc("exchange_x")

    def both(command: Any) -> Any:
        return world.do_as("pvara_officer", command, "pvara_approver")

    both(Revoke(provider="exchange_x", reason="grave"))
    begin = BeginWindingDown(
        provider="exchange_x", cause="revocation", administrator="One", plan="clients first",
        deadline=day + timedelta(days=180),
    )  # fmt: skip
    number = str(both(begin)["file"])
    client = {"client": "c-1", "holdings": [], "code": hash_of(code)}
    listed = ListClients.model_validate({"file": number, "clients": [client]})
    world.do_as("exchange_x_officer", listed)
    until = day + timedelta(days=14)
    both(ProposeTransfer(file=number, transfer_to="exchange_y", objections_until=until))
    place = f"/p/{CODE}/transfer/object"
    page = reader.get(place, params={"file": number}).text
    assert number in page
    given = {"file": number, "client": "c-1", "reason": "my coins", "form_token": token_of(page)}
    refused = reader.post(place, data=given | {"code": "not-the-right-one"})
    assert refused.status_code == 404
    assert "not-the-right-one" not in refused.text
    taken = reader.post(place, data=given | {"code": code})
    assert (taken.status_code, "Your objection was taken" in taken.text) == (200, True)
    stated = {"file": number, "client": "c-1", "code": code, "reason": "my coins"}
    api = f"/v1/programmes/{CODE}/transfers/objections"
    again = reader.post(api, json=stated)
    assert (again.status_code, again.json()["again"]) == (201, True)
    assert reader.post(api, json=stated | {"code": "x" * 20}).status_code == 404
