"""Sessions, proofs, policies of the browser and limits, as a client without scripts meets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sql
from tests.web.installation import APPROVER, DEALER, OFFICER, VIEWER, Installation, serving
from tests.web.test_pages import form_token

import amanat.web
from amanat.access import attempts
from amanat.access.tables import lockout, session
from amanat.app import Application
from amanat.settings import OpenId, SettingInvalid, SignIn
from amanat.web.server import create_app
from amanat.web.visitors import COOKIE, SECURE_COOKIE

TEMPLATES = Path(amanat.web.__file__).parent / "templates"
NARROW = SignIn(lockout_failures=3, rate_address=60, rate_token=5, proxies=("127.0.0.1",))
WRONG = {"Authorization": "Bearer amanat_" + "x" * 43}


@pytest.fixture
def narrow(site: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """The same installation behind a proxy and an entrance with narrow bounds.

    For its meters no time passes, or a slow machine would be given more requests than a fast one.
    """
    monkeypatch.setattr(attempts, "Meter", partial(attempts.Meter, clock=lambda: 0.0))
    app = Application(replace(site.app.settings, sign_in=NARROW))
    with (
        serving(create_app(app), proxies=NARROW.proxies) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        yield client
    with site.app.engine.begin() as connection:
        connection.execute(sql.delete(lockout))
    app.engine.dispose()


def came_from(address: str, scheme: str = "http") -> dict[str, str]:
    """What a reverse proxy says of a request."""
    return {"X-Forwarded-For": address, "X-Forwarded-Proto": scheme}


def problem(answer: httpx.Response, status: int, code: str) -> None:
    """It is refused as a problem document, saying when to come back."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    if status == 429:
        assert int(answer.headers["retry-after"]) == int(answer.json()["fields"]["seconds"]) > 0


def grow_old(site: Installation, **columns: str) -> None:
    with site.app.engine.begin() as connection:
        connection.execute(sql.update(session).values(**columns))


# -- sessions and proofs --------------------------------------------------------------------------


def test_the_cookie_is_no_token_and_goes_with_signing_out(site: Installation) -> None:
    with site.reader(None) as client:
        client.post("/sign-in", data={"token": site.tokens[DEALER]})
        held = client.cookies[COOKIE]
        assert held not in site.tokens.values()
        path = f"{site.pages}/v/proposals"
        token = form_token(client, path)
        signed_out = client.post("/sign-out", data={"form_token": token})
        assert f'{COOKIE}=""' in signed_out.headers["set-cookie"]
        client.cookies.set(COOKIE, held)
        assert client.get(path).status_code == 303
    with site.caller(None) as client:
        bearer = {"Authorization": f"Bearer {held}"}
        assert client.get(f"{site.api}/views/proposals", headers=bearer).status_code == 401


def test_a_session_at_rest_is_nobodys(site: Installation) -> None:
    with site.reader(OFFICER) as client:
        path = f"{site.pages}/v/proposals"
        assert client.get(path).status_code == 200
        then = site.app.store.clock() - timedelta(minutes=16)
        grow_old(site, seen_at=then.isoformat())
        assert client.get(path).status_code == 303


def test_ones_own_sessions_are_listed_and_ended_everywhere(site: Installation) -> None:
    with site.reader(VIEWER) as one, site.reader(VIEWER) as two:
        page = one.get(f"{site.pages}/me")
        assert page.status_code == 200
        assert page.text.count("/sessions/") >= 1
        token = form_token(one, f"{site.pages}/me")
        one.post("/sign-out", data={"form_token": token, "everywhere": "yes"})
        for client in (one, two):
            assert client.get(f"{site.pages}/me").status_code == 303


