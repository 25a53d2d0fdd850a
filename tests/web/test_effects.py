"""What an act would do, shown to people and programs before it is signed, in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.web.installation import CENTRAL_BANK, DEALER, Installation
from typer.testing import CliRunner

FREEZE = {"participant": "dealer_2", "level": "frozen", "reason": "a test"}


def form_token(html: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', html)
    assert found is not None
    return found[1]


def checked(site: Installation, language: str, fields: dict[str, str]) -> str:
    """The step that checks the answers, before anything is sent."""
    with site.reader(CENTRAL_BANK, language) as reader:
        page = reader.get(f"{site.pages}/acts/SetLevel").text
        sent = fields | {"form_token": form_token(page), "step": "check"}
        answer = reader.post(
            f"{site.pages}/acts/SetLevel", data=sent, headers={"Origin": site.address}
        )
    assert answer.status_code == 200
    return answer.text


def test_the_effect_is_shown_before_it_is_sent(site: Installation) -> None:
    page = checked(site, "en", FREEZE)
    assert "Level of dealer_2: active before, frozen after" in page
    assert "It binds here from the request" in page
    page = checked(site, "ur", FREEZE)
    assert "\u2066dealer_2\u2069 کا درجہ: پہلے فعال، بعد میں منجمد" in page
    page = checked(site, "ur", FREEZE | {"participant": "dealer_99"})
    assert "شریک \u2066dealer_99\u2069 موجود نہیں۔" in page
    assert "بعد میں" not in page


@pytest.fixture(scope="module")
def proposal(site: Installation) -> dict[str, Any]:
    """An open proposal to freeze a dealer."""
    with site.caller(CENTRAL_BANK) as client:
        answer = client.post(f"{site.api}/acts/SetLevel", json=FREEZE)
    assert answer.status_code == 202
    shown: dict[str, Any] = site.view(CENTRAL_BANK, "proposal", proposal=answer.json()["proposal"])
    return shown


def test_the_api_gives_effects_with_their_keys_and_types(proposal: dict[str, Any]) -> None:
    effects = proposal["effects"]
    assert effects["announced"] == effects["now"]
    assert (effects["changed"], effects["refused"]) == (False, None)
    assert effects["announced"][0] == {
        "text": "Level of dealer_2: active before, frozen after",
        "key": "Level of {participant}: {before} before, {after} after",
        "arguments": {
            "participant": {"type": "text", "value": "dealer_2"},
            "before": {"type": "word", "value": "active"},
            "after": {"type": "word", "value": "frozen"},
        },
    }


def test_the_proposal_s_page_shows_them(site: Installation, proposal: dict[str, Any]) -> None:
    address = f"{site.pages}/v/proposal?proposal={proposal['proposal']}"
    with site.reader(CENTRAL_BANK) as reader:
        page = reader.get(address).text
    assert "What it would do" in page
    assert "Level of dealer_2: active before, frozen after" in page
    assert f"/v/entry?id={proposal['entry']}" in page
    with site.reader(DEALER) as reader:
        assert reader.get(address).status_code == 404


def test_a_problem_speaks_the_language_that_is_asked_for(site: Installation) -> None:
    asked = {"Accept-Language": "ur-PK,ur;q=0.9,en;q=0.5"}
    command = FREEZE | {"participant": "dealer_99"}
    with site.caller(CENTRAL_BANK) as client:
        urdu = client.post(f"{site.api}/acts/SetLevel", json=command, headers=asked)
        english = client.post(f"{site.api}/acts/SetLevel", json=command)
    assert (urdu.status_code, urdu.headers["content-language"]) == (404, "ur")
    assert urdu.json()["detail"] == "شریک \u2066dealer_99\u2069 موجود نہیں۔"
    assert urdu.json() | {"detail": ""} == english.json() | {"detail": ""}
    assert english.json()["detail"] == "There is no participant dealer_99."
    assert "Accept-Language" in urdu.headers["vary"]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en_GB.UTF-8", "  Level of dealer_3: active before, frozen after"),
        ("ur_PK.UTF-8", "dealer_3\u2069 کا درجہ: پہلے فعال، بعد میں منجمد"),
    ],
)
def test_the_command_line_tells_them_beside_its_answer(
    site: Installation, language: str, told: str
) -> None:
    from amanat.cli.root import app

    environment = {"AMANAT_TOKEN": site.tokens[CENTRAL_BANK], "LC_ALL": language}
    where = ["--url", site.address, "--programme", site.programme]
    fields = ["participant=dealer_3", "level=frozen", "reason=a test"]
    run = CliRunner().invoke(app, ["act", "SetLevel", *fields, *where], env=environment)
    assert run.exit_code == 0, run.stderr
    assert "It would do now:" in run.stderr
    assert told in run.stderr
    assert "proposed" in run.stdout
    refused = ["act", "SetLevel", "participant=dealer_99", *fields[1:], *where]
    run = CliRunner().invoke(app, refused, env=environment)
    assert run.exit_code == 1
    expected = "There is no participant" if language.startswith("en") else "موجود نہیں"
    assert expected in run.stderr
