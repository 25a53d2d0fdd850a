"""Each institution's key to the sealed bids of one tender, kept encrypted until its release.

The private half is sealed to the keys of the institution's people, of which any one opens it
(`custody`): who loses one loses no auction, who reads the database opens nothing, and neither does
one institution with its own keys alone.  An institution that keeps its key elsewhere gives the
public half here and the private half at the release.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.actors import Role
from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.access.desk import KeyRing
from amanat.access.key_register import SEAL, end_key, enter_key, fingerprint_address
from amanat.access.tables import person
from amanat.auctions import events
from amanat.auctions.commands import ResealShare
from amanat.auctions.custody import disclose, enclose, keepers_of
from amanat.auctions.sealing import Share, TenderKey, check_share, new_share
from amanat.auctions.tables import tender_key
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Refusal
from amanat.core.messages import Message
from amanat.ledger.keyring import ELSEWHERE
from amanat.ledger.signers import KeyNotHeld

KEPT_BY_PEOPLE = "keys of its people"
"""Where a share is that is sealed to the keys of its institution's people."""


class ShareKeptElsewhere(Invalid):
    """An institution that keeps its private key elsewhere gives it at the release."""

    template: ClassVar[str] = "{institution} keeps its key for tender {tender} elsewhere: give it."


class ShareKeptHere(Invalid):
    """A private key that this installation keeps is not given by hand as well."""

    template: ClassVar[str] = "{institution}'s key for tender {tender} is kept here: give none."


class ShareReleased(Refusal):
    """An institution releases its share once."""

    template: ClassVar[str] = "{institution} has released its share for tender {tender}."


def make_share(context: ActContext, tender: str, institution: str, public_key: str | None) -> str:
    """Make (or take the public half of) an institution's key for a tender; its public half.

    Until the announcement another public key may take the place of the first; after it the acts
    that call this are refused.  Refuses `NotFound` (the actor has no signing key), `KeyNotHeld`.
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
        end_share(context.uow.connection, context.programme, former.public_key, context.now)
    sealed, keeper = None, None
    if public_key is None:
        share = new_share(institution)
        public_key = share.key.public.hex()
        keeper = context.actor.address
        if keeper is None:
            raise NotFound(thing="signing key of", value=context.actor.person)
        sealed = _enclosed(context, tender, share)
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
    enter_key(
        context.uow.connection,
        context.programme,
        fingerprint_address(bytes.fromhex(public_key)),
        institution=institution,
        holder=tender,
        purpose=SEAL,
        place=ELSEWHERE if sealed is None else KEPT_BY_PEOPLE,
        now=context.now,
    )
    return public_key


def end_seal(connection: Connection, programme: str, tender: str, now: datetime) -> None:
    """The keys to a tender's bids serve no more: all are released, or the tender is cancelled."""
    found = connection.execute(
        sql.select(tender_key.c.public_key).where(
            tender_key.c.programme == programme, tender_key.c.tender == tender
        )
    )
    for public_key in found.scalars().all():
        end_share(connection, programme, public_key, now)


def end_share(connection: Connection, programme: str, public_key: str, now: datetime) -> None:
    """An institution's key to a tender's bids, by its public half, serves no more."""
    end_key(connection, programme, fingerprint_address(bytes.fromhex(public_key)), "retired", now)


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
        first, keys = context.actor.address, _keys(context)
        share = Share(institution, disclose(row.sealed_private, bound, first, keys))
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


def _enclosed(context: ActContext, tender: str, share: Share) -> bytes:
    """The share, sealed to every key here of the institution's people; the actor's is needed."""
    keys = _keys(context)
    bound = _bound(context.programme, tender, share.institution)
    return enclose(share.private, bound, _keepers(context), keys)


def _keepers(context: ActContext) -> list[str]:
    """The actor's key and those of the institution's other people who act, as far as here."""
    assert context.actor.address is not None
    addresses = context.uow.connection.execute(
        sql.select(person.c.address).where(
            person.c.programme == context.programme,
            person.c.institution == context.actor.institution,
            person.c.role.in_((Role.OFFICER.value, Role.APPROVER.value)),
            person.c.active,
            person.c.address.is_not(None),
            person.c.address != context.actor.address,
        )
    ).scalars()
    here = [one for one in addresses if _keys(context).place(one) != ELSEWHERE]
    return [context.actor.address, *sorted(here)]


def _keys(context: ActContext) -> KeyRing:
    if context.keys is None:
        raise KeyNotHeld(holder=context.actor.person)
    return context.keys


# -- sealed anew ----------------------------------------------------------------------------------


def _check_resealing(command: ResealShare, context: ActContext) -> tuple[Any, Share]:
    """The institution's key for the tender and its share, opened.  Refuses as `take_share`."""
    own = context.actor.institution
    if context.actor.address is None:
        raise NotFound(thing="signing key of", value=context.actor.person)
    share = take_share(context, command.tender, own, None)
    return key_row(context.uow.connection, context.programme, command.tender, own), share


def _ask_resealing(command: ResealShare, context: ActContext) -> Ask:
    """Another person of the institution approves."""
    _check_resealing(command, context)
    own = Requirement(context.actor.institution, "second_person")
    return Ask([own], subject=f"tender:{command.tender}")


@act(capacities=["issuer", "auctioneer"], approvals=_ask_resealing, confidential=True)
def reseal_share(command: ResealShare, context: ActContext) -> Result:
    """Seal a share to the keys of the institution's people as they are now.

    Refuses, in order: `NotFound`, then as `take_share`.
    """
    row, share = _check_resealing(command, context)
    before = keepers_of(row.sealed_private)
    sealed = _enclosed(context, command.tender, share)
    context.uow.connection.execute(
        sql.update(tender_key)
        .where(
            tender_key.c.programme == context.programme,
            tender_key.c.tender == command.tender,
            tender_key.c.institution == share.institution,
        )
        .values(sealed_private=sealed, keeper=context.actor.address)
    )
    keepers = keepers_of(sealed)
    entry = context.uow.journal.append(
        events.SHARE_RESEALED,
        {"tender": command.tender, "institution": share.institution, "keepers": keepers},
        subject=f"tender:{command.tender}",
    )
    return {"tender": command.tender, "former": before, "keepers": keepers, "entry": entry}


def unreleased_with(connection: Connection, address: str) -> list[str]:
    """Tenders with a share that is not released and that this key opens.

    A key is destroyed only when none is left: `ResealShare` seals them to the present keys.
    """
    rows = connection.execute(
        sql.select(tender_key).where(
            tender_key.c.sealed_private.is_not(None), tender_key.c.released.is_(None)
        )
    )
    return sorted(
        f"{row.programme}/{row.tender}"
        for row in rows
        if address.lower() in keepers_of(row.sealed_private)
    )
