"""100,000 calls of the API by schemathesis, as each role: no 500, and no act without its policy.

The calls are made within this process.  Each drawn case is sent as every role, half of the time
with things that there are (accounts, trades, proposals...) in the places of drawn ones, so that it
comes past the first refusal.  `AMANAT_FUZZED_CALLS` makes it shorter.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
import schemathesis
import sqlalchemy as sql
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.access.policy_table import KINDS, printed
from tests.web.asking import Things
from tests.web.installation import built_once
from tests.web.planting import OPERATOR, VICTIM, World, opened, own_account

from amanat.access.actors import Role, add_person
from amanat.access.tables import proposal, requirement
from amanat.access.tokens import issue, issue_token
from amanat.register import tables as register
from amanat.store.journal import read_entries

CALLS = int(os.environ.get("AMANAT_FUZZED_CALLS", "100000"))
TOLD_EVERY = 2_000
CHECKED_EACH = 20
"""Answers of each status of each operation that are compared with their schema, which is slow."""
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
SCOPED = "ministry_officer, for looking alone"
VIEWERS = ("dealer_1_viewer", "ministry_viewer")
OFFICERS = ("ministry_officer", "central_bank_officer", "dealer_1_trader", "auditor_officer")
APPROVERS = ("ministry_approver", "central_bank_approver", "dealer_1_approver", "secp_approver")
CALLERS = (None, OPERATOR, SCOPED, *VIEWERS, *OFFICERS, *APPROVERS)
CASES_A_ROUND = 4
"""Of each operation and mode: every operation is reached early, and again in every round."""
EACH_CASE = 8
"""A case is sent as the public, operator, scoped token, a viewer, two officers, two approvers."""
REFUSALS = {401, 403, 404, 409, 422, 429, 503}
OURS = {"authorization", "cookie", "host", "content-length", "connection", "accept-encoding"}


@dataclass
class Tally:
    """What was sent and how it was answered."""

    calls: int = 0
    began: float = field(default_factory=time.monotonic)
    by_role: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    checked: Counter[tuple[str, int]] = field(default_factory=Counter)
    carried_out: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """Where it stands, in one line."""
        seconds = time.monotonic() - self.began
        statuses = ", ".join(f"{k}: {v}" for k, v in sorted(self.by_status.items()))
        roles = ", ".join(f"{k}: {v}" for k, v in sorted(self.by_role.items()))
        rate = self.calls / seconds
        return f"{self.calls} calls, {rate:.0f} a second; by role {roles}; answers {statuses}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[World]:
    """The world of trades, its own copy, with people of every role."""
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    with opened(built_once(root), tmp_path_factory.mktemp("fuzzing") / "world") as found:
        _enter_people(found)
        yield found


def _enter_people(world: World) -> None:
    now, month = world.app.store.clock(), timedelta(days=30)
    code = world.programme
    with world.app.engine.begin() as connection:
        for person, institution in (
            ("dealer_1_viewer", "dealer_1"),
            ("ministry_viewer", "ministry"),
        ):
            add_person(
                connection, code, person, institution=institution, role=Role.VIEWER, name="A viewer"
            )
            world.tokens[person] = issue_token(connection, code, person, now, month)
        world.tokens[SCOPED] = issue(
            connection, code, "ministry_officer", now, month, scopes=["look:*"]
        )[1]


def callers_of(turn: int) -> tuple[str | None, ...]:
    """Who sends the case of this turn: over the turns each role as often as it can be."""
    officers = (OFFICERS[turn % 4], OFFICERS[(turn + 1) % 4])
    approvers = (APPROVERS[turn % 4], APPROVERS[(turn + 2) % 4])
    return (None, OPERATOR, SCOPED, VIEWERS[turn % 2], *officers, *approvers)


def role_of(world: World, caller: str | None) -> str:
    """The role under which a caller's calls are counted."""
    if caller is None:
        return "public"
    return "scoped" if caller == SCOPED else world.actor(caller).role.value


