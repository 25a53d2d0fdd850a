"""What the journal says of cases: all of it confidential, and hardly anything outside its seals.

Entries are leaves of the second log.  They name neither subject nor institution asked, so that
whoever reads that log to check it learns that somebody worked, and not on whom.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

DESK_STEP = declare(
    "DeskStep",
    ("digest",),
    private=("act", "case", "about", "text"),
    audience=Audience.CONFIDENTIAL,
)
"""One step of a desk; `digest` is over what was written, salted by the seal beside it."""
