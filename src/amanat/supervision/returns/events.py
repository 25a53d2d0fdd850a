"""What the journal says of returns; nothing of it is public."""

from __future__ import annotations

from amanat.store.journal import Audience, declare

RETURN_ACCEPTED = declare(
    "ReturnAccepted",
    ("return", "exchange", "sequence", "digest", "first_day", "last_day", "rows", "id_sum",
     "scope", "supersedes"),
    private=("person",),
    audience=Audience.CONFIDENTIAL,
)  # fmt: skip
RETURN_REFUSED = declare(
    "ReturnRefused",
    ("return", "exchange", "sequence", "digest", "errors", "by_rule"),
    private=("person",),
    audience=Audience.CONFIDENTIAL,
)
