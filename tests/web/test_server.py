"""What stands before the faces: loopback, headers, limits, errors that tell nothing inside."""

from __future__ import annotations

import pytest
from tests.web.installation import DEALER, Installation

from amanat.web.guard import FORM_BODY_BYTES_MAX, FormTokens
from amanat.web.server import LoopbackOnly, is_loopback, serve


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1", "localhost"])
def test_loopback_hosts_need_no_certificate(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org", ""])
def test_other_hosts_are_refused_without_a_certificate(site: Installation, host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(LoopbackOnly, match="loopback only without TLS"):
        serve(site.app, host)


def test_health_says_that_the_process_answers(site: Installation) -> None:
    with site.reader(None) as client:
        assert client.get("/healthz").json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/v1/openapi.json", "/static/amanat.css", "/no"])
def test_every_answer_is_guarded(site: Installation, path: str) -> None:
    with site.reader(None) as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_pages_are_not_kept_by_caches_and_assets_are(site: Installation) -> None:
    with site.reader(None) as client:
        assert client.get("/").headers["cache-control"] == "no-store"
        assert "immutable" in client.get("/static/amanat.css?v=1").headers["cache-control"]


def test_a_body_over_the_limit_is_refused(site: Installation) -> None:
    with site.caller(DEALER) as client:
        answer = client.post(f"{site.api}/acts/Instruct", content=b"x" * (17 * 2**20))
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"

        def parts() -> object:
            for _ in range(17):
                yield b" " * 2**20

        streamed = client.post(
            f"{site.api}/acts/Instruct",
            content=parts(),
            headers={"content-type": "application/json"},
        )
        assert streamed.status_code == 413
    with site.reader(None) as client:
        answer = client.post("/sign-in", data={"token": "x" * FORM_BODY_BYTES_MAX})
        assert answer.status_code == 413


def test_an_unknown_page_is_a_page_and_an_unknown_path_of_the_api_a_problem(
    site: Installation,
) -> None:
    with site.reader(None) as client:
        page, problem = client.get("/p/nowhere"), client.get("/v1/nowhere")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "nothing changed" in page.text
    assert problem.status_code == 404
    assert problem.headers["content-type"] == "application/problem+json"


def test_tokens_of_forms_hold_for_their_session_alone() -> None:
    tokens = FormTokens(b"s" * 32)
    first, again = tokens.issue("session"), tokens.issue("session")
    assert first != again
    assert tokens.holds("session", first)
    assert tokens.holds("session", again)
    assert not tokens.holds("other", first)
    assert not FormTokens(b"t" * 32).holds("session", first)
    for broken in ("", "%%%", "é", first[:-4], first + "AAAA"):
        assert not tokens.holds("session", broken)
