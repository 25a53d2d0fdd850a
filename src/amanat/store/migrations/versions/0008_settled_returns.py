"""Returns: when all persons of an accepted return were in the vault."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("supervision_manifest") as batch:
        batch.add_column(
            sa.Column(
                "settled_at",
                sa.String(length=32),
                nullable=True,
                comment="UTC; when all its persons were in the vault",
            )
        )
    op.execute("UPDATE supervision_manifest SET settled_at = received_at")


def downgrade() -> None:
    with op.batch_alter_table("supervision_manifest") as batch:
        batch.drop_column("settled_at")
