"""Passkeys (WebAuthn level 2): registered by invitation, with which people sign in.

Every answer of an authenticator is checked by py_webauthn: challenge, origin, relying party,
presence and verification of the person, signature, and that a counter never goes back.  A challenge
serves once, for five minutes, for the purpose and person that it was made for.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from amanat.access.actors import Actor
from amanat.access.shown_once import fresh_secret, hash_of, matches
from amanat.access.tables import ceremony, invitation, passkey
from amanat.core.errors import NotFound, Refusal, Unauthenticated
from amanat.core.ids import new_id
from amanat.core.messages import Message

CEREMONY_LIFETIME = timedelta(minutes=5)
INVITATION_LIFETIME_MAX = timedelta(days=7)
LABEL_MAX = 80


class PasskeyKnown(Refusal):
    """An authenticator's credential is registered once."""

    template = "This passkey is registered already."


class PasskeyRefused(Unauthenticated):
    """What an authenticator answered does not prove who it is."""

    template = "The passkey was not accepted: {reason}"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages stand: the origin that browsers see, such as `https://amanat.example`."""

    origin: str

    @property
    def host(self) -> str:
        """The relying party's id: the host, without scheme and port."""
        return urlsplit(self.origin).hostname or ""


# -- ceremonies -----------------------------------------------------------------------------------


def begin(connection: Connection, purpose: str, content: Mapping[str, Any], now: datetime) -> str:
    """Keep what a ceremony must find again; the secret that the browser gives back."""
    connection.execute(sql.delete(ceremony).where(ceremony.c.expires_at <= now.isoformat()))
    secret = fresh_secret()
    connection.execute(
        ceremony.insert().values(
            hash=hash_of(secret),
            purpose=purpose,
            content=dict(content),
            expires_at=(now + CEREMONY_LIFETIME).isoformat(),
        )
    )
    return secret


def finish(connection: Connection, purpose: str, secret: str, now: datetime) -> dict[str, Any]:
    """What was kept; it serves once.  Refuses `Unauthenticated`."""
    row = connection.execute(
        sql.delete(ceremony)
        .where(ceremony.c.hash == hash_of(secret), ceremony.c.purpose == purpose)
        .returning(ceremony.c.hash, ceremony.c.content, ceremony.c.expires_at)
    ).one_or_none()
    if row is None or not matches(secret, row.hash) or row.expires_at <= now.isoformat():
        raise Unauthenticated(reason=Message("this took too long, or was done already"))
    return dict(row.content)


# -- invitations ----------------------------------------------------------------------------------


def invite(
    connection: Connection, programme: str, person: str, now: datetime, lifetime: timedelta
) -> tuple[str, str]:
    """An invitation to register a passkey: its id, and the secret of its link."""
    identifier, secret = new_id(), fresh_secret()
    connection.execute(
        invitation.insert().values(
            id=identifier,
            hash=hash_of(secret),
            programme=programme,
            person=person,
            invited_at=now.isoformat(),
            expires_at=(now + lifetime).isoformat(),
        )
    )
    return identifier, secret


def invited(connection: Connection, secret: str, now: datetime) -> Row[Any]:
    """The invitation behind a link.  Refuses `Unauthenticated`: unknown, used, or expired."""
    row = connection.execute(
        sql.select(invitation).where(invitation.c.hash == hash_of(secret)).with_for_update()
    ).one_or_none()
    if (
        row is None
        or not matches(secret, row.hash)
        or row.used_at is not None
        or row.expires_at <= now.isoformat()
    ):
        raise Unauthenticated(reason=Message("this invitation is not valid any more"))
    return row


def use_invitation(connection: Connection, identifier: str, now: datetime) -> None:
    """An invitation serves once."""
    connection.execute(
        sql.update(invitation)
        .where(invitation.c.id == identifier, invitation.c.used_at.is_(None))
        .values(used_at=now.isoformat())
    )


# -- registration ---------------------------------------------------------------------------------


