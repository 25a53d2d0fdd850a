"""Tenders from the calendar to the last payment: what is offered, bid, opened, decided, owed.

Times are UTC text (RFC 3339), dates ISO text, nominal whole units of face, money minor units,
prices and yields the text of their exact decimals.  Digests, keys and commitments are
hexadecimal without a prefix; accounts are lower-case addresses.
"""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

auction_calendar = sql.Table(
    "auction_calendar",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("published_at", sql.String(32), nullable=False),
    sql.Column("replaces", sql.String(64), comment="the calendar that this one supersedes"),
    sql.Column("replaced_by", sql.String(64)),
    sql.Column("entry", sql.String(36), nullable=False, comment="journal entry CalendarPublished"),
)

auction_calendar_line = sql.Table(
    "auction_calendar_line",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("calendar", sql.String(64), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True, comment="from 1"),
    sql.Column("auction_date", sql.String(10), nullable=False),
    sql.Column("settlement_date", sql.String(10), nullable=False),
    sql.Column("security", sql.String(64), nullable=False, comment="in words, or its ISIN"),
    sql.Column("target", sql.BigInteger, nullable=False, comment="nominal"),
    sql.ForeignKeyConstraint(
        ["programme", "calendar"], ["auction_calendar.programme", "auction_calendar.code"]
    ),
)

tender = sql.Table(
    "tender",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("chain_id", sql.String(64), nullable=False, comment="32 bytes known to the chain"),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("state", sql.String(20), nullable=False, comment="see acts_rules.TenderState"),
    sql.Column("target", sql.BigInteger, nullable=False, comment="nominal, as last amended"),
    sql.Column("auction_date", sql.String(10), nullable=False),
    sql.Column("calendar", sql.String(64)),
    sql.Column("ministry", sql.String(64), nullable=False, comment="institution with this part"),
    sql.Column("central_bank", sql.String(64), nullable=False),
    # Fixed by the announcement.
    sql.Column("settlement_date", sql.String(10)),
    sql.Column("last_settlement_date", sql.String(10), comment="after it the winner has defaulted"),
    sql.Column("bids_open", sql.String(32), comment="block time from which bids are taken"),
    sql.Column("bids_due", sql.String(32), comment="block time before which nothing closes"),
    sql.Column("non_competitive_due", sql.String(32)),
    sql.Column("unpaid", sql.String(12), comment="cancel or reoffer what a winner does not pay"),
    sql.Column("rules", sql.LargeBinary, comment="canonical terms, all but the target"),
    sql.Column("terms_hash", sql.String(64), comment="SHA-256 of `rules`, on the chain"),
    sql.Column("announced_at", sql.String(32), comment="when the chain had it, final"),
    # What happened.
    sql.Column("pending", sql.String(32), comment="kind of order that is under way, if any"),
    sql.Column("pending_change", sql.LargeBinary, comment="canonical; what it changes when done"),
    sql.Column("close_block", sql.BigInteger),
    sql.Column("close_block_hash", sql.String(64)),
    sql.Column("closed_at", sql.String(32), comment="time of the closing block"),
    sql.Column("commitments_head", sql.String(64), comment="that chains all commitments"),
    sql.Column("opened_at", sql.String(32)),
    sql.Column("decision", sql.LargeBinary, comment="canonical; what the ministry decided"),
    sql.Column("decided_at", sql.String(32)),
    sql.Column("result", sql.LargeBinary, comment="canonical public result with every bid"),
    sql.Column("result_digest", sql.String(64)),
    sql.Column("result_shown", sql.LargeBinary, comment="what faces show of it, once verified"),
    sql.Column("result_root", sql.String(64), comment="root that accounts for every commitment"),
    sql.Column("awarded_at", sql.String(32)),
    sql.Column("refusal", sql.String(200), comment="why the chain refused the last order"),
    sql.UniqueConstraint("programme", "chain_id"),
    sql.Index(None, "programme", "state"),
)

tender_target = sql.Table(
    "tender_target",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("tender", sql.String(64), primary_key=True),
    sql.Column("version", sql.Integer, primary_key=True, comment="from 1"),
    sql.Column("target", sql.BigInteger, nullable=False),
    sql.Column("set_at", sql.String(32), nullable=False),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
)

tender_key = sql.Table(
    "tender_key",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("tender", sql.String(64), primary_key=True),
    sql.Column("institution", sql.String(64), primary_key=True),
    sql.Column("public_key", sql.String(64), nullable=False, comment="X25519, this tender alone"),
    sql.Column("sealed_private", sql.LargeBinary, comment="null: kept elsewhere"),
    sql.Column("keeper", sql.String(42), comment="whose key it is encrypted under"),
    sql.Column("released", sql.String(64), comment="private key, given once the close was final"),
    sql.Column("released_at", sql.String(32), comment="when the chain noted it, final"),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
)

tender_bidder = sql.Table(
    "tender_bidder",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("tender", sql.String(64), primary_key=True),
    sql.Column("number", sql.BigInteger, primary_key=True, comment="drawn anew in every tender"),
    sql.Column("participant", sql.String(64), nullable=False, comment="institution code"),
    sql.Column("account", sql.String(42), nullable=False, comment="with which it commits"),
    sql.Column("admitted_at", sql.String(32), comment="when the chain had it, final"),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
    sql.UniqueConstraint("programme", "tender", "account"),
)

