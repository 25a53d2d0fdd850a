"""What the journal says of the vault of identities; never who somebody is."""

from __future__ import annotations

from amanat.store.journal import Audience, declare

IDENTITY_OPENED = declare(
    "IdentityOpened",
    ("opening", "person", "case_number", "records"),
    private=("opened_by", "reason"),
    audience=Audience.CONFIDENTIAL,
)
