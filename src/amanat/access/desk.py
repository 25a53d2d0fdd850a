"""The desk: where acts are submitted, approved and carried out.

Every path through it is one database transaction: a proposal with its journal entry; or the last
approval together with everything that the act writes.  Submitting again with the same idempotency
key answers with the first outcome.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sql
from pydantic import ValidationError
from sqlalchemy.engine import Connection, Row

from amanat.access import policy
from amanat.access.actors import Actor, load_actor
from amanat.access.acts import (
    ACTS,
    VIEWS,
    ActContext,
    ActKind,
    Approval,
    Approved,
    Command,
    Requirement,
    Result,
    ViewContext,
)
from amanat.access.effects import Seen, effects_of
from amanat.access.fields import require_plain, require_plain_json
from amanat.access.key_register import (
    note_use,
    require_contract,
    require_epoch,
    require_usable,
)
from amanat.access.proposals import (
    check_open,
    find_proposal,
    own_part,
    proposer_of,
    recover,
    require_present,
    requirements_of,
    set_state,
    store_proposal,
)
from amanat.access.refusals import (
    Contended,
    FieldNotAccepted,
    FurtherRefusals,
    IdempotencyKeyReused,
    KeyNotUsable,
    NotAwaited,
    ProposalNotOpen,
    SecondPersonRequired,
    SignatureNotTheirs,
    SignerHasLeft,
    field_refusal,
    own_faults,
)
from amanat.access.shown_once import as_stored
from amanat.access.tables import idempotency, requirement
from amanat.core.canonical import canonical_bytes
from amanat.core.errors import NotFound, Refusal, Refusals, Unauthenticated
from amanat.core.messages import Message
from amanat.ledger.gateway import Gateway
from amanat.ledger.signers import KeyNotHeld
from amanat.observing.acts import name_act, observed
from amanat.store.engine import is_contention
from amanat.store.journal import Audience, Provenance, declare
from amanat.store.uow import Store, UnitOfWork

PROPOSAL_LIFETIME = timedelta(hours=24)
REFUSALS_MAX = 100
ATTEMPTS = 5
_KEY = re.compile(r"[!-~]{1,120}")

_PROPOSED = ("act", "proposal", "digest", "approvers", "expires_at")
_APPROVED = ("act", "proposal", "digest", "capacity")
_WITHDRAWN = ("act", "proposal", "digest")
_EVENTS = {
    (name, hidden): declare(
        f"Confidential{name}" if hidden else name,
        fields,
        private=("person",),
        audience=Audience.CONFIDENTIAL if hidden else Audience.PUBLIC,
    )
    for name, fields in (
        ("ActProposed", _PROPOSED),
        ("ActApproved", _APPROVED),
        ("ActWithdrawn", _WITHDRAWN),
    )
    for hidden in (False, True)
}


class KeyRing(Protocol):
    """Signs for people and accounts whose keys this server holds."""

    def sign(self, programme: str, address: str, signed_digest: bytes) -> bytes:
        """65 bytes r, s, v; raises `KeyNotHeld` when the key is elsewhere."""
        ...

    def public_key(self, address: str) -> bytes:
        """The point of a key that is here, uncompressed: 65 bytes; raises `KeyNotHeld`."""
        ...

    def agree(self, address: str, other: bytes) -> bytes:
        """32 bytes on which a key here and the point `other` agree; raises `KeyNotHeld`."""
        ...

    def place(self, address: str) -> str:
        """Where a key lives: `keystore`, `device LABEL`, or `elsewhere`."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission: carried out with a result, or proposed and waiting."""

    act: str
    state: str
    proposal: str | None = None
    digest: str | None = None
    awaits: tuple[str, ...] = ()
    result: Result | None = None

    def as_json(self) -> dict[str, Any]:
        """The outcome as the API and `--json` show it."""
        return {
            "act": self.act,
            "state": self.state,
            "proposal": self.proposal,
            "digest": self.digest,
            "awaits": list(self.awaits),
            "result": self.result,
        }


