"""What whoever has the installation's folder does before anyone can sign in; journalled as such."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from amanat.access import events, passkeys, tokens
from amanat.access.actors import load_actor
from amanat.store.journal import Provenance
from amanat.store.uow import Store, UnitOfWork

BusinessDate = Callable[[Connection, str], date]
_BY = "installation"


def _work(store: Store, business_date: BusinessDate, programme: str) -> UnitOfWork:
    with store.reading() as connection:
        today = business_date(connection, programme)
    return store.work(Provenance(programme, _BY, "operator", "operator", "folder", today))


def issue_token(
    store: Store, business_date: BusinessDate, programme: str, person: str, lifetime: timedelta
) -> str:
    """A token for a person, as text.  Refuses `NotFound`."""
    with _work(store, business_date, programme) as uow:
        actor, now = load_actor(uow.connection, programme, person, "folder"), store.clock()
        identifier, text = tokens.issue(
            uow.connection, programme, person, now, lifetime, label="by the operator"
        )
        uow.journal.append(
            events.TOKEN_ISSUED,
            {
                "token": identifier,
                "label": "by the operator",
                "scopes": None,
                "expires_at": (now + lifetime).isoformat(),
                "by": _BY,
                "person": person,
            },
            subject=f"participants:{actor.institution}",
        )
        uow.commit()
    return text


def revoke_tokens(store: Store, business_date: BusinessDate, programme: str, person: str) -> int:
    """Revoke every token of a person, and end the sessions begun with them; how many there were."""
    with _work(store, business_date, programme) as uow:
        count = tokens.revoke_tokens(uow.connection, programme, person, store.clock())
        if count:
            uow.journal.append(
                events.TOKEN_REVOKED,
                {"token": "all", "reason": "by the operator", "person": person},
            )
        uow.commit()
    return count


def invite(
    store: Store, business_date: BusinessDate, programme: str, person: str, lifetime: timedelta
) -> str:
    """The path of a link by which a person registers a passkey.  Refuses `NotFound`."""
    with _work(store, business_date, programme) as uow:
        actor, now = load_actor(uow.connection, programme, person, "folder"), store.clock()
        identifier, secret = passkeys.invite(uow.connection, programme, person, now, lifetime)
        uow.journal.append(
            events.PERSON_INVITED,
            {
                "invitation": identifier,
                "institution": actor.institution,
                "expires_at": (now + lifetime).isoformat(),
                "by": _BY,
                "person": person,
            },
            subject=f"participants:{actor.institution}",
        )
        uow.commit()
    return f"/join/{secret}"
