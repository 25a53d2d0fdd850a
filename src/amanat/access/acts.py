"""Acts and views: how a room declares them, and what an act is given.

A room writes

    class AnnounceTender(Command):
        \"\"\"What the journal, the API and the command line show of this act.\"\"\"
        tender: str

    @act(capacities=["auctioneer"], approvals=tender_signatures)
    def announce_tender(command: AnnounceTender, context: ActContext) -> dict[str, str]:
        ...  # load, check, decide, record

An act that moves money or rights gives `approvals`: a function that checks the command when it is
proposed and answers with an `Ask`, that is, who must approve it, what each signs for the chain, and
a memo of what was fixed beforehand (numbers, expiry).  The act's body runs in the transaction of
the last approval and finds the signatures in `context.approval`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict

from amanat.access.actors import Actor, Role
from amanat.observing.acts import keep_untold

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from amanat.access.desk import KeyRing
    from amanat.ledger.gateway import Gateway
    from amanat.store.uow import UnitOfWork

Result = dict[str, Any]


class Command(BaseModel):
    """What an act is asked to do: immutable, strict about unknown fields, JSON both ways."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Query(BaseModel):
    """What a view is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One approval that an act needs: by a person of `institution`, who is not the proposer.

    `signs` is the 32-byte digest for the chain, where there is one; `shows` the typed data behind
    it, for the person's eyes.  `key` names the account that must sign; without it the approver's
    own key does.  `proposer_counts` lets the proposer's own signature meet this requirement (the
    first of two key holders; a participant's trader signing its own bid).  With `along` whoever
    meets the requirement of that place signs this one in the same approval.
    """

    institution: str
    capacity: str
    signs: bytes | None = None
    shows: Mapping[str, Any] | None = None
    key: str | None = None
    proposer_counts: bool = False
    along: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a proposed act still needs, and what it has fixed: memo is JSON of strings."""

    requirements: Sequence[Requirement]
    memo: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """One approval as given."""

    institution: str
    capacity: str
    person: str
    address: str | None
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Approval:
    """All approvals of a proposal, in the order of its requirements, and its memo."""

    proposal: str
    memo: Mapping[str, Any]
    given: tuple[Approved, ...]

    def signatures(self, *capacities: str) -> list[bytes]:
        """The signatures for the chain, of these capacities or of all."""
        return [
            one.signature
            for one in self.given
            if one.signature is not None and (not capacities or one.capacity in capacities)
        ]


@dataclass(frozen=True, slots=True)
class ActContext:
    """What an act may use: its transaction, its actor, the time, the ledger to read, keys here."""

    uow: UnitOfWork
    actor: Actor
    now: datetime
    business_date: date
    ledger: Gateway
    approval: Approval | None = None
    keys: KeyRing | None = None

    @property
    def programme(self) -> str:
        """The programme in which this actor acts."""
        return self.actor.programme

    @property
    def approved(self) -> Approval:
        """The approval that this act cannot do without."""
        if self.approval is None:
            raise LookupError("this act runs only once it has been approved")
        return self.approval


@dataclass(frozen=True, slots=True)
class ViewContext:
    """What a view may use.  `actor` is None for the public, who see what is public."""

    connection: Connection
    programme: str
    actor: Actor | None
    business_date: date
    ledger: Gateway

    def sees(self, *capacities: str) -> bool:
        """Whether the actor's institution has one of these capacities here."""
        return self.actor is not None and bool(self.actor.capacities & set(capacities))


Body = Callable[[Any, ActContext], Result]
Approvals = Callable[[Any, ActContext], Ask]
ViewBody = Callable[[Any, ViewContext], Any]
B = TypeVar("B", bound=Body)
V = TypeVar("V", bound=ViewBody)


@dataclass(frozen=True, slots=True)
class ActKind:
    """One declared act."""

    name: str
    room: str
    command: type[Command]
    body: Body
    capacities: frozenset[str]
    roles: frozenset[str]
    approvals: Approvals | None
    confidential: bool
    summary: str
    personal: bool = False
    untold: bool = False


@dataclass(frozen=True, slots=True)
class ViewKind:
    """One declared view; `public` ones are shown without signing in."""

    name: str
    room: str
    query: type[Query]
    body: ViewBody
    public: bool
    summary: str


ACTS: dict[str, ActKind] = {}
VIEWS: dict[str, ViewKind] = {}


def act(
    *,
    capacities: Iterable[str] = (),
    roles: Iterable[Role] = (Role.OFFICER, Role.APPROVER),
    approvals: Approvals | None = None,
    confidential: bool = False,
    personal: bool = False,
    untold: bool = False,
) -> Callable[[B], B]:
    """Declare an act: its name is the class of its command, its text that class's docstring.

    `confidential` keeps its proposal and approvals out of the public log.  A `personal` act
    concerns the actor's own ways of signing in, so that everyone may, whatever their role.  An
    `untold` one is neither counted nor traced nor logged: that somebody did it is itself secret.
    """

    def declare(body: B) -> B:
        command = _first_parameter(body)
        known = ACTS.get(command.__name__)
        if known is not None and known.body.__module__ != body.__module__:
            raise TypeError(f"two rooms declare the act {command.__name__}")
        ACTS[command.__name__] = ActKind(
            name=command.__name__,
            room=body.__module__.removeprefix("amanat.").split(".")[0],
            command=command,
            body=body,
            capacities=frozenset(capacities),
            roles=frozenset(role.value for role in roles),
            approvals=approvals,
            confidential=confidential,
            summary=_first_line(command),
            personal=personal,
            untold=untold,
        )
        if untold:
            keep_untold(command.__name__)
        return body

    return declare


def view(name: str, *, public: bool = False) -> Callable[[V], V]:
    """Declare a view under a name such as `tender` or `holders`."""

    def declare(body: V) -> V:
        query = _first_parameter(body)
        VIEWS[name] = ViewKind(
            name=name,
            room=body.__module__.removeprefix("amanat.").split(".")[0],
            query=query,
            body=body,
            public=public,
            summary=_first_line(body),
        )
        return body

    return declare


def _first_parameter(body: Callable[..., Any]) -> Any:
    # Only the first parameter's type is needed; the context's names may exist for the type
    # checker alone, so that `get_type_hints` over all of them would fail.
    name = next(iter(inspect.signature(body).parameters))
    annotation = body.__annotations__[name]
    return body.__globals__[annotation] if isinstance(annotation, str) else annotation


def _first_line(documented: Any) -> str:
    text: str = documented.__doc__ or ""
    return text.strip().splitlines()[0] if text.strip() else ""
