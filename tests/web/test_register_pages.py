"""The public register over HTTP, and what verifiers need; a suspension shows everywhere at once."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from tests.licensing.register.test_register import rules_of_atom
from tests.licensing.world import LicensingWorld, found_licensing_world
from tests.programme.world import CODE
from tests.web.installation import UNBOUND, serving

from amanat.access.tokens import issue_token
from amanat.app import Application
from amanat.licensing.commands import Suspend
from amanat.licensing.credentials.book import make_key
from amanat.licensing.credentials.certificate_check import check_certificate
from amanat.licensing.credentials.jose import AuthorityKeys, read_keys
from amanat.licensing.credentials.licence import CredentialSuspended, verify_licence
from amanat.licensing.credentials.status_lists import CheckedList, read_status_list
from amanat.licensing.records import pack_of
from amanat.licensing.register.book import codes_of
from amanat.licensing.register.commands import IssueCredential, PublishWarning
from amanat.licensing.register.feed import replay_feed
from amanat.licensing.register.files import read_register_csv, read_register_json
from amanat.licensing.register.model import entry_json
from amanat.settings import Settings
from amanat.store.journal import Provenance
from amanat.web.server import create_app


@dataclass
class RegisterSite:
    """A served programme that licenses, with a licensed provider and one with an NOC."""

    world: LicensingWorld
    address: str
    token: str

    def get(self, path: str, **asked: Any) -> httpx.Response:
        """What anybody gets below the programme's pages."""
        return httpx.get(f"{self.address}/p/{CODE}{path}", params=asked, timeout=60)

    def keys(self) -> AuthorityKeys:
        """The published keys."""
        return read_keys(self.get("/keys.json").content)

    def lists(self) -> list[CheckedList]:
        """The published status list."""
        return [read_status_list(self.get("/status-lists/1").text, self.keys())]

    @contextmanager
    def session(self, person: str) -> Iterator[httpx.Client]:
        """A browser without scripts, signed in."""
        given = {"token": self.token_of(person)}
        with httpx.Client(base_url=self.address, timeout=60, follow_redirects=True) as client:
            assert client.post("/sign-in", data=given).status_code == 200
            yield client

    def token_of(self, person: str) -> str:
        """A token of somebody, for a day."""
        app = self.world.app
        with app.engine.begin() as connection:
            return issue_token(connection, CODE, person, app.store.clock(), timedelta(days=1))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegisterSite]:
    """Founded on the embedded node, and served."""
    folder: Path = tmp_path_factory.mktemp("register")
    settings = replace(Settings.at(folder, light_keys=True), sign_in=UNBOUND)
    with Application(settings) as app:
        world = found_licensing_world(app)
        app.pump()
        world.licensed("exchange_x")
        world.noc("exchange_y", "exchange", "custody")
        warning = PublishWarning(
            name="Crescent Coins",
            websites=("https://crescent-coins.example",),
            reason="no_permission",
            text="It holds no permission of this authority",
        )
        world.do_as("pvara_officer", warning, "pvara_approver")
        with serving(create_app(app)) as address:
            with app.store.reading() as connection:
                today = app.business_date(connection, CODE)
            by = Provenance(CODE, "installation", "operator", "operator", "folder", today)
            with app.store.work(by) as uow:
                issuer = f"{address}/p/{CODE}"
                make_key(uow, app.keys.p256, CODE, issuer, app.store.clock())
                uow.commit()
            number = licence_of(app)
            world.do_as("exchange_x_officer", IssueCredential(permission=number))
            actor = world.actor("exchange_x_officer")
            (row,) = app.desk.view(actor, CODE, "licence_credentials", {})
            yield RegisterSite(world, address, row["token"])


def licence_of(app: Application) -> str:
    shown = app.desk.view(None, CODE, "registered_provider", {"provider": "exchange_x"})
    (number,) = [one["number"] for one in shown["permissions"] if one["kind"] == "licence"]
    return str(number)


def today_of(site: RegisterSite) -> date:
    with site.world.app.store.reading() as connection:
        return site.world.app.business_date(connection, CODE)


def test_the_register_is_a_page_that_anyone_finds_things_on(site: RegisterSite) -> None:
    page = site.get("/register")
    assert page.status_code == 200
    assert "EXCHANGE_X" in page.text
    assert "Licensed" in page.text
    assert "register.atom" in page.text
    found = site.get("/register", q="exchange_y").text
    assert "EXCHANGE_Y" in found
    assert "EXCHANGE_X" not in found
    assert "EXCHANGE_Y" not in site.get("/register", status="licensed").text
    assert "Nobody on the register fits" in site.get("/register", q="nobody").text
    assert "No-objection certificate" in site.get("/register/exchange_y").text
    assert site.get("/register/nobody").status_code == 404
    assert site.get("/register", start="-1").status_code == 422
    assert "Crescent Coins" in site.get("/warnings").text


def test_the_register_reads_from_right_to_left_in_urdu(site: RegisterSite) -> None:
    for path in ("/register", "/register/exchange_x", "/warnings"):
        page = site.get(path, lang="ur").text
        assert '<html lang="ur" dir="rtl">' in page
    assert "فراہم کنندگان کا رجسٹر" in site.get("/register", lang="ur").text
    assert "Who may offer services" not in site.get("/register", lang="ur").text


