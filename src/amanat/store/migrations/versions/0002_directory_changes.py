"""Changes of the Directory: announced, waiting for their delay, carried out or cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_change",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="by which the ledger knows it",
        ),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind", sa.String(length=16), nullable=False, comment="key, capacities or quorum"
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


def downgrade() -> None:
    op.drop_index(op.f("ix_directory_change_order_id"), table_name="directory_change")
    op.drop_table("directory_change")
