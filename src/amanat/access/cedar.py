"""Questions to the Cedar policies in `policies.cedar`, one at a time or many at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import cedarpy

from amanat.access.actors import Actor

_ID = re.compile(r'^@id\("(.+)"\)$', re.MULTILINE)


@cache
def policies() -> str:
    """The text of all policies, as an auditor reads them."""
    return (files("amanat.access") / "policies.cedar").read_text(encoding="utf-8")


@cache
def _parsed() -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_str(policies())


def sentences() -> list[str]:
    """What each policy says of itself, in their order."""
    return _ID.findall(policies())


@dataclass(frozen=True, slots=True)
class Question:
    """May `actor` do `action` (`submit`, `approve`, `look`) with this act or view?

    The act is described by its declaration; `institutions` are those whose approval is asked, and
    a `personal` act concerns nothing but the actor's own ways of signing in.
    """

    actor: Actor
    action: str
    act: str
    programme: str
    capacities: Iterable[str] = ()
    roles: Iterable[str] = ()
    institutions: Iterable[str] = ()
    personal: bool = False

    def _request(self, number: int) -> dict[str, Any]:
        return {
            "principal": f'Person::"{number}"',
            "action": f'Action::"{self.action}"',
            "resource": f'Act::"{number}"',
            "context": {},
        }

    def _entities(self, number: int) -> list[dict[str, Any]]:
        actor = self.actor
        person = {
            "programme": actor.programme,
            "institution": actor.institution,
            "role": actor.role.value,
            "capacities": sorted(actor.capacities),
            "scoped": actor.scopes is not None,
            "scopes": sorted(actor.scopes or ()),
        }
        act = {
            "programme": self.programme,
            "capacities": sorted(self.capacities),
            "roles": sorted(self.roles),
            "institutions": sorted(self.institutions),
            "personal": self.personal,
            "scopes": [f"{self.action}:{self.act}", f"{self.action}:*"],
        }
        return [_entity("Person", number, person), _entity("Act", number, act)]


def permitted(questions: Sequence[Question]) -> list[bool]:
    """The answers, in the order of the questions."""
    requests = [one._request(number) for number, one in enumerate(questions)]
    entities = [part for n, one in enumerate(questions) for part in one._entities(n)]
    if len(requests) == 1:
        return [bool(cedarpy.is_authorized(requests[0], _parsed(), entities).allowed)]
    answers = cedarpy.is_authorized_batch(requests, _parsed(), entities)
    return [bool(one.allowed) for one in answers]


def _entity(kind: str, number: int, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": str(number)}, "attrs": attributes, "parents": []}
