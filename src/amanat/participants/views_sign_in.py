"""Views of signing in: one's own ways, those of an institution's people, and lock-outs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sql

from amanat.access import attempts, passkeys
from amanat.access.acts import ViewContext, view
from amanat.access.tables import access_token, identity, lockout, passkey, person
from amanat.participants.commands_sign_in import LockoutsAsked, MyAccessAsked, PeopleAccessAsked


@view("my_access")
def my_access(query: MyAccessAsked, context: ViewContext) -> dict[str, Any]:
    """One's own tokens, passkeys and identities; never a secret."""
    del query
    actor, connection = context.actor, context.connection
    assert actor is not None
    mine = connection.execute(
        sql.select(access_token)
        .where(
            access_token.c.programme == context.programme,
            access_token.c.person == actor.person,
            access_token.c.revoked_at.is_(None),
        )
        .order_by(access_token.c.issued_at.desc())
        .limit(200)
    )
    linked = connection.execute(
        sql.select(identity)
        .where(identity.c.programme == context.programme, identity.c.person == actor.person)
        .order_by(identity.c.issuer)
    )
    return {
        "person": actor.person,
        "institution": actor.institution,
        "role": actor.role.value,
        "tokens": [
            {
                "token": row.id,
                "label": row.label,
                "scopes": row.scopes,
                "issued_at": row.issued_at,
                "expires_at": row.expires_at,
                "last_used_at": row.last_used_at,
                "successor": row.successor,
            }
            for row in mine
        ],
        "passkeys": [
            {
                "passkey": row.id,
                "label": row.label,
                "registered_at": row.registered_at,
                "last_used_at": row.last_used_at,
            }
            for row in passkeys.of_person(connection, context.programme, actor.person)
        ],
        "identities": [
            {"issuer": row.issuer, "subject": row.subject, "linked_at": row.linked_at}
            for row in linked
        ],
    }


@view("people_access")
def people_access(query: PeopleAccessAsked, context: ViewContext) -> list[dict[str, Any]]:
    """How the people of the asker's institution sign in, and who is locked out."""
    del query
    assert context.actor is not None
    connection, own = context.connection, context.actor.institution
    people = connection.execute(
        sql.select(person)
        .where(person.c.programme == context.programme, person.c.institution == own)
        .order_by(person.c.code)
    ).all()
    keys = _count(context, passkey, passkey.c.removed_at)
    issued = _count(context, access_token, access_token.c.revoked_at)
    named = _count(context, identity, None)
    subjects = {attempts.of_person(context.programme, one.code): one.code for one in people}
    locked = {
        subjects[row.subject]: row.locked_until
        for row in connection.execute(
            sql.select(lockout).where(lockout.c.subject.in_(list(subjects)))
        )
    }
    return [
        {
            "person": one.code,
            "role": one.role,
            "state": "active" if one.active else "retired",
            "passkeys": keys[one.code],
            "tokens": issued[one.code],
            "identities": named[one.code],
            "locked_until": locked.get(one.code),
        }
        for one in people
    ]


def _count(context: ViewContext, table: sql.Table, ended: sql.Column[Any] | None) -> Counter[str]:
    found = sql.select(table.c.person).where(table.c.programme == context.programme)
    if ended is not None:
        found = found.where(ended.is_(None))
    return Counter(context.connection.execute(found).scalars())


@view("lockouts")
def lockouts(query: LockoutsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Addresses of which sign-in was refused: whoever runs the installation sees them."""
    del query
    if not context.sees("operator"):
        return []
    rows = context.connection.execute(
        sql.select(lockout)
        .where(lockout.c.subject.like("address:%"))
        .order_by(lockout.c.failed_at.desc())
        .limit(1000)
    )
    return [
        {
            "address": row.subject.partition(":")[2],
            "failures": row.failures,
            "failed_at": row.failed_at,
            "locks": row.locks,
            "locked_until": row.locked_until,
        }
        for row in rows
    ]
