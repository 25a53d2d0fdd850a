"""Every participant and the public try to learn another's holding or trade, through every endpoint.

The world (`planting`) holds trades, fails, a claim, a netted cycle, pledges, holds and payments.
Every answer to every reader is searched for what belongs to the others, whatever its status and
form; and what names another's thing is answered as if there were no such thing.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.access.policy_table import KINDS
from tests.web.asking import UNKNOWN_ID, Attempt, Things, attempts, open_to_participants
from tests.web.installation import built_once
from tests.web.planting import (
    BUYER,
    NOMINAL,
    OPERATOR,
    VICTIM,
    Secrets,
    Sought,
    World,
    opened,
    own_account,
    public_figures,
    secrets_of,
    sought,
)

from amanat.access.acts import ACTS, VIEWS
from amanat.access.tables import proposal
from amanat.settlement.tables import instruction

TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
DOWNLOAD = re.compile(r'href="([^"]*[?&]format=[^"]+)"')
OUTSIDER = "fund_1"
"""Trades with one dealer alone, so that nearly everything is another's."""
PAGED_READERS = ("dealer_1", OUTSIDER, None)
"""Who looks at the pages too; the others ask the API, whose views the pages show."""
PEOPLE = "a person"


OTHER_GETS = (
    "/", "/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/sign-in", "/sign-in/openid",
    "/sign-in/openid/return", "/prove", "/join/nobodys", "{pages}", "{pages}/views", "{pages}/acts",
    "{pages}/acts/{act}", "{pages}/v/{view}", "{pages}/operations", "{pages}/me",
    "{pages}/proposals/{id}/requests/0",
    "{pages}/apply", "{pages}/apply/sign-up", "{pages}/apply/open", "{file}", "{file}/check",
    "{file}/submitted", "{file}/withdraw", "{file}/questions/{id}", "{file}/A1/applicant",
    "{file}/A1/licences/1/remove", "{file}/A1/applicant/-/legal_name",
    "{pages}/documents/{digest}", "{api}/documents/{digest}", "{api}/returns/specification",
    "{pages}/register", "{pages}/register/nobody", "{pages}/register.json",
    "{pages}/register.csv", "{pages}/register.schema.json", "{pages}/register.columns.json",
    "{pages}/register.atom", "{pages}/register/archive/1.atom", "{pages}/warnings",
    "{pages}/warnings.csv", "{pages}/keys.json", "{pages}/status-lists/1",
    "{pages}/certificates/P0001-01.pdf", "/.well-known/jwt-vc-issuer{pages}",
    "{pages}/complain", "{pages}/complaint", "{pages}/rulebook/general/1/comment",
    "{pages}/licensing", "{pages}/licensing/providers", "{pages}/transfer/object",
)  # fmt: skip
OTHER_POSTS = (
    "/sign-in", "/prove", "/prove/openid", "/sign-out", "{pages}/acts/{act}",
    "{pages}/me/sessions/{id}/end", "{pages}/proposals/{id}/approve",
    "{api}/proposals/{id}/approve", "{api}/proposals/{id}/withdraw",
    "{pages}/apply/sign-up", "{pages}/apply/open", "{file}/check", "{file}/withdraw",
    "{file}/questions/{id}", "{file}/A1/licences/1/remove", "{file}/A1/applicant/-/legal_name",
    "{file}/A1/applicant/-/certificate/upload", "{api}/documents",
    "{pages}/complain", "{pages}/complaint", "{pages}/rulebook/general/1/comment",
    "{api}/complaints", "{api}/complaints/state", "{api}/comments", "{api}/returns",
    "{pages}/transfer/object", "{api}/transfers/objections",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[World]:
    """The world, its own copy."""
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    with opened(built_once(root), tmp_path_factory.mktemp("disclosure") / "world") as found:
        yield found


@pytest.fixture(scope="module")
def secrets(world: World) -> dict[str, Secrets]:
    """By participant, what is its own."""
    return secrets_of(world)


@pytest.fixture(scope="module")
def things(world: World) -> Things:
    """What a stranger asks for."""
    return Things.of(world)


@pytest.fixture(scope="module")
def public(world: World) -> set[int]:
    """Totals that everyone may know."""
    return public_figures(world)


def known_to(world: World, secrets: Mapping[str, Secrets], code: str | None) -> Secrets:
    """What a participant knows: what is its own, and the accounts with which it deals."""
    if code == OPERATOR:
        return keys_of(secrets)
    if code is None:
        return Secrets()
    known = Secrets(**{name: dict(one) for name, one in vars(secrets[code]).items()})
    for row in world.rows(instruction):
        if code in (row.deliverer_institution, row.receiver_institution):
            known.texts |= {row.deliverer: "", row.receiver: ""}
    if code == BUYER:  # the pledge names it
        known.texts[own_account(world, VICTIM)] = ""
    return known


def keys_of(secrets: Mapping[str, Secrets]) -> Secrets:
    """What the register of keys shows to whoever runs the installation: people and their keys."""
    known = Secrets()
    for one in secrets.values():
        known.texts |= {text: what for text, what in one.texts.items() if what.startswith(PEOPLE)}
    return known


def reader_of(code: str | None) -> str | None:
    """The person who reads for a participant; nobody for the public, the operator's own."""
    return code if code in (None, OPERATOR) else f"{code}_trader"


class Search:
    """Asks as one reader, and searches each answer."""

    def __init__(self, world: World, sought: Sought, code: str | None) -> None:
        self.world, self.sought, self.code = world, sought, code
        self.found: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._bearer = world.bearer(reader_of(code))
        self._cookie = world.cookie(reader_of(code))
        self._form_token: str | None = None

    def ask(self, method: str, path: str, *, browser: bool = False, **sent: Any) -> Any:
        """One answer, searched in its headers and body."""
        headers = self._cookie if browser else self._bearer
        answer = self.world.client.request(method, path, headers=headers, **sent)
        self.statuses[answer.status_code] += 1
        asked = f"{method} {path} {json.dumps(sent, default=str)[:300]} as {self.code}"
        unready = (path, answer.status_code) == ("/readyz", 503)
        assert answer.status_code < 500 or unready, f"{asked}: {answer.text[:500]}"
        text = html.unescape(answer.text) + json.dumps(dict(answer.headers))
        given = json.dumps(sent, default=str) + path  # what was said comes back in a refusal
        echoed = set(self.sought.in_text(given))
        self.found += [
            f"{what}: {asked} -> {answer.status_code}"
            for what in self.sought.in_text(text)
            if what not in echoed
        ]
        return answer

    def view(self, name: str, fields: Mapping[str, Any]) -> None:
        """A view by the API, to the end of its list."""
        cursor: dict[str, str] = {}
        for _part in range(60):
            path = f"{self.world.api}/views/{name}"
            most = {} if "limit" in fields else {"limit": 500}
            answer = self.ask("GET", path, params={**fields, **most, **cursor})
            following = answer.json().get("next") if answer.status_code == 200 else None
            if not following:
                return
            cursor = {"cursor": str(following)}
        raise AssertionError(f"the view {name} does not end")

    def page(self, path: str, **fields: Any) -> None:
        """A page, the same as JSON, and every download that it offers."""
        answer = self.ask("GET", path, browser=True, params=fields)
        self.ask("GET", path, browser=True, params=fields | {"format": "json"})
        for href in sorted(set(DOWNLOAD.findall(answer.text))):
            self.ask("GET", _joined(path, html.unescape(href)), browser=True)

    def form_token(self) -> str:
        """The token of this session's forms."""
        if self._form_token is None:
            answer = self.ask("GET", f"{self.world.pages}/acts/IssueToken", browser=True)
            self._form_token = TOKEN.findall(answer.text)[0]
        return self._form_token

    def submit(self, act: str, fields: Mapping[str, Any]) -> tuple[int, str]:
        """An act by the API: what it was answered, without what differs by itself."""
        answer = self.ask("POST", f"{self.world.api}/acts/{act}", json=dict(fields))
        return answer.status_code, _plain(answer.text, fields)

    def preview(self, act: str, fields: Mapping[str, Any]) -> tuple[int, str]:
        """An act's form, checked and not sent: the page says what the act would do."""
        values = {
            name: json.dumps(one) if isinstance(one, list | dict) else str(one)
            for name, one in fields.items()
        }
        values |= {"form_token": self.form_token(), "step": "check"}
        path = f"{self.world.pages}/acts/{act}"
        answer = self.ask("POST", path, browser=True, data=values)
        shown = re.sub(r"<input[^>]*>", "", html.unescape(answer.text))
        return answer.status_code, _plain(shown, fields)


def _joined(path: str, href: str) -> str:
    return href if href.startswith("/") else path + href


def _plain(text: str, fields: Mapping[str, Any]) -> str:
    """A text without the values that were sent, and without what is new in every answer."""
    for value in sorted(_leaves(fields), key=len, reverse=True):
        for form in (value, value.lower(), value[:40], f"{value[:8]}…{value[-6:]}"):
            text = text.replace(form, "…")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id", text)
    return re.sub(r"[\w=-]{80,}", "a token", text)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif len(str(value)) >= 12:
        yield str(value)


@pytest.fixture
def search(
    world: World, secrets: dict[str, Secrets], public: set[int], request: pytest.FixtureRequest
) -> Search:
    """The reader that the test is for, who knows its own and what is public."""
    code = request.param
    others = [one for owner, one in secrets.items() if owner != code]
    return Search(world, sought(others, known_to(world, secrets, code), public), code)


EVERYONE = pytest.mark.parametrize(
    "search",
    [*(f"dealer_{number}" for number in range(1, 11)), "fund_1", None, OPERATOR],
    indirect=True,
    ids=lambda code: str(code or "public"),
)
SOME = pytest.mark.parametrize(
    "search", PAGED_READERS, indirect=True, ids=lambda code: str(code or "public")
)


def test_the_readers_are_all_participants_of_the_world(world: World) -> None:
    played = {f"dealer_{number}" for number in range(1, 11)} | {"fund_1"}
    assert set(world.participants()) == played


def test_the_search_finds_what_may_be_seen(
    world: World, secrets: dict[str, Secrets], things: Things
) -> None:
    """The auditor is shown all of it, so a search that finds nothing elsewhere is not blind."""
    auditor = Search(world, sought(secrets.values(), Secrets(), set()), None)
    auditor._bearer = world.bearer("auditor_officer")
    for kind, fields in things.all_queries():
        auditor.view(kind.name, fields)
    said = " ".join(auditor.found)
    for what in (
        "an account of dealer_2",
        "the identifier of trade",
        "a figure of trade",
        "what dealer_2 has of cash",
        "what dealer_2 has of PK",
        "a claim of trade",
        "a payment to dealer_2",
        "the nominal of a pledge",
        "the reason of a pledge",
        "the nominal of a hold",
        "the paper of a hold",
        "an allotment",
        "a payment by RTGS",
        f"({NOMINAL})",
    ):
        assert what in said, what


@EVERYONE
def test_no_view_tells_what_is_anothers(search: Search, things: Things) -> None:
    for kind, fields in things.all_queries():
        search.view(kind.name, fields)
    assert search.found == []
    if search.code not in (None, OPERATOR):
        assert search.statuses[200] > 50


@SOME
def test_no_page_and_no_download_tells_it(search: Search, things: Things) -> None:
    pages = search.world.pages
    for kind, fields in things.all_queries():
        search.page(f"{pages}/v/{kind.name}", **fields)
    for path in ("/", pages, f"{pages}/views", f"{pages}/acts", f"{pages}/operations"):
        search.page(path)
    for act in ACTS:
        search.ask("GET", f"{pages}/acts/{act}", browser=True)
    assert search.found == []


def test_what_operators_and_programs_are_told_tells_it_not(
    world: World, secrets: dict[str, Secrets], public: set[int]
) -> None:
    operator = Search(world, sought(secrets.values(), Secrets(), public), OPERATOR)
    for path in ("/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/static/amanat.css"):
        operator.ask("GET", path)
    operator.page(f"{world.pages}/operations")
    assert operator.statuses[200] >= 4
    assert operator.found == []


def test_every_act_of_participants_is_attempted(world: World) -> None:
    tried = {one.act for code in ("dealer_1", OUTSIDER) for one in attempts(world, code)}
    assert {kind.name for kind in KINDS.values() if open_to_participants(kind)} <= tried


@SOME
def test_no_act_answers_otherwise_to_anothers_thing_than_to_none(search: Search) -> None:
    """Neither when it is sent nor when its form says what it would do."""
    differ = []
    for one in attempts(search.world, search.code or OUTSIDER):
        for means in (search.submit, search.preview) if search.code else (search.submit,):
            theirs, none = means(one.act, one.fields), means(one.act, one.unknown)
            if theirs != none and not _excused(one, means.__name__, none):
                differ.append((one.act, means.__name__, theirs[0], none[0], _first(theirs, none)))
    assert search.found == []
    assert differ == []


def _excused(one: Attempt, means: str, none: tuple[int, str]) -> bool:
    """Whether the act says why, and the answer is no more than that there is no such thing."""
    del means
    return bool(one.says) and none[0] in (200, 202, 404, 409, 422)


def _first(one: tuple[int, str], other: tuple[int, str]) -> str:
    for a, b in zip(one[1].splitlines(), other[1].splitlines(), strict=False):
        if a != b:
            return f"{a[:200]} / {b[:200]}"
    return ""


def test_acts_of_others_say_nothing_to_who_may_not(
    world: World, secrets: dict[str, Secrets], public: set[int]
) -> None:
    """An act that is not for participants is refused before anything is looked up for it."""
    known = known_to(world, secrets, OUTSIDER)
    search = Search(world, sought(secrets.values(), known, public), OUTSIDER)
    for kind in KINDS.values():
        if not open_to_participants(kind):
            for fields in ({}, {"account": own_account(world, VICTIM)}):
                assert search.submit(kind.name, fields)[0] in (403, 422), kind.name
    assert search.found == []


@SOME
def test_anothers_proposal_is_answered_as_none(search: Search) -> None:
    world = search.world
    theirs = [row.id for row in world.rows(proposal) if row.institution == VICTIM][-3:]
    pages, api = world.pages, world.api
    for identifier in theirs:
        for decision in ("approve", "withdraw"):
            answers = [
                search.ask("POST", f"{api}/proposals/{one}/{decision}", json={})
                for one in (identifier, UNKNOWN_ID)
            ]
            assert len({(a.status_code, _plain(a.text, {"": i})) for a, i in zip(
                answers, (identifier, UNKNOWN_ID), strict=True)}) == 1  # fmt: skip
            if search.code:
                sent = {"form_token": search.form_token()}
                for one in (identifier, UNKNOWN_ID):
                    path = f"{pages}/proposals/{one}/{decision}"
                    assert search.ask("POST", path, browser=True, data=sent).status_code == 404
        for one in (identifier, UNKNOWN_ID):
            path = f"{pages}/proposals/{one}/requests/0"
            expected = 404 if search.code else 303
            assert search.ask("GET", path, browser=True).status_code == expected
    assert search.found == []


@SOME
def test_a_view_of_anothers_thing_is_answered_as_of_none(
    search: Search, secrets: dict[str, Secrets], things: Things
) -> None:
    """Of a trade, an account, a proposal, a confidential entry: the same words, the same status."""
    world = search.world
    trade = next(
        row.id
        for row in world.rows(instruction)
        if VICTIM in (row.deliverer_institution, row.receiver_institution)
        and search.code not in (row.deliverer_institution, row.receiver_institution)
    )
    isin, address = things.values["isin"][0], own_account(world, VICTIM, "client")
    unknown = "0x" + "d2" * 20
    dealt = address in known_to(world, secrets, search.code).texts
    for name, theirs, none in (
        ("instruction", {"instruction": trade}, {"instruction": UNKNOWN_ID}),
        ("holdings", {"account": address}, {"account": unknown}),
        ("history", {"isin": isin, "account": address}, {"isin": isin, "account": unknown}),
        ("proposal", {"proposal": things.values["proposal"][0]}, {"proposal": UNKNOWN_ID}),
        ("entry", {"id": things.values["id"][0]}, {"id": UNKNOWN_ID}),
        ("holds", {"account": address}, {"account": unknown}),
        ("instructions", {"account": address}, {"account": unknown}),
        ("cash", {"institution": VICTIM}, {"institution": "nobody_at_all"}),
        ("journal", {"subject": f"register:{address}"}, {"subject": f"register:{unknown}"}),
    ):
        told = []
        for fields in (theirs, none):
            answer = search.ask("GET", f"{world.api}/views/{name}", params=fields)
            told.append((answer.status_code, _plain(answer.text, fields)))
        assert told[0] == told[1] or (name == "instructions" and dealt), name
    assert search.found == []


def test_every_declared_route_is_asked(world: World) -> None:
    """A route that is added tomorrow is an act, a view, or is asked here; or this fails."""
    search = Search(world, sought([], Secrets(), set()), OUTSIDER)
    api, pages = world.api, world.pages
    for kind in ACTS.values():
        search.submit(kind.name, {})
    for shown in VIEWS.values():
        search.ask("GET", f"{api}/views/{shown.name}")
    some = {"act": "Instruct", "view": "holdings", "id": UNKNOWN_ID, "digest": "0" * 64}
    some["file"] = f"{pages}/apply/NOC-2021-0001"
    for path in OTHER_GETS:
        search.ask("GET", path.format(api=api, pages=pages, **some), browser=True)
    for path in OTHER_POSTS:
        form = {"token": "amanat_nobodys", "form_token": "nobodys"}
        search.ask("POST", path.format(api=api, pages=pages, **some), browser=True, data=form)
    reached = set(world.faces.routes)
    assert set(_declared(world)) - reached == set()


def _declared(world: World) -> Iterator[tuple[str, str]]:
    for one in world.faces.faces.routes:
        inner = getattr(one, "original_router", None)
        for route in [one] if inner is None else inner.routes:
            for method in set(getattr(route, "methods", ())) - {"HEAD"}:
                yield method, str(route.path)