def permitted_acts(world: World) -> dict[str | None, set[str]]:
    """What each caller may submit, by the printed table of roles and capacities, and by scope."""
    table = printed()
    found: dict[str | None, set[str]] = {None: set(), SCOPED: set()}
    for caller in CALLERS:
        if caller in found or caller is None:
            continue
        actor = world.actor(caller)
        found[caller] = {
            act
            for (act, role, capacity), said in table.items()
            if role is actor.role
            and "submits" in said
            and (capacity in actor.capacities or KINDS[act].personal)
        }
    return found


class Fuzzing:
    """Sends each case as every role, and looks at the answers."""

    def __init__(
        self, world: World, client: httpx.AsyncClient, tell: Callable[[str], None]
    ) -> None:
        self.world, self.client, self.tell = world, client, tell
        self.tally = Tally()
        self.permitted = permitted_acts(world)
        self.roles = {caller: role_of(world, caller) for caller in CALLERS}
        self.real = self._real()
        self.random = random.Random(20210303)

    def _real(self) -> dict[str, list[Any]]:
        """Things that there are, by the names of the fields that ask for them."""
        world = self.world
        values = {name: list(found) for name, found in Things.of(world).values.items()}
        accounts = [own_account(world, one) for one in ("dealer_1", VICTIM)]
        for name in ("deliverer", "receiver", "account", "beneficiary", "from_account"):
            values[name] = accounts
        values |= {
            "to_account": accounts,
            "address": accounts,
            "trade": values["instruction"],
            "hold": [row.digest for row in world.rows(register.pledge)],
            "person": ["dealer_1_trader", "ministry_viewer"],
            "proposal": [row.id for row in world.rows(proposal)][-20:],
        }
        return {name: found for name, found in values.items() if found}

    def with_real(self, value: Any, name: str = "") -> Any:
        """What was drawn, with things that there are in most places where one is asked for."""
        if isinstance(value, Mapping):
            return {key: self.with_real(one, str(key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self.with_real(one, name) for one in value]
        if name in self.real and self.random.random() < 0.8:
            return self.random.choice(self.real[name])
        return value

    async def send(self, case: Any, operation: str) -> None:
        """One case as every role."""
        sent = _request_of(case, self.world.programme, self.random)
        grounded = {"params": self.with_real(sent["params"])}
        if "json" in sent:
            grounded["json"] = self.with_real(sent["json"])
        path = self._proposal_path(sent["url"])
        turn = self.tally.calls // EACH_CASE
        for place, caller in enumerate(callers_of(turn)):
            ours = (place + turn) % 2 == 0
            request = sent | grounded | {"url": path} if ours else sent
            await self._one(case, operation, caller, request)

    def _proposal_path(self, path: str) -> str:
        parts = path.split("/")
        if "proposals" in parts[:-2]:
            parts[parts.index("proposals") + 1] = self.random.choice(self.real["proposal"])
        return "/".join(parts)

    async def _one(
        self, case: Any, operation: str, caller: str | None, request: Mapping[str, Any]
    ) -> None:
        headers = request["headers"] | self.world.bearer(caller)
        answer = await self.client.request(**{**request, "headers": headers})
        tally, status = self.tally, answer.status_code
        tally.calls += 1
        tally.by_role[self.roles[caller]] += 1
        tally.by_status[status] += 1
        said = f"{operation} as {caller}: {request} -> {status} {answer.text[:600]}"
        assert status < 500 or status == 503, said
        if operation in KINDS and status in (200, 202):
            tally.carried_out[operation] += 1
            assert operation in self.permitted[caller], said
        if operation in ("approve_proposal", "withdraw_proposal") and status == 200:
            tally.carried_out[operation] += 1
            assert self.roles[caller] in ("officer", "approver"), said
        assert status in REFUSALS | {200, 202, 400, 405, 406, 413, 415}, said
        if tally.checked[operation, status] < CHECKED_EACH and status not in (400, 405):
            tally.checked[operation, status] += 1
            case.validate_response(answer, checks=CHECKS)
        if tally.calls % TOLD_EVERY == 0:
            self.tell(tally.line())


def _request_of(case: Any, programme: str, drawn: random.Random) -> dict[str, Any]:
    """A case as what httpx sends; its programme is nearly always the one that there is."""
    if drawn.random() < 0.97 and "programme" in (case.path_parameters or {}):
        case.path_parameters["programme"] = programme
    stated = case.as_transport_kwargs(base_url="http://127.0.0.1")
    parts = urlsplit(stated["url"])
    headers = {
        name: one
        for name, one in stated["headers"].items()
        if name.lower() not in OURS and str(one).isascii() and str(one).isprintable()
    }
    sent = {
        "method": stated["method"],
        "url": quote(parts.path, safe="/%:@!$&'()*+,;=-._~"),
        "params": dict(stated.get("params") or {}),
        "headers": headers,
    }
    for name in ("json", "data"):
        if stated.get(name) is not None:
            sent[name if name == "json" else "content"] = stated[name]
    return sent


def draw(
    operation: Any, mode: GenerationMode, turn: int, most: int, use: Callable[[Any], None]
) -> None:
    """Let schemathesis draw cases of an operation, others in every turn, each used once.

    An operation that takes nothing but free text has no case that breaks its description.
    """
    number = zlib.crc32(f"{operation.label} {mode.value} {turn}".encode())

    @seed(number)
    @settings(
        max_examples=most,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def drawn(case: Any) -> None:
        use(case)

    try:
        drawn()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label
        print(f"\n{operation.label}: nothing that is sent breaks its description")


@pytest.mark.soak
def test_a_hundred_thousand_calls_as_each_role(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def tell(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)

    described = world.client.get("/v1/openapi.json").json()
    operations = [
        found.ok() for found in schemathesis.openapi.from_dict(described).get_all_operations()
    ]
    names = {one.label: one.definition.raw["operationId"] for one in operations}
    assert {*KINDS} <= set(names.values())
    former = {entry["id"] for entry in _entries(world)}
    known = {row.id for row in world.rows(proposal)}

    transport = httpx.ASGITransport(
        world.faces, raise_app_exceptions=False, client=("127.0.0.1", 40_000)
    )
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=600)
        fuzzing = Fuzzing(world, client, tell)
        tally = fuzzing.tally

        def send(case: Any) -> None:
            runner.run(fuzzing.send(case, names[case.operation.label]))

        for turn in itertools.count():
            if tally.calls >= CALLS:
                break
            left = CALLS - tally.calls
            cases = max(1, min(CASES_A_ROUND, -(-left // (len(operations) * EACH_CASE * 2))))
            for operation in operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    if tally.calls < CALLS:
                        draw(operation, mode, turn, cases, send)
            world.app.pump()
        runner.run(client.aclose())
    tell(tally.line())
    tell(f"carried out or proposed: {dict(sorted(tally.carried_out.items()))}")
    assert {200, 401, 403, 404, 422} <= set(tally.by_status)
    assert set(tally.by_role) == {"public", "viewer", "officer", "approver", "operator", "scoped"}
    _audit(world, former, known, fuzzing.permitted)


def _audit(
    world: World, former: set[str], known: set[str], permitted: Mapping[str | None, set[str]]
) -> None:
    """What the tables say of it: every proposal by who may, every approval by an approver."""
    for row in world.rows(proposal):
        if row.id not in known:
            assert row.act in permitted[row.person], (row.act, row.person)
    with world.app.store.reading() as connection:
        met = connection.execute(
            sql.select(requirement, proposal.c.person.label("proposer"))
            .join(proposal, proposal.c.id == requirement.c.proposal)
            .where(proposal.c.programme == world.programme, requirement.c.met_at.is_not(None))
        ).all()
    for row in met:
        actor = world.actor(row.person)
        assert actor.institution == row.institution
        assert actor.role is Role.APPROVER or (row.proposer_counts and row.person == row.proposer)
    # Their own ways of signing in and of being written to; and a token refused that had ended.
    own = {"TokenIssued", "TokenRotated", "TokenRevoked", "PasskeyRemoved", "SignInRefused"}
    own |= {"MailAddressSet"}
    for entry in _entries(world):
        if entry["id"] not in former and entry["actor"]["role"] == Role.VIEWER.value:
            assert entry["kind"] in own, entry["kind"]


def _entries(world: World) -> list[dict[str, Any]]:
    with world.app.store.reading() as connection:
        return read_entries(connection, programme=world.programme)
