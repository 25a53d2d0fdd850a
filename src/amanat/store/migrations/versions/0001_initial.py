"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "account",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False, comment="lower case"),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column(
            "label", sa.String(length=64), nullable=False, comment="short name, never the holder's"
        ),
        sa.Column(
            "holder",
            sa.String(length=200),
            nullable=True,
            comment="client's name: private, never on the chain",
        ),
        sa.Column("holder_class", sa.String(length=64), nullable=False, comment="class for tax"),
        sa.Column(
            "tax_residency", sa.String(length=2), nullable=False, comment="ISO 3166-1 alpha-2"
        ),
        sa.Column(
            "closed_at",
            sa.String(length=32),
            nullable=True,
            comment="when the ledger closed it for good",
        ),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("programme", "address", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "programme", "participant", "label", name=op.f("uq_account_programme_participant_label")
        ),
    )
    op.create_index(op.f("ix_account_order_id"), "account", ["order_id"], unique=False)
    op.create_table(
        "asset",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column(
            "kind", sa.String(length=64), nullable=False, comment="full_faith, gold, oil, land ..."
        ),
        sa.Column("description", sa.String(length=400), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False, comment="where it lies"),
        sa.Column("quantity", sa.String(length=60), nullable=True, comment="decimal text"),
        sa.Column("unit", sa.String(length=20), nullable=True),
        sa.Column(
            "required_evidence", sa.JSON(), nullable=False, comment="kinds, besides the title"
        ),
        sa.Column(
            "custodian", sa.String(length=64), nullable=True, comment="appointed institution"
        ),
        sa.Column(
            "institution", sa.String(length=64), nullable=False, comment="that registered it"
        ),
        sa.Column("registered_at", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_asset")),
    )
    op.create_table(
        "auction_calendar",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.String(length=32), nullable=False),
        sa.Column(
            "replaces",
            sa.String(length=64),
            nullable=True,
            comment="the calendar that this one supersedes",
        ),
        sa.Column("replaced_by", sa.String(length=64), nullable=True),
        sa.Column(
            "entry", sa.String(length=36), nullable=False, comment="journal entry CalendarPublished"
        ),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_auction_calendar")),
    )
    op.create_table(
        "authorisation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.BigInteger(), nullable=False, comment="dense from 1 among those done"
        ),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("usd_value_cents", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.String(length=40), nullable=False),
        sa.Column("rate_date", sa.String(length=10), nullable=False),
        sa.Column("rate_assumed", sa.Boolean(), nullable=False),
        sa.Column("asset", sa.String(length=64), nullable=False),
        sa.Column(
            "authority", sa.String(length=400), nullable=False, comment="what the issuer cites"
        ),
        sa.Column("authority_hash", sa.String(length=64), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False, comment="canonical bytes"),
        sa.Column("terms_hash", sa.String(length=64), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False, comment="classes that may hold it"),
        sa.Column("expires_on", sa.String(length=10), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="by which it is withdrawn"
        ),
        sa.Column(
            "state", sa.String(length=12), nullable=False, comment="requested, done or refused"
        ),
        sa.Column("issued", sa.BigInteger(), nullable=False, comment="less what was cancelled"),
        sa.Column("released", sa.BigInteger(), nullable=False, comment="nominal given up"),
        sa.Column("released_usd_cents", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorisation")),
    )
    op.create_index(op.f("ix_authorisation_order_id"), "authorisation", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_authorisation_programme_isin"),
        "authorisation",
        ["programme", "isin"],
        unique=False,
    )
    op.create_index(
        op.f("ix_authorisation_programme_number"),
        "authorisation",
        ["programme", "number"],
        unique=False,
    )
    op.create_table(
        "authorisation_withdrawal",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the authorisation"),
        sa.Column("proposal", sa.String(length=36), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorisation_withdrawal")),
    )
    op.create_index(
        op.f("ix_authorisation_withdrawal_order_id"),
        "authorisation_withdrawal",
        ["order_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_authorisation_withdrawal_programme_digest"),
        "authorisation_withdrawal",
        ["programme", "digest"],
        unique=False,
    )
    op.create_table(
        "business_day",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="of the event that said it"),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "entry", sa.String(length=36), nullable=False, comment="journal entry of the event"
        ),
        sa.PrimaryKeyConstraint("programme", "position", name=op.f("pk_business_day")),
    )
    op.create_table(
        "ceremony",
        sa.Column(
            "hash", sa.String(length=64), nullable=False, comment="SHA-256 of what the browser has"
        ),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False, comment="challenge, and whom it is for"),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_ceremony")),
    )
    op.create_index(op.f("ix_ceremony_expires_at"), "ceremony", ["expires_at"], unique=False)
    op.create_table(
        "day_move",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_move")),
    )
    op.create_index(op.f("ix_day_move_order_id"), "day_move", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_day_move_programme_done_at"), "day_move", ["programme", "done_at"], unique=False
    )
    op.create_table(
        "directory_change",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="by which the ledger knows it"
        ),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=16),
            nullable=False,
            comment="key, capacities, quorum, contract",
        ),
        sa.Column("subject", sa.String(length=64), nullable=False, comment="word of 32 bytes"),
        sa.Column("value", sa.String(length=64), nullable=False, comment="word of 32 bytes"),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column(
            "due_at",
            sa.String(length=32),
            nullable=True,
            comment="when the ledger may carry it out",
        ),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("programme", "digest", name=op.f("pk_directory_change")),
    )
    op.create_index(
        op.f("ix_directory_change_order_id"), "directory_change", ["order_id"], unique=False
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="SHA-256 of the document"
        ),
        sa.Column("issuer", sa.String(length=200), nullable=False, comment="who gave the document"),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("issued_on", sa.String(length=10), nullable=False),
        sa.Column(
            "expires_on", sa.String(length=10), nullable=True, comment="last day on which it counts"
        ),
        sa.Column("recorded_at", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint(
            "programme", "asset", "digest", name=op.f("uq_evidence_programme_asset_digest")
        ),
    )
    op.create_table(
        "exchange_rate",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate_date", sa.String(length=10), nullable=False),
        sa.Column(
            "rate",
            sa.String(length=40),
            nullable=False,
            comment="units per US dollar, decimal text",
        ),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("assumed", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme", "currency", "rate_date", name=op.f("pk_exchange_rate")
        ),
    )
    op.create_table(
        "gazette",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="TOML, exactly as it was given"),
        sa.Column("adopted_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("programme", "version", name=op.f("pk_gazette")),
    )
    op.create_table(
        "halt",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "scope", sa.String(length=64), nullable=False, comment="programme, cash ... or an ISIN"
        ),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.Column("resume_order", sa.String(length=36), nullable=True),
        sa.Column("resume_requested_at", sa.String(length=32), nullable=True),
        sa.Column(
            "resumed_at", sa.String(length=32), nullable=True, comment="when the ledger had resumed"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_halt")),
    )
    op.create_index(op.f("ix_halt_order_id"), "halt", ["order_id"], unique=False)
    op.create_index(op.f("ix_halt_programme_scope"), "halt", ["programme", "scope"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False, comment="digest of the command"),
        sa.Column("outcome", sa.LargeBinary(), nullable=False, comment="canonical bytes"),
        sa.PrimaryKeyConstraint("programme", "institution", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "institution",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.Integer(), nullable=False, comment="on the chain; 0 where it has none"
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("capacities", sa.JSON(), nullable=False, comment="sorted list of words"),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_institution")),
    )
    op.create_table(
        "issuance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column(
            "action", sa.String(length=8), nullable=False, comment="issue, cancel or release"
        ),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("authorisation", sa.BigInteger(), nullable=False, comment="number"),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuance")),
    )
    op.create_index(op.f("ix_issuance_order_id"), "issuance", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_issuance_programme_isin"), "issuance", ["programme", "isin"], unique=False
    )
    op.create_table(
        "journal_entry",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("log", sa.String(length=16), nullable=False, comment="public or confidential"),
        sa.Column("leaf", sa.BigInteger(), nullable=False, comment="dense number within its log"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=120),
            nullable=True,
            comment="what it is about, as room:identifier",
        ),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC, RFC 3339"),
        sa.Column("entry", sa.LargeBinary(), nullable=False, comment="the exact RFC 8785 bytes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint("log", "leaf", name=op.f("uq_journal_entry_log_leaf")),
    )
    op.create_index(
        op.f("ix_journal_entry_programme_kind"),
        "journal_entry",
        ["programme", "kind"],
        unique=False,
    )
    op.create_index(
        op.f("ix_journal_entry_programme_subject"),
        "journal_entry",
        ["programme", "subject"],
        unique=False,
    )
    op.create_table(
        "journal_opening",
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="salt and value, encrypted"),
        sa.PrimaryKeyConstraint("entry_id", "path", name=op.f("pk_journal_opening")),
    )
    op.create_table(
        "kind_rule",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False, comment="bill, bond ..."),
        sa.Column("number", sa.Integer(), nullable=False, comment="on the chain"),
        sa.Column("clearances", sa.JSON(), nullable=False, comment="mandatory, by word"),
        sa.Column("confirmations", sa.JSON(), nullable=False, comment="institutions that confirm"),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_kind_rule")),
    )
    op.create_table(
        "ledger_alarm",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=64),
            nullable=False,
            comment="order_overdue, reorganisation, ...",
        ),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.String(length=32), nullable=False),
        sa.Column("settled_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_alarm")),
        sa.UniqueConstraint(
            "kind", "subject", "raised_at", name=op.f("uq_ledger_alarm_kind_subject_raised_at")
        ),
    )
    op.create_table(
        "ledger_balance_change",
        sa.Column("token", sa.String(length=42), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False, comment="after the change"),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint(
            "token", "account", "position", name=op.f("pk_ledger_balance_change")
        ),
    )
    op.create_index(
        op.f("ix_ledger_balance_change_position"),
        "ledger_balance_change",
        ["position"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_balance_change_token_block_number"),
        "ledger_balance_change",
        ["token", "block_number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_balance_change_token_business_date"),
        "ledger_balance_change",
        ["token", "business_date"],
        unique=False,
    )
    op.create_table(
        "ledger_block",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False, comment="seconds since 1970"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_block")),
    )
    op.create_index(op.f("ix_ledger_block_hash"), "ledger_block", ["hash"], unique=False)
    op.create_table(
        "ledger_business_day",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="of the event that said it"),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "position", name=op.f("pk_ledger_business_day")),
    )
    op.create_table(
        "ledger_chain_transaction",
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("tx_index", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column(
            "order_id", sa.String(length=36), nullable=True, comment="null: nobody here ordered it"
        ),
        sa.Column(
            "logs_digest",
            sa.String(length=66),
            nullable=False,
            comment="of what it logged, in order",
        ),
        sa.Column(
            "raw", sa.LargeBinary(), nullable=True, comment="bytes of one that was only observed"
        ),
        sa.PrimaryKeyConstraint("tx_hash", name=op.f("pk_ledger_chain_transaction")),
    )
    op.create_index(
        op.f("ix_ledger_chain_transaction_block_number"),
        "ledger_chain_transaction",
        ["block_number"],
        unique=False,
    )
    op.create_table(
        "ledger_contract",
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=64),
            nullable=False,
            comment="the artifact: Security, Cash, ...",
        ),
        sa.Column(
            "label",
            sa.String(length=64),
            nullable=False,
            comment="an ISIN; empty where there is one",
        ),
        sa.Column(
            "order_id", sa.String(length=36), nullable=True, comment="the order that created it"
        ),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_ledger_contract")),
    )
    op.create_index(
        op.f("ix_ledger_contract_programme_kind_label"),
        "ledger_contract",
        ["programme", "kind", "label"],
        unique=False,
    )
    op.create_table(
        "ledger_counter",
        sa.Column("name", sa.String(length=120), nullable=False, comment="orders; nonce:ADDRESS"),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_counter")),
    )
    op.create_table(
        "ledger_cursor",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="of the next event"),
        sa.Column(
            "forgotten_after",
            sa.BigInteger(),
            nullable=True,
            comment="set while forgotten ones are missing",
        ),
        sa.Column(
            "stopped",
            sa.Text(),
            nullable=True,
            comment="why the indexer stopped; a person clears it",
        ),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_ledger_cursor")),
    )
    op.create_table(
        "ledger_event",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("tx_log", sa.Integer(), nullable=False, comment="its place in its transaction"),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("contract", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False, comment="canonical JSON"),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column(
            "entry_id", sa.String(length=36), nullable=False, comment="its one journal entry"
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_event")),
        sa.UniqueConstraint(
            "chain_id",
            "block_hash",
            "log_index",
            name=op.f("uq_ledger_event_chain_id_block_hash_log_index"),
        ),
    )
    op.create_index(
        op.f("ix_ledger_event_address_name_position"),
        "ledger_event",
        ["address", "name", "position"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_event_block_number"), "ledger_event", ["block_number"], unique=False
    )
    op.create_index(op.f("ix_ledger_event_tx_hash"), "ledger_event", ["tx_hash"], unique=False)
    op.create_table(
        "ledger_holding",
        sa.Column("token", sa.String(length=42), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "units", sa.BigInteger(), nullable=False, comment="now; minted less burnt for 0x0"
        ),
        sa.PrimaryKeyConstraint("token", "account", name=op.f("pk_ledger_holding")),
    )
    op.create_table(
        "ledger_order",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("contract", sa.String(length=64), nullable=False, comment="the artifact"),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column(
            "address",
            sa.String(length=42),
            nullable=True,
            comment="null until known; of a creation, what it created",
        ),
        sa.Column("function", sa.String(length=64), nullable=False, comment="empty for a creation"),
        sa.Column(
            "call_bytes",
            sa.LargeBinary(),
            nullable=True,
            comment="null until every address is known",
        ),
        sa.Column(
            "unresolved",
            sa.Text(),
            nullable=True,
            comment="arguments that name contracts not yet created",
        ),
        sa.Column("subject_room", sa.String(length=64), nullable=True),
        sa.Column("subject_id", sa.String(length=120), nullable=True),
        sa.Column(
            "cause",
            sa.String(length=36),
            nullable=True,
            comment="the journal entry that asked for it",
        ),
        sa.Column("sender", sa.String(length=64), nullable=False, comment="the signer's name"),
        sa.Column("gas", sa.BigInteger(), nullable=True, comment="the limit; null: ask the node"),
        sa.Column(
            "value_wei",
            sa.String(length=80),
            nullable=True,
            comment="what the call brings along; null: nothing",
        ),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("sender_address", sa.String(length=42), nullable=True),
        sa.Column("nonce", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("signed_at", sa.String(length=32), nullable=True),
        sa.Column("sent_at", sa.String(length=32), nullable=True),
        sa.Column("completed_at", sa.String(length=32), nullable=True),
        sa.Column(
            "tx_hash", sa.String(length=66), nullable=True, comment="of the attempt that was mined"
        ),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True, comment="JSON: error, fields"),
        sa.Column(
            "trace",
            sa.String(length=55),
            nullable=True,
            comment="W3C traceparent of what asked for it",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_order")),
        sa.UniqueConstraint(
            "sender_address", "nonce", name=op.f("uq_ledger_order_sender_address_nonce")
        ),
        sa.UniqueConstraint("sequence", name=op.f("uq_ledger_order_sequence")),
    )
    op.create_index(
        op.f("ix_ledger_order_state_sequence"), "ledger_order", ["state", "sequence"], unique=False
    )
    op.create_index(
        op.f("ix_ledger_order_subject_room_subject_id"),
        "ledger_order",
        ["subject_room", "subject_id"],
        unique=False,
    )
    op.create_table(
        "ledger_order_thing",
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("thing", sa.String(length=120), nullable=False, comment="account:0x…, day, ..."),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("use", sa.String(length=8), nullable=False, comment="brings, needs, changes"),
        sa.PrimaryKeyConstraint("order_id", "thing", name=op.f("pk_ledger_order_thing")),
    )
    op.create_index(
        op.f("ix_ledger_order_thing_programme_thing"),
        "ledger_order_thing",
        ["programme", "thing"],
        unique=False,
    )
    op.create_table(
        "lockout",
        sa.Column(
            "subject", sa.String(length=160), nullable=False, comment="address:… or person:…"
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="since the last lock"),
        sa.Column("failed_at", sa.String(length=32), nullable=False),
        sa.Column("locks", sa.Integer(), nullable=False, comment="in a row: the time doubles"),
        sa.Column("locked_until", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_lockout")),
    )
    op.create_table(
        "log_size",
        sa.Column("log", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_log_size")),
    )
    op.create_table(
        "participant",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False, comment="of its institution"),
        sa.Column("number", sa.Integer(), nullable=False, comment="on the chain, from 1"),
        sa.Column("participant_class", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False, comment="ISO 3166-1 alpha-2"),
        sa.Column("lei", sa.String(length=20), nullable=True),
        sa.Column(
            "level",
            sa.String(length=16),
            nullable=True,
            comment="as the ledger has it; null before admission",
        ),
        sa.Column(
            "level_requested",
            sa.String(length=16),
            nullable=True,
            comment="while an order is under way",
        ),
        sa.Column(
            "valid_until", sa.String(length=10), nullable=True, comment="as the ledger has it"
        ),
        sa.Column("valid_until_requested", sa.String(length=10), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_participant")),
        sa.UniqueConstraint("programme", "number", name=op.f("uq_participant_programme_number")),
    )
    op.create_table(
        "participant_change",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column(
            "change", sa.String(length=16), nullable=False, comment="admission, renewal or level"
        ),
        sa.Column("level", sa.String(length=16), nullable=False, comment="the level asked for"),
        sa.Column(
            "valid_until", sa.String(length=10), nullable=False, comment="the validity asked for"
        ),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant_change")),
    )
    op.create_index(
        op.f("ix_participant_change_order_id"), "participant_change", ["order_id"], unique=False
    )
    op.create_index(
        op.f("ix_participant_change_programme_participant"),
        "participant_change",
        ["programme", "participant"],
        unique=False,
    )
    op.create_table(
        "participant_class",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False, comment="bank, fund, broker ..."),
        sa.Column("number", sa.Integer(), nullable=False, comment="on the chain"),
        sa.Column(
            "authority", sa.String(length=64), nullable=False, comment="institution that writes it"
        ),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_participant_class")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_participant_class_programme_number")
        ),
    )
    op.create_table(
        "programme",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "zone", sa.String(length=64), nullable=False, comment="IANA time zone shown to people"
        ),
        sa.Column(
            "calendar", sa.String(length=64), nullable=False, comment="gazette of settlement days"
        ),
        sa.Column("ceiling_usd_cents", sa.BigInteger(), nullable=False),
        sa.Column("simulation", sa.Boolean(), nullable=False, comment="for good; shown everywhere"),
        sa.Column("redemption_frees_headroom", sa.Boolean(), nullable=False),
        sa.Column("first_business_date", sa.String(length=10), nullable=False),
        sa.Column("usd_freed_cents", sa.BigInteger(), nullable=False, comment="by redemption"),
        sa.Column("reserves_usd_cents", sa.BigInteger(), nullable=True, comment="as last attested"),
        sa.Column("reserves_valid_until", sa.String(length=10), nullable=True),
        sa.Column("terms", sa.LargeBinary(), nullable=False, comment="canonical bytes"),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("founding_at", sa.String(length=32), nullable=False),
        sa.Column(
            "founded_at",
            sa.String(length=32),
            nullable=True,
            comment="when the ledger had every contract",
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_programme")),
    )
    op.create_table(
        "proposal",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("command", sa.LargeBinary(), nullable=False, comment="canonical bytes"),
        sa.Column(
            "memo", sa.LargeBinary(), nullable=False, comment="what the act fixed beforehand"
        ),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="what the approvers approve"
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=True),
        sa.Column("proposed_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column(
            "state", sa.String(length=12), nullable=False, comment="open, carried_out, withdrawn"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=False, comment="journal entry ActProposed"
        ),
        sa.Column(
            "effects", sa.JSON(), nullable=True, comment="what it would do when it was proposed"
        ),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_index(
        op.f("ix_proposal_programme_state"), "proposal", ["programme", "state"], unique=False
    )
    op.create_table(
        "register_hold",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="of the order on the ledger"),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column(
            "nominal",
            sa.BigInteger(),
            nullable=True,
            comment="absent: all, also what arrives later",
        ),
        sa.Column(
            "order_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the paper"
        ),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="requested, held, released..."
        ),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("released_at", sa.String(length=32), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("release_order", sa.String(length=36), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_register_hold")),
        sa.UniqueConstraint(
            "programme", "number", "isin", name=op.f("uq_register_hold_programme_number_isin")
        ),
    )
    op.create_index(
        op.f("ix_register_hold_programme_account_isin_state"),
        "register_hold",
        ["programme", "account", "isin", "state"],
        unique=False,
    )
    op.create_table(
        "register_movement",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="of the order on the ledger"),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="forced or reregistration"),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column("from_account", sa.String(length=42), nullable=False),
        sa.Column("to_account", sa.String(length=42), nullable=False),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("order_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="requested, done or refused"
        ),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_register_movement")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_register_movement_programme_number")
        ),
    )
    op.create_table(
        "register_pledge",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="by which the ledger knows it"
        ),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column(
            "beneficiary", sa.String(length=42), nullable=False, comment="whose key releases it"
        ),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False, comment="as the holds above"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("released_at", sa.String(length=32), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("programme", "digest", name=op.f("pk_register_pledge")),
    )
    op.create_index(
        op.f("ix_register_pledge_programme_account_isin_state"),
        "register_pledge",
        ["programme", "account", "isin", "state"],
        unique=False,
    )
    op.create_table(
        "security",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False, comment="canonical bytes"),
        sa.Column("terms_hash", sa.String(length=64), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("asset", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False, comment="lower case"),
        sa.Column("number", sa.Integer(), nullable=False, comment="on the board of the Directory"),
        sa.Column("issue_date", sa.String(length=10), nullable=False),
        sa.Column("maturity_date", sa.String(length=10), nullable=False),
        sa.Column("authorised", sa.BigInteger(), nullable=False, comment="less what was given up"),
        sa.Column("issued", sa.BigInteger(), nullable=False, comment="nominal ever created"),
        sa.Column("cancelled", sa.BigInteger(), nullable=False, comment="nominal cancelled unsold"),
        sa.Column(
            "redeemed", sa.BigInteger(), nullable=False, comment="nominal burnt against cash"
        ),
        sa.Column(
            "created_at", sa.String(length=32), nullable=False, comment="when the ledger had it"
        ),
        sa.PrimaryKeyConstraint("programme", "isin", name=op.f("pk_security")),
        sa.UniqueConstraint("programme", "address", name=op.f("uq_security_programme_address")),
    )
    op.create_table(
        "servicing_entitlement",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("payment", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="leaf number, from 0"),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("holder_class", sa.String(length=40), nullable=False),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("gross_paisa", sa.BigInteger(), nullable=False),
        sa.Column("tax_base_paisa", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.String(length=16), nullable=False, comment="per cent"),
        sa.Column("tax_basis", sa.String(length=60), nullable=False, comment="why this rate"),
        sa.Column("tax_source", sa.String(length=400), nullable=False),
        sa.Column("tax_paisa", sa.BigInteger(), nullable=False),
        sa.Column("net_paisa", sa.BigInteger(), nullable=False),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="due, paid, escrow, outside"
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("paid_on", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint(
            "programme", "payment", "position", name=op.f("pk_servicing_entitlement")
        ),
    )
    op.create_index(
        op.f("ix_servicing_entitlement_programme_account"),
        "servicing_entitlement",
        ["programme", "account"],
        unique=False,
    )
    op.create_table(
        "servicing_lot",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("payment", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="of the entitlement"),
        sa.Column("part", sa.Integer(), nullable=False, comment="oldest first, from 0"),
        sa.Column("acquired_on", sa.String(length=10), nullable=False),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("cost_paisa", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme", "payment", "position", "part", name=op.f("pk_servicing_lot")
        ),
    )
    op.create_table(
        "servicing_payment",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "number",
            sa.BigInteger(),
            nullable=True,
            comment="of its run on the ledger, once funded",
        ),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False, comment="coupon or redemption"),
        sa.Column("due_date", sa.String(length=10), nullable=False, comment="by the terms"),
        sa.Column(
            "payment_date", sa.String(length=10), nullable=False, comment="rolled to business"
        ),
        sa.Column("record_date", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("holders", sa.Integer(), nullable=False),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("gross_paisa", sa.BigInteger(), nullable=False),
        sa.Column("tax_paisa", sa.BigInteger(), nullable=False),
        sa.Column("net_paisa", sa.BigInteger(), nullable=False),
        sa.Column("paid_paisa", sa.BigInteger(), nullable=False),
        sa.Column("tax_paid_paisa", sa.BigInteger(), nullable=False),
        sa.Column("escrow_paisa", sa.BigInteger(), nullable=False, comment="funded, not yet paid"),
        sa.Column(
            "outside_paisa", sa.BigInteger(), nullable=False, comment="paid by other systems"
        ),
        sa.Column(
            "outside_chunk",
            sa.Integer(),
            nullable=True,
            comment="the first that is listed to be paid outside",
        ),
        sa.Column(
            "outside_digest", sa.String(length=64), nullable=True, comment="of the list, SHA-256"
        ),
        sa.Column(
            "outside_reference",
            sa.String(length=140),
            nullable=True,
            comment="what the RTGS confirmed",
        ),
        sa.Column("cursor", sa.Integer(), nullable=False, comment="next chunk to ask for"),
        sa.Column("chunks_paid", sa.Integer(), nullable=False, comment="as the ledger has it"),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("payer", sa.String(length=42), nullable=True, comment="account that funds"),
        sa.Column("tax_account", sa.String(length=42), nullable=True),
        sa.Column("assumed", sa.Boolean(), nullable=False, comment="a rate or day is assumed"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("funded_on", sa.String(length=10), nullable=True),
        sa.Column("completed_on", sa.String(length=10), nullable=True),
        sa.Column(
            "entry", sa.String(length=36), nullable=False, comment="journal entry that fixed it"
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_servicing_payment")),
        sa.UniqueConstraint(
            "programme",
            "isin",
            "kind",
            "due_date",
            name=op.f("uq_servicing_payment_programme_isin_kind_due_date"),
        ),
    )
    op.create_index(
        op.f("ix_servicing_payment_programme_number"),
        "servicing_payment",
        ["programme", "number"],
        unique=False,
    )
    op.create_table(
        "servicing_tax_rate",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column(
            "instrument", sa.String(length=40), nullable=False, comment="government_security ..."
        ),
        sa.Column("holder_classes", sa.JSON(), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("active_percent", sa.String(length=16), nullable=False),
        sa.Column("inactive_percent", sa.String(length=16), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=400), nullable=False),
        sa.Column("assumed", sa.Boolean(), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_servicing_tax_rate")),
    )
    op.create_table(
        "settlement_cash",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "direction", sa.String(length=10), nullable=False, comment="created or withdrawn"
        ),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("amount_paisa", sa.BigInteger(), nullable=False),
        sa.Column("rtgs_reference", sa.String(length=80), nullable=False),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="requested, done or refused"
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("requested_on", sa.String(length=10), nullable=False),
        sa.Column("done_on", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_settlement_cash")),
    )
    op.create_index(
        op.f("ix_settlement_cash_programme_rtgs_reference"),
        "settlement_cash",
        ["programme", "rtgs_reference"],
        unique=False,
    )
    op.create_table(
        "settlement_claim",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "instruction", sa.String(length=36), nullable=False, comment="the trade it follows"
        ),
        sa.Column(
            "payment", sa.String(length=36), nullable=False, comment="the coupon it compensates"
        ),
        sa.Column("debtor", sa.String(length=42), nullable=False, comment="account that was paid"),
        sa.Column("creditor", sa.String(length=42), nullable=False),
        sa.Column("amount_paisa", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="due, requested or paid"),
        sa.Column(
            "cycle", sa.String(length=36), nullable=True, comment="the cash-only cycle that pays it"
        ),
        sa.Column("raised_on", sa.String(length=10), nullable=False),
        sa.Column("paid_on", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint(
            "programme", "instruction", "payment", name=op.f("pk_settlement_claim")
        ),
    )
    op.create_table(
        "settlement_cycle",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="of its trades, on the ledger"
        ),
        sa.Column("purpose", sa.String(length=8), nullable=False, comment="trade or claim"),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="requested, settled or failed"
        ),
        sa.Column("trades", sa.Integer(), nullable=False),
        sa.Column("positions", sa.JSON(), nullable=False, comment="what each account signed"),
        sa.Column("gross_paisa", sa.BigInteger(), nullable=False),
        sa.Column("net_paisa", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("order_id", sa.String(length=36), nullable=True),
        sa.Column("settled_on", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_settlement_cycle")),
        sa.UniqueConstraint(
            "programme", "digest", name=op.f("uq_settlement_cycle_programme_digest")
        ),
    )
    op.create_table(
        "settlement_instruction",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=True,
            comment="EIP-712, what both sign; none in a cycle",
        ),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column("deliverer", sa.String(length=42), nullable=False),
        sa.Column("receiver", sa.String(length=42), nullable=False),
        sa.Column(
            "number",
            sa.BigInteger(),
            nullable=True,
            comment="of the deliverer's account; none in a cycle",
        ),
        sa.Column("nominal", sa.BigInteger(), nullable=False, comment="units of 1 rupee face"),
        sa.Column("consideration_paisa", sa.BigInteger(), nullable=False),
        sa.Column("trade_date", sa.String(length=10), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column(
            "purpose", sa.String(length=8), nullable=False, comment="trade, primary or claim"
        ),
        sa.Column(
            "reference",
            sa.String(length=80),
            nullable=True,
            comment="of the trade, the award or the claim",
        ),
        sa.Column("deliverer_institution", sa.String(length=64), nullable=False),
        sa.Column("receiver_institution", sa.String(length=64), nullable=False),
        sa.Column("deliverer_signature", sa.LargeBinary(), nullable=True),
        sa.Column("receiver_signature", sa.LargeBinary(), nullable=True),
        sa.Column(
            "deliverer_spoke", sa.Boolean(), nullable=False, comment="has proposed or signed"
        ),
        sa.Column("receiver_spoke", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="why it failed the last time, in words"
        ),
        sa.Column(
            "reason_code",
            sa.String(length=64),
            nullable=True,
            comment="declared error of the ledger",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "cycle", sa.String(length=36), nullable=True, comment="the netted cycle that carries it"
        ),
        sa.Column(
            "order_id",
            sa.String(length=36),
            nullable=True,
            comment="the order that carries it to the ledger",
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=False, comment="journal entry that began it"
        ),
        sa.Column("requested_at", sa.String(length=32), nullable=True),
        sa.Column("settled_on", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("settled_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_settlement_instruction")),
        sa.UniqueConstraint(
            "programme",
            "deliverer",
            "number",
            name=op.f("uq_settlement_instruction_programme_deliverer_number"),
        ),
        sa.UniqueConstraint(
            "programme", "digest", name=op.f("uq_settlement_instruction_programme_digest")
        ),
    )
    op.create_index(
        op.f("ix_settlement_instruction_order_id"),
        "settlement_instruction",
        ["order_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_settlement_instruction_programme_state"),
        "settlement_instruction",
        ["programme", "state"],
        unique=False,
    )
    op.create_table(
        "settlement_number",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False, comment="lower case"),
        sa.Column("next_number", sa.BigInteger(), nullable=False, comment="dense, from 0"),
        sa.PrimaryKeyConstraint("programme", "account", name=op.f("pk_settlement_number")),
    )
    op.create_table(
        "signing_key",
        sa.Column(
            "programme", sa.String(length=64), nullable=False, comment="empty: the installation"
        ),
        sa.Column("address", sa.String(length=42), nullable=False, comment="small letters"),
        sa.Column("institution", sa.String(length=64), nullable=False, comment="the owner"),
        sa.Column(
            "holder",
            sa.String(length=64),
            nullable=False,
            comment="person, or a sending key's name",
        ),
        sa.Column(
            "purpose", sa.String(length=24), nullable=False, comment="approve, send, send.SENDER"
        ),
        sa.Column(
            "place", sa.String(length=80), nullable=False, comment="keystore, device, elsewhere"
        ),
        sa.Column(
            "state", sa.String(length=12), nullable=False, comment="standby, in_use, retired, ..."
        ),
        sa.Column("valid_from", sa.String(length=32), nullable=False),
        sa.Column(
            "expires_at", sa.String(length=32), nullable=False, comment="signs nothing from then on"
        ),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("last_used_at", sa.String(length=32), nullable=True),
        sa.Column(
            "entry",
            sa.String(length=36),
            nullable=True,
            comment="the journal entry that entered it",
        ),
        sa.PrimaryKeyConstraint("programme", "address", name=op.f("pk_signing_key")),
    )
    op.create_index(
        op.f("ix_signing_key_state_expires_at"),
        "signing_key",
        ["state", "expires_at"],
        unique=False,
    )
    op.create_table(
        "store_probe",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column(
            "written_at", sa.String(length=32), nullable=False, comment="UTC; says that writes work"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_probe")),
    )
    op.create_table(
        "tax_status",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="later ones sort after earlier"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False, comment="the holder's account"),
        sa.Column("holder_class", sa.String(length=64), nullable=False),
        sa.Column("active_taxpayer", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.String(length=10), nullable=False),
        sa.Column("valid_to", sa.String(length=10), nullable=True),
        sa.Column("tax_residency", sa.String(length=2), nullable=False),
        sa.Column(
            "certificate", sa.String(length=16), nullable=True, comment="exemption or reduction"
        ),
        sa.Column("certificate_number", sa.String(length=64), nullable=True),
        sa.Column(
            "reduced_rate", sa.String(length=20), nullable=True, comment="per cent, decimal text"
        ),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_status")),
    )
    op.create_index(
        op.f("ix_tax_status_programme_address"),
        "tax_status",
        ["programme", "address"],
        unique=False,
    )
    op.create_table(
        "tender",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column(
            "chain_id", sa.String(length=64), nullable=False, comment="32 bytes known to the chain"
        ),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column(
            "state", sa.String(length=20), nullable=False, comment="see acts_rules.TenderState"
        ),
        sa.Column("target", sa.BigInteger(), nullable=False, comment="nominal, as last amended"),
        sa.Column("auction_date", sa.String(length=10), nullable=False),
        sa.Column("calendar", sa.String(length=64), nullable=True),
        sa.Column(
            "ministry", sa.String(length=64), nullable=False, comment="institution with this part"
        ),
        sa.Column("central_bank", sa.String(length=64), nullable=False),
        sa.Column("settlement_date", sa.String(length=10), nullable=True),
        sa.Column(
            "last_settlement_date",
            sa.String(length=10),
            nullable=True,
            comment="after it the winner has defaulted",
        ),
        sa.Column(
            "bids_open",
            sa.String(length=32),
            nullable=True,
            comment="block time from which bids are taken",
        ),
        sa.Column(
            "bids_due",
            sa.String(length=32),
            nullable=True,
            comment="block time before which nothing closes",
        ),
        sa.Column("non_competitive_due", sa.String(length=32), nullable=True),
        sa.Column(
            "unpaid",
            sa.String(length=12),
            nullable=True,
            comment="cancel or reoffer what a winner does not pay",
        ),
        sa.Column(
            "rules", sa.LargeBinary(), nullable=True, comment="canonical terms, all but the target"
        ),
        sa.Column(
            "terms_hash",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of `rules`, on the chain",
        ),
        sa.Column(
            "announced_at",
            sa.String(length=32),
            nullable=True,
            comment="when the chain had it, final",
        ),
        sa.Column(
            "pending",
            sa.String(length=32),
            nullable=True,
            comment="kind of order that is under way, if any",
        ),
        sa.Column(
            "pending_change",
            sa.LargeBinary(),
            nullable=True,
            comment="canonical; what it changes when done",
        ),
        sa.Column("close_block", sa.BigInteger(), nullable=True),
        sa.Column("close_block_hash", sa.String(length=64), nullable=True),
        sa.Column(
            "closed_at", sa.String(length=32), nullable=True, comment="time of the closing block"
        ),
        sa.Column(
            "commitments_head",
            sa.String(length=64),
            nullable=True,
            comment="that chains all commitments",
        ),
        sa.Column("opened_at", sa.String(length=32), nullable=True),
        sa.Column(
            "decision",
            sa.LargeBinary(),
            nullable=True,
            comment="canonical; what the ministry decided",
        ),
        sa.Column("decided_at", sa.String(length=32), nullable=True),
        sa.Column(
            "result",
            sa.LargeBinary(),
            nullable=True,
            comment="canonical public result with every bid",
        ),
        sa.Column("result_digest", sa.String(length=64), nullable=True),
        sa.Column(
            "result_shown",
            sa.LargeBinary(),
            nullable=True,
            comment="what faces show of it, once verified",
        ),
        sa.Column(
            "result_root",
            sa.String(length=64),
            nullable=True,
            comment="root that accounts for every commitment",
        ),
        sa.Column("awarded_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal",
            sa.String(length=200),
            nullable=True,
            comment="why the chain refused the last order",
        ),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_tender")),
        sa.UniqueConstraint("programme", "chain_id", name=op.f("uq_tender_programme_chain_id")),
    )
    op.create_index(
        op.f("ix_tender_programme_state"), "tender", ["programme", "state"], unique=False
    )
    op.create_table(
        "allotment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column("isin", sa.String(length=12), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("competitive", sa.Boolean(), nullable=False),
        sa.Column(
            "participant", sa.String(length=64), nullable=False, comment="the dealer, who pays"
        ),
        sa.Column(
            "account",
            sa.String(length=42),
            nullable=True,
            comment="to which it is delivered; null: nobody's",
        ),
        sa.Column(
            "investor",
            sa.String(length=120),
            nullable=True,
            comment="for whom, in a non-competitive bid",
        ),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.String(length=40), nullable=False),
        sa.Column("yield_pct", sa.String(length=40), nullable=False),
        sa.Column("realised_minor", sa.BigInteger(), nullable=False),
        sa.Column("accrued_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("settlement_date", sa.String(length=10), nullable=False),
        sa.Column("last_settlement_date", sa.String(length=10), nullable=False),
        sa.Column(
            "state",
            sa.String(length=20),
            nullable=False,
            comment="awaiting_settlement, settled, defaulted",
        ),
        sa.Column(
            "instruction",
            sa.String(length=64),
            nullable=True,
            comment="that settles it; set by settlement",
        ),
        sa.Column("settled_at", sa.String(length=32), nullable=True),
        sa.Column("defaulted_at", sa.String(length=32), nullable=True),
        sa.Column(
            "unpaid",
            sa.String(length=12),
            nullable=True,
            comment="after default: cancel or reoffer",
        ),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_allotment_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allotment")),
        sa.UniqueConstraint(
            "programme",
            "tender",
            "sequence",
            "line",
            name=op.f("uq_allotment_programme_tender_sequence_line"),
        ),
    )
    op.create_index(
        op.f("ix_allotment_programme_state"), "allotment", ["programme", "state"], unique=False
    )
    op.create_table(
        "auction_calendar_line",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("calendar", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("auction_date", sa.String(length=10), nullable=False),
        sa.Column("settlement_date", sa.String(length=10), nullable=False),
        sa.Column(
            "security", sa.String(length=64), nullable=False, comment="in words, or its ISIN"
        ),
        sa.Column("target", sa.BigInteger(), nullable=False, comment="nominal"),
        sa.ForeignKeyConstraint(
            ["programme", "calendar"],
            ["auction_calendar.programme", "auction_calendar.code"],
            name=op.f("fk_auction_calendar_line_programme_calendar_auction_calendar"),
        ),
        sa.PrimaryKeyConstraint(
            "programme", "calendar", "position", name=op.f("pk_auction_calendar_line")
        ),
    )
    op.create_table(
        "bid_line",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="in the opened book, from 1"),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="of the sheet's commitment"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("competitive", sa.Boolean(), nullable=False),
        sa.Column("nominal", sa.Text(), nullable=False, comment="as stated, however absurd"),
        sa.Column("price", sa.Text(), nullable=True),
        sa.Column("yield_pct", sa.Text(), nullable=True),
        sa.Column("investor", sa.Text(), nullable=True),
        sa.Column("investor_class", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_bid_line_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint("programme", "tender", "place", name=op.f("pk_bid_line")),
    )
    op.create_table(
        "ledger_attempt",
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("max_fee", sa.String(length=32), nullable=False, comment="wei per unit of gas"),
        sa.Column("priority_fee", sa.String(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="the exact bytes sent"),
        sa.Column("signed_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["ledger_order.id"], name=op.f("fk_ledger_attempt_order_id_ledger_order")
        ),
        sa.PrimaryKeyConstraint("tx_hash", name=op.f("pk_ledger_attempt")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_ledger_attempt_order_id_number")),
    )
    op.create_table(
        "ledger_order_dependency",
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("depends_on", sa.String(length=36), nullable=False),
        sa.Column(
            "needed",
            sa.Boolean(),
            nullable=False,
            comment="refused with it; else only sent after it",
        ),
        sa.ForeignKeyConstraint(
            ["depends_on"],
            ["ledger_order.id"],
            name=op.f("fk_ledger_order_dependency_depends_on_ledger_order"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["ledger_order.id"],
            name=op.f("fk_ledger_order_dependency_order_id_ledger_order"),
        ),
        sa.PrimaryKeyConstraint("order_id", "depends_on", name=op.f("pk_ledger_order_dependency")),
    )
    op.create_index(
        op.f("ix_ledger_order_dependency_depends_on"),
        "ledger_order_dependency",
        ["depends_on"],
        unique=False,
    )
    op.create_table(
        "person",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "address",
            sa.String(length=42),
            nullable=True,
            comment="of the key with which they sign, small letters",
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "institution"],
            ["institution.programme", "institution.code"],
            name=op.f("fk_person_programme_institution_institution"),
        ),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_person")),
        sa.UniqueConstraint("programme", "address", name=op.f("uq_person_programme_address")),
    )
    op.create_table(
        "proposal_requirement",
        sa.Column("proposal", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("capacity", sa.String(length=64), nullable=False),
        sa.Column(
            "signs",
            sa.String(length=64),
            nullable=True,
            comment="digest to sign for the chain, hexadecimal",
        ),
        sa.Column(
            "key",
            sa.String(length=42),
            nullable=True,
            comment="account that must sign; else the person's own key",
        ),
        sa.Column("shows", sa.JSON(), nullable=True, comment="the typed data behind the digest"),
        sa.Column(
            "proposer_counts", sa.Boolean(), nullable=False, comment="the proposer may meet it"
        ),
        sa.Column("person", sa.String(length=64), nullable=True, comment="who met it"),
        sa.Column("address", sa.String(length=42), nullable=True),
        sa.Column("signature", sa.String(length=132), nullable=True),
        sa.Column("met_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposal"], ["proposal.id"], name=op.f("fk_proposal_requirement_proposal_proposal")
        ),
        sa.PrimaryKeyConstraint("proposal", "position", name=op.f("pk_proposal_requirement")),
    )
    op.create_table(
        "sealed_bid",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column(
            "number", sa.BigInteger(), nullable=False, comment="the bidder's, in this tender"
        ),
        sa.Column(
            "window", sa.String(length=16), nullable=False, comment="competitive, non_competitive"
        ),
        sa.Column("letter", sa.Boolean(), nullable=False, comment="entered by hand in an outage"),
        sa.Column(
            "sealed",
            sa.LargeBinary(),
            nullable=True,
            comment="ciphertext; of a letter its form, once opened",
        ),
        sa.Column(
            "salt", sa.String(length=64), nullable=True, comment="of a letter once it is opened"
        ),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column(
            "replaces", sa.String(length=36), nullable=True, comment="the bid that this one revises"
        ),
        sa.Column("state", sa.String(length=16), nullable=False, comment="see acts_rules.BidState"),
        sa.Column("submitted_at", sa.String(length=32), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column(
            "order_id",
            sa.String(length=36),
            nullable=True,
            comment="that carries the commitment to the chain",
        ),
        sa.Column(
            "sequence",
            sa.Integer(),
            nullable=True,
            comment="in which the chain recorded it, from 0",
        ),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("block_time", sa.String(length=32), nullable=True),
        sa.Column("chain_transaction", sa.String(length=66), nullable=True),
        sa.Column("refusal", sa.String(length=200), nullable=True),
        sa.Column("withdrawn_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_sealed_bid_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_bid")),
        sa.UniqueConstraint(
            "programme",
            "tender",
            "commitment",
            name=op.f("uq_sealed_bid_programme_tender_commitment"),
        ),
    )
    op.create_index(
        op.f("ix_sealed_bid_programme_tender_participant"),
        "sealed_bid",
        ["programme", "tender", "participant"],
        unique=False,
    )
    op.create_table(
        "tender_bidder",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="drawn anew in every tender"),
        sa.Column("participant", sa.String(length=64), nullable=False, comment="institution code"),
        sa.Column("account", sa.String(length=42), nullable=False, comment="with which it commits"),
        sa.Column(
            "admitted_at",
            sa.String(length=32),
            nullable=True,
            comment="when the chain had it, final",
        ),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_tender_bidder_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint("programme", "tender", "number", name=op.f("pk_tender_bidder")),
        sa.UniqueConstraint(
            "programme", "tender", "account", name=op.f("uq_tender_bidder_programme_tender_account")
        ),
    )
    op.create_table(
        "tender_commitment",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="order on the chain, from 0"),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="the bidder's"),
        sa.Column("window", sa.String(length=16), nullable=False, comment="see book.Window"),
        sa.Column("letter", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.String(length=32), nullable=False),
        sa.Column("chain_transaction", sa.String(length=66), nullable=False),
        sa.Column(
            "fate", sa.String(length=16), nullable=True, comment="see book.Fate; null until opened"
        ),
        sa.Column(
            "reason",
            sa.String(length=64),
            nullable=True,
            comment="why it is void; see book.VoidReason",
        ),
        sa.Column(
            "evidence",
            sa.String(length=64),
            nullable=True,
            comment="digest of the delivery that shows it",
        ),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_tender_commitment_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint(
            "programme", "tender", "sequence", name=op.f("pk_tender_commitment")
        ),
    )
    op.create_table(
        "tender_investor",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column(
            "account", sa.String(length=42), nullable=False, comment="to which it is delivered"
        ),
        sa.Column(
            "reference", sa.String(length=32), nullable=False, comment="one per holder and tender"
        ),
        sa.Column(
            "participant", sa.String(length=64), nullable=False, comment="the dealer that named it"
        ),
        sa.Column(
            "holder", sa.String(length=64), nullable=False, comment="keyed digest of who it is"
        ),
        sa.Column(
            "investor_class", sa.String(length=64), nullable=False, comment="by the register"
        ),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_tender_investor_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint("programme", "tender", "account", name=op.f("pk_tender_investor")),
    )
    op.create_index(
        op.f("ix_tender_investor_programme_tender_holder"),
        "tender_investor",
        ["programme", "tender", "holder"],
        unique=False,
    )
    op.create_table(
        "tender_key",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column(
            "public_key", sa.String(length=64), nullable=False, comment="X25519, this tender alone"
        ),
        sa.Column(
            "sealed_private", sa.LargeBinary(), nullable=True, comment="null: kept elsewhere"
        ),
        sa.Column(
            "keeper", sa.String(length=42), nullable=True, comment="whose key it is encrypted under"
        ),
        sa.Column(
            "released",
            sa.String(length=64),
            nullable=True,
            comment="private key, given once the close was final",
        ),
        sa.Column(
            "released_at",
            sa.String(length=32),
            nullable=True,
            comment="when the chain noted it, final",
        ),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_tender_key_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint("programme", "tender", "institution", name=op.f("pk_tender_key")),
    )
    op.create_table(
        "tender_target",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("tender", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "tender"],
            ["tender.programme", "tender.code"],
            name=op.f("fk_tender_target_programme_tender_tender"),
        ),
        sa.PrimaryKeyConstraint("programme", "tender", "version", name=op.f("pk_tender_target")),
    )
    op.create_table(
        "access_token",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="of the token, SHA-256"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column(
            "label", sa.String(length=80), nullable=False, comment="where it is used, for its owner"
        ),
        sa.Column(
            "scopes",
            sa.JSON(),
            nullable=True,
            comment="sorted list; null serves whatever the person may",
        ),
        sa.Column("issued_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("last_used_at", sa.String(length=32), nullable=True, comment="to the minute"),
        sa.Column(
            "successor",
            sa.String(length=36),
            nullable=True,
            comment="the token that takes its place",
        ),
        sa.Column("revoked_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "person"],
            ["person.programme", "person.code"],
            name=op.f("fk_access_token_programme_person_person"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_access_token_hash")),
    )
    op.create_index(
        op.f("ix_access_token_programme_person"),
        "access_token",
        ["programme", "person"],
        unique=False,
    )
    op.create_table(
        "identity",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False, comment="OpenID provider"),
        sa.Column(
            "subject", sa.String(length=200), nullable=False, comment="what its claim must say"
        ),
        sa.Column("linked_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "person"],
            ["person.programme", "person.code"],
            name=op.f("fk_identity_programme_person_person"),
        ),
        sa.PrimaryKeyConstraint("programme", "person", "issuer", name=op.f("pk_identity")),
        sa.UniqueConstraint(
            "programme", "issuer", "subject", name=op.f("uq_identity_programme_issuer_subject")
        ),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="of the link"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("invited_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.String(length=32), nullable=True, comment="or withdrawn"),
        sa.ForeignKeyConstraint(
            ["programme", "person"],
            ["person.programme", "person.code"],
            name=op.f("fk_invitation_programme_person_person"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("hash", name=op.f("uq_invitation_hash")),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("credential", sa.String(length=1400), nullable=False, comment="base64url"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="COSE"),
        sa.Column("sign_count", sa.BigInteger(), nullable=False, comment="0 where it keeps none"),
        sa.Column(
            "user_handle", sa.String(length=88), nullable=False, comment="base64url; says nothing"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("registered_at", sa.String(length=32), nullable=False),
        sa.Column("last_used_at", sa.String(length=32), nullable=True),
        sa.Column("removed_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "person"],
            ["person.programme", "person.code"],
            name=op.f("fk_passkey_programme_person_person"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkey_credential")),
    )
    op.create_index(
        op.f("ix_passkey_programme_person"), "passkey", ["programme", "person"], unique=False
    )
    op.create_table(
        "session",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="of the cookie"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("means", sa.String(length=16), nullable=False, comment="token, passkey, openid"),
        sa.Column(
            "token",
            sa.String(length=36),
            nullable=True,
            comment="the token it was begun with: ends with it",
        ),
        sa.Column("scopes", sa.JSON(), nullable=True, comment="of that token"),
        sa.Column("browser", sa.String(length=120), nullable=False, comment="as it names itself"),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("seen_at", sa.String(length=32), nullable=False, comment="to the minute"),
        sa.Column(
            "fresh_at", sa.String(length=32), nullable=False, comment="when they last proved it"
        ),
        sa.Column("ends_at", sa.String(length=32), nullable=False, comment="whatever they do"),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "person"],
            ["person.programme", "person.code"],
            name=op.f("fk_session_programme_person_person"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("hash", name=op.f("uq_session_hash")),
    )
    op.create_index(
        op.f("ix_session_programme_person"), "session", ["programme", "person"], unique=False
    )


def downgrade() -> None:

    op.drop_index(op.f("ix_session_programme_person"), table_name="session")
    op.drop_table("session")
    op.drop_index(op.f("ix_passkey_programme_person"), table_name="passkey")
    op.drop_table("passkey")
    op.drop_table("invitation")
    op.drop_table("identity")
    op.drop_index(op.f("ix_access_token_programme_person"), table_name="access_token")
    op.drop_table("access_token")
    op.drop_table("tender_target")
    op.drop_table("tender_key")
    op.drop_index(op.f("ix_tender_investor_programme_tender_holder"), table_name="tender_investor")
    op.drop_table("tender_investor")
    op.drop_table("tender_commitment")
    op.drop_table("tender_bidder")
    op.drop_index(op.f("ix_sealed_bid_programme_tender_participant"), table_name="sealed_bid")
    op.drop_table("sealed_bid")
    op.drop_table("proposal_requirement")
    op.drop_table("person")
    op.drop_index(
        op.f("ix_ledger_order_dependency_depends_on"), table_name="ledger_order_dependency"
    )
    op.drop_table("ledger_order_dependency")
    op.drop_table("ledger_attempt")
    op.drop_table("bid_line")
    op.drop_table("auction_calendar_line")
    op.drop_index(op.f("ix_allotment_programme_state"), table_name="allotment")
    op.drop_table("allotment")
    op.drop_index(op.f("ix_tender_programme_state"), table_name="tender")
    op.drop_table("tender")
    op.drop_index(op.f("ix_tax_status_programme_address"), table_name="tax_status")
    op.drop_table("tax_status")
    op.drop_table("store_probe")
    op.drop_index(op.f("ix_signing_key_state_expires_at"), table_name="signing_key")
    op.drop_table("signing_key")
    op.drop_table("settlement_number")
    op.drop_index(
        op.f("ix_settlement_instruction_programme_state"), table_name="settlement_instruction"
    )
    op.drop_index(op.f("ix_settlement_instruction_order_id"), table_name="settlement_instruction")
    op.drop_table("settlement_instruction")
    op.drop_table("settlement_cycle")
    op.drop_table("settlement_claim")
    op.drop_index(op.f("ix_settlement_cash_programme_rtgs_reference"), table_name="settlement_cash")
    op.drop_table("settlement_cash")
    op.drop_table("servicing_tax_rate")
    op.drop_index(op.f("ix_servicing_payment_programme_number"), table_name="servicing_payment")
    op.drop_table("servicing_payment")
    op.drop_table("servicing_lot")
    op.drop_index(
        op.f("ix_servicing_entitlement_programme_account"), table_name="servicing_entitlement"
    )
    op.drop_table("servicing_entitlement")
    op.drop_table("security")
    op.drop_index(
        op.f("ix_register_pledge_programme_account_isin_state"), table_name="register_pledge"
    )
    op.drop_table("register_pledge")
    op.drop_table("register_movement")
    op.drop_index(op.f("ix_register_hold_programme_account_isin_state"), table_name="register_hold")
    op.drop_table("register_hold")
    op.drop_index(op.f("ix_proposal_programme_state"), table_name="proposal")
    op.drop_table("proposal")
    op.drop_table("programme")
    op.drop_table("participant_class")
    op.drop_index(
        op.f("ix_participant_change_programme_participant"), table_name="participant_change"
    )
    op.drop_index(op.f("ix_participant_change_order_id"), table_name="participant_change")
    op.drop_table("participant_change")
    op.drop_table("participant")
    op.drop_table("log_size")
    op.drop_table("lockout")
    op.drop_index(op.f("ix_ledger_order_thing_programme_thing"), table_name="ledger_order_thing")
    op.drop_table("ledger_order_thing")
    op.drop_index(op.f("ix_ledger_order_subject_room_subject_id"), table_name="ledger_order")
    op.drop_index(op.f("ix_ledger_order_state_sequence"), table_name="ledger_order")
    op.drop_table("ledger_order")
    op.drop_table("ledger_holding")
    op.drop_index(op.f("ix_ledger_event_tx_hash"), table_name="ledger_event")
    op.drop_index(op.f("ix_ledger_event_block_number"), table_name="ledger_event")
    op.drop_index(op.f("ix_ledger_event_address_name_position"), table_name="ledger_event")
    op.drop_table("ledger_event")
    op.drop_table("ledger_cursor")
    op.drop_table("ledger_counter")
    op.drop_index(op.f("ix_ledger_contract_programme_kind_label"), table_name="ledger_contract")
    op.drop_table("ledger_contract")
    op.drop_index(
        op.f("ix_ledger_chain_transaction_block_number"), table_name="ledger_chain_transaction"
    )
    op.drop_table("ledger_chain_transaction")
    op.drop_table("ledger_business_day")
    op.drop_index(op.f("ix_ledger_block_hash"), table_name="ledger_block")
    op.drop_table("ledger_block")
    op.drop_index(
        op.f("ix_ledger_balance_change_token_business_date"), table_name="ledger_balance_change"
    )
    op.drop_index(
        op.f("ix_ledger_balance_change_token_block_number"), table_name="ledger_balance_change"
    )
    op.drop_index(op.f("ix_ledger_balance_change_position"), table_name="ledger_balance_change")
    op.drop_table("ledger_balance_change")
    op.drop_table("ledger_alarm")
    op.drop_table("kind_rule")
    op.drop_table("journal_opening")
    op.drop_index(op.f("ix_journal_entry_programme_subject"), table_name="journal_entry")
    op.drop_index(op.f("ix_journal_entry_programme_kind"), table_name="journal_entry")
    op.drop_table("journal_entry")
    op.drop_index(op.f("ix_issuance_programme_isin"), table_name="issuance")
    op.drop_index(op.f("ix_issuance_order_id"), table_name="issuance")
    op.drop_table("issuance")
    op.drop_table("institution")
    op.drop_table("idempotency")
    op.drop_index(op.f("ix_halt_programme_scope"), table_name="halt")
    op.drop_index(op.f("ix_halt_order_id"), table_name="halt")
    op.drop_table("halt")
    op.drop_table("gazette")
    op.drop_table("exchange_rate")
    op.drop_table("evidence")
    op.drop_index(op.f("ix_directory_change_order_id"), table_name="directory_change")
    op.drop_table("directory_change")
    op.drop_index(op.f("ix_day_move_programme_done_at"), table_name="day_move")
    op.drop_index(op.f("ix_day_move_order_id"), table_name="day_move")
    op.drop_table("day_move")
    op.drop_index(op.f("ix_ceremony_expires_at"), table_name="ceremony")
    op.drop_table("ceremony")
    op.drop_table("business_day")
    op.drop_index(
        op.f("ix_authorisation_withdrawal_programme_digest"), table_name="authorisation_withdrawal"
    )
    op.drop_index(
        op.f("ix_authorisation_withdrawal_order_id"), table_name="authorisation_withdrawal"
    )
    op.drop_table("authorisation_withdrawal")
    op.drop_index(op.f("ix_authorisation_programme_number"), table_name="authorisation")
    op.drop_index(op.f("ix_authorisation_programme_isin"), table_name="authorisation")
    op.drop_index(op.f("ix_authorisation_order_id"), table_name="authorisation")
    op.drop_table("authorisation")
    op.drop_table("auction_calendar")
    op.drop_table("asset")
    op.drop_index(op.f("ix_account_order_id"), table_name="account")
    op.drop_table("account")
