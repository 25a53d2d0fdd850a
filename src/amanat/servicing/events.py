"""What the journal says of servicing: totals in public, lines by their root."""

from __future__ import annotations

from amanat.store.journal import Audience, declare

TAX_RATES_RECORDED = declare("TaxRatesRecorded", ("rows",))
ENTITLEMENTS_FIXED = declare(
    "EntitlementsFixed",
    (
        "payment",
        "isin",
        "payment_kind",
        "due_date",
        "payment_date",
        "record_date",
        "holders",
        "nominal",
        "gross",
        "tax",
        "net",
        "root",
        "assumed",
        "amount_rounding",
        "tax_rounding",
    ),
)
FUNDING_REQUESTED = declare("FundingRequested", ("payment", "isin", "gross", "root"))
CHUNKS_REQUESTED = declare("ChunksRequested", ("payment", "first_chunk", "chunks"))
ESCROW_RETRIED = declare("EscrowRetried", ("payment", "lines"))
OUTSIDE_LISTED = declare(
    "OutsidePaymentListed",
    ("payment", "isin", "first_chunk", "lines", "gross", "tax", "net", "list_digest", "reason"),
)
OUTSIDE_LIST_WITHDRAWN = declare(
    "OutsidePaymentListWithdrawn", ("payment", "list_digest", "reason")
)
OUTSIDE_RECORD_REQUESTED = declare(
    "OutsidePaymentRecordRequested", ("payment", "list_digest", "amount", "reference")
)
CLAIMS_RAISED = declare(
    "ClaimsRaised", ("payment", "claims", "total"), audience=Audience.CONFIDENTIAL
)
CLAIM_SETTLEMENT_REQUESTED = declare(
    "ClaimSettlementRequested",
    ("payment", "trade", "debtor", "creditor", "amount", "cycle"),
    audience=Audience.CONFIDENTIAL,
)
