"""What the journal says of the learned score: confidential, and no word of whom it is about."""

from __future__ import annotations

from amanat.store.journal import Audience, declare

MODEL_KEPT = declare("DetectionModelKept", ("digest",), audience=Audience.CONFIDENTIAL)
MODEL_MOVED = declare(
    "DetectionModelMoved", ("digest", "state", "reason"), audience=Audience.CONFIDENTIAL
)
ALERTS_SCORED = declare("AlertsScored", ("digest", "until"), audience=Audience.CONFIDENTIAL)
