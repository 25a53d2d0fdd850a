"""Supervision: scenarios, their parameters, runs and alerts; trained models and their scores."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "supervision_alert",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "id", sa.String(length=32), nullable=False, comment="its day, digest of what was found"
        ),
        sa.Column("scenario", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("run", sa.String(length=36), nullable=False, comment="that found it first"),
        sa.Column(
            "subject", sa.String(length=60), nullable=False, comment="party: or account:, pseudonym"
        ),
        sa.Column("exchanges", sa.JSON(), nullable=False, comment="whose returns it rests on"),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("score", sa.String(length=8), nullable=False, comment="0 to 1, three decimals"),
        sa.Column("explanation", sa.JSON(), nullable=False, comment="message key, typed arguments"),
        sa.Column("transactions", sa.JSON(), nullable=False, comment="ids, the latest 1,000"),
        sa.Column("transactions_all", sa.Integer(), nullable=False, comment="how many there are"),
        sa.Column("state", sa.String(length=8), nullable=False, comment="open, shadow or closed"),
        sa.Column("found_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_supervision_alert")),
    )
    op.create_index(
        op.f("ix_supervision_alert_programme_scenario_day"),
        "supervision_alert",
        ["programme", "scenario", "day"],
        unique=False,
    )
    op.create_index(
        op.f("ix_supervision_alert_programme_state_day"),
        "supervision_alert",
        ["programme", "state", "day"],
        unique=False,
    )
    op.create_index(
        op.f("ix_supervision_alert_programme_subject"),
        "supervision_alert",
        ["programme", "subject"],
        unique=False,
    )
    op.create_table(
        "supervision_backtest",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("alerts", sa.BigInteger(), nullable=False),
        sa.Column("subjects", sa.BigInteger(), nullable=False),
        sa.Column("shared", sa.BigInteger(), nullable=False, comment="alerts that live has too"),
        sa.Column("lost", sa.BigInteger(), nullable=False, comment="alerts that only live has"),
        sa.Column("classed", sa.JSON(), nullable=False, comment="rows by class"),
        sa.Column("run_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_backtest")),
    )
    op.create_index(
        op.f("ix_supervision_backtest_programme_code_version"),
        "supervision_backtest",
        ["programme", "code", "version"],
        unique=False,
    )
    op.create_table(
        "supervision_coverage",
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("scenario", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False, comment="of the step"),
        sa.Column("source", sa.String(length=64), nullable=False, comment="the return"),
        sa.Column(
            "classed", sa.String(length=24), nullable=False, comment="or input: what was read"
        ),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("id_sum", sa.String(length=40), nullable=False, comment="modulo 2^128"),
        sa.PrimaryKeyConstraint(
            "run",
            "scenario",
            "version",
            "first_day",
            "source",
            "classed",
            name=op.f("pk_supervision_coverage"),
        ),
    )
    op.create_table(
        "supervision_decision",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False, comment="transaction_id"),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("asked_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("answer", sa.String(length=8), nullable=False, comment="allow, review or block"),
        sa.Column("reasons", sa.JSON(), nullable=False, comment="messages, typed"),
        sa.Column("transaction", sa.JSON(), nullable=False, comment="as it was asked"),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("pk_supervision_decision")),
    )
    op.create_table(
        "supervision_listed",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="address or party"),
        sa.Column("pseudonym", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("listed_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("delisted_on", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme", "kind", "pseudonym", name=op.f("pk_supervision_listed")
        ),
    )
    op.create_table(
        "supervision_run",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column(
            "plan", sa.String(length=64), nullable=False, comment="digest of files and scenarios"
        ),
        sa.Column(
            "scenarios", sa.JSON(), nullable=False, comment="code, version and state of each"
        ),
        sa.Column("state", sa.String(length=8), nullable=False, comment="running, done or failed"),
        sa.Column("engine", sa.String(length=8), nullable=False, comment="duckdb or spark"),
        sa.Column(
            "transactions", sa.BigInteger(), nullable=False, comment="of the days, once done"
        ),
        sa.Column("failure", sa.JSON(), nullable=True, comment="message of why it failed"),
        sa.Column("started_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("ended_at", sa.String(length=32), nullable=True, comment="UTC"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_run")),
        sa.UniqueConstraint(
            "programme",
            "first_day",
            "last_day",
            "plan",
            name=op.f("uq_supervision_run_programme_first_day_last_day_plan"),
        ),
    )
    op.create_table(
        "supervision_run_step",
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("scenario", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("alerts", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint(
            "run", "scenario", "version", "first_day", name=op.f("pk_supervision_run_step")
        ),
    )
    op.create_table(
        "supervision_scenario",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column(
            "version", sa.String(length=16), nullable=False, comment="dense per code: v1, v2, …"
        ),
        sa.Column("kind", sa.String(length=12), nullable=False, comment="parameters or composed"),
        sa.Column("content", sa.JSON(), nullable=False, comment="parameters, or the rule"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "state", sa.String(length=12), nullable=False, comment="draft, shadow, live or retired"
        ),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("shadow_from", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("live_from", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("retired_from", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("approved_by", sa.String(length=64), nullable=True, comment="the second person"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme", "code", "version", name=op.f("pk_supervision_scenario")
        ),
    )
    op.create_table(
        "supervision_alert_score",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False, comment="digest"),
        sa.Column(
            "score",
            sa.String(length=8),
            nullable=True,
            comment="0 to 1; null: no movement between accounts",
        ),
        sa.Column(
            "movement", sa.BigInteger(), nullable=True, comment="the transaction with that score"
        ),
        sa.Column("movements", sa.Integer(), nullable=False, comment="so many of it were scored"),
        sa.Column("reasons", sa.JSON(), nullable=False, comment="measure, value, effect"),
        sa.Column(
            "until", sa.String(length=10), nullable=False, comment="last day that was looked at"
        ),
        sa.Column("scored_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint(
            "programme", "alert", "model", name=op.f("pk_supervision_alert_score")
        ),
    )
    op.create_table(
        "supervision_model",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of its content"),
        sa.Column("state", sa.String(length=8), nullable=False, comment="kept, live or retired"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="gzip of JSON"),
        sa.Column("trained", sa.JSON(), nullable=False, comment="split, figures, settings"),
        sa.Column("kept_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("live_from", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("retired_from", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("reason", sa.Text(), nullable=False, comment="of the last change of its state"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "digest", name=op.f("pk_supervision_model")),
    )


def downgrade() -> None:

    op.drop_table("supervision_model")
    op.drop_table("supervision_alert_score")
    op.drop_table("supervision_scenario")
    op.drop_table("supervision_run_step")
    op.drop_table("supervision_run")
    op.drop_table("supervision_listed")
    op.drop_table("supervision_decision")
    op.drop_table("supervision_coverage")
    op.drop_index(
        op.f("ix_supervision_backtest_programme_code_version"), table_name="supervision_backtest"
    )
    op.drop_table("supervision_backtest")
    op.drop_index(op.f("ix_supervision_alert_programme_subject"), table_name="supervision_alert")
    op.drop_index(op.f("ix_supervision_alert_programme_state_day"), table_name="supervision_alert")
    op.drop_index(
        op.f("ix_supervision_alert_programme_scenario_day"), table_name="supervision_alert"
    )
    op.drop_table("supervision_alert")
