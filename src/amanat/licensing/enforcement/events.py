"""What the journal says of enforcement: orders, stays and winding down are public, charges not."""

from __future__ import annotations

from amanat.store.journal import Audience, EventKind, declare


def _confidential(name: str, *fields: str) -> EventKind:
    return declare(name, fields, audience=Audience.CONFIDENTIAL)


FINDING_RECORDED = _confidential(
    "FindingRecorded", "file", "number", "severity", "due_on", "digest"
)
FINDING_REMEDIED = _confidential("FindingRemedied", "file", "number", "document", "digest")
REMEDY_JUDGED = _confidential("RemedyJudged", "file", "number", "accepted", "digest")
CHARGED = _confidential("Charged", "file", "provider", "answer_by", "digest")
CONTROL_DESCRIBED = _confidential("ControlDescribed", "file", "provider", "digest")
APPEALED = _confidential("Appealed", "file", "provider", "against", "digest")
ORDER_MADE = declare(
    "OrderMade",
    ("file", "provider", "order", "reasons", "amount", "due_on", "section", "law", "appeal_until"),
)
PENALTY_PAID = declare("PenaltyPaid", ("file", "provider", "paid_on"))
STAYED = declare("Stayed", ("file", "provider", "court", "reference", "reason"))
STAY_ENDED = declare("StayEnded", ("file", "provider", "reference", "reason"))
WINDING_DOWN_BEGUN = declare(
    "WindingDownBegun", ("file", "provider", "cause", "administrator", "plan", "deadline")
)
CLIENTS_LISTED = _confidential("ClientsListed", "file", "count", "digest")
TRANSFER_PROPOSED = declare(
    "TransferProposed", ("file", "provider", "transfer_to", "objections_until", "clients")
)
OBJECTED = _confidential("ObjectedToTransfer", "file", "client", "digest")
CLIENTS_TRANSFERRED = declare(
    "ClientsTransferred", ("file", "provider", "transfer_to", "transferred", "objected", "clients")
)
CLIENT_SETTLED = _confidential("ClientSettled", "file", "client", "fate", "reference")
WINDING_DOWN_ENDED = declare(
    "WindingDownEnded",
    ("file", "provider", "transferred", "returned", "unclaimed", "statement"),
)
