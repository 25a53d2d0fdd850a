"""What the journal says of the register.

Freezes and forced movements name people's holdings, so their entries are confidential.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

HOLD_REQUESTED = declare(
    "HoldRequested",
    ("hold", "number", "account", "isin", "nominal", "order_hash", "reason"),
    audience=Audience.CONFIDENTIAL,
)
ACCOUNT_FREEZE_REQUESTED = declare(
    "AccountFreezeRequested",
    ("number", "account", "holds", "order_hash", "reason"),
    audience=Audience.CONFIDENTIAL,
)
HOLD_RELEASE_REQUESTED = declare(
    "HoldReleaseRequested",
    ("hold", "number", "account", "isin", "order_hash", "reason"),
    audience=Audience.CONFIDENTIAL,
)
FORCED_TRANSFER_REQUESTED = declare(
    "ForcedTransferRequested",
    ("movement", "number", "isin", "from_account", "to_account", "nominal", "order_hash", "reason"),
    audience=Audience.CONFIDENTIAL,
)
REREGISTRATION_REQUESTED = declare(
    "ReregistrationRequested",
    ("movement", "number", "isin", "from_account", "to_account", "nominal", "order_hash", "reason"),
    audience=Audience.CONFIDENTIAL,
)
PLEDGE_REQUESTED = declare(
    "PledgeRequested",
    ("hold", "account", "beneficiary", "isin", "nominal", "number", "last_day", "reason"),
    audience=Audience.CONFIDENTIAL,
)
PLEDGE_RELEASE_REQUESTED = declare(
    "PledgeReleaseRequested",
    ("hold", "account", "beneficiary", "isin"),
    audience=Audience.CONFIDENTIAL,
)
