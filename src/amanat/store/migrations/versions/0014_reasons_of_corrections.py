"""Supervision: why a return corrects another is kept with it."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "supervision_manifest",
        sa.Column(
            "reason",
            sa.Text(),
            nullable=True,
            comment="of a correction, as the exchange gave it; null: not kept",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("supervision_manifest") as table:
        table.drop_column("reason")