def parse(kind: type[Any], fields: Mapping[str, Any]) -> Any:
    """The command or query in `fields`, or every refusal of its form at once."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise Refusals(_field_refusals(kind, error)) from None


def _field_refusals(kind: type[Any], error: ValidationError) -> list[Refusal]:
    faults = own_faults(error.errors(include_url=False))
    found: list[Refusal] = [
        field_refusal(".".join(str(part) for part in one["loc"]), one, kind.__name__)
        for one in faults[:REFUSALS_MAX]
    ]
    if len(faults) > REFUSALS_MAX:
        found.append(FurtherRefusals(count=len(faults) - REFUSALS_MAX))
    return found


class Desk:
    """Carries out acts and answers views for authenticated actors."""

    def __init__(
        self,
        store: Store,
        ledger: Callable[[str], Gateway],
        keys: KeyRing,
        business_date: Callable[[Connection, str], date],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._keys = keys
        self._business_date = business_date

    # -- acts ---------------------------------------------------------------------------------

    @observed("submit")
    def submit(self, actor: Actor, command: Command, *, key: str | None = None) -> Outcome:
        """Carry out `command`, or propose it where it needs another's approval.

        Refuses, in order: `Forbidden`, `KeyNotUsable`, `TextNotPlain`, `IdempotencyKeyReused`, and
        whatever the act refuses.
        """
        kind = ACTS[type(command).__name__]
        policy.require_act(actor, "submit", kind)
        _require_usable(key)
        stated = command.model_dump(mode="json")
        whole = canonical_bytes({"act": kind.name, "command": stated})
        require_plain_json(whole.decode(), stated)
        request = hashlib.sha256(whole).hexdigest()

        def work() -> Outcome:
            with self._work(actor, kind.capacities) as uow:
                former = self._recall(uow, actor, key, request)
                if former is not None:
                    return former
                context = self._context(uow, actor)
                if kind.approvals is None:
                    result = kind.body(command, context)
                    outcome = Outcome(kind.name, "carried_out", result=result)
                else:
                    outcome = self._propose(kind, command, stated, context)
                self._remember(uow, actor, key, request, outcome)
                uow.commit()
            return outcome

        return _again(work)

    @observed("approve")
    def approve(
        self,
        actor: Actor,
        proposal_id: str,
        *,
        signatures: Mapping[str, bytes] | None = None,
        key: str | None = None,
    ) -> Outcome:
        """Give the approval of the actor's institution; the last one carries the act out.

        With the idempotency key of an approval that was given, its outcome is answered again.

        A proposer whose key is elsewhere brings the signature of their own part in this way too.
        `signatures` maps the hexadecimal digest that was signed offline to its 65 bytes; without
        it the key must be on this server.  Refuses, in order: `KeyNotUsable`, `NotFound`,
        `Forbidden`, `IdempotencyKeyReused`, `ProposalNotOpen`, `SecondPersonRequired`,
        `NotAwaited`, `KeyNotHeld`, `SignatureNotTheirs`, `SignerHasLeft`, and
        whatever the act refuses.
        """
        _require_usable(key)
        return _again(lambda: self._approve(actor, proposal_id, signatures or {}, key))

    def _approve(
        self, actor: Actor, proposal_id: str, signatures: Mapping[str, bytes], key: str | None
    ) -> Outcome:
        request = hashlib.sha256(canonical_bytes({"approve": proposal_id})).hexdigest()
        with self._work(actor) as uow:
            row = find_proposal(uow.connection, actor.programme, proposal_id)
            name_act(row.act)
            kind = ACTS[row.act]
            needs = requirements_of(uow.connection, proposal_id)
            if not {need.institution for need in needs} & {actor.institution}:
                raise NotFound(thing="proposal", value=proposal_id)
            if row.person == actor.person:
                needs = own_part(row, needs, actor, kind)
            else:
                policy.require_act(actor, "approve", kind, {need.institution for need in needs})
            former = self._recall(uow, actor, key, request)
            if former is not None:
                return former
            now = self._store.clock()
            check_open(row, now)
            require_epoch(uow.connection, row, needs)
            require_contract(uow.connection, row, needs)
            self._meet(uow, row, needs, actor, signatures, now)
            outcome = self._carry_out_if_complete(uow, kind, row, actor)
            self._remember(uow, actor, key, request, outcome)
            uow.commit()
        return outcome

    @observed("withdraw")
    def withdraw(self, actor: Actor, proposal_id: str) -> Outcome:
        """Withdraw one's institution's own open proposal."""
        with self._work(actor) as uow:
            row = find_proposal(uow.connection, actor.programme, proposal_id)
            name_act(row.act)
            if row.institution != actor.institution:
                raise NotFound(thing="proposal", value=proposal_id)
            kind = ACTS[row.act]
            policy.require_act(actor, "submit", kind)
            check_open(row, self._store.clock())
            set_state(uow, proposal_id, "withdrawn")
            uow.journal.append(
                _EVENTS["ActWithdrawn", kind.confidential],
                {
                    "act": row.act,
                    "proposal": proposal_id,
                    "digest": row.digest,
                    "person": actor.person,
                },
                subject=row.subject,
                cause=row.entry,
                provenance=_provenance(
                    actor, uow.journal.provenance.business_date, kind.capacities
                ),
            )
            uow.commit()
        return Outcome(row.act, "withdrawn", proposal=proposal_id, digest=row.digest)

    def view(
        self, actor: Actor | None, programme: str, name: str, fields: Mapping[str, Any]
    ) -> Any:
        """What the view `name` shows this actor, or the public when there is none.

        Refuses, in order: `NotFound` (no such view), `Unauthenticated` (it is not public; which
        views there are is published), `NotFound` (another programme), `Forbidden` (a token whose
        scopes leave it out), and what the view refuses.
        """
        kind = VIEWS.get(name)
        if kind is None:
            raise NotFound(thing="view", value=name)
        if actor is None and not kind.public:
            raise Unauthenticated(reason=Message("the view {view} is not public", view=name))
        if actor is not None and actor.programme != programme:
            raise NotFound(thing="programme", value=programme)
        if actor is not None and actor.scopes is not None:
            policy.require(actor, "look", name, programme=programme)
        require_plain(dict(fields))
        query = parse(kind.query, fields)
        with self._store.reading() as connection:
            return kind.body(
                query,
                ViewContext(
                    connection=connection,
                    programme=programme,
                    actor=actor,
                    business_date=self._business_date(connection, programme),
                    ledger=self._ledger(programme),
                ),
            )

    def foresee(self, actor: Actor, command: Command) -> tuple[Message, ...]:
        """What `command` would do if it were carried out now; nothing is written.

        Refuses `Forbidden`, and what the rooms refuse of the things that the command names.
        """
        kind = ACTS[type(command).__name__]
        policy.require_act(actor, "submit", kind)
        with self._store.reading() as connection:
            seen = Seen(
                connection=connection,
                programme=actor.programme,
                business_date=self._business_date(connection, actor.programme),
                institution=actor.institution,
                ledger=self._ledger(actor.programme),
            )
            return effects_of(command, seen)

    # -- steps --------------------------------------------------------------------------------

    def _work(self, actor: Actor, capacities: Iterable[str] = ()) -> UnitOfWork:
        with self._store.reading() as connection:
            _require_current(connection, actor)
            today = self._business_date(connection, actor.programme)
        return self._store.work(_provenance(actor, today, capacities))

    def _context(self, uow: UnitOfWork, actor: Actor) -> ActContext:
        return ActContext(
            uow=uow,
            actor=actor,
            now=self._store.clock(),
            business_date=self._business_date(uow.connection, actor.programme),
            ledger=self._ledger(actor.programme),
            keys=self._keys,
        )

    def _propose(
        self, kind: ActKind, command: Command, stated: dict[str, Any], context: ActContext
    ) -> Outcome:
        assert kind.approvals is not None
        uow, actor = context.uow, context.actor
        ask = kind.approvals(command, context)
        told = effects_of(command, _seen(context))
        event = _EVENTS["ActProposed", kind.confidential]
        row = store_proposal(context, kind, stated, ask, told, event, PROPOSAL_LIFETIME)
        needs = requirements_of(uow.connection, row.id)
        own = [
            need
            for need, asked in zip(needs, ask.requirements, strict=True)
            if asked.proposer_counts and asked.institution == actor.institution
        ]
        if own:
            # A key that is elsewhere signs later: the part stays open, see `approve`.
            with contextlib.suppress(KeyNotHeld), uow.connection.begin_nested():
                self._meet(uow, row, own, actor, {}, context.now)
        return self._carry_out_if_complete(uow, kind, row, actor)

    def _meet(
        self,
        uow: UnitOfWork,
        row: Row[Any],
        needs: list[Row[Any]],
        actor: Actor,
        signatures: Mapping[str, bytes],
        now: datetime,
    ) -> None:
        met = requirements_of(uow.connection, row.id)
        theirs = [
            need for need in needs if need.institution == actor.institution and need.met_at is None
        ]
        # One person meets at most one of an institution's own-key requirements: two key holders
        # are two people.
        already = any(n.person == actor.person and n.key is None for n in met)
        chosen = [need for need in theirs if need.key is not None]
        own = [need for need in theirs if need.key is None and need.along is None]
        if own and not already:
            chosen.append(own[0])
            chosen += [need for need in theirs if need.along == own[0].position]
        if not chosen:
            raise NotAwaited(act=row.act, proposal=row.id, institution=actor.institution)
        for need in chosen:
            self._sign_one(uow, row, need, actor, signatures, now)
        uow.journal.append(
            _EVENTS["ActApproved", ACTS[row.act].confidential],
            {
                "act": row.act,
                "proposal": row.id,
                "digest": row.digest,
                "capacity": chosen[0].capacity,
                "person": actor.person,
            },
            subject=row.subject,
            cause=row.entry,
            provenance=replace(
                _provenance(actor, uow.journal.provenance.business_date),
                capacity=chosen[0].capacity,
            ),
        )

    def _sign_one(
        self,
        uow: UnitOfWork,
        row: Row[Any],
        need: Row[Any],
        actor: Actor,
        signatures: Mapping[str, bytes],
        now: datetime,
    ) -> None:
        address = need.key or actor.address
        signed = need.signs or row.digest
        signature = signatures.get(signed)
        if address is None:
            raise NotFound(thing="signing key of", value=actor.person)
        require_usable(uow.connection, actor.programme, address, now)
        if signature is None:
            signature = self._keys.sign(actor.programme, address, bytes.fromhex(signed))
        recovered = recover(bytes.fromhex(signed), signature)
        if recovered != address.lower():
            raise SignatureNotTheirs(
                act=row.act, proposal=row.id, recovered=recovered, expected=address
            )
        note_use(uow.connection, actor.programme, address, now)
        uow.connection.execute(
            sql.update(requirement)
            .where(requirement.c.proposal == row.id, requirement.c.position == need.position)
            .values(
                person=actor.person,
                address=address,
                signature=signature.hex(),
                met_at=now.isoformat(),
            )
        )

    def _carry_out_if_complete(
        self, uow: UnitOfWork, kind: ActKind, row: Row[Any], actor: Actor
    ) -> Outcome:
        needs = requirements_of(uow.connection, row.id)
        awaits = tuple(sorted({need.institution for need in needs if need.met_at is None}))
        if awaits:
            return Outcome(kind.name, "proposed", row.id, row.digest, awaits)
        given = tuple(
            Approved(
                institution=need.institution,
                capacity=need.capacity,
                person=need.person,
                address=need.address,
                signature=bytes.fromhex(need.signature) if need.signature else None,
            )
            for need in needs
        )
        command = kind.command.model_validate_json(row.command)
        approval = Approval(row.id, json.loads(row.memo), given)
        # The act is the proposer's, whoever approved it last.
        proposer = proposer_of(uow.connection, row, actor.means)
        require_present(uow.connection, row, needs)
        policy.require_act(proposer, "submit", kind)
        uow.journal.provenance = replace(
            _provenance(proposer, uow.journal.provenance.business_date, kind.capacities),
            cause=row.entry,
            approval=tuple(
                {
                    "institution": one.institution,
                    "capacity": one.capacity,
                    "signature": one.signature.hex() if one.signature else "",
                }
                for one in given
            ),
        )
        result = kind.body(command, replace(self._context(uow, proposer), approval=approval))
        set_state(uow, row.id, "carried_out", as_stored(result))
        return Outcome(kind.name, "carried_out", row.id, row.digest, result=result)

    def _recall(
        self, uow: UnitOfWork, actor: Actor, key: str | None, request: str
    ) -> Outcome | None:
        if key is None:
            return None
        row = uow.connection.execute(
            sql.select(idempotency).where(
                idempotency.c.programme == actor.programme,
                idempotency.c.institution == actor.institution,
                idempotency.c.key == key,
            )
        ).one_or_none()
        if row is None:
            return None
        if row.request != request:
            raise IdempotencyKeyReused(key=key)
        stored = json.loads(row.outcome)
        return Outcome(**stored | {"awaits": tuple(stored["awaits"])})

    def _remember(
        self, uow: UnitOfWork, actor: Actor, key: str | None, request: str, outcome: Outcome
    ) -> None:
        if key is not None:
            uow.connection.execute(
                idempotency.insert().values(
                    programme=actor.programme,
                    institution=actor.institution,
                    key=key,
                    request=request,
                    outcome=canonical_bytes(as_stored(outcome.as_json())),
                )
            )


def _require_usable(key: str | None) -> None:
    if key is not None and not _KEY.fullmatch(key):
        raise KeyNotUsable(key=repr(key[:40]))


def _again(work: Callable[[], Outcome]) -> Outcome:
    """Do it once more where another act took the same thing at the same moment.

    The second look finds what the other has committed, and so comes to an outcome or a refusal.
    SQLite lets one write at a time; of this PostgreSQL tells by its class of error.
    """
    for _ in range(ATTEMPTS):
        try:
            return work()
        except sql.exc.DBAPIError as error:
            if not is_contention(error):
                raise
            last = error
    raise Contended("others keep changing the same thing; try again") from last


def _require_current(connection: Connection, actor: Actor) -> None:
    """Refuse `Unauthenticated` to who has left, or is in another role, since they signed in."""
    try:
        now = load_actor(connection, actor.programme, actor.person, actor.means)
    except NotFound:
        raise Unauthenticated(
            reason=Message("{person} is nobody here", person=actor.person)
        ) from None
    if now != actor:
        raise Unauthenticated(
            reason=Message("{person} has been given another role", person=actor.person)
        )


def _seen(context: ActContext) -> Seen:
    return Seen(
        connection=context.uow.connection,
        programme=context.programme,
        business_date=context.business_date,
        institution=context.actor.institution,
        ledger=context.ledger,
    )


def _provenance(actor: Actor, today: date, capacities: Iterable[str] = ()) -> Provenance:
    """Who acts, and in which of the capacities that the act asks for."""
    acting = actor.capacities & set(capacities)
    return Provenance(
        programme=actor.programme,
        institution=actor.institution,
        capacity=",".join(sorted(acting or actor.capacities)),
        role=actor.role.value,
        means=actor.means,
        business_date=today,
    )


__all__ = [
    "Contended",
    "Desk",
    "FieldNotAccepted",
    "FurtherRefusals",
    "IdempotencyKeyReused",
    "KeyNotUsable",
    "KeyRing",
    "NotAwaited",
    "Outcome",
    "ProposalNotOpen",
    "Requirement",
    "SecondPersonRequired",
    "SignatureNotTheirs",
    "SignerHasLeft",
    "parse",
    "recover",
]
