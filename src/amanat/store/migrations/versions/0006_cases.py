"""Supervision: cases, reports to the FIU, requests and referrals."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "goaml_handed_over",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("report", sa.String(length=36), nullable=False),
        sa.Column("from_registration", sa.String(length=64), nullable=False),
        sa.Column("from_name", sa.String(length=200), nullable=False),
        sa.Column("to_registration", sa.String(length=64), nullable=False),
        sa.Column("to_name", sa.String(length=200), nullable=False),
        sa.Column(
            "state", sa.String(length=12), nullable=False, comment="of the report on that day"
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goaml_handed_over")),
        sa.UniqueConstraint(
            "report", "to_registration", name=op.f("uq_goaml_handed_over_report_to_registration")
        ),
    )
    op.create_table(
        "goaml_report",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.String(length=16), nullable=False, comment="for people: RPT-2026-0001"
        ),
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column("report_code", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="submissions so far"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="sealed JSON"),
        sa.Column(
            "oldest_day",
            sa.String(length=10),
            nullable=True,
            comment="of its transactions; null: an activity",
        ),
        sa.Column(
            "answers",
            sa.String(length=36),
            nullable=True,
            comment="the FIU's request for information behind it",
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goaml_report")),
        sa.UniqueConstraint(
            "programme",
            "institution",
            "number",
            name=op.f("uq_goaml_report_programme_institution_number"),
        ),
    )
    op.create_index(
        op.f("ix_goaml_report_programme_institution_state"),
        "goaml_report",
        ["programme", "institution", "state"],
        unique=False,
    )
    op.create_table(
        "goaml_submission",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("report", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("reference", sa.String(length=255), nullable=False, comment="entity_reference"),
        sa.Column(
            "registration", sa.String(length=64), nullable=False, comment="of the entity on goAML"
        ),
        sa.Column("entity_name", sa.String(length=200), nullable=False),
        sa.Column(
            "former",
            sa.String(length=264),
            nullable=True,
            comment="who reported when a transaction was older",
        ),
        sa.Column("xml", sa.LargeBinary(), nullable=False, comment="sealed"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the XML"),
        sa.Column("approved_by", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column(
            "fiu_number", sa.String(length=120), nullable=True, comment="of the acknowledgement"
        ),
        sa.Column("reasons", sa.JSON(), nullable=True, comment="of a rejection"),
        sa.Column("answered_on", sa.String(length=10), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goaml_submission")),
        sa.UniqueConstraint(
            "programme", "reference", name=op.f("uq_goaml_submission_programme_reference")
        ),
        sa.UniqueConstraint("report", "attempt", name=op.f("uq_goaml_submission_report_attempt")),
    )
    op.create_index(
        op.f("ix_goaml_submission_programme_recorded_on"),
        "goaml_submission",
        ["programme", "recorded_on"],
        unique=False,
    )
    op.create_table(
        "supervision_case",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "desk", sa.String(length=64), nullable=False, comment="the institution whose case it is"
        ),
        sa.Column(
            "number", sa.String(length=16), nullable=False, comment="for people: CAS-2026-0001"
        ),
        sa.Column(
            "subject", sa.String(length=60), nullable=False, comment="party:, account:, customer:"
        ),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column(
            "source", sa.String(length=12), nullable=False, comment="findings, own or referral"
        ),
        sa.Column("state", sa.String(length=8), nullable=False, comment="open or closed"),
        sa.Column("risk", sa.String(length=8), nullable=False, comment="0 to 1, four decimals"),
        sa.Column(
            "officer", sa.String(length=64), nullable=True, comment="who works it; null: nobody yet"
        ),
        sa.Column("opened_on", sa.String(length=10), nullable=False),
        sa.Column("assigned_on", sa.String(length=10), nullable=True, comment="first"),
        sa.Column("suspicion_on", sa.String(length=10), nullable=True),
        sa.Column(
            "reported_on",
            sa.String(length=10),
            nullable=True,
            comment="first report, referral or dissemination",
        ),
        sa.Column("closed_on", sa.String(length=10), nullable=True),
        sa.Column("disposition", sa.String(length=24), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_case")),
        sa.UniqueConstraint(
            "programme", "desk", "number", name=op.f("uq_supervision_case_programme_desk_number")
        ),
    )
    op.create_index(
        op.f("ix_supervision_case_programme_desk_state"),
        "supervision_case",
        ["programme", "desk", "state"],
        unique=False,
    )
    op.create_index(
        op.f("ix_supervision_case_programme_desk_subject"),
        "supervision_case",
        ["programme", "desk", "subject"],
        unique=False,
    )
    op.create_table(
        "supervision_case_finding",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="alert or hit"),
        sa.Column(
            "finding", sa.String(length=64), nullable=False, comment="its id in its own room"
        ),
        sa.Column("scenario", sa.String(length=64), nullable=False),
        sa.Column("exchange", sa.String(length=200), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("score", sa.String(length=8), nullable=False),
        sa.Column("explanation", sa.JSON(), nullable=False),
        sa.Column("transactions", sa.JSON(), nullable=False, comment="ids as strings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_case_finding")),
        sa.UniqueConstraint(
            "programme",
            "desk",
            "kind",
            "finding",
            name=op.f("uq_supervision_case_finding_programme_desk_kind_finding"),
        ),
    )
    op.create_index(
        op.f("ix_supervision_case_finding_case"), "supervision_case_finding", ["case"], unique=False
    )
    op.create_table(
        "supervision_case_step",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="later ones sort after earlier"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of a document that is evidence",
        ),
        sa.Column(
            "refers_to",
            sa.String(length=80),
            nullable=True,
            comment="number of a referral, request, report",
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_case_step")),
    )
    op.create_index(
        op.f("ix_supervision_case_step_case"), "supervision_case_step", ["case"], unique=False
    )
    op.create_table(
        "supervision_case_transaction",
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column(
            "transaction", sa.String(length=20), nullable=False, comment="id of the stored row"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column(
            "row", sa.JSON(), nullable=False, comment="as stored on the day that it was cited"
        ),
        sa.PrimaryKeyConstraint(
            "case", "transaction", name=op.f("pk_supervision_case_transaction")
        ),
    )
    op.create_table(
        "supervision_dissemination",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False, comment="DIS- and eight letters"),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False, comment="institution here"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of a document that goes with it",
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_dissemination")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_supervision_dissemination_programme_number")
        ),
    )
    op.create_index(
        op.f("ix_supervision_dissemination_programme_recipient"),
        "supervision_dissemination",
        ["programme", "recipient"],
        unique=False,
    )
    op.create_table(
        "supervision_information_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False, comment="RFI- and eight letters"),
        sa.Column("desk", sa.String(length=64), nullable=False, comment="who asks"),
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column(
            "asked", sa.String(length=64), nullable=False, comment="the provider that is asked"
        ),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False, comment="working days to answer"),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("documents", sa.JSON(), nullable=True, comment="SHA-256 of each"),
        sa.Column("answered_on", sa.String(length=10), nullable=True),
        sa.Column("answered_by", sa.String(length=64), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_information_request")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_supervision_information_request_programme_number")
        ),
    )
    op.create_index(
        op.f("ix_supervision_information_request_programme_asked"),
        "supervision_information_request",
        ["programme", "asked"],
        unique=False,
    )
    op.create_index(
        op.f("ix_supervision_information_request_programme_desk"),
        "supervision_information_request",
        ["programme", "desk"],
        unique=False,
    )
    op.create_table(
        "supervision_referral",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False, comment="REF- and eight letters"),
        sa.Column("from_desk", sa.String(length=64), nullable=False),
        sa.Column("from_case", sa.String(length=36), nullable=False),
        sa.Column("to_desk", sa.String(length=64), nullable=False),
        sa.Column("to_case", sa.String(length=36), nullable=True, comment="null: not yet received"),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("risk", sa.String(length=8), nullable=False),
        sa.Column("received_on", sa.String(length=10), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_referral")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_supervision_referral_programme_number")
        ),
    )
    op.create_index(
        op.f("ix_supervision_referral_programme_to_desk"),
        "supervision_referral",
        ["programme", "to_desk"],
        unique=False,
    )


def downgrade() -> None:

    op.drop_index(
        op.f("ix_supervision_referral_programme_to_desk"), table_name="supervision_referral"
    )
    op.drop_table("supervision_referral")
    op.drop_index(
        op.f("ix_supervision_information_request_programme_desk"),
        table_name="supervision_information_request",
    )
    op.drop_index(
        op.f("ix_supervision_information_request_programme_asked"),
        table_name="supervision_information_request",
    )
    op.drop_table("supervision_information_request")
    op.drop_index(
        op.f("ix_supervision_dissemination_programme_recipient"),
        table_name="supervision_dissemination",
    )
    op.drop_table("supervision_dissemination")
    op.drop_table("supervision_case_transaction")
    op.drop_index(op.f("ix_supervision_case_step_case"), table_name="supervision_case_step")
    op.drop_table("supervision_case_step")
    op.drop_index(op.f("ix_supervision_case_finding_case"), table_name="supervision_case_finding")
    op.drop_table("supervision_case_finding")
    op.drop_index(op.f("ix_supervision_case_programme_desk_subject"), table_name="supervision_case")
    op.drop_index(op.f("ix_supervision_case_programme_desk_state"), table_name="supervision_case")
    op.drop_table("supervision_case")
    op.drop_index(op.f("ix_goaml_submission_programme_recorded_on"), table_name="goaml_submission")
    op.drop_table("goaml_submission")
    op.drop_index(op.f("ix_goaml_report_programme_institution_state"), table_name="goaml_report")
    op.drop_table("goaml_report")
    op.drop_table("goaml_handed_over")
