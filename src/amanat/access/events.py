"""What the confidential log says of signing in: entries, refusals, lock-outs, changes of keys."""

from __future__ import annotations

from amanat.store.journal import Audience, EventKind, declare


def _confidential(name: str, *fields: str) -> EventKind:
    return declare(name, fields, private=("person", "address"), audience=Audience.CONFIDENTIAL)


SIGNED_IN = _confidential("SignedIn", "means", "session")
PROVED_AGAIN = _confidential("ProvedAgain", "means", "session")
SIGN_IN_REFUSED = _confidential("SignInRefused", "means", "reason")
LOCKED_OUT = _confidential("LockedOut", "means", "failures", "until")
SIGNED_OUT = _confidential("SignedOut", "reason", "sessions")
PASSKEY_REGISTERED = _confidential("PasskeyRegistered", "passkey", "label", "by")


def _of_person(name: str, *fields: str) -> EventKind:
    return declare(name, fields, private=("person",), audience=Audience.CONFIDENTIAL)


LOCKOUT_LIFTED = _of_person("LockoutLifted", "what", "reason")
TOKEN_ISSUED = _of_person("TokenIssued", "token", "label", "scopes", "expires_at", "by")
TOKEN_ROTATED = _of_person("TokenRotated", "token", "successor", "former_until", "expires_at")
TOKEN_REVOKED = _of_person("TokenRevoked", "token", "reason")
ACCESS_WITHDRAWN = _of_person(
    "AccessWithdrawn", "institution", "tokens", "sessions", "passkeys", "invitations", "reason"
)
PERSON_INVITED = _of_person("PersonInvited", "invitation", "institution", "expires_at", "by")
PASSKEY_REMOVED = _of_person("PasskeyRemoved", "passkey", "label")
IDENTITY_LINKED = declare(
    "IdentityLinked",
    ("issuer",),
    private=("person", "subject"),
    audience=Audience.CONFIDENTIAL,
)
IDENTITY_UNLINKED = _of_person("IdentityUnlinked", "issuer")
