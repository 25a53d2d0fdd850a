"""A proposal signed with a key that is on no server, through its page."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from tests.web.installation import (
    APPROVER,
    CENTRAL_BANK,
    DEALER,
    OFFICER,
    REMOTE,
    Installation,
)

from amanat.ledger.signers import KeySigner, read_request, sign_request, signing_request

TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def proposed(site: Installation, person: str, act: str, **fields: Any) -> str:
    """The id of a fresh proposal."""
    with site.caller(person) as client:
        answer = client.post(f"{site.api}/acts/{act}", json=fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["proposal"])


def calendar(site: Installation, code: str) -> str:
    """A proposal to publish a calendar, which a second person of the central bank approves."""
    line = {
        "auction_date": "2026-12-02",
        "settlement_date": "2026-12-03",
        "security": "3-year bond",
        "target": 1_000_000,
    }
    return proposed(site, CENTRAL_BANK, "PublishCalendar", calendar=code, lines=[line])


def page_of(site: Installation, proposal: str) -> str:
    """The address of a proposal's page."""
    return f"{site.pages}/v/proposal?proposal={proposal}"


def approve(client: httpx.Client, site: Installation, proposal: str, **sent: Any) -> httpx.Response:
    """Send the form of the page, with what is pasted (`data`) or uploaded (`files`)."""
    token = TOKEN.search(client.get(page_of(site, proposal)).text)
    assert token is not None
    data = {"form_token": token[1], "elsewhere": "yes"} | sent.pop("data", {})
    path = f"{site.pages}/proposals/{proposal}/approve"
    return client.post(path, data=data, **sent)


def test_what_is_to_be_signed_is_downloaded_and_its_signature_pasted(site: Installation) -> None:
    proposal = calendar(site, "pasted")
    with site.reader(REMOTE) as client:
        page = client.get(page_of(site, proposal)).text
        assert "Sign elsewhere" in page
        (path,) = re.findall(rf'href="([^"]+/proposals/{proposal}/requests/\d+)"', page)
        request = client.get(path)
        assert "attachment" in request.headers["content-disposition"]
        asked = read_request(request.text)
        assert asked["signer"] == site.remote_key.address
        # The server has not got this key, so it cannot sign by itself.
        plain = client.post(
            f"{site.pages}/proposals/{proposal}/approve",
            data={"form_token": TOKEN.search(page)[1]},  # type: ignore[index]
        )
        assert plain.status_code == 409
        assert "is not held here" in plain.text
        signature = json.dumps(sign_request(asked, site.remote_key))
        done = approve(client, site, proposal, data={"signature": signature})
    assert done.status_code == 200, done.text
    assert "Carried out" in done.text
    shown = site.view(CENTRAL_BANK, "proposal", proposal=proposal)
    assert shown["state"] == "carried_out"
    assert shown["requirements"][0]["address"] == site.remote_key.address


def test_a_signature_is_uploaded_as_a_file(site: Installation) -> None:
    proposal = calendar(site, "uploaded")
    with site.reader(REMOTE) as client:
        text = client.get(f"{site.pages}/proposals/{proposal}/requests/0").text
        signature = json.dumps(sign_request(read_request(text), site.remote_key))
        files = {"signature_file": ("one.signature.json", signature, "application/json")}
        done = approve(client, site, proposal, files=files)
    assert "Carried out" in done.text


def test_what_is_no_signature_of_this_proposal_comes_back_at_its_field(site: Installation) -> None:
    proposal, other = calendar(site, "refused"), calendar(site, "other")
    with site.reader(REMOTE) as client:
        asked = {
            one: read_request(client.get(f"{site.pages}/proposals/{one}/requests/0").text)
            for one in (proposal, other)
        }
        right = sign_request(asked[proposal], site.remote_key)
        stranger = KeySigner.generate()
        forged = sign_request(
            signing_request(
                signer=stranger.address,
                purpose="x",
                digest=bytes.fromhex(asked[proposal]["digest"][2:]),
            ),
            stranger,
        )
        for text, said in (
            ("", "paste it or choose its file"),
            ("not JSON", "not a signature file"),
            ("[" * 50_000, "not a signature file"),
            (json.dumps(sign_request(asked[other], site.remote_key)), "for another request"),
            (json.dumps(right | {"signature": forged["signature"]}), "was made by"),
            (json.dumps(forged), "for another request"),
        ):
            answer = approve(client, site, proposal, data={"signature": text})
            assert answer.status_code == 422, text[:40]
            assert 'href="#field-signature"' in answer.text
            assert 'aria-invalid="true"' in answer.text
            assert said in answer.text
        whole = approve(client, site, proposal, data={"signature": json.dumps(right)})
        assert "Carried out" in whole.text
        again = approve(client, site, other, data={"signature": json.dumps(right)})
        assert again.status_code == 422


def test_typed_data_is_shown_to_whoever_signs_it_and_to_nobody_else(site: Installation) -> None:
    halt = proposed(site, OFFICER, "Halt", scope="settlement", reason="made for tests")
    path = f"{site.pages}/proposals/{halt}/requests"
    with site.reader(APPROVER) as approver:
        page = approver.get(page_of(site, halt)).text
        place = re.findall(rf"{halt}/requests/(\d+)", page)[0]
        asked = approver.get(f"{path}/{place}").json()
        assert asked["typed_data"]["primaryType"] == "Halt"
        assert approver.get(f"{path}/99").status_code == 404
    with site.reader(DEALER) as dealer:
        assert dealer.get(f"{path}/{place}").status_code == 404
    with site.reader(None) as nobody:
        assert nobody.get(f"{path}/{place}").status_code == 303
    with site.caller(OFFICER) as officer:
        assert officer.post(f"{site.api}/proposals/{halt}/withdraw").is_success


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}])
def test_another_site_sends_no_signature(site: Installation, headers: dict[str, str]) -> None:
    proposal = calendar(site, "forged")
    with site.reader(REMOTE) as client:
        text = client.get(f"{site.pages}/proposals/{proposal}/requests/0").text
        signature = json.dumps(sign_request(read_request(text), site.remote_key))
        answer = approve(client, site, proposal, data={"signature": signature}, headers=headers)
        assert answer.status_code == 403
        bare = client.post(
            f"{site.pages}/proposals/{proposal}/approve",
            data={"elsewhere": "yes", "signature": signature},
        )
        assert bare.status_code == 403
    assert site.view(CENTRAL_BANK, "proposal", proposal=proposal)["state"] == "open"