def test_approving_without_a_fresh_proof_changes_nothing(site: Installation) -> None:
    with site.caller(OFFICER) as client:
        body = {"person": OFFICER}
        sent = client.post(f"{site.api}/acts/InvitePerson", json=body).json()
    path = f"{site.pages}/proposals/{sent['proposal']}/approve"
    with site.reader(APPROVER) as client:
        shown = f"{site.pages}/v/proposal?proposal={sent['proposal']}"
        data = {"form_token": form_token(client, shown)}
        then = site.app.store.clock() - timedelta(minutes=6)
        grow_old(site, fresh_at=then.isoformat())
        asked = client.post(path, data=data)
        assert asked.status_code == 303
        assert asked.headers["location"].startswith("/prove?")
        prove = asked.headers["location"]
        proof = {"form_token": form_token(client, prove), "next": shown}
        refused = client.post("/prove", data=proof | {"token": site.tokens[OFFICER]})
        assert refused.status_code == 401
        state = site.view(OFFICER, "proposal", proposal=sent["proposal"])["state"]
        assert state == "open"
        proved = client.post("/prove", data=proof | {"token": site.tokens[APPROVER]})
        assert proved.headers["location"] == shown
        assert f"{COOKIE}=" in proved.headers["set-cookie"]
        client.cookies.clear()
        client.cookies.set(COOKIE, proved.cookies[COOKIE])
        done = client.post(path, data={"form_token": form_token(client, shown)})
    assert done.status_code == 200
    assert "/join/" in done.text


def test_what_makes_a_way_in_asks_for_a_fresh_proof(site: Installation) -> None:
    path = f"{site.pages}/acts/IssueToken"
    before = {one["label"] for one in site.view(VIEWER, "my_access")["tokens"]}
    assert "laptop" not in before
    with site.reader(VIEWER) as client:
        data = {"form_token": form_token(client, path), "label": "laptop", "step": "send"}
        then = site.app.store.clock() - timedelta(minutes=6)
        grow_old(site, fresh_at=then.isoformat())
        asked = client.post(path, data=data)
    assert asked.status_code == 303
    assert "label%3Dlaptop" in asked.headers["location"]
    assert {one["label"] for one in site.view(VIEWER, "my_access")["tokens"]} == before


def test_a_scoped_token_serves_the_api_within_its_scopes(site: Installation) -> None:
    with site.caller(VIEWER) as client:
        body = {"label": "reader", "scopes": ["look:tenders"]}
        made = client.post(f"{site.api}/acts/IssueToken", json=body).json()["result"]
        headers = {"Authorization": f"Bearer {made['secret']}"}
        good = client.get(f"{site.api}/views/tenders", headers=headers)
        assert good.status_code == 200
        problem(client.get(f"{site.api}/views/my_access", headers=headers), 403, "forbidden")


# -- lock-outs and limits -------------------------------------------------------------------------


def test_an_address_is_locked_out_and_others_are_not(
    narrow: httpx.Client, site: Installation
) -> None:
    path = f"{site.api}/views/my_access"
    here, there = came_from("192.0.2.1"), came_from("192.0.2.2")
    right = {"Authorization": f"Bearer {site.tokens[DEALER]}"}
    for _ in range(3):
        problem(narrow.get(path, headers=WRONG | here), 401, "unauthenticated")
    problem(narrow.get(path, headers=WRONG | here), 429, "locked_out")
    problem(narrow.get(path, headers=right | here), 429, "locked_out")
    page = narrow.post("/sign-in", data={"token": site.tokens[DEALER]}, headers=here)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert narrow.get(path, headers=right | there).status_code == 200
    assert narrow.get(site.pages, headers=here).status_code == 200  # the public still reads


