"""What the journal says of screening: all of it is confidential, and none of it names a party."""

from __future__ import annotations

from amanat.store.journal import Audience, EventKind, declare


def _confidential(name: str, *fields: str) -> EventKind:
    return declare(name, fields, audience=Audience.CONFIDENTIAL)


LIST_TAKEN_IN = _confidential(
    "ListTakenIn", "list", "version", "digest", "dated_on", "entries", "added", "changed", "removed"
)
PARTIES_SCREENED = _confidential(
    "PartiesScreened", "run", "reason", "parties", "new", "gone", "reopened"
)
HIT_DECIDED = _confidential(
    "HitDecided", "hit", "party", "list", "reference", "verdict", "until", "digest"
)
FREEZE_ORDERED = _confidential(
    "FreezeOrdered", "freeze", "party", "exchanges", "basis", "law", "until", "order_hash"
)
FREEZE_ACKNOWLEDGED = _confidential(
    "FreezeAcknowledged", "freeze", "exchange", "accounts", "value", "currency"
)
FREEZE_REPORTED = _confidential("FreezeReported", "freeze", "to", "reference")
FREEZE_EXTENDED = _confidential("FreezeExtended", "freeze", "until", "digest")
EXPENSES_LICENSED = _confidential(
    "ExpensesLicensed", "freeze", "amount", "currency", "until", "digest"
)
EXPENSES_DRAWN = _confidential("ExpensesDrawn", "freeze", "amount", "currency", "reference")
FREEZE_RELEASED = _confidential("FreezeReleased", "freeze", "ground", "digest")
RELEASE_ACKNOWLEDGED = _confidential("FreezeReleaseAcknowledged", "freeze", "exchange")
