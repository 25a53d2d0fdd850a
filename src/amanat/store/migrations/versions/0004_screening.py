"""Supervision: lists, hits, what was decided on them, and freezes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "screening_disposition",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("hit", sa.String(length=36), nullable=False),
        sa.Column(
            "verdict", sa.String(length=12), nullable=False, comment="true_match or false_match"
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False, comment="its last day"),
        sa.Column("evidence_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "approved_by",
            sa.String(length=64),
            nullable=True,
            comment="second person, of a true match",
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_disposition")),
    )
    op.create_index(
        op.f("ix_screening_disposition_hit"), "screening_disposition", ["hit"], unique=False
    )
    op.create_table(
        "screening_freeze",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False, comment="FRZ- and eight letters"),
        sa.Column("hit", sa.String(length=36), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("authority", sa.String(length=200), nullable=False),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("law", sa.String(length=300), nullable=False, comment="as cited on the day"),
        sa.Column(
            "order_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the paper"
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False, comment="its last day"),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("ledger", sa.JSON(), nullable=False, comment="accounts here, by participant"),
        sa.Column("ordered_at", sa.String(length=32), nullable=False),
        sa.Column("ordered_on", sa.String(length=10), nullable=False),
        sa.Column("served_at", sa.String(length=32), nullable=True),
        sa.Column("report_due_at", sa.String(length=32), nullable=False),
        sa.Column("reported_fiu_at", sa.String(length=32), nullable=True),
        sa.Column("reported_authority_at", sa.String(length=32), nullable=True),
        sa.Column("report_reference", sa.String(length=120), nullable=True),
        sa.Column("released_at", sa.String(length=32), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_freeze")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_screening_freeze_programme_number")
        ),
    )
    op.create_index(
        op.f("ix_screening_freeze_programme_party"),
        "screening_freeze",
        ["programme", "party"],
        unique=False,
    )
    op.create_index(
        op.f("ix_screening_freeze_programme_state"),
        "screening_freeze",
        ["programme", "state"],
        unique=False,
    )
    op.create_table(
        "screening_freeze_change",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("freeze", sa.String(length=36), nullable=False),
        sa.Column(
            "kind", sa.String(length=16), nullable=False, comment="extended, licensed, drawn, ..."
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True, comment="minor units"),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("reference", sa.String(length=120), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_freeze_change")),
    )
    op.create_index(
        op.f("ix_screening_freeze_change_freeze"),
        "screening_freeze_change",
        ["freeze"],
        unique=False,
    )
    op.create_table(
        "screening_freeze_order",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("freeze", sa.String(length=36), nullable=False),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False, comment="as the exchange calls them"),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("acknowledge_by", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("acknowledged_at", sa.String(length=32), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("frozen_accounts", sa.Integer(), nullable=True, comment="as the exchange says"),
        sa.Column(
            "frozen_value",
            sa.BigInteger(),
            nullable=True,
            comment="minor units, as the exchange says",
        ),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("release_acknowledged_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_freeze_order")),
        sa.UniqueConstraint(
            "freeze", "exchange", name=op.f("uq_screening_freeze_order_freeze_exchange")
        ),
    )
    op.create_index(
        op.f("ix_screening_freeze_order_programme_exchange_state"),
        "screening_freeze_order",
        ["programme", "exchange", "state"],
        unique=False,
    )
    op.create_table(
        "screening_hit",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False, comment="customer, controller, ..."),
        sa.Column("list", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=160), nullable=False, comment="of the entry"),
        sa.Column("entry_digest", sa.String(length=64), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False, comment="1 the strongest"),
        sa.Column("strength", sa.Integer(), nullable=False, comment="order within a grade"),
        sa.Column("name_permille", sa.Integer(), nullable=False, comment="score of the names"),
        sa.Column("score_permille", sa.Integer(), nullable=False, comment="logic-v2's own"),
        sa.Column(
            "evidence", sa.JSON(), nullable=False, comment="by feature: verdict, listed side"
        ),
        sa.Column("features", sa.JSON(), nullable=False, comment="logic-v2: score by feature"),
        sa.Column(
            "evidence_digest", sa.String(length=64), nullable=False, comment="decisions rest on it"
        ),
        sa.Column("state", sa.String(length=12), nullable=False, comment="open, true_match, ..."),
        sa.Column(
            "decided_until", sa.String(length=10), nullable=True, comment="last day of the decision"
        ),
        sa.Column("run", sa.String(length=36), nullable=False, comment="that found it"),
        sa.Column("found_at", sa.String(length=32), nullable=False),
        sa.Column("found_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("gone_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_hit")),
        sa.UniqueConstraint(
            "programme",
            "party",
            "list",
            "reference",
            name=op.f("uq_screening_hit_programme_party_list_reference"),
        ),
    )
    op.create_index(
        op.f("ix_screening_hit_programme_list_reference"),
        "screening_hit",
        ["programme", "list", "reference"],
        unique=False,
    )
    op.create_index(
        op.f("ix_screening_hit_programme_state_grade_strength"),
        "screening_hit",
        ["programme", "state", "grade", "strength"],
        unique=False,
    )
    op.create_table(
        "screening_list_entry",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("list", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=160), nullable=False, comment="the list's own"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the content"),
        sa.Column("content", sa.JSON(), nullable=False, comment="the entry as it was read"),
        sa.Column("since", sa.Integer(), nullable=False, comment="version that first has it so"),
        sa.Column("until", sa.Integer(), nullable=True, comment="version that has it no longer so"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_list_entry")),
    )
    op.create_index(
        op.f("ix_screening_list_entry_programme_list_reference"),
        "screening_list_entry",
        ["programme", "list", "reference"],
        unique=False,
    )
    op.create_index(
        op.f("ix_screening_list_entry_programme_until"),
        "screening_list_entry",
        ["programme", "until"],
        unique=False,
    )
    op.create_table(
        "screening_list_version",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("list", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of this list's, from 1"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the file"),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("dated_on", sa.String(length=10), nullable=False, comment="of the list itself"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes of the file"),
        sa.Column("counts", sa.JSON(), nullable=False, comment="entries by kind"),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="the file, zlib"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_list_version")),
        sa.UniqueConstraint(
            "programme",
            "list",
            "number",
            name=op.f("uq_screening_list_version_programme_list_number"),
        ),
    )
    op.create_index(
        op.f("ix_screening_list_version_programme_list_digest"),
        "screening_list_version",
        ["programme", "list", "digest"],
        unique=False,
    )
    op.create_table(
        "screening_party",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "party", sa.String(length=120), nullable=False, comment="pseudonym, or licensing's"
        ),
        sa.Column("revision", sa.String(length=64), nullable=False, comment="what was known of it"),
        sa.Column("versions", sa.String(length=2000), nullable=False, comment="JSON, by list"),
        sa.Column("screened_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("programme", "party", name=op.f("pk_screening_party")),
    )
    op.create_table(
        "screening_run",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "reason", sa.String(length=24), nullable=False, comment="list, intake, rescreening"
        ),
        sa.Column("parties", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False, comment="that parties were held to"),
        sa.Column("new", sa.JSON(), nullable=False, comment="hits found"),
        sa.Column("gone", sa.JSON(), nullable=False, comment="hits that no longer are"),
        sa.Column("reopened", sa.JSON(), nullable=False, comment="evidence changed, or lapsed"),
        sa.Column("ran_at", sa.String(length=32), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_run")),
    )
    op.create_index(
        op.f("ix_screening_run_programme_ran_at"),
        "screening_run",
        ["programme", "ran_at"],
        unique=False,
    )


def downgrade() -> None:

    op.drop_index(op.f("ix_screening_run_programme_ran_at"), table_name="screening_run")
    op.drop_table("screening_run")
    op.drop_table("screening_party")
    op.drop_index(
        op.f("ix_screening_list_version_programme_list_digest"), table_name="screening_list_version"
    )
    op.drop_table("screening_list_version")
    op.drop_index(
        op.f("ix_screening_list_entry_programme_until"), table_name="screening_list_entry"
    )
    op.drop_index(
        op.f("ix_screening_list_entry_programme_list_reference"), table_name="screening_list_entry"
    )
    op.drop_table("screening_list_entry")
    op.drop_index(
        op.f("ix_screening_hit_programme_state_grade_strength"), table_name="screening_hit"
    )
    op.drop_index(op.f("ix_screening_hit_programme_list_reference"), table_name="screening_hit")
    op.drop_table("screening_hit")
    op.drop_index(
        op.f("ix_screening_freeze_order_programme_exchange_state"),
        table_name="screening_freeze_order",
    )
    op.drop_table("screening_freeze_order")
    op.drop_index(op.f("ix_screening_freeze_change_freeze"), table_name="screening_freeze_change")
    op.drop_table("screening_freeze_change")
    op.drop_index(op.f("ix_screening_freeze_programme_state"), table_name="screening_freeze")
    op.drop_index(op.f("ix_screening_freeze_programme_party"), table_name="screening_freeze")
    op.drop_table("screening_freeze")
    op.drop_index(op.f("ix_screening_disposition_hit"), table_name="screening_disposition")
    op.drop_table("screening_disposition")
