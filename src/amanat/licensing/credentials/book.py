"""Keys that sign credentials, the credentials they signed, and how each of these stands now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.tables import institution
from amanat.core.errors import NotFound, Refusal
from amanat.ledger.p256_keys import P256Keys
from amanat.licensing.credentials.jose import Es256Signer, jwk_of, key_of, thumbprint, unverified
from amanat.licensing.credentials.key_certificates import own_certificate, published_key
from amanat.licensing.credentials.licence import Issuing, StatusPlace, issue_licence, status_of
from amanat.licensing.credentials.status_lists import Status, StatusList
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.register import events
from amanat.licensing.register.book import entry_in, size_of
from amanat.licensing.register.model import ListedPermission, RegisterEntry
from amanat.licensing.register.tables import credential, credential_key, register_change
from amanat.store.uow import UnitOfWork

LIST_SIZE = 100_000
"""How many credentials one status list speaks of."""
LIST_STEP = 1_024
"""A list's length is a multiple of this, so that it hardly tells how many there are."""


class NoCredentialKey(Refusal):
    """Credentials are signed by a key that the authority has made for them."""

    template: ClassVar[str] = (
        "The authority has no key for credentials yet: amanat licence key new makes one."
    )


class CredentialKeyEnded(Refusal):
    """A key ends once."""

    template: ClassVar[str] = "The key {kid} has ended already."


class NotInForce(Refusal):
    """A credential is given for a permission that is in force."""

    template: ClassVar[str] = "{permission} is {state}: no credential is given for it."


@dataclass(frozen=True, slots=True)
class CurrentKey:
    """The key that signs now, and the address under which it issues."""

    kid: str
    issuer: str
    certificate: bytes
    institution: str
    name: str


# -- keys -----------------------------------------------------------------------------------------


def make_key(uow: UnitOfWork, keys: P256Keys, programme: str, issuer: str, now: datetime) -> str:
    """Make another key for credentials; from now on it signs, and the one before is retired.

    Its name.  Refuses as `P256Keys.create`.
    """
    connection = uow.connection
    code = authority_of(connection, programme, pack_of(connection, programme))
    authority = _name_of(connection, programme, code)
    number = connection.execute(
        sql.select(sql.func.count())
        .select_from(credential_key)
        .where(credential_key.c.programme == programme)
    ).scalar_one()
    name = f"credential-{programme}-{number + 1}"[:64].lower()
    signer = keys.create(code, name)
    kid = thumbprint(signer.public_key)
    der = own_certificate(signer, authority, now)
    retired = [one.kid for one in keys_of(connection, programme) if one.retired_at is None]
    place = keys.place(code, name)
    connection.execute(
        credential_key.insert().values(
            programme=programme,
            kid=kid,
            jwk=jwk_of(signer.public_key),
            certificate=der,
            issuer=issuer,
            institution=code,
            name=name,
            place=place,
            created_at=now.isoformat(),
        )
    )
    uow.journal.append(
        events.CREDENTIAL_KEY_MADE,
        {
            "kid": kid,
            "jwk": jwk_of(signer.public_key),
            "certificate_digest": hashlib.sha256(der).hexdigest(),
            "place": place,
        },
        subject=f"credential_key:{kid}",
    )
    for one in retired:
        end_key(uow, programme, one, "Another key took its place", now, revoke=False)
    return kid


def end_key(
    uow: UnitOfWork, programme: str, kid: str, reason: str, now: datetime, *, revoke: bool
) -> None:
    """Retire a key, which signs nothing more, or revoke it, so that what it signed is void.

    Refuses `NotFound`, `CredentialKeyEnded`.
    """
    found = [one for one in keys_of(uow.connection, programme) if one.kid == kid]
    if not found:
        raise NotFound(thing="credential key", value=kid)
    if found[0].revoked_at is not None or (found[0].retired_at is not None and not revoke):
        raise CredentialKeyEnded(kid=kid)
    stamp = now.isoformat()
    values = {"reason": reason, "retired_at": found[0].retired_at or stamp}
    if revoke:
        values["revoked_at"] = stamp
    uow.connection.execute(
        sql.update(credential_key)
        .where(credential_key.c.programme == programme, credential_key.c.kid == kid)
        .values(**values)
    )
    uow.journal.append(
        events.CREDENTIAL_KEY_ENDED,
        {"kid": kid, "revoked": revoke, "reason": reason},
        subject=f"credential_key:{kid}",
    )


