"""Supervision: alerts are listed as the queue has them; an index less to keep."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEX = "ix_supervision_alert_programme_state_score_day_id"


def upgrade() -> None:
    op.drop_index(op.f(_INDEX), table_name="supervision_alert")


def downgrade() -> None:
    op.create_index(op.f(_INDEX), "supervision_alert", ["programme", "state", "score", "day", "id"])
