"""The entrance: who comes in, by what means, and what the confidential log says of it.

Every way in goes through here: tokens with each request of the API; tokens, passkeys and an OpenID
provider for sessions of the pages.  A refusal counts towards a lock-out in the same transaction
that journals it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access import attempts, events, sessions, tokens
from amanat.access.actors import Actor, load_actor
from amanat.access.sessions import Session, Terms
from amanat.access.tables import institution
from amanat.core.errors import NotFound, Unauthenticated
from amanat.core.messages import Message
from amanat.store.engine import is_contention
from amanat.store.journal import EventKind, Provenance
from amanat.store.uow import Store

NOBODY = "nobody"
T = TypeVar("T")
Note = Callable[..., None]
"""Notes one entry of signing in: its kind, and the fields that it declares."""
Work = Callable[[Connection, Note], T]
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from: network address, and the browser as it names itself."""

    address: str
    browser: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How long sessions last, how many refusals lock out (0: never), requests a minute (0: any)."""

    terms: Terms
    lockout_failures: int
    rate_token: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was begun: who, its id, and what the cookie holds."""

    actor: Actor
    session: str
    secret: str


class Entrance:
    """Lets people and systems in, or refuses them, and journals either."""

    def __init__(
        self, store: Store, business_date: Callable[[Connection, str], date], rules: Rules
    ) -> None:
        self.store = store
        self.rules = rules
        self._business_date = business_date
        self._of_tokens = attempts.Meter(rules.rate_token)

    # -- tokens -------------------------------------------------------------------------------

    def by_token(self, text: str, visitor: Visitor, programme: str | None = None) -> Actor:
        """Who a token is, for one request.

        Refuses, in order: `LockedOut`, `Unauthenticated`, `TooManyRequests`.
        """
        return self._token(text, visitor, programme)[0]

    def open_by_token(self, text: str, visitor: Visitor, former: Session | None = None) -> Opened:
        """Begin a session with a token.  Refuses as `by_token`."""
        actor, row = self._token(text, visitor, None)
        return self.open(actor, visitor, former=former, token=row)

    def _token(self, text: str, visitor: Visitor, programme: str | None) -> tuple[Actor, Row[Any]]:
        now = self.store.clock()
        with self.store.reading() as connection:
            subjects = [attempts.of_address(visitor.address)]
            attempts.require_unlocked(connection, subjects, now)
            found = tokens.find(connection, text, now)
            if found.row is not None:
                person = attempts.of_person(found.row.programme, found.row.person)
                attempts.require_unlocked(connection, [person], now)
        if found.actor is None or found.row is None:
            theirs = None if found.row is None else (found.row.programme, found.row.person)
            self.refused("token", "this token is not valid", visitor, theirs, programme)
            raise Unauthenticated(reason=Message("this token is not valid"))
        self._of_tokens.take(found.row.id)
        with self.store.engine.begin() as connection:
            tokens.note_use(connection, found.row, now)
        return found.actor, found.row

    # -- sessions -----------------------------------------------------------------------------

    def open(
        self,
        actor: Actor,
        visitor: Visitor,
        *,
        former: Session | None = None,
        token: Row[Any] | None = None,
    ) -> Opened:
        """Begin a session for who has proved who they are; a former one of this browser ends.

        Refuses `LockedOut`.
        """
        self.require_unlocked(visitor, actor)

        def work(connection: Connection, note: Note) -> Opened:
            now = self.store.clock()
            if former is not None:
                theirs = former.actor
                sessions.end(connection, theirs.programme, theirs.person, now, only=former.id)
            identifier, secret = sessions.begin(
                connection, actor, now, self.rules.terms, browser=visitor.browser, token=token
            )
            attempts.forget(connection, _subjects(visitor, actor))
            note(events.SIGNED_IN, means=actor.means, session=identifier)
            return Opened(actor, identifier, secret)

        return self.journalled(actor, visitor, work)

    def session(self, secret: str) -> Session | None:
        """The valid session of a cookie; noting that it is in use."""
        now = self.store.clock()
        with self.store.reading() as connection:
            found = sessions.find(connection, secret, now, self.rules.terms)
        if found is not None and sessions.needs_note(found, now):
            with self.store.engine.begin() as connection:
                sessions.note_seen(connection, found, now)
        return found

    def prove_again(self, session: Session, means: str, visitor: Visitor) -> str:
        """Note that the person of a session proved who they are; the cookie's new secret."""

        def work(connection: Connection, note: Note) -> str:
            secret = sessions.renew(connection, session.id, self.store.clock())
            attempts.forget(connection, _subjects(visitor, session.actor))
            note(events.PROVED_AGAIN, means=means, session=session.id)
            return secret

        return self.journalled(session.actor, visitor, work)

    def prove_by_token(self, session: Session, text: str, visitor: Visitor) -> str:
        """As `prove_again`, with a token; refuses as `by_token`, and a token of somebody else."""
        actor, row = self._token(text, visitor, None)
        theirs = (session.actor.programme, session.actor.person)
        if (actor.programme, actor.person) != theirs or row.scopes != session.row.scopes:
            self.refused("token", "another person's token", visitor, theirs)
            raise Unauthenticated(reason=Message("this token is not valid"))
        return self.prove_again(session, "token", visitor)

    def sign_out(self, session: Session, visitor: Visitor, *, only: str | None, reason: str) -> int:
        """End one session of its person, or all of them (`only` None); how many ended."""
        actor = session.actor

        def work(connection: Connection, note: Note) -> int:
            now = self.store.clock()
            ended = sessions.end(connection, actor.programme, actor.person, now, only=only)
            if ended:
                note(events.SIGNED_OUT, reason=reason, sessions=ended)
            return ended

        return self.journalled(actor, visitor, work)

    # -- refusals -----------------------------------------------------------------------------

    def require_unlocked(self, visitor: Visitor, actor: Actor | None = None) -> None:
        """Refuse `LockedOut` to an address, or a person, of which too much was refused."""
        with self.store.reading() as connection:
            subjects = _subjects(visitor, actor)
            attempts.require_unlocked(connection, subjects, self.store.clock())

    def refused(
        self,
        means: str,
        reason: str,
        visitor: Visitor,
        theirs: tuple[str, str] | None = None,
        programme: str | None = None,
    ) -> None:
        """Journal a refusal and count it against the address, and against `theirs`.

        `theirs` is the programme and code of the person whose thing it was that failed.
        """
        subjects = [attempts.of_address(visitor.address)]
        if theirs is not None:
            subjects.append(attempts.of_person(*theirs))
        for one in self._told(theirs, programme):
            actor = self._known(one, theirs)

            def work(
                connection: Connection, note: Note, counting: Sequence[str] = tuple(subjects)
            ) -> None:
                note(events.SIGN_IN_REFUSED, means=means, reason=reason)
                for subject in counting:
                    lock = attempts.note_failure(
                        connection, subject, self.store.clock(), self.rules.lockout_failures
                    )
                    if lock.until is not None:
                        until = lock.until.isoformat()
                        note(events.LOCKED_OUT, means=means, failures=lock.failures, until=until)

            self.journalled(actor or one, visitor, work)
            subjects = []  # counted once, told to every programme that it concerns

    def _told(self, theirs: tuple[str, str] | None, programme: str | None) -> list[str]:
        """The programmes whose journal tells of it: the person's, the one asked for, or all."""
        if theirs is not None:
            return [theirs[0]]
        with self.store.reading() as connection:
            known = connection.execute(
                sql.select(institution.c.programme).distinct().order_by(institution.c.programme)
            ).scalars()
            founded = [one for one in known if self._founded(connection, one)]
        return [one for one in founded if programme == one] or founded

    def _founded(self, connection: Connection, programme: str) -> bool:
        try:
            self._business_date(connection, programme)
        except NotFound:
            return False
        return True

    def _known(self, programme: str, theirs: tuple[str, str] | None) -> Actor | None:
        if theirs is None:
            return None
        try:
            with self.store.reading() as connection:
                return load_actor(connection, programme, theirs[1], "unproved")
        except NotFound:
            return None

    # -- the journal --------------------------------------------------------------------------

    def journalled(self, who: Actor | str, visitor: Visitor, work: Work[T]) -> T:
        """Do it in one transaction with its entries; again where another came in between."""
        for _ in range(_ATTEMPTS):
            try:
                return self._once(who, visitor, work)
            except sql.exc.DBAPIError as error:
                if not is_contention(error):
                    raise
                last = error
        raise attempts.ComeBackLater(seconds=1) from last

    def _once(self, who: Actor | str, visitor: Visitor, work: Work[T]) -> T:
        programme = who if isinstance(who, str) else who.programme
        with self.store.reading() as connection:
            today = self._business_date(connection, programme)
        with self.store.work(_provenance(who, programme, today)) as uow:
            person = None if isinstance(who, str) else who.person
            subject = None if isinstance(who, str) else f"participants:{who.institution}"

            def note(kind: EventKind, **content: Any) -> None:
                whole = content | {"person": person, "address": visitor.address}
                uow.journal.append(kind, whole, subject=subject)

            done = work(uow.connection, note)
            uow.commit()
        return done


def _subjects(visitor: Visitor, actor: Actor | None) -> list[str]:
    own = [] if actor is None else [attempts.of_person(actor.programme, actor.person)]
    return [attempts.of_address(visitor.address), *own]


def _provenance(who: Actor | str, programme: str, today: date) -> Provenance:
    if isinstance(who, str):
        return Provenance(programme, NOBODY, "", NOBODY, "unproved", today)
    return Provenance(
        programme=programme,
        institution=who.institution,
        capacity=",".join(sorted(who.capacities)),
        role=who.role.value,
        means=who.means,
        business_date=today,
    )
