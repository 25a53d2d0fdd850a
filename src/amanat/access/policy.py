"""Asks the Cedar policies in `policies.cedar` whether an actor may submit or approve an act."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import cedarpy

from amanat.access.actors import Actor
from amanat.core.errors import Forbidden
from amanat.core.messages import Message, Word


@cache
def policies() -> str:
    """The text of all policies, as an auditor reads them."""
    return (files("amanat.access") / "policies.cedar").read_text(encoding="utf-8")


def require(
    actor: Actor,
    action: str,
    act: str,
    *,
    programme: str,
    capacities: Iterable[str] = (),
    roles: Iterable[str] = (),
    institutions: Iterable[str] = (),
) -> None:
    """Raise `Forbidden` unless the policies permit `actor` to `submit` or `approve` this act."""
    wanted = sorted(capacities)
    request = {
        "principal": f'Person::"{actor.person}"',
        "action": f'Action::"{action}"',
        "resource": f'Act::"{act}"',
        "context": {},
    }
    entities = [
        _entity("Person", actor.person, _principal(actor)),
        _entity(
            "Act",
            act,
            {
                "programme": programme,
                "capacities": wanted,
                "roles": sorted(roles),
                "institutions": sorted(institutions),
            },
        ),
    ]
    if not cedarpy.is_authorized(request, policies(), entities).allowed:
        named = Word(act)
        asked = (
            Message("submit {act}", act=named)
            if action == "submit"
            else Message("approve {act}", act=named)
        )
        raise Forbidden(actor=actor, act=asked, reason=_need(action, wanted))


def _need(action: str, wanted: list[str]) -> Message:
    if action == "approve":
        return Message("it takes an approver of an institution that is asked")
    if not wanted:
        return Message("it takes a person who may submit for its own institution")
    capacities = Word(" or ".join(wanted))
    return Message("it takes a person who may submit as {capacities}", capacities=capacities)


def _principal(actor: Actor) -> dict[str, Any]:
    return {
        "programme": actor.programme,
        "institution": actor.institution,
        "role": actor.role.value,
        "capacities": sorted(actor.capacities),
    }


def _entity(kind: str, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": []}
