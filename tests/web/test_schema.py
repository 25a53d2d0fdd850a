"""The API keeps what its description promises, whatever is sent, whoever sends it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.web.installation import AUDITOR, DEALER, OFFICER, VIEWER, Installation

from amanat.access.acts import ACTS

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
# What each person may submit at all; the policy decides beside this, and must agree.
PEOPLE = (None, OFFICER, DEALER, VIEWER, AUDITOR)
EXAMPLES_EACH = 3


@pytest.fixture(scope="module")
def schema(site: Installation) -> Any:
    """The description as it is served."""
    return schemathesis.openapi.from_url(f"{site.address}/v1/openapi.json")


def may_submit(site: Installation, person: str | None, act: str) -> bool:
    """Whether an act is open to a person, by the records: it is personal, or of a capacity."""
    if person is None:
        return False
    from amanat.access.actors import load_actor

    with site.app.store.reading() as connection:
        actor = load_actor(connection, site.programme, person, "test")
    kind = ACTS[act]
    holds = bool(actor.capacities & kind.capacities) and actor.role.value in kind.roles
    return kind.personal or holds


def test_whatever_is_sent_is_answered_as_described(site: Installation, schema: Any) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 60
    seen: Counter[int] = Counter()
    for operation in operations:
        name = operation.definition.raw["operationId"]
        outsiders = {p for p in PEOPLE if name in ACTS and not may_submit(site, p, name)}
        _try(site, operation, outsiders, seen)
    # The inputs are not all refused at the door: some reach the rules, some succeed.
    assert {200, 401, 403, 404, 422} <= set(seen), seen
    assert not {status for status in seen if status >= 500}


def _try(
    site: Installation, operation: Any, outsiders: set[str | None], seen: Counter[int]
) -> None:
    @seed(20210303)
    @settings(
        max_examples=EXAMPLES_EACH,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def answered(case: Any) -> None:
        if "programme" in (case.path_parameters or {}):
            case.path_parameters["programme"] = site.programme
        for person in PEOPLE:
            headers = {"Authorization": f"Bearer {site.tokens[person]}"} if person else {}
            answer = case.call(base_url=site.address, headers=headers)
            case.validate_response(answer, checks=CHECKS)
            seen[answer.status_code] += 1
            if person in outsiders:
                assert answer.status_code in {401, 403, 404, 422}, (person, answer.text)

    answered()
