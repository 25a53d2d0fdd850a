"""Settlement: reasons with their keys and arguments, so that they are read in any language."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("settlement_instruction") as batch:
        batch.add_column(
            sa.Column(
                "said",
                sa.JSON(),
                nullable=True,
                comment="that reason with its key and arguments",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("settlement_instruction") as batch:
        batch.drop_column("said")