def keys_of(connection: Connection, programme: str) -> Sequence[Row[Any]]:
    """Every key that there ever was, oldest first."""
    return connection.execute(
        sql.select(credential_key)
        .where(credential_key.c.programme == programme)
        .order_by(sql.func.length(credential_key.c.name), credential_key.c.name)
    ).all()


def current_key(connection: Connection, programme: str) -> CurrentKey:
    """The key that signs now.  Refuses `NoCredentialKey`."""
    held = [one for one in keys_of(connection, programme) if one.retired_at is None]
    if not held:
        raise NoCredentialKey()
    one = held[-1]
    return CurrentKey(one.kid, one.issuer, one.certificate, one.institution, one.name)


def key_set(connection: Connection, programme: str) -> list[dict[str, Any]]:
    """The keys as they are published: with the end of those that ended, without the revoked."""
    return [
        published_key(
            key_of(one.jwk),
            one.certificate,
            None if one.retired_at is None else _seconds(one.retired_at),
        )
        for one in keys_of(connection, programme)
        if one.revoked_at is None
    ]


# -- credentials ----------------------------------------------------------------------------------


def permission_listed(
    connection: Connection, programme: str, number: str, day: date
) -> tuple[RegisterEntry, ListedPermission]:
    """A provider of the register and its permission of this number, on a day.

    Refuses `NotFound`.
    """
    table = register_change
    rows = connection.execute(
        sql.select(table.c.content).where(
            table.c.programme == programme,
            table.c.latest.is_(True),
            table.c.warns.is_(False),
            table.c.sought.contains(number.casefold(), autoescape=True),
        )
    ).scalars()
    for content in rows:
        entry = entry_in(content)
        assert entry is not None
        for one in entry.on(day).permissions:
            if one.number == number:
                return entry.on(day), one
    raise NotFound(thing="permission", value=number)


def issue(
    uow: UnitOfWork,
    signer: Es256Signer,
    key: CurrentKey,
    programme: str,
    entry: RegisterEntry,
    permission: ListedPermission,
    now: datetime,
    zone: str,
) -> tuple[int, str]:
    """Sign and keep the credential of a permission; its place in the status list, and the token.

    The one before it is superseded.  Refuses `NotInForce`, `CredentialInvalid`.
    """
    if status_of(permission) is not Status.VALID:
        raise NotInForce(permission=permission.number, state=permission.state)
    connection = uow.connection
    place = _next_place(connection, programme)
    issuing = Issuing(key.issuer, _name_of(connection, programme, key.institution), programme, zone)
    status = StatusPlace(list_address(key.issuer, place), place % LIST_SIZE)
    seconds = int(now.timestamp())
    token = issue_licence(entry, permission, issuing, status, signer, seconds)
    ends = _expiry(token)
    _supersede(uow, programme, entry.provider, permission.number, now)
    journal_id = uow.journal.append(
        events.CREDENTIAL_ISSUED,
        {
            "provider": entry.provider,
            "permission": permission.number,
            "place": place,
            "kid": key.kid,
            "digest": hashlib.sha256(token.encode()).hexdigest(),
            "expires_at": ends.isoformat(),
        },
        subject=f"provider:{entry.provider}",
    )
    connection.execute(
        credential.insert().values(
            programme=programme,
            place=place,
            provider=entry.provider,
            permission=permission.number,
            kid=key.kid,
            token=token,
            issued_at=now.isoformat(),
            expires_at=ends.isoformat(),
            entry=journal_id,
        )
    )
    return place, token


