"""Settlement: instructions that two accounts signed together, as a list."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settlement_list",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="EIP-712, what both signed"
        ),
        sa.Column("first", sa.String(length=42), nullable=False, comment="account, lower case"),
        sa.Column("second", sa.String(length=42), nullable=False, comment="account, lower case"),
        sa.Column("first_signature", sa.LargeBinary(), nullable=False),
        sa.Column("second_signature", sa.LargeBinary(), nullable=False),
        sa.Column("instructions", sa.Integer(), nullable=False, comment="how many"),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_settlement_list")),
        sa.UniqueConstraint(
            "programme", "digest", name=op.f("uq_settlement_list_programme_digest")
        ),
    )
    with op.batch_alter_table("settlement_instruction") as batch:
        batch.add_column(
            sa.Column(
                "list",
                sa.String(length=36),
                nullable=True,
                comment="the list in which both signed it",
            )
        )
        batch.add_column(
            sa.Column("place", sa.Integer(), nullable=True, comment="in that list, from 0")
        )
        batch.create_index(
            op.f("ix_settlement_instruction_programme_list"), ["programme", "list"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("settlement_instruction") as batch:
        batch.drop_index(op.f("ix_settlement_instruction_programme_list"))
        batch.drop_column("place")
        batch.drop_column("list")
    op.drop_table("settlement_list")
