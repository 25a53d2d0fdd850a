"""Credentials: a provider, or the authority for it, has the licence signed that it shows."""

from __future__ import annotations

from amanat.access.acts import ActContext, Result, act
from amanat.core.errors import NotFound
from amanat.ledger.p256_keys import P256Keys
from amanat.ledger.signers import KeyNotHeld
from amanat.licensing.credentials.book import current_key, issue, permission_listed
from amanat.licensing.model import APPLICANT
from amanat.licensing.records import authority_of, pack_of, zone_of
from amanat.licensing.register.commands import IssueCredential
from amanat.participants.signing import AUTHORITY


@act(capacities=[AUTHORITY, APPLICANT])
def issue_credential(command: IssueCredential, context: ActContext) -> Result:
    """Have the credential of a permission signed anew; the one before it is superseded.

    Refuses, in order: `NotFound` (also of another's permission), `NoCredentialKey`, `KeyNotHeld`,
    `NotInForce`, `CredentialInvalid`.
    """
    connection, programme = context.uow.connection, context.programme
    entry, permission = permission_listed(
        connection, programme, command.permission, context.business_date
    )
    authority = authority_of(connection, programme, pack_of(connection, programme))
    if context.actor.institution not in (authority, entry.provider):
        raise NotFound(thing="permission", value=command.permission)
    key = current_key(connection, programme)
    held = getattr(context.keys, "p256", None)
    if not isinstance(held, P256Keys):
        raise KeyNotHeld(holder=f"{key.institution}/{key.name}")
    signer = held.signer(key.institution, key.name)
    zone = zone_of(connection, programme)
    place, _token = issue(context.uow, signer, key, programme, entry, permission, context.now, zone)
    return {"permission": permission.number, "place": place, "kid": key.kid}