def list_address(issuer: str, place: int) -> str:
    """The address of the status list in which a place stands."""
    return f"{issuer}/status-lists/{place // LIST_SIZE + 1}"


def _supersede(uow: UnitOfWork, programme: str, provider: str, number: str, now: datetime) -> None:
    former = uow.connection.execute(
        sql.update(credential)
        .where(
            credential.c.programme == programme,
            credential.c.permission == number,
            credential.c.superseded_at.is_(None),
        )
        .values(superseded_at=now.isoformat())
        .returning(credential.c.place)
    ).scalars()
    for place in sorted(former):
        uow.journal.append(
            events.CREDENTIAL_SUPERSEDED,
            {"provider": provider, "permission": number, "place": place},
            subject=f"provider:{provider}",
        )


def _next_place(connection: Connection, programme: str) -> int:
    last = connection.execute(
        sql.select(sql.func.max(credential.c.place)).where(credential.c.programme == programme)
    ).scalar_one()
    return 0 if last is None else int(last) + 1


def _expiry(token: str) -> datetime:
    return datetime.fromtimestamp(unverified(token.split("~")[0])[1]["exp"], UTC)


def _name_of(connection: Connection, programme: str, code: str) -> str:
    return str(
        connection.execute(
            sql.select(institution.c.name).where(
                institution.c.programme == programme, institution.c.code == code
            )
        ).scalar_one()
    )


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


# -- how they stand -------------------------------------------------------------------------------


def state_of(connection: Connection, programme: str) -> tuple[object, ...]:
    """What differs whenever a status may: changes of the register, credentials, keys."""
    counted = connection.execute(
        sql.select(
            sql.func.max(credential.c.place), sql.func.count(credential.c.superseded_at)
        ).where(credential.c.programme == programme)
    ).one()
    revoked = connection.execute(
        sql.select(sql.func.count(credential_key.c.revoked_at)).where(
            credential_key.c.programme == programme
        )
    ).scalar_one()
    return (size_of(connection, programme), *counted, revoked)


def statuses_of(connection: Connection, programme: str, day: date) -> dict[int, Status]:
    """The status of every credential by its place: what the register says of its permission.

    Superseded ones, and those of revoked keys, are invalid whatever the register says.
    """
    revoked = {one.kid for one in keys_of(connection, programme) if one.revoked_at is not None}
    rows = connection.execute(
        sql.select(
            credential.c.place,
            credential.c.provider,
            credential.c.permission,
            credential.c.kid,
            credential.c.superseded_at,
        ).where(credential.c.programme == programme)
    ).all()
    standing = _standing(connection, programme, {row.provider for row in rows}, day)
    return {
        row.place: Status.INVALID
        if row.superseded_at is not None or row.kid in revoked
        else standing.get((row.provider, row.permission), Status.INVALID)
        for row in rows
    }


def _standing(
    connection: Connection, programme: str, providers: set[str], day: date
) -> dict[tuple[str, str], Status]:
    table = register_change
    rows = connection.execute(
        sql.select(table.c.subject, table.c.content).where(
            table.c.programme == programme, table.c.latest.is_(True), table.c.warns.is_(False)
        )
    )
    found: dict[tuple[str, str], Status] = {}
    for row in rows:
        entry = entry_in(row.content) if row.subject in providers else None
        for one in entry.on(day).permissions if entry is not None else ():
            found[row.subject, one.number] = status_of(one)
    return found


def status_list(statuses: dict[int, Status], number: int) -> StatusList:
    """One of the lists (from 1).  Refuses `NotFound`: one that no credential names."""
    first = (number - 1) * LIST_SIZE
    own = {place - first: int(one) for place, one in statuses.items()}
    within = {index: one for index, one in own.items() if 0 <= index < LIST_SIZE}
    if number < 1 or (number > 1 and not within):
        raise NotFound(thing="status list", value=str(number)[:20])
    size = min(LIST_SIZE, -(-(max(within, default=0) + 1) // LIST_STEP) * LIST_STEP)
    return StatusList.of(size, within)