def offer_registration(
    connection: Connection, actor: Actor, site: Site, now: datetime, invited_by: str | None
) -> dict[str, Any]:
    """Options for `navigator.credentials.create`, and the ceremony's secret."""
    known = of_person(connection, actor.programme, actor.person)
    handle = known[0].user_handle if known else bytes_to_base64url(secrets.token_bytes(64))
    options = generate_registration_options(
        rp_id=site.host,
        rp_name="Amanat",
        user_id=base64url_to_bytes(handle),
        user_name=actor.person,
        user_display_name=f"{actor.person} ({actor.institution})",
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    content = {
        "challenge": bytes_to_base64url(options.challenge),
        "programme": actor.programme,
        "person": actor.person,
        "handle": handle,
        "invitation": invited_by,
    }
    secret = begin(connection, "registration", content, now)
    return {"ceremony": secret, "options": json.loads(options_to_json(options))}


def register(
    connection: Connection,
    kept: Mapping[str, Any],
    credential: Mapping[str, Any],
    label: str,
    site: Site,
    now: datetime,
) -> str:
    """Keep a new passkey; its id.  Refuses, in order: `PasskeyRefused`, `PasskeyKnown`."""
    try:
        verified = verify_registration_response(
            credential=dict(credential),
            expected_challenge=base64url_to_bytes(kept["challenge"]),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(reason=str(error)[:200]) from error
    name, identifier = bytes_to_base64url(verified.credential_id), new_id()
    if connection.execute(sql.select(passkey.c.id).where(passkey.c.credential == name)).first():
        raise PasskeyKnown()
    connection.execute(
        passkey.insert().values(
            id=identifier,
            credential=name,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            user_handle=kept["handle"],
            programme=kept["programme"],
            person=kept["person"],
            label=label[:LABEL_MAX],
            registered_at=now.isoformat(),
        )
    )
    return identifier


# -- signing in -----------------------------------------------------------------------------------


def offer_sign_in(
    connection: Connection, site: Site, now: datetime, actor: Actor | None = None
) -> dict[str, Any]:
    """Options for `navigator.credentials.get`: any passkey, or those of `actor` to prove again."""
    known = [] if actor is None else of_person(connection, actor.programme, actor.person)
    options = generate_authentication_options(
        rp_id=site.host,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    content = {
        "challenge": bytes_to_base64url(options.challenge),
        "programme": actor.programme if actor else None,
        "person": actor.person if actor else None,
    }
    secret = begin(connection, "sign_in" if actor is None else "prove", content, now)
    return {"ceremony": secret, "options": json.loads(options_to_json(options))}


def presented(connection: Connection, credential: Mapping[str, Any]) -> Row[Any] | None:
    """The registered passkey that an answer claims to be."""
    return connection.execute(
        sql.select(passkey).where(
            passkey.c.credential == str(credential.get("id", ""))[:1400],
            passkey.c.removed_at.is_(None),
        )
    ).one_or_none()


def verify(
    connection: Connection,
    row: Row[Any],
    kept: Mapping[str, Any],
    credential: Mapping[str, Any],
    site: Site,
    now: datetime,
) -> None:
    """Note the use of a passkey that proved itself.  Refuses `PasskeyRefused`."""
    wanted = (kept["programme"], kept["person"])
    if wanted != (None, None) and wanted != (row.programme, row.person):
        raise PasskeyRefused(reason="it is another person's")
    try:
        verified = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=base64url_to_bytes(kept["challenge"]),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(reason=str(error)[:200]) from error
    connection.execute(
        sql.update(passkey)
        .where(passkey.c.id == row.id)
        .values(sign_count=verified.new_sign_count, last_used_at=now.isoformat())
    )


# -- those of a person ----------------------------------------------------------------------------


def of_person(connection: Connection, programme: str, person: str) -> list[Row[Any]]:
    """The passkeys of a person, in the order of their registration."""
    return list(
        connection.execute(
            sql.select(passkey)
            .where(
                passkey.c.programme == programme,
                passkey.c.person == person,
                passkey.c.removed_at.is_(None),
            )
            .order_by(passkey.c.registered_at)
        )
    )


def remove(
    connection: Connection, programme: str, person: str, identifier: str, now: datetime
) -> str:
    """Remove a passkey of this person; its label.  Refuses `NotFound`."""
    label = connection.execute(
        sql.update(passkey)
        .where(
            passkey.c.id == identifier,
            passkey.c.programme == programme,
            passkey.c.person == person,
            passkey.c.removed_at.is_(None),
        )
        .values(removed_at=now.isoformat())
        .returning(passkey.c.label)
    ).scalar_one_or_none()
    if label is None:
        raise NotFound(thing="passkey", value=identifier)
    return str(label)


def withdraw_all(
    connection: Connection, programme: str, person: str, now: datetime
) -> tuple[int, int]:
    """Remove every passkey and void every invitation of a person; how many of each."""
    removed = connection.execute(
        sql.update(passkey)
        .where(
            passkey.c.programme == programme,
            passkey.c.person == person,
            passkey.c.removed_at.is_(None),
        )
        .values(removed_at=now.isoformat())
    )
    voided = connection.execute(
        sql.update(invitation)
        .where(
            invitation.c.programme == programme,
            invitation.c.person == person,
            invitation.c.used_at.is_(None),
        )
        .values(used_at=now.isoformat())
    )
    return removed.rowcount, voided.rowcount


def _descriptors(rows: list[Row[Any]]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.credential)) for row in rows]
