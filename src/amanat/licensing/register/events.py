"""What the journal says of the register and of credentials; all of it is public."""

from __future__ import annotations

from amanat.store.journal import declare

REGISTER_CHANGED = declare(
    "RegisterChanged",
    (
        "schema",
        "number",
        "previous",
        "kind",
        "at",
        "day",
        "law",
        "reason",
        "entry",
        "warning",
    ),
)
"""A change of the register whole, but for `id`, which is the entry's own."""
CREDENTIAL_KEY_MADE = declare("CredentialKeyMade", ("kid", "jwk", "certificate_digest", "place"))
CREDENTIAL_KEY_ENDED = declare("CredentialKeyEnded", ("kid", "revoked", "reason"))
CREDENTIAL_ISSUED = declare(
    "CredentialIssued", ("provider", "permission", "place", "kid", "digest", "expires_at")
)
CREDENTIAL_SUPERSEDED = declare("CredentialSuperseded", ("provider", "permission", "place"))