sealed_bid = sql.Table(
    "sealed_bid",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("tender", sql.String(64), nullable=False),
    sql.Column("participant", sql.String(64), nullable=False),
    sql.Column("account", sql.String(42), nullable=False),
    sql.Column("number", sql.BigInteger, nullable=False, comment="the bidder's, in this tender"),
    sql.Column("window", sql.String(16), nullable=False, comment="competitive, non_competitive"),
    sql.Column("letter", sql.Boolean, nullable=False, comment="entered by hand in an outage"),
    sql.Column("sealed", sql.LargeBinary, comment="ciphertext; of a letter its form, once opened"),
    sql.Column("salt", sql.String(64), comment="of a letter once it is opened"),
    sql.Column("commitment", sql.String(64), nullable=False),
    sql.Column("replaces", sql.String(36), comment="the bid that this one revises"),
    sql.Column("state", sql.String(16), nullable=False, comment="see acts_rules.BidState"),
    sql.Column("submitted_at", sql.String(32), nullable=False),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("order_id", sql.String(36), comment="that carries the commitment to the chain"),
    sql.Column("sequence", sql.Integer, comment="in which the chain recorded it, from 0"),
    sql.Column("block", sql.BigInteger),
    sql.Column("block_time", sql.String(32)),
    sql.Column("chain_transaction", sql.String(66)),
    sql.Column("refusal", sql.String(200)),
    sql.Column("withdrawn_at", sql.String(32)),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
    sql.UniqueConstraint("programme", "tender", "commitment"),
    sql.Index(None, "programme", "tender", "participant"),
)

commitment = sql.Table(
    "tender_commitment",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("tender", sql.String(64), primary_key=True),
    sql.Column("sequence", sql.Integer, primary_key=True, comment="order on the chain, from 0"),
    sql.Column("commitment", sql.String(64), nullable=False),
    sql.Column("number", sql.BigInteger, nullable=False, comment="the bidder's"),
    sql.Column("window", sql.String(16), nullable=False, comment="see book.Window"),
    sql.Column("letter", sql.Boolean, nullable=False),
    sql.Column("late", sql.Boolean, nullable=False),
    sql.Column("withdrawn", sql.Boolean, nullable=False),
    sql.Column("block", sql.BigInteger, nullable=False),
    sql.Column("block_time", sql.String(32), nullable=False),
    sql.Column("chain_transaction", sql.String(66), nullable=False),
    sql.Column("fate", sql.String(16), comment="see book.Fate; null until opened"),
    sql.Column("reason", sql.String(64), comment="why it is void; see book.VoidReason"),
    sql.Column("evidence", sql.String(64), comment="digest of the delivery that shows it"),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
)

tender_investor = sql.Table(
    "tender_investor",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("tender", sql.String(64), primary_key=True),
    sql.Column("account", sql.String(42), primary_key=True, comment="to which it is delivered"),
    sql.Column("reference", sql.String(32), nullable=False, comment="one per holder and tender"),
    sql.Column("participant", sql.String(64), nullable=False, comment="the dealer that named it"),
    sql.Column("holder", sql.String(64), nullable=False, comment="keyed digest of who it is"),
    sql.Column("investor_class", sql.String(64), nullable=False, comment="by the register"),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
    sql.Index(None, "programme", "tender", "holder"),
)

bid_line = sql.Table(
    "bid_line",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("tender", sql.String(64), primary_key=True),
    sql.Column("place", sql.Integer, primary_key=True, comment="in the opened book, from 1"),
    sql.Column("sequence", sql.Integer, nullable=False, comment="of the sheet's commitment"),
    sql.Column("number", sql.BigInteger, nullable=False),
    sql.Column("line", sql.BigInteger, nullable=False),
    sql.Column("competitive", sql.Boolean, nullable=False),
    sql.Column("nominal", sql.Text, nullable=False, comment="as stated, however absurd"),
    sql.Column("price", sql.Text),
    sql.Column("yield_pct", sql.Text),
    sql.Column("investor", sql.Text),
    sql.Column("investor_class", sql.Text),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
)

allotment = sql.Table(
    "allotment",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("tender", sql.String(64), nullable=False),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("sequence", sql.Integer, nullable=False),
    sql.Column("number", sql.BigInteger, nullable=False),
    sql.Column("line", sql.BigInteger, nullable=False),
    sql.Column("competitive", sql.Boolean, nullable=False),
    sql.Column("participant", sql.String(64), nullable=False, comment="the dealer, who pays"),
    sql.Column("account", sql.String(42), comment="to which it is delivered; null: nobody's"),
    sql.Column("investor", sql.String(120), comment="for whom, in a non-competitive bid"),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("price", sql.String(40), nullable=False),
    sql.Column("yield_pct", sql.String(40), nullable=False),
    sql.Column("realised_minor", sql.BigInteger, nullable=False),
    sql.Column("accrued_minor", sql.BigInteger, nullable=False),
    sql.Column("currency", sql.String(3), nullable=False),
    sql.Column("settlement_date", sql.String(10), nullable=False),
    sql.Column("last_settlement_date", sql.String(10), nullable=False),
    sql.Column(
        "state", sql.String(20), nullable=False, comment="awaiting_settlement, settled, defaulted"
    ),
    sql.Column("instruction", sql.String(64), comment="that settles it; set by settlement"),
    sql.Column("settled_at", sql.String(32)),
    sql.Column("defaulted_at", sql.String(32)),
    sql.Column("unpaid", sql.String(12), comment="after default: cancel or reoffer"),
    sql.ForeignKeyConstraint(["programme", "tender"], ["tender.programme", "tender.code"]),
    sql.UniqueConstraint("programme", "tender", "sequence", "line"),
    sql.Index(None, "programme", "state"),
)
