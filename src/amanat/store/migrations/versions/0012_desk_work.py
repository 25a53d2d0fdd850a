"""Supervision: back-tests that are asked for, alerts dismissed without a case, control totals."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "supervision_backtest_asked",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="UUIDv7; that of its result too"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column(
            "state",
            sa.String(length=8),
            nullable=False,
            comment="requested, running, done or failed",
        ),
        sa.Column(
            "plan",
            sa.String(length=64),
            nullable=True,
            comment="digest of files and scenarios, once it runs",
        ),
        sa.Column(
            "done_to",
            sa.String(length=10),
            nullable=True,
            comment="last day of the steps that are done",
        ),
        sa.Column(
            "found", sa.JSON(), nullable=True, comment="of the steps that are done, until all are"
        ),
        sa.Column("failure", sa.JSON(), nullable=True, comment="message of why it failed"),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("started_at", sa.String(length=32), nullable=True, comment="UTC"),
        sa.Column("ended_at", sa.String(length=32), nullable=True, comment="UTC"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_backtest_asked")),
    )
    for column in ("code", "state"):
        op.create_index(
            op.f(f"ix_supervision_backtest_asked_programme_{column}"),
            "supervision_backtest_asked",
            ["programme", column],
        )
    op.create_table(
        "supervision_alert_dismissal",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "desk",
            sa.String(length=64),
            nullable=False,
            comment="the institution that dismissed it",
        ),
        sa.Column("alert", sa.String(length=32), nullable=False),
        sa.Column("scenario", sa.String(length=64), nullable=False),
        sa.Column("disposition", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=False, comment="the second person"),
        sa.Column(
            "reopened_on",
            sa.String(length=10),
            nullable=True,
            comment="business date; null: it stands",
        ),
        sa.Column("reopened_by", sa.String(length=64), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_alert_dismissal")),
    )
    op.create_index(
        op.f("ix_supervision_alert_dismissal_programme_alert"),
        "supervision_alert_dismissal",
        ["programme", "alert"],
    )
    op.create_index(
        op.f("ix_supervision_alert_dismissal_programme_desk_recorded_on"),
        "supervision_alert_dismissal",
        ["programme", "desk", "recorded_on"],
    )
    with op.batch_alter_table("supervision_manifest") as batch:
        batch.add_column(
            sa.Column(
                "totals",
                sa.JSON(),
                nullable=True,
                comment="control totals of each kind: stated, counted; null: not kept",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("supervision_manifest") as batch:
        batch.drop_column("totals")
    op.drop_table("supervision_alert_dismissal")
    op.drop_table("supervision_backtest_asked")
