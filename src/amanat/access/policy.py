"""Asks the Cedar policies in `policies.cedar` whether an actor may submit or approve an act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from amanat.access.actors import Actor
from amanat.access.acts import ActKind
from amanat.access.cedar import Question, permitted, policies
from amanat.core.errors import Forbidden
from amanat.core.messages import Message, Word

__all__ = ["policies", "require", "require_act", "unscoped"]


def require(
    actor: Actor,
    action: str,
    act: str,
    *,
    programme: str,
    capacities: Iterable[str] = (),
    roles: Iterable[str] = (),
    institutions: Iterable[str] = (),
    personal: bool = False,
) -> None:
    """Raise `Forbidden` unless the policies permit `actor` this action; see `cedar.Question`."""
    wanted = sorted(capacities)
    question = Question(
        actor=actor,
        action=action,
        act=act,
        programme=programme,
        capacities=wanted,
        roles=tuple(roles),
        institutions=tuple(institutions),
        personal=personal,
    )
    if permitted([question])[0]:
        return
    if actor.scopes is not None and permitted([replace(question, actor=unscoped(actor))])[0]:
        reason = Message("the token serves only {scopes}", scopes=", ".join(sorted(actor.scopes)))
    else:
        reason = _need(action, wanted)
    raise Forbidden(actor=actor, act=Message(_ACTS[action], act=Word(act)), reason=reason)


def require_act(actor: Actor, action: str, kind: ActKind, institutions: Iterable[str] = ()) -> None:
    """As `require`, for a declared act in the actor's own programme."""
    require(
        actor,
        action,
        kind.name,
        programme=actor.programme,
        capacities=kind.capacities,
        roles=kind.roles,
        institutions=institutions,
        personal=kind.personal,
    )


_ACTS = {"submit": "submit {act}", "approve": "approve {act}", "look": "look at {act}"}


def unscoped(actor: Actor) -> Actor:
    """The same person, with whatever they may."""
    return replace(actor, scopes=None)


def _need(action: str, wanted: list[str]) -> Message:
    if action == "approve":
        return Message("it takes an approver of an institution that is asked")
    if not wanted:
        return Message("it takes a person who may submit for its own institution")
    capacities = Word(" or ".join(wanted))
    return Message("it takes a person who may submit as {capacities}", capacities=capacities)