def test_the_files_say_what_the_page_says_and_keep_their_schema(site: RegisterSite) -> None:
    schema = jsonschema_rs.Draft202012Validator(site.get("/register.schema.json").json())
    answer = site.get("/register.json")
    schema.validate(answer.json())
    with site.world.app.store.reading() as connection:
        codes = codes_of(pack_of(connection, CODE))
    register = read_register_json(answer.content, codes)
    assert [one.provider for one in register.entries] == ["exchange_x", "exchange_y"]
    table = read_register_csv(site.get("/register.csv").text, codes)
    assert table == tuple(replace(one, later=()) for one in register.entries)
    columns = {row["column"] for row in site.get("/register.columns.json").json()}
    header = next(csv.reader(io.StringIO(site.get("/register.csv").text)))
    assert set(header) <= columns
    assert site.get("/warnings.csv").text.count("\r\n") == 2
    assert answer.headers["access-control-allow-origin"] == "*"
    again = httpx.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_feed_replayed_from_its_start_is_the_register_of_every_day(site: RegisterSite) -> None:
    feed = site.get("/register.atom")
    assert feed.headers["content-type"].startswith("application/atom+xml")
    rules_of_atom(feed.content)
    today = today_of(site)
    with site.world.app.store.reading() as connection:
        codes = codes_of(pack_of(connection, CODE))
    for days in range((today - date(2026, 3, 9)).days + 2):
        day = date(2026, 3, 8) + timedelta(days=days)
        published = site.get("/register.json", as_of=day.isoformat())
        assert replay_feed([feed.content], day) == read_register_json(published.content, codes)
    assert site.get("/register/archive/1.atom").status_code == 404
    assert site.get("/register/archive/x.atom").status_code == 404


def test_a_day_that_is_none_or_to_come_is_refused(site: RegisterSite) -> None:
    assert site.get("/register.json", as_of="tomorrow").status_code == 422
    ahead = (today_of(site) + timedelta(days=1)).isoformat()
    assert site.get("/register.json", as_of=ahead).status_code == 422
    assert site.get("/status-lists/2").status_code == 404
    assert site.get("/status-lists/x").status_code == 404
    assert httpx.get(f"{site.address}/p/nowhere/register.json").status_code == 404


def test_a_certificate_is_given_to_its_holder_and_the_authority_alone(site: RegisterSite) -> None:
    path = f"/p/{CODE}/certificates/{licence_of(site.world.app)}.pdf"
    for person in ("exchange_x_officer", "pvara_officer"):
        with site.session(person) as client:
            answer = client.get(path)
        assert answer.headers["content-type"] == "application/pdf"
        found = check_certificate(answer.content, site.keys(), site.lists(), time.time())
        assert found.provider == "exchange_x"
    with site.session("exchange_y_officer") as client:
        assert client.get(path).status_code == 404
    assert httpx.get(site.address + path).status_code == 303
    for person, status in (("exchange_x_officer", 200), ("exchange_y_officer", 404)):
        headers = {"Authorization": f"Bearer {site.token_of(person)}"}
        assert httpx.get(site.address + path, headers=headers).status_code == status


def test_the_issuers_metadata_names_the_keys(site: RegisterSite) -> None:
    found = httpx.get(f"{site.address}/.well-known/jwt-vc-issuer/p/{CODE}").json()
    assert found["issuer"] == f"{site.address}/p/{CODE}"
    keys = read_keys(json.dumps(found))
    assert verify_licence(site.token, keys, site.lists(), time.time()).kind == "licence"


def test_a_suspension_shows_in_register_feed_status_list_and_certificate_at_once(
    site: RegisterSite,
) -> None:
    """Before the ledger has it: what withdraws binds from the request."""
    path = f"/p/{CODE}/certificates/{licence_of(site.world.app)}.pdf"
    with site.session("exchange_x_officer") as client:
        paper = client.get(path).content
        assert verify_licence(site.token, site.keys(), site.lists(), time.time())
        before = site.get("/register.json").json()["change"]
        stop = Suspend(provider="exchange_x", level="full_freeze", reason="client assets are short")
        site.world.do_as("pvara_second", stop, "pvara_approver")
        assert client.get(path).status_code == 404
    shown = site.get("/register.json").json()
    assert int(shown["change"]) == int(before) + 1
    row = next(one for one in shown["providers"] if one["provider"] == "exchange_x")
    assert row["status"] == "suspended"
    assert {one["state"] for one in row["permissions"] if one["kind"] == "licence"} == {
        "full_freeze"
    }
    replayed = replay_feed([site.get("/register.atom").content], today_of(site))
    assert [entry_json(one) for one in replayed.entries] == shown["providers"]
    assert "Suspended" in site.get("/register/exchange_x").text
    with pytest.raises(CredentialSuspended):
        verify_licence(site.token, site.keys(), site.lists(), time.time())
    with pytest.raises(CredentialSuspended):
        check_certificate(paper, site.keys(), site.lists(), time.time())
