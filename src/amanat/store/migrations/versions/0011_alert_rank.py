"""Monitoring: the place of an alert in the queue, and indexes that hold whole pages and counts."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NEW: tuple[tuple[str, ...], ...] = (
    ("scenario", "version"),
    ("state", "day", "id", "scenario"),
    ("state", "rank", "day", "id"),
    ("state", "scenario", "rank", "day", "id"),
    ("state", "score", "day", "id"),
)
_FORMER: tuple[tuple[str, ...], ...] = (("state", "day"), ("scenario", "day"))


def _name(columns: tuple[str, ...]) -> str:
    return op.f("_".join(("ix_supervision_alert_programme", *columns)))


def upgrade() -> None:
    with op.batch_alter_table("supervision_alert") as batch:
        batch.add_column(
            sa.Column(
                "rank",
                sa.Integer(),
                nullable=True,
                comment="place in the queue: 10,000 less ten thousand times its score",
            )
        )
    op.execute(
        "UPDATE supervision_alert SET rank = 10000 - CAST(ROUND(CAST(COALESCE((SELECT s.score "
        "FROM supervision_alert_score s JOIN supervision_model m ON m.programme = s.programme "
        "AND m.digest = s.model WHERE m.state = 'live' "
        "AND s.programme = supervision_alert.programme AND s.alert = supervision_alert.id), "
        "score) AS NUMERIC(6, 4)) * 10000) AS INTEGER)"
    )
    with op.batch_alter_table("supervision_alert") as batch:
        batch.alter_column("rank", existing_type=sa.Integer(), nullable=False)
        for columns in _FORMER:
            batch.drop_index(_name(columns))
        for columns in _NEW:
            batch.create_index(_name(columns), ["programme", *columns])


def downgrade() -> None:
    with op.batch_alter_table("supervision_alert") as batch:
        for columns in _NEW:
            batch.drop_index(_name(columns))
        for columns in _FORMER:
            batch.create_index(_name(columns), ["programme", *columns])
        batch.drop_column("rank")