def test_a_token_and_an_address_have_limits(narrow: httpx.Client, site: Installation) -> None:
    path = f"{site.api}/views/my_access"
    right = {"Authorization": f"Bearer {site.tokens[DEALER]}"}
    for number in range(5):
        answer = narrow.get(path, headers=right | came_from(f"192.0.2.{10 + number}"))
        assert answer.status_code == 200
    answer = narrow.get(path, headers=right | came_from("192.0.2.20"))
    problem(answer, 429, "too_many_requests")
    answers = [narrow.get("/sign-in", headers=came_from("192.0.2.30")) for _ in range(62)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "default-src 'none'" in answers[-1].headers["content-security-policy"]
    problem(narrow.get(path, headers=came_from("192.0.2.30")), 429, "too_many_requests")
    assert narrow.get("/healthz", headers=came_from("192.0.2.30")).status_code == 200


def test_a_client_that_is_no_proxy_is_not_believed(site: Installation) -> None:
    app = Application(replace(site.app.settings, sign_in=replace(NARROW, proxies=())))
    with serving(create_app(app)) as address, httpx.Client(base_url=address) as client:
        for number in range(3):
            client.get(
                f"{site.api}/views/my_access", headers=WRONG | came_from(f"192.0.2.{number}")
            )
        answer = client.get(f"{site.api}/views/my_access", headers=WRONG | came_from("192.0.2.99"))
    problem(answer, 429, "locked_out")
    with site.app.engine.begin() as connection:
        connection.execute(sql.delete(lockout))
    app.engine.dispose()


# -- what browsers are told -----------------------------------------------------------------------


def test_by_https_the_cookie_is_secure_and_of_this_host(
    narrow: httpx.Client, site: Installation
) -> None:
    headers = came_from("192.0.2.40", "https")
    signed = narrow.post("/sign-in", data={"token": site.tokens[DEALER]}, headers=headers)
    cookie = signed.headers["set-cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=")
    for part in ("HttpOnly", "Path=/", "SameSite=strict", "Secure"):
        assert part in cookie
    assert "Domain" not in cookie
    assert "Expires" not in cookie
    assert "Max-Age" not in cookie
    assert signed.headers["strict-transport-security"] == "max-age=63072000"
    plain = narrow.get("/", headers=came_from("192.0.2.40"))
    assert "strict-transport-security" not in plain.headers


@pytest.mark.parametrize("path", ["/", "/sign-in", "/prove", "/join/x", "{pages}", "{pages}/me"])
def test_the_policy_allows_nothing_inline_and_no_other_site(site: Installation, path: str) -> None:
    with site.reader(OFFICER) as client:
        headers = client.get(path.format(pages=site.pages)).headers
    allowed = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert allowed["default-src"] == "'none'"
    assert allowed["base-uri"] == allowed["frame-ancestors"] == "'none'"
    others = set(allowed) - {"default-src", "base-uri", "frame-ancestors"}
    assert {allowed[name] for name in others} == {"'self'"}
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "publickey-credentials-get=(self)" in headers["permissions-policy"]


def test_no_page_has_anything_inline() -> None:
    for page in TEMPLATES.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert re.search(r"<script(?![^>]* src=)", text) is None, page.name
        assert re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text) is None, page.name


def test_a_stranger_without_a_session_finds_no_page_of_ones_own(site: Installation) -> None:
    with site.reader(None) as client:
        for path in (f"{site.pages}/me", "/prove"):
            assert client.get(path).headers["location"].startswith("/sign-in?")
        assert client.get("/join/nothing").status_code == 303


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AMANAT_ORIGIN", "http://amanat.example"),
        ("AMANAT_ORIGIN", "https://amanat.example/"),
        ("AMANAT_SESSION_IDLE_MINUTES", "0"),
        ("AMANAT_SESSION_HOURS", "eight"),
        ("AMANAT_RATE_TOKEN", "-1"),
        ("AMANAT_OPENID_ISSUER", "https://id.example"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match="AMANAT_"):
        SignIn.from_environment({name: value})


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    assert OpenId("https://id.example", "us", file).secret == "s3cret"
    file.chmod(0o644)
    with pytest.raises(SettingInvalid, match="others may read it"):
        _ = OpenId("https://id.example", "us", file).secret
    with pytest.raises(SettingInvalid, match="No such file"):
        _ = OpenId("https://id.example", "us", tmp_path / "none").secret
