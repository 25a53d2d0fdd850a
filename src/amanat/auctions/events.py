"""What the journal says of auctions.

Until the book is opened, whatever concerns a single bid is confidential, and so are the ministry's
decision and who won what afterwards; the public log has the offer, the close, the keys, and the
result with every bid under its bidder's number.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

CALENDAR_PUBLISHED = declare("CalendarPublished", ("calendar", "replaces", "lines"))
TARGET_SET = declare(
    "TargetSet", ("tender", "isin", "auction_date", "target", "calendar", "sealing_key")
)
TARGET_AMENDED = declare("TargetAmended", ("tender", "version", "former", "target"))

_OFFER = (
    "tender",
    "chain_id",
    "terms",
    "terms_hash",
    "auction_date",
    "settlement_date",
    "last_settlement_date",
    "bids_open",
    "bids_due",
    "non_competitive_due",
    "unpaid",
    "sealing_keys",
    "bidders",
)
TENDER_ANNOUNCEMENT_REQUESTED = declare(
    "TenderAnnouncementRequested", _OFFER, audience=Audience.CONFIDENTIAL
)
TENDER_ANNOUNCED = declare("TenderAnnounced", _OFFER)
BIDDERS_ADMITTED = declare("BiddersAdmitted", ("tender", "bidders"))
TENDER_CHANGE_REQUESTED = declare("TenderChangeRequested", ("tender", "change", "reason", "to"))
TENDER_EXTENDED = declare("TenderExtended", ("tender", "former", "bids_due"))
TENDER_POSTPONED = declare(
    "TenderPostponed",
    (
        "tender",
        "auction_date",
        "settlement_date",
        "last_settlement_date",
        "bids_open",
        "bids_due",
        "non_competitive_due",
    ),
)
TENDER_CANCELLED = declare("TenderCancelled", ("tender", "block"))
TENDER_ORDER_REFUSED = declare(
    "TenderOrderRefused", ("tender", "order", "refusal"), audience=Audience.CONFIDENTIAL
)

_BID = ("tender", "bid", "number", "window", "commitment", "replaces", "sealed_digest")
INVESTOR_NAMED = declare(
    "InvestorNamed",
    ("tender", "reference", "investor_class", "account"),
    audience=Audience.CONFIDENTIAL,
    private=("account",),
)
BID_SUBMITTED = declare("BidSubmitted", _BID, audience=Audience.CONFIDENTIAL)
BID_WITHDRAWAL_REQUESTED = declare(
    "BidWithdrawalRequested", ("tender", "bid", "commitment"), audience=Audience.CONFIDENTIAL
)
SHEET_DELIVERED = declare(
    "SheetDelivered",
    ("tender", "bid", "commitment", "sealed_digest"),
    audience=Audience.CONFIDENTIAL,
)
LETTER_ENTERED = declare(
    "LetterEntered",
    ("tender", "bid", "number", "commitment", "letter", "received_at", "reason"),
    audience=Audience.CONFIDENTIAL,
)
LETTER_OPENED = declare(
    "LetterOpened", ("tender", "bid", "form_digest"), audience=Audience.CONFIDENTIAL
)
BID_RECORDED = declare(
    "BidRecorded",
    ("tender", "bid", "sequence", "commitment", "block", "block_time", "late"),
    audience=Audience.CONFIDENTIAL,
)
BID_WITHDRAWN = declare(
    "BidWithdrawn", ("tender", "bid", "sequence", "block"), audience=Audience.CONFIDENTIAL
)
BID_REFUSED = declare("BidRefused", ("tender", "bid", "refusal"), audience=Audience.CONFIDENTIAL)

TENDER_CLOSE_REQUESTED = declare("TenderCloseRequested", ("tender", "bids_due"))
TENDER_CLOSED = declare("TenderClosed", ("tender", "block", "block_hash", "closed_at"))
SHARE_RELEASED = declare("ShareReleased", ("tender", "institution", "public_key", "share"))
SHARE_RELEASE_REQUESTED = declare(
    "ShareReleaseRequested",
    ("tender", "institution", "public_key"),
    audience=Audience.CONFIDENTIAL,
)
SHARE_RESEALED = declare(
    "ShareResealed",
    ("tender", "institution", "keepers"),
    audience=Audience.CONFIDENTIAL,
)
BIDS_OPENED = declare(
    "BidsOpened", ("tender", "commitments", "opened", "superseded", "withdrawn", "void", "bids")
)
CUT_OFF_FIXED = declare("CutOffFixed", ("tender", "decision"), audience=Audience.CONFIDENTIAL)
RESULT_REQUESTED = declare(
    "ResultRequested", ("tender", "root", "result_digest"), audience=Audience.CONFIDENTIAL
)
RESULT_PUBLISHED = declare(
    "ResultPublished",
    ("tender", "decision", "figures", "commitments", "void", "root", "result_digest", "block"),
)
ALLOTMENT_MADE = declare(
    "AllotmentMade",
    (
        "tender",
        "allotment",
        "number",
        "line",
        "participant",
        "account",
        "nominal",
        "price",
        "realised",
        "accrued",
    ),
    audience=Audience.CONFIDENTIAL,
)
WINNER_DEFAULTED = declare(
    "WinnerDefaulted", ("tender", "allotment", "number", "line", "nominal", "unpaid", "reason")
)
