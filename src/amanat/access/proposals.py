"""Proposals as they are stored: found, still open, signed by whom, and carried out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql
from coincurve import PublicKey
from eth_utils.crypto import keccak
from sqlalchemy.engine import Connection, Row

from amanat.access import policy
from amanat.access.actors import Actor, Role, load_actor
from amanat.access.acts import ActContext, ActKind, Ask, Result
from amanat.access.effects import as_json
from amanat.access.refusals import ProposalNotOpen, SecondPersonRequired, SignerHasLeft
from amanat.access.tables import person, proposal, requirement
from amanat.core.canonical import canonical_bytes, digest
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.store.journal import EventKind
from amanat.store.uow import UnitOfWork

_IDENTIFIER = re.compile(r"[0-9a-f-]{36}")


def recover(signed_digest: bytes, signature: bytes) -> str:
    """The address (small letters) whose key made this 65-byte signature over the digest."""
    if len(signature) != 65:
        return "0x"
    v = signature[64]
    try:
        public = PublicKey.from_signature_and_message(
            signature[:64] + bytes([v - 27 if v >= 27 else v]), signed_digest, hasher=None
        )
    except Exception:  # coincurve raises bare Exception for points that are not on the curve
        return "0x"
    return "0x" + keccak(public.format(compressed=False)[1:])[-20:].hex()


def find_proposal(connection: Connection, programme: str, identifier: str) -> Row[Any]:
    """A proposal, locked until the transaction ends.  Refuses `NotFound`."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise NotFound(thing="proposal", value=identifier[:40])
    row = connection.execute(
        sql.select(proposal)
        .where(proposal.c.id == identifier, proposal.c.programme == programme)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="proposal", value=identifier)
    return row


def store_proposal(
    context: ActContext,
    kind: ActKind,
    stated: dict[str, Any],
    ask: Ask,
    told: tuple[Message, ...],
    event: EventKind,
    lifetime: timedelta,
) -> Row[Any]:
    """Journal and store what is proposed, what it would do, and what each approver has to sign.

    The digest is of both: who approves has signed what they were told that the act does.
    """
    uow, actor, identifier = context.uow, context.actor, new_id()
    memo, announced = dict(ask.memo), as_json(told)
    whole = {
        "programme": actor.programme,
        "act": kind.name,
        "command": stated,
        "memo": memo,
        "effects": announced,
        "proposal": identifier,
    }
    expires_at = context.now + lifetime
    signed = digest(whole).hex()
    entry = uow.journal.append(
        event,
        {
            "act": kind.name,
            "proposal": identifier,
            "digest": signed,
            "approvers": sorted({need.institution for need in ask.requirements}),
            "expires_at": expires_at.isoformat(),
            "person": actor.person,
        },
        subject=ask.subject,
    )
    uow.connection.execute(
        proposal.insert().values(
            id=identifier,
            programme=actor.programme,
            act=kind.name,
            command=canonical_bytes(stated),
            memo=canonical_bytes(memo),
            digest=signed,
            institution=actor.institution,
            person=actor.person,
            subject=ask.subject,
            proposed_at=context.now.isoformat(),
            expires_at=expires_at.isoformat(),
            state="open",
            entry=entry,
            effects=announced,
        )
    )
    for position, need in enumerate(ask.requirements):
        uow.connection.execute(
            requirement.insert().values(
                proposal=identifier,
                position=position,
                institution=need.institution,
                capacity=need.capacity,
                signs=need.signs.hex() if need.signs is not None else None,
                key=need.key,
                shows=dict(need.shows) if need.shows is not None else None,
                proposer_counts=need.proposer_counts,
                along=need.along,
            )
        )
    return find_proposal(uow.connection, actor.programme, identifier)


def requirements_of(connection: Connection, proposal_id: str) -> list[Row[Any]]:
    """What a proposal needs, in its order, and who has met it."""
    return list(
        connection.execute(
            sql.select(requirement)
            .where(requirement.c.proposal == proposal_id)
            .order_by(requirement.c.position)
        )
    )


def own_part(row: Row[Any], needs: list[Row[Any]], actor: Actor, kind: ActKind) -> list[Row[Any]]:
    """What the proposer may sign of their own proposal; raises `SecondPersonRequired`."""
    policy.require_act(actor, "submit", kind)
    own = [need for need in needs if need.proposer_counts and need.met_at is None]
    if not any(need.institution == actor.institution for need in own):
        raise SecondPersonRequired(
            person=actor.person, act=row.act, proposal=row.id, institution=actor.institution
        )
    return own


def check_open(row: Row[Any], now: datetime) -> None:
    """Refuse `ProposalNotOpen`, also where nobody has noted that it has expired."""
    state = row.state
    if state == "open" and row.expires_at <= now.isoformat():
        state = "expired"
    if state != "open":
        raise ProposalNotOpen(act=row.act, proposal=row.id, state=state)


def set_state(uow: UnitOfWork, proposal_id: str, state: str, result: Result | None = None) -> None:
    """What became of a proposal."""
    uow.connection.execute(
        sql.update(proposal)
        .where(proposal.c.id == proposal_id)
        .values(state=state, result=None if result is None else canonical_bytes(result))
    )


def require_present(connection: Connection, row: Row[Any], needs: list[Row[Any]]) -> None:
    """Refuse `SignerHasLeft` unless all who approved could still do so."""
    signed = {need.person: need.institution for need in needs if need.person != row.person}
    present = connection.execute(
        sql.select(person.c.code, person.c.institution).where(
            person.c.programme == row.programme,
            person.c.code.in_(signed),
            person.c.role == Role.APPROVER.value,
            person.c.active,
        )
    )
    here = {one.code: one.institution for one in present}
    for code, institution in signed.items():
        if here.get(code) != institution:
            raise SignerHasLeft(act=row.act, proposal=row.id, person=code, institution=institution)


def proposer_of(connection: Connection, row: Row[Any], means: str) -> Actor:
    """Who proposed it, as they are today; whoever has left proposes nothing any more."""
    try:
        return load_actor(connection, row.programme, row.person, means)
    except NotFound:
        raise ProposalNotOpen(
            act=row.act, proposal=row.id, state="void: its proposer left"
        ) from None
