"""The policies as an auditor would try them: every role, capacity and programme."""

from __future__ import annotations

import itertools

import pytest

from amanat.access.actors import Actor, Role
from amanat.access.policy import policies, require
from amanat.core.errors import Forbidden


def someone(role: Role, institution: str = "ministry", programme: str = "test") -> Actor:
    capacities = {"ministry": "issuer", "central_bank": "agent"}[institution]
    return Actor(programme, "p", institution, frozenset({capacities}), role, None, "test")


def allowed(actor: Actor, action: str) -> bool:
    try:
        require(
            actor,
            action,
            "Grant",
            programme="test",
            capacities=["issuer"],
            roles=["officer", "approver"],
            institutions=["ministry"],
        )
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    ("role", "institution", "programme"),
    list(itertools.product(Role, ("ministry", "central_bank"), ("test", "other"))),
)
def test_who_submits_and_who_approves(role: Role, institution: str, programme: str) -> None:
    actor = someone(role, institution, programme)
    theirs = (institution, programme) == ("ministry", "test")
    assert allowed(actor, "submit") == (theirs and role in (Role.OFFICER, Role.APPROVER))
    assert allowed(actor, "approve") == (theirs and role is Role.APPROVER)


def test_the_refusal_names_actor_act_and_what_it_takes() -> None:
    with pytest.raises(Forbidden) as refusal:
        require(
            someone(Role.VIEWER), "submit", "Grant", programme="test", capacities=["a", "issuer"]
        )
    told = str(refusal.value)
    assert told == "p (viewer of ministry) may not submit Grant: it takes a person who may " \
        "submit as a or issuer"  # fmt: skip


def test_each_policy_says_what_it_is_for() -> None:
    assert policies().count("@id(") == policies().count("permit (") + policies().count("forbid (")
