"""What the journal says of complaints and of clients' assets.

Complaints are confidential: the public learns how many there are.  What a complainant says of
themselves is sealed even there.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

COMPLAINT_TAKEN = declare(
    "ComplaintTaken",
    ("complaint", "provider", "topic", "channel"),
    private=("about", "text", "name", "mail", "phone"),
    audience=Audience.CONFIDENTIAL,
)
COMPLAINT_MOVED = declare(
    "ComplaintMoved",
    ("complaint", "act", "outcome", "from_stage", "to_stage", "section", "law", "digest"),
    audience=Audience.CONFIDENTIAL,
)
COMPLAINANT_READ = declare(
    "ComplainantRead", ("complaint", "reason"), audience=Audience.CONFIDENTIAL
)
CLIENT_ASSETS_DECLARED = declare(
    "ClientAssetsDeclared",
    ("provider", "duty", "as_of", "due_on", "late", "covered", "auditor", "document", "digest"),
)
