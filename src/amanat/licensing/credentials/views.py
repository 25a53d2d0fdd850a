"""Credentials, to whom they belong; and the authority's public keys, to everybody."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.licensing.credentials.book import key_set, statuses_of
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.register.commands import CredentialsAsked, KeysAsked
from amanat.licensing.register.tables import credential
from amanat.participants.model import UnknownClass


@view("licence_credentials")
def licence_credentials(query: CredentialsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Signed credentials with their status: one's own, or all of them to the authority."""
    assert context.actor is not None  # this view is not public
    own = context.actor.institution
    connection, programme = context.connection, context.programme
    try:
        authority = authority_of(connection, programme, pack_of(connection, programme))
    except UnknownClass:
        return []  # nobody is licensed in this programme
    wanted = sql.select(credential).where(credential.c.programme == programme)
    if own != authority:
        wanted = wanted.where(credential.c.provider == own)
    if query.provider is not None:
        wanted = wanted.where(credential.c.provider == query.provider)
    statuses = statuses_of(connection, programme, context.business_date)
    return [
        {
            "provider": row.provider,
            "permission": row.permission,
            "status": statuses[row.place].name.lower(),
            "place": row.place,
            "kid": row.kid,
            "issued_at": row.issued_at,
            "expires_at": row.expires_at,
            "superseded_at": row.superseded_at,
            "token": row.token,
            "entry": row.entry,
        }
        for row in connection.execute(wanted.order_by(credential.c.place.desc()))
    ]


@view("credential_keys", public=True)
def credential_keys(_query: KeysAsked, context: ViewContext) -> dict[str, Any]:
    """The keys by which a verifier checks credentials and certificates, as a JWK set."""
    return {"keys": key_set(context.connection, context.programme)}
