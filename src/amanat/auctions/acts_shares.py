"""Each institution's key to the sealed bids of one tender, kept encrypted until its release.

The private half is encrypted under a key that is derived from a signature by the person who made
it: the signature is the same every time (RFC 6979), is never stored, and can be had only where
that person's key is.  So who reads the database opens nothing, and neither does one institution
with its own keys alone.  An institution that keeps its key elsewhere gives the public half here
and the private half at the release.
"""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

import sqlalchemy as sql
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext
from amanat.auctions.sealing import Share, TenderKey, check_share, new_share
from amanat.auctions.tables import tender_key
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Refusal
from amanat.core.messages import Message

_NONCE_BYTES = 12


class ShareKeptElsewhere(Invalid):
    """An institution that keeps its private key elsewhere gives it at the release."""

    template: ClassVar[str] = "{institution} keeps its key for tender {tender} elsewhere: give it."


class ShareKeptHere(Invalid):
    """A private key that this installation keeps is not given by hand as well."""

    template: ClassVar[str] = "{institution}'s key for tender {tender} is kept here: give none."


class SignatureVaries(Refusal):
    """Only a key whose signatures repeat can keep a share (RFC 6979)."""

    template: ClassVar[str] = (
        "The key {address} signs differently each time; keep the share elsewhere."
    )


class ShareReleased(Refusal):
    """An institution releases its share once."""

    template: ClassVar[str] = "{institution} has released its share for tender {tender}."


def make_share(context: ActContext, tender: str, institution: str, public_key: str | None) -> str:
    """Make (or take the public half of) an institution's key for a tender; its public half.

    Until the announcement another public key may take the place of the first; after it the acts
    that call this are refused.  Refuses `NotFound` (the actor has no signing key), `KeyNotHeld`,
    `SignatureVaries`.
    """
    former = find_key(context.uow.connection, context.programme, tender, institution)
    if former is not None and public_key in (None, former.public_key):
        return str(former.public_key)
    if former is not None:
        context.uow.connection.execute(
            sql.delete(tender_key).where(
                tender_key.c.programme == context.programme,
                tender_key.c.tender == tender,
                tender_key.c.institution == institution,
            )
        )
    sealed, keeper = None, None
    if public_key is None:
        share = new_share(institution)
        public_key = share.key.public.hex()
        keeper = context.actor.address
        if keeper is None or context.keys is None:
            raise NotFound(thing="signing key of", value=context.actor.person)
        bound = _bound(context.programme, tender, institution)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = ChaCha20Poly1305(_custody_key(context, keeper, bound))
        sealed = nonce + cipher.encrypt(nonce, share.private, bound)
    context.uow.connection.execute(
        tender_key.insert().values(
            programme=context.programme,
            tender=tender,
            institution=institution,
            public_key=public_key,
            sealed_private=sealed,
            keeper=keeper,
        )
    )
    return public_key


def take_share(
    context: ActContext, tender: str, institution: str, private_key: str | None
) -> Share:
    """The institution's share, decrypted or as given, checked against its announced key.

    Refuses, in order: `NotFound`, `ShareReleased`, `ShareKeptElsewhere`, `ShareKeptHere`,
    `KeyNotHeld`, `ShareWrong`.
    """
    row = key_row(context.uow.connection, context.programme, tender, institution)
    names: dict[str, Any] = {"institution": institution, "tender": tender}
    if row.released is not None:
        raise ShareReleased(**names)
    if row.sealed_private is None:
        if private_key is None:
            raise ShareKeptElsewhere(**names)
        share = Share(institution, bytes.fromhex(private_key))
    else:
        if private_key is not None:
            raise ShareKeptHere(**names)
        bound = _bound(context.programme, tender, institution)
        cipher = ChaCha20Poly1305(_custody_key(context, row.keeper, bound))
        nonce, sealed = row.sealed_private[:_NONCE_BYTES], row.sealed_private[_NONCE_BYTES:]
        share = Share(institution, cipher.decrypt(nonce, sealed, bound))
    check_share(share, TenderKey(institution, bytes.fromhex(row.public_key)))
    return share


def key_row(connection: Connection, programme: str, tender: str, institution: str) -> Any:
    """An institution's key for a tender; refuses `NotFound`."""
    row = find_key(connection, programme, tender, institution)
    if row is None:
        raise NotFound(
            thing=Message("sealing key of {institution} for tender", institution=institution),
            value=tender,
        )
    return row


def find_key(connection: Connection, programme: str, tender: str, institution: str) -> Any:
    """An institution's key for a tender, if it has been made."""
    return connection.execute(
        sql.select(tender_key).where(
            tender_key.c.programme == programme,
            tender_key.c.tender == tender,
            tender_key.c.institution == institution,
        )
    ).one_or_none()


def _bound(programme: str, tender: str, institution: str) -> bytes:
    return digest(
        {
            "purpose": "amanat tender share",
            "programme": programme,
            "tender": tender,
            "institution": institution,
        }
    )


def _custody_key(context: ActContext, keeper: str, bound: bytes) -> bytes:
    if context.keys is None:
        raise NotFound(thing="signing key", value=keeper)
    signature = context.keys.sign(context.programme, keeper, bound)
    if context.keys.sign(context.programme, keeper, bound) != signature:
        raise SignatureVaries(address=keeper)
    derivation = HKDF(SHA256(), length=32, salt=None, info=b"amanat tender share 1" + bound)
    return derivation.derive(signature)
