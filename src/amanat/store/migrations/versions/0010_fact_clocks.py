"""Licensing: when the first fact that a file waits for is due from who confirms it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("licensing_file") as batch:
        batch.add_column(
            sa.Column(
                "fact_due_on",
                sa.String(length=10),
                nullable=True,
                comment="first clock of who confirms a fact of it",
            )
        )
        batch.add_column(
            sa.Column(
                "fact_clock", sa.String(length=24), nullable=True, comment="which clock that is"
            )
        )
        batch.create_index(
            op.f("ix_licensing_file_programme_fact_due_on"), ["programme", "fact_due_on"]
        )


def downgrade() -> None:
    with op.batch_alter_table("licensing_file") as batch:
        batch.drop_index(op.f("ix_licensing_file_programme_fact_due_on"))
        batch.drop_column("fact_clock")
        batch.drop_column("fact_due_on")
