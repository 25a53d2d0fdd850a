"""What the journal says of conditions, duties and incidents."""

from __future__ import annotations

from amanat.store.journal import Audience, EventKind, declare


def _confidential(name: str, *fields: str, private: tuple[str, ...] = ()) -> EventKind:
    return declare(name, fields, private=private, audience=Audience.CONFIDENTIAL)


EVIDENCE_GIVEN = _confidential("EvidenceGiven", "provider", "condition", "document", "digest")
EVIDENCE_FOUND = _confidential("EvidenceFound", "provider", "condition", "accepted", "digest")
DUTY_MET = _confidential("DutyMet", "provider", "duty", "period_end", "document", "digest")
BREACH_NOTED = _confidential(
    "BreachNoted", "provider", "kind", "thing", "due_on", "consequence", "digest"
)
INCIDENT_REPORTED = _confidential(
    "IncidentReported", "provider", "incident", "kind", "detected_at", "late", "clients", "digest"
)
NET_CAPITAL_STATED = _confidential(
    "NetCapitalStated", "provider", "as_of", "amount", "required", "short", "document"
)
MAIL_ADDRESS_SET = _confidential("MailAddressSet", "person", "set", private=("address",))
