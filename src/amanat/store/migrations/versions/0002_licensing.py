"""Licensing: providers, their files, what was granted and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "licence_credential",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="index in the status lists"),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("permission", sa.String(length=32), nullable=False, comment="its number"),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=False, comment="as issued, with all disclosures"),
        sa.Column("issued_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("expires_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "superseded_at",
            sa.String(length=32),
            nullable=True,
            comment="UTC; another took its place",
        ),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "place", name=op.f("pk_licence_credential")),
    )
    op.create_index(
        op.f("ix_licence_credential_programme_permission"),
        "licence_credential",
        ["programme", "permission"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licence_credential_programme_provider"),
        "licence_credential",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licence_credential_key",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False, comment="RFC 7638 thumbprint"),
        sa.Column("jwk", sa.JSON(), nullable=False, comment="the public key"),
        sa.Column("certificate", sa.LargeBinary(), nullable=False, comment="X.509, DER"),
        sa.Column("issuer", sa.String(length=400), nullable=False, comment="iss of what it signs"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False, comment="in keystore or device"),
        sa.Column(
            "place", sa.String(length=120), nullable=False, comment="keystore, or device LABEL"
        ),
        sa.Column("created_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "retired_at",
            sa.String(length=32),
            nullable=True,
            comment="UTC; from then on it signs nothing",
        ),
        sa.Column(
            "revoked_at", sa.String(length=32), nullable=True, comment="UTC; what it signed is void"
        ),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("programme", "kid", name=op.f("pk_licence_credential_key")),
    )
    op.create_table(
        "licensing_agreement",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.String(length=24), nullable=False, comment="for people: AGR-2025-0001"
        ),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("binding", sa.Boolean(), nullable=False),
        sa.Column("advises", sa.Boolean(), nullable=False, comment="a party advises the programme"),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.String(length=10), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=True, comment="null: open-ended"),
        sa.Column("deliverables", sa.JSON(), nullable=False),
        sa.Column(
            "amount", sa.BigInteger(), nullable=True, comment="minor units; null: no money moves"
        ),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("text", sa.Text(), nullable=True, comment="whole, where it is public"),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="SHA-256 of the signed text"
        ),
        sa.Column(
            "selection",
            sa.String(length=24),
            nullable=True,
            comment="by whose criteria the party was chosen",
        ),
        sa.Column("no_selection", sa.Text(), nullable=True, comment="why nobody else was asked"),
        sa.Column("invited", sa.JSON(), nullable=False, comment="who else, and why not chosen"),
        sa.Column("ended_on", sa.String(length=10), nullable=True),
        sa.Column("ended_entry", sa.String(length=36), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_agreement")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_licensing_agreement_programme_number")
        ),
    )
    op.create_table(
        "licensing_agreement_party",
        sa.Column("agreement", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False, comment="as in the agreement"),
        sa.Column(
            "party",
            sa.String(length=64),
            nullable=True,
            comment="its institution here; null: known by its name",
        ),
        sa.PrimaryKeyConstraint("agreement", "position", name=op.f("pk_licensing_agreement_party")),
    )
    op.create_index(
        op.f("ix_licensing_agreement_party_programme_party"),
        "licensing_agreement_party",
        ["programme", "party"],
        unique=False,
    )
    op.create_table(
        "licensing_appeal",
        sa.Column("file", sa.String(length=36), nullable=False, comment="the appeal"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("against", sa.String(length=36), nullable=False, comment="file that was decided"),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_licensing_appeal")),
    )
    op.create_index(
        op.f("ix_licensing_appeal_against"), "licensing_appeal", ["against"], unique=False
    )
    op.create_table(
        "licensing_breach",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="condition or duty"),
        sa.Column(
            "thing", sa.String(length=80), nullable=False, comment="condition, or duty@period_end"
        ),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column(
            "consequence", sa.String(length=200), nullable=True, comment="as the condition says"
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_breach")),
        sa.UniqueConstraint(
            "programme",
            "thing",
            "provider",
            name=op.f("uq_licensing_breach_programme_thing_provider"),
        ),
    )
    op.create_index(
        op.f("ix_licensing_breach_programme_provider"),
        "licensing_breach",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_charge",
        sa.Column("file", sa.String(length=36), nullable=False, comment="the enforcement file"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("answer_by", sa.String(length=10), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("hearing", sa.Text(), nullable=True, comment="record of it"),
        sa.Column("heard_on", sa.String(length=10), nullable=True),
        sa.Column(
            "order", sa.String(length=12), nullable=True, comment="penalty, warning, no_action"
        ),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("ordered_on", sa.String(length=10), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True, comment="penalty, minor units"),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("due_on", sa.String(length=10), nullable=True),
        sa.Column("paid_on", sa.String(length=10), nullable=True),
        sa.Column(
            "payment", sa.String(length=120), nullable=True, comment="reference of the payment"
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_licensing_charge")),
    )
    op.create_index(
        op.f("ix_licensing_charge_programme_due_on"),
        "licensing_charge",
        ["programme", "due_on"],
        unique=False,
    )
    op.create_table(
        "licensing_client_assets",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="the last one of a day counts"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("duty", sa.String(length=40), nullable=False, comment="obligation of the pack"),
        sa.Column("as_of", sa.String(length=10), nullable=False),
        sa.Column(
            "period_end",
            sa.String(length=10),
            nullable=True,
            comment="of the duty that it meets; null: of none",
        ),
        sa.Column("due_on", sa.String(length=10), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("holdings", sa.JSON(), nullable=False, comment="by asset: owed, held, where"),
        sa.Column("covered", sa.Boolean(), nullable=False, comment="of each as much as is owed"),
        sa.Column("auditor", sa.String(length=200), nullable=True),
        sa.Column(
            "document", sa.String(length=64), nullable=True, comment="SHA-256 of the statement"
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_client_assets")),
    )
    op.create_index(
        op.f("ix_licensing_client_assets_programme_provider_duty"),
        "licensing_client_assets",
        ["programme", "provider", "duty"],
        unique=False,
    )
    op.create_table(
        "licensing_complaint",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.String(length=24), nullable=False, comment="for people: CMP-2026-0001"
        ),
        sa.Column(
            "provider",
            sa.String(length=64),
            nullable=True,
            comment="null: none that is on the register",
        ),
        sa.Column(
            "about", sa.String(length=200), nullable=False, comment="whom, as it was written"
        ),
        sa.Column("topic", sa.String(length=24), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="for the authority; never published"),
        sa.Column("remedy", sa.Text(), nullable=True, comment="what the complainant asks for"),
        sa.Column("happened_on", sa.String(length=10), nullable=True),
        sa.Column("channel", sa.String(length=12), nullable=False, comment="page, api, letter"),
        sa.Column("contact", sa.Boolean(), nullable=False, comment="sealed with the entry"),
        sa.Column("may_name", sa.Boolean(), nullable=False, comment="the provider may learn who"),
        sa.Column(
            "secret",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of what opens its state to who wrote it",
        ),
        sa.Column(
            "key",
            sa.String(length=64),
            nullable=True,
            comment="of the form, so that it is taken once",
        ),
        sa.Column("stage", sa.String(length=24), nullable=False),
        sa.Column("forwarded_on", sa.String(length=10), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True, comment="of the provider"),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column(
            "findings", sa.Text(), nullable=True, comment="what the authority tells the complainant"
        ),
        sa.Column("closed_on", sa.String(length=10), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_complaint")),
        sa.UniqueConstraint("programme", "key", name=op.f("uq_licensing_complaint_programme_key")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_licensing_complaint_programme_number")
        ),
    )
    op.create_index(
        op.f("ix_licensing_complaint_programme_provider"),
        "licensing_complaint",
        ["programme", "provider"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_complaint_programme_stage"),
        "licensing_complaint",
        ["programme", "stage"],
        unique=False,
    )
    op.create_table(
        "licensing_complaint_step",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="later ones sort after earlier"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("complaint", sa.String(length=36), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("from_stage", sa.String(length=24), nullable=False),
        sa.Column("to_stage", sa.String(length=24), nullable=False),
        sa.Column("section", sa.String(length=64), nullable=False, comment="of the pack"),
        sa.Column("law", sa.String(length=200), nullable=False, comment="as cited on the day"),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_complaint_step")),
    )
    op.create_index(
        op.f("ix_licensing_complaint_step_complaint"),
        "licensing_complaint_step",
        ["complaint"],
        unique=False,
    )
    op.create_table(
        "licensing_condition",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("permission", sa.String(length=36), nullable=True),
        sa.Column("file", sa.String(length=36), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True, comment="template of the pack"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("section", sa.String(length=64), nullable=False),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=True, comment="null: standing"),
        sa.Column("consequence", sa.String(length=200), nullable=True),
        sa.Column(
            "rulebook",
            sa.String(length=200),
            nullable=True,
            comment="versions in force: general/2, custody/1",
        ),
        sa.Column("met_on", sa.String(length=10), nullable=True),
        sa.Column("met_entry", sa.String(length=36), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("lifted_on", sa.String(length=10), nullable=True),
        sa.Column("lifted_entry", sa.String(length=36), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_condition")),
    )
    op.create_index(
        op.f("ix_licensing_condition_programme_due_on"),
        "licensing_condition",
        ["programme", "due_on"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_condition_programme_provider"),
        "licensing_condition",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_condition_evidence",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("condition", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document", sa.String(length=64), nullable=True, comment="SHA-256"),
        sa.Column("accepted", sa.Boolean(), nullable=True, comment="null: not looked at yet"),
        sa.Column("finding", sa.Text(), nullable=True, comment="why it was accepted or not"),
        sa.Column("found_on", sa.String(length=10), nullable=True),
        sa.Column("found_entry", sa.String(length=36), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_condition_evidence")),
    )
    op.create_index(
        op.f("ix_licensing_condition_evidence_condition"),
        "licensing_condition_evidence",
        ["condition"],
        unique=False,
    )
    op.create_table(
        "licensing_confirmation",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="the last one of a fact counts"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("fact", sa.String(length=40), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False, comment="false takes it back"),
        sa.Column(
            "category", sa.String(length=40), nullable=False, comment="empty where it is of none"
        ),
        sa.Column("entity", sa.String(length=16), nullable=True, comment="foreign or local"),
        sa.Column("entity_name", sa.String(length=200), nullable=True),
        sa.Column("reference", sa.String(length=120), nullable=False, comment="of who confirms"),
        sa.Column(
            "amount",
            sa.BigInteger(),
            nullable=True,
            comment="minor units of the category's currency",
        ),
        sa.Column("valid_from", sa.String(length=10), nullable=False),
        sa.Column("valid_until", sa.String(length=10), nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=False),
        sa.Column(
            "signature", sa.String(length=132), nullable=False, comment="over the proposal's digest"
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_confirmation")),
    )
    op.create_index(
        op.f("ix_licensing_confirmation_programme_provider_fact"),
        "licensing_confirmation",
        ["programme", "provider", "fact"],
        unique=False,
    )
    op.create_table(
        "licensing_consultation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("stakeholder", sa.String(length=40), nullable=False),
        sa.Column(
            "consulted", sa.String(length=64), nullable=False, comment="institution that is asked"
        ),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False, comment="working days to answer"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.Column("position", sa.String(length=24), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.String(length=64), nullable=True),
        sa.Column("answered_at", sa.String(length=32), nullable=True),
        sa.Column("answered_on", sa.String(length=10), nullable=True),
        sa.Column("answer_entry", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_consultation")),
    )
    op.create_index(
        op.f("ix_licensing_consultation_file"), "licensing_consultation", ["file"], unique=False
    )
    op.create_index(
        op.f("ix_licensing_consultation_programme_answered_at_id"),
        "licensing_consultation",
        ["programme", "answered_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_consultation_programme_consulted_answered_at"),
        "licensing_consultation",
        ["programme", "consulted", "answered_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_consultation_programme_id"),
        "licensing_consultation",
        ["programme", "id"],
        unique=False,
    )
    op.create_table(
        "licensing_control_change",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="the last one of a file counts"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("acquirer", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False, comment="ISO 3166-1 alpha-2"),
        sa.Column("percent_before", sa.String(length=8), nullable=False, comment="of votes"),
        sa.Column("percent_after", sa.String(length=8), nullable=False),
        sa.Column("source_of_funds", sa.Text(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False, comment="natural persons behind it"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_control_change")),
    )
    op.create_index(
        op.f("ix_licensing_control_change_file"), "licensing_control_change", ["file"], unique=False
    )
    op.create_table(
        "licensing_decision",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("section", sa.String(length=64), nullable=False),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False, comment="published"),
        sa.Column("criteria", sa.Text(), nullable=True, comment="published: by what it was judged"),
        sa.Column(
            "conflicts", sa.Text(), nullable=True, comment="published: interests declared, or none"
        ),
        sa.Column(
            "applicants", sa.Integer(), nullable=False, comment="files of the kind by that day"
        ),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("appeal_until", sa.String(length=10), nullable=True),
        sa.Column("recommended_by", sa.String(length=64), nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_decision")),
    )
    op.create_index(
        op.f("ix_licensing_decision_file"), "licensing_decision", ["file"], unique=False
    )
    op.create_index(
        op.f("ix_licensing_decision_programme_id"),
        "licensing_decision",
        ["programme", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_decision_programme_provider"),
        "licensing_decision",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_direction",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("section", sa.String(length=64), nullable=False),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_direction")),
    )
    op.create_index(
        op.f("ix_licensing_direction_programme_provider"),
        "licensing_direction",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_document",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False, comment="who gave it"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of its content"),
        sa.Column("name", sa.String(length=200), nullable=False, comment="as it was first called"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes"),
        sa.Column(
            "media_type", sa.String(length=80), nullable=False, comment="as its content shows"
        ),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme", "institution", "digest", name=op.f("pk_licensing_document")
        ),
    )
    op.create_index(
        op.f("ix_licensing_document_digest"), "licensing_document", ["digest"], unique=False
    )
    op.create_table(
        "licensing_file",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.String(length=24), nullable=False, comment="for people: NOC-2025-0001"
        ),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column(
            "stage", sa.String(length=24), nullable=False, comment="as its last step left it"
        ),
        sa.Column("categories", sa.JSON(), nullable=False, comment="services it is about, sorted"),
        sa.Column(
            "permission", sa.String(length=36), nullable=True, comment="the one that it is about"
        ),
        sa.Column("opened_on", sa.String(length=10), nullable=False),
        sa.Column("submitted_on", sa.String(length=10), nullable=True),
        sa.Column(
            "closed_on", sa.String(length=10), nullable=True, comment="when it came to a last stage"
        ),
        sa.Column(
            "due_on",
            sa.String(length=10),
            nullable=True,
            comment="first clock to run out; null: none, or stopped",
        ),
        sa.Column("due_clock", sa.String(length=24), nullable=True, comment="which clock that is"),
        sa.Column(
            "due_by",
            sa.String(length=16),
            nullable=True,
            comment="who owes it: authority or applicant",
        ),
        sa.Column(
            "officer",
            sa.String(length=64),
            nullable=True,
            comment="on whose desk it lies; null: on nobody's",
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_file")),
        sa.UniqueConstraint("programme", "number", name=op.f("uq_licensing_file_programme_number")),
    )
    op.create_index(
        op.f("ix_licensing_file_programme_due_on"),
        "licensing_file",
        ["programme", "due_on"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_file_programme_id"), "licensing_file", ["programme", "id"], unique=False
    )
    op.create_index(
        op.f("ix_licensing_file_programme_kind_stage"),
        "licensing_file",
        ["programme", "kind", "stage"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_file_programme_opened_on"),
        "licensing_file",
        ["programme", "opened_on"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_file_programme_provider"),
        "licensing_file",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_file_document",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("form", sa.String(length=24), nullable=True),
        sa.Column("section", sa.String(length=64), nullable=True),
        sa.Column("field", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False, comment="as it was uploaded"),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="SHA-256, by which it is stored"
        ),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes"),
        sa.Column(
            "media_type", sa.String(length=80), nullable=False, comment="as its content shows"
        ),
        sa.Column("withdrawn_at", sa.String(length=32), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_file_document")),
    )
    op.create_index(
        op.f("ix_licensing_file_document_digest"),
        "licensing_file_document",
        ["digest"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_file_document_file"), "licensing_file_document", ["file"], unique=False
    )
    op.create_table(
        "licensing_file_question",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("form", sa.String(length=24), nullable=True),
        sa.Column("section", sa.String(length=64), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.String(length=64), nullable=True),
        sa.Column("answered_at", sa.String(length=32), nullable=True),
        sa.Column("answered_on", sa.String(length=10), nullable=True),
        sa.Column("answer_entry", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_file_question")),
    )
    op.create_index(
        op.f("ix_licensing_file_question_file"), "licensing_file_question", ["file"], unique=False
    )
    op.create_table(
        "licensing_file_review",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="the last one of an area counts"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("area", sa.String(length=40), nullable=False),
        sa.Column(
            "scores", sa.JSON(), nullable=False, comment="by item: score 0..5, note, evidence"
        ),
        sa.Column(
            "percent", sa.Integer(), nullable=False, comment="of the weighted most, rounded down"
        ),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_file_review")),
    )
    op.create_index(
        op.f("ix_licensing_file_review_file"), "licensing_file_review", ["file"], unique=False
    )
    op.create_table(
        "licensing_file_section",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="the last one of a section counts"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("form", sa.String(length=24), nullable=False, comment="A1 ..."),
        sa.Column("section", sa.String(length=64), nullable=False),
        sa.Column(
            "content", sa.LargeBinary(), nullable=False, comment="canonical bytes: field: value"
        ),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the content"),
        sa.Column("complete", sa.Boolean(), nullable=False, comment="as the form's own rules say"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_file_section")),
    )
    op.create_index(
        op.f("ix_licensing_file_section_file_form_section"),
        "licensing_file_section",
        ["file", "form", "section"],
        unique=False,
    )
    op.create_table(
        "licensing_file_step",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="later ones sort after earlier"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("from_stage", sa.String(length=24), nullable=False),
        sa.Column("to_stage", sa.String(length=24), nullable=False),
        sa.Column("section", sa.String(length=64), nullable=False, comment="of the pack"),
        sa.Column("law", sa.String(length=200), nullable=False, comment="as cited on the day"),
        sa.Column(
            "rulebook",
            sa.String(length=200),
            nullable=True,
            comment="versions in force: general/2, custody/1",
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_file_step")),
    )
    op.create_index(
        op.f("ix_licensing_file_step_file"), "licensing_file_step", ["file"], unique=False
    )
    op.create_table(
        "licensing_finding",
        sa.Column("file", sa.String(length=36), nullable=False, comment="the inspection"),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the inspection, from 1"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column(
            "remedy", sa.Text(), nullable=True, comment="what the provider did, as it last said"
        ),
        sa.Column("document", sa.String(length=64), nullable=True, comment="SHA-256"),
        sa.Column("remedied_on", sa.String(length=10), nullable=True),
        sa.Column("accepted_on", sa.String(length=10), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("file", "number", name=op.f("pk_licensing_finding")),
    )
    op.create_index(
        op.f("ix_licensing_finding_programme_due_on"),
        "licensing_finding",
        ["programme", "due_on"],
        unique=False,
    )
    op.create_table(
        "licensing_incident",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.String(length=24), nullable=False, comment="for people: INC-2026-0001"
        ),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("detected_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("due_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("clients", sa.Integer(), nullable=False, comment="who are affected"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_incident")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_licensing_incident_programme_number")
        ),
    )
    op.create_index(
        op.f("ix_licensing_incident_programme_provider"),
        "licensing_incident",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_interest",
        sa.Column("recusal", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("nature", sa.String(length=24), nullable=False),
        sa.Column(
            "of_institution", sa.String(length=64), nullable=False, comment="of whom is recused"
        ),
        sa.Column("own_word", sa.Boolean(), nullable=False, comment="declared by who is recused"),
        sa.Column("ended_entry", sa.String(length=36), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("recusal", name=op.f("pk_licensing_interest")),
    )
    op.create_table(
        "licensing_mail_address",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "person", name=op.f("pk_licensing_mail_address")),
    )
    op.create_table(
        "licensing_net_capital",
        sa.Column(
            "id",
            sa.String(length=36),
            nullable=False,
            comment="the last one of a day counts",
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="minor units"),
        sa.Column("required", sa.BigInteger(), nullable=False, comment="minor units, on that day"),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("document", sa.String(length=64), nullable=True, comment="SHA-256"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_net_capital")),
    )
    op.create_index(
        op.f("ix_licensing_net_capital_programme_provider_as_of"),
        "licensing_net_capital",
        ["programme", "provider", "as_of"],
        unique=False,
    )
    op.create_table(
        "licensing_notification",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="also in the mail's Message-ID"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column(
            "key", sa.String(length=64), nullable=False, comment="what it is about, and how near"
        ),
        sa.Column("message", sa.JSON(), nullable=False, comment="key and typed arguments"),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "next_at",
            sa.String(length=32),
            nullable=True,
            comment="UTC; null: not to be sent any more",
        ),
        sa.Column(
            "sent_at", sa.String(length=32), nullable=True, comment="UTC; the mail server took it"
        ),
        sa.Column("failure", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_notification")),
        sa.UniqueConstraint(
            "programme",
            "person",
            "key",
            name=op.f("uq_licensing_notification_programme_person_key"),
        ),
    )
    op.create_index(
        op.f("ix_licensing_notification_next_at"),
        "licensing_notification",
        ["next_at"],
        unique=False,
    )
    op.create_table(
        "licensing_obligation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False, comment="template of the pack"),
        sa.Column("period_end", sa.String(length=10), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("done_on", sa.String(length=10), nullable=True),
        sa.Column("done_entry", sa.String(length=36), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_obligation")),
        sa.UniqueConstraint(
            "programme",
            "provider",
            "code",
            "period_end",
            name=op.f("uq_licensing_obligation_programme_provider_code_period_end"),
        ),
    )
    op.create_index(
        op.f("ix_licensing_obligation_programme_due_on"),
        "licensing_obligation",
        ["programme", "due_on"],
        unique=False,
    )
    op.create_table(
        "licensing_pack",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "pack", sa.String(length=16), nullable=False, comment="jurisdiction; without a row: pk"
        ),
        sa.Column(
            "zone",
            sa.String(length=64),
            nullable=True,
            comment="IANA: where a last day ends; null: UTC",
        ),
        sa.Column("adopted_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("programme", name=op.f("pk_licensing_pack")),
    )
    op.create_table(
        "licensing_permission",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column(
            "kind", sa.String(length=24), nullable=False, comment="noc, aml_registration, licence"
        ),
        sa.Column("number", sa.String(length=32), nullable=False, comment="for people"),
        sa.Column("categories", sa.JSON(), nullable=False, comment="of a licence exactly one"),
        sa.Column("file", sa.String(length=36), nullable=True),
        sa.Column("decision", sa.String(length=36), nullable=True),
        sa.Column("section", sa.String(length=64), nullable=False),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column(
            "first_day", sa.String(length=10), nullable=False, comment="business date of the grant"
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_permission")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_licensing_permission_programme_number")
        ),
    )
    op.create_index(
        op.f("ix_licensing_permission_programme_first_day_provider_id"),
        "licensing_permission",
        ["programme", "first_day", "provider", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_permission_programme_provider"),
        "licensing_permission",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_permission_change",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="later ones sort after earlier"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column(
            "permission", sa.String(length=36), nullable=True, comment="null: all of the provider's"
        ),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=24), nullable=True, comment="of a suspension"),
        sa.Column(
            "suspension",
            sa.String(length=36),
            nullable=True,
            comment="file of the suspension that it begins, ends",
        ),
        sa.Column(
            "accounts",
            sa.String(length=8),
            nullable=True,
            comment="own or client, of a suspension of these alone",
        ),
        sa.Column(
            "expires_on",
            sa.String(length=10),
            nullable=True,
            comment="last day, of a grant or renewal",
        ),
        sa.Column("file", sa.String(length=36), nullable=True),
        sa.Column("section", sa.String(length=64), nullable=False),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "effective_at",
            sa.String(length=32),
            nullable=True,
            comment="UTC; null while the ledger is awaited",
        ),
        sa.Column("effective_on", sa.String(length=10), nullable=True, comment="business date"),
        sa.Column("order_id", sa.String(length=36), nullable=True, comment="order to the chain"),
        sa.Column("requested_at", sa.String(length=32), nullable=False),
        sa.Column("done_at", sa.String(length=32), nullable=True),
        sa.Column("refused_at", sa.String(length=32), nullable=True),
        sa.Column(
            "refusal", sa.String(length=400), nullable=True, comment="what the ledger answered"
        ),
        sa.Column(
            "entry", sa.String(length=36), nullable=True, comment="journal entry that requested it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_permission_change")),
    )
    op.create_index(
        op.f("ix_licensing_permission_change_order_id"),
        "licensing_permission_change",
        ["order_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_permission_change_programme_effective_on"),
        "licensing_permission_change",
        ["programme", "effective_on"],
        unique=False,
    )
    op.create_index(
        op.f("ix_licensing_permission_change_programme_provider"),
        "licensing_permission_change",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_public_letter",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False, comment="complaint or comment"),
        sa.Column(
            "visitor", sa.String(length=160), nullable=False, comment="network it came from; a day"
        ),
        sa.Column("at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_public_letter")),
    )
    op.create_index(
        op.f("ix_licensing_public_letter_at"), "licensing_public_letter", ["at"], unique=False
    )
    op.create_index(
        op.f("ix_licensing_public_letter_visitor_at"),
        "licensing_public_letter",
        ["visitor", "at"],
        unique=False,
    )
    op.create_table(
        "licensing_recommendation",
        sa.Column("id", sa.String(length=36), nullable=False, comment="the last one counts"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False, comment="codes of the pack, or texts"),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_recommendation")),
    )
    op.create_index(
        op.f("ix_licensing_recommendation_file"), "licensing_recommendation", ["file"], unique=False
    )
    op.create_table(
        "licensing_recusal",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("recused", sa.String(length=64), nullable=False, comment="person"),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("ended_on", sa.String(length=10), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_recusal")),
    )
    op.create_index(
        op.f("ix_licensing_recusal_programme_provider"),
        "licensing_recusal",
        ["programme", "provider"],
        unique=False,
    )
    op.create_table(
        "licensing_reporting_entity",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=16), nullable=False, comment="foreign or local"),
        sa.Column("entity_name", sa.String(length=200), nullable=False),
        sa.Column("registration", sa.String(length=64), nullable=False, comment="number on goAML"),
        sa.Column(
            "first_day", sa.String(length=10), nullable=False, comment="it reports from this day"
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_reporting_entity")),
        sa.UniqueConstraint(
            "programme",
            "provider",
            "first_day",
            name=op.f("uq_licensing_reporting_entity_programme_provider_first_day"),
        ),
    )
    op.create_table(
        "licensing_rulebook_comment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the version, from 1"),
        sa.Column("name", sa.String(length=200), nullable=False, comment="as it is published"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "key",
            sa.String(length=64),
            nullable=True,
            comment="of the form, so that it is taken once",
        ),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True, comment="the text changes with it"),
        sa.Column("answered_on", sa.String(length=10), nullable=True),
        sa.Column("answer_entry", sa.String(length=36), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_rulebook_comment")),
        sa.UniqueConstraint(
            "programme", "key", name=op.f("uq_licensing_rulebook_comment_programme_key")
        ),
        sa.UniqueConstraint(
            "version", "number", name=op.f("uq_licensing_rulebook_comment_version_number")
        ),
    )
    op.create_table(
        "licensing_rulebook_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("rulebook", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="dense, from 1"),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the text"),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("consulted_from", sa.String(length=10), nullable=True),
        sa.Column(
            "consulted_until", sa.String(length=10), nullable=True, comment="last day for comments"
        ),
        sa.Column("in_force_from", sa.String(length=10), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True, comment="what the comments changed"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_rulebook_version")),
        sa.UniqueConstraint(
            "programme",
            "rulebook",
            "version",
            name=op.f("uq_licensing_rulebook_version_programme_rulebook_version"),
        ),
    )
    op.create_table(
        "licensing_selection",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column(
            "number", sa.String(length=24), nullable=False, comment="for people: SEL-2025-0001"
        ),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False, comment="published on recorded_on"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_selection")),
        sa.UniqueConstraint(
            "programme", "number", name=op.f("uq_licensing_selection_programme_number")
        ),
    )
    op.create_table(
        "licensing_sign_up",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("visitor", sa.String(length=160), nullable=False, comment="network it came from"),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_sign_up")),
    )
    op.create_index(op.f("ix_licensing_sign_up_at"), "licensing_sign_up", ["at"], unique=False)
    op.create_index(
        op.f("ix_licensing_sign_up_visitor_at"),
        "licensing_sign_up",
        ["visitor", "at"],
        unique=False,
    )
    op.create_table(
        "licensing_stay",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=36), nullable=False, comment="what is stayed"),
        sa.Column("court", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_on", sa.String(length=10), nullable=True),
        sa.Column("ended_entry", sa.String(length=36), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_stay")),
    )
    op.create_index(op.f("ix_licensing_stay_file"), "licensing_stay", ["file"], unique=False)
    op.create_table(
        "licensing_lapse",
        sa.Column("file", sa.String(length=36), nullable=False, comment="the urgent suspension"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False, comment="its last day"),
        sa.Column(
            "level",
            sa.String(length=16),
            nullable=True,
            comment="on the ledger after it; null: nothing is told",
        ),
        sa.Column(
            "last_day",
            sa.String(length=10),
            nullable=True,
            comment="of the standing on the ledger",
        ),
        sa.Column("number", sa.BigInteger(), nullable=True, comment="of the act that was signed"),
        sa.Column("epoch", sa.BigInteger(), nullable=True, comment="of the institutions' keys"),
        sa.Column("signatures", sa.JSON(), nullable=False, comment="of the authority, hexadecimal"),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_licensing_lapse")),
    )
    op.create_index(
        op.f("ix_licensing_lapse_programme_until"),
        "licensing_lapse",
        ["programme", "until"],
        unique=False,
    )
    op.add_column(
        "proposal_requirement",
        sa.Column(
            "along", sa.Integer(), nullable=True, comment="position whose signer signs this too"
        ),
    )
    op.create_table(
        "licensing_winding_client",
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column(
            "client", sa.String(length=64), nullable=False, comment="pseudonym of the provider"
        ),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("holdings", sa.JSON(), nullable=False, comment="by asset: quantity as a string"),
        sa.Column(
            "code",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of the code that the client was sent",
        ),
        sa.Column("objection", sa.Text(), nullable=True),
        sa.Column("objected_on", sa.String(length=10), nullable=True),
        sa.Column(
            "fate",
            sa.String(length=16),
            nullable=True,
            comment="transferred, returned, unclaimed; null: open",
        ),
        sa.Column("settled_on", sa.String(length=10), nullable=True),
        sa.Column(
            "reference", sa.String(length=200), nullable=True, comment="of the transfer or payment"
        ),
        sa.PrimaryKeyConstraint("file", "client", name=op.f("pk_licensing_winding_client")),
    )
    op.create_table(
        "licensing_winding_down",
        sa.Column("file", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("administrator", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("deadline", sa.String(length=10), nullable=False),
        sa.Column(
            "clients_digest",
            sa.String(length=64),
            nullable=True,
            comment="SHA-256 of the list as it was closed",
        ),
        sa.Column(
            "transfer_to",
            sa.String(length=64),
            nullable=True,
            comment="licensee that takes the clients on",
        ),
        sa.Column("objections_until", sa.String(length=10), nullable=True),
        sa.Column("transferred_on", sa.String(length=10), nullable=True),
        sa.Column("statement", sa.Text(), nullable=True, comment="final, published"),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_licensing_winding_down")),
    )
    op.create_table(
        "provider",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False, comment="of its institution"),
        sa.Column("number", sa.Integer(), nullable=False, comment="on the register, from 1"),
        sa.Column(
            "country",
            sa.String(length=2),
            nullable=False,
            comment="ISO 3166-1 alpha-2, of the head",
        ),
        sa.Column("lei", sa.String(length=20), nullable=True),
        sa.Column("website", sa.String(length=200), nullable=True),
        sa.Column(
            "status", sa.String(length=24), nullable=False, comment="as the last change left it"
        ),
        sa.Column(
            "status_until",
            sa.String(length=10),
            nullable=True,
            comment="last day of what gives the status",
        ),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("recorded_on", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_provider")),
        sa.UniqueConstraint("programme", "number", name=op.f("uq_provider_programme_number")),
    )
    op.create_index(
        op.f("ix_provider_programme_status_number"),
        "provider",
        ["programme", "status", "number"],
        unique=False,
    )
    op.create_table(
        "provider_register",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="number of the last change"),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="SHA-256 of the last change"
        ),
        sa.Column("at", sa.String(length=32), nullable=False, comment="UTC, of the last change"),
        sa.Column("day", sa.String(length=10), nullable=False, comment="business date of it"),
        sa.PrimaryKeyConstraint("programme", name=op.f("pk_provider_register")),
    )
    op.create_table(
        "provider_register_change",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="dense, from 1"),
        sa.Column("entry", sa.String(length=36), nullable=False, comment="id of the journal entry"),
        sa.Column("subject", sa.String(length=64), nullable=False, comment="provider, or warning"),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False, comment="business date"),
        sa.Column("warns", sa.Boolean(), nullable=False, comment="it is a warning"),
        sa.Column("latest", sa.Boolean(), nullable=False, comment="no later one of its subject"),
        sa.Column(
            "name", sa.String(length=2000), nullable=False, comment="small letters, to sort by"
        ),
        sa.Column("sought", sa.Text(), nullable=False, comment="small letters, to be searched"),
        sa.Column(
            "status", sa.String(length=40), nullable=True, comment="public status, of a provider"
        ),
        sa.Column(
            "categories",
            sa.String(length=400),
            nullable=True,
            comment="|exchange|custody|, open to clients",
        ),
        sa.Column(
            "status_ends",
            sa.String(length=10),
            nullable=True,
            comment="day on which the status becomes another",
        ),
        sa.Column(
            "content", sa.LargeBinary(), nullable=False, comment="canonical bytes of the change"
        ),
        sa.PrimaryKeyConstraint("programme", "number", name=op.f("pk_provider_register_change")),
    )
    op.create_index(
        op.f("ix_provider_register_change_programme_day"),
        "provider_register_change",
        ["programme", "day"],
        unique=False,
    )
    op.create_index(
        op.f("ix_provider_register_change_programme_latest_warns_name"),
        "provider_register_change",
        ["programme", "latest", "warns", "name"],
        unique=False,
    )
    op.create_index(
        op.f("ix_provider_register_change_programme_subject_number"),
        "provider_register_change",
        ["programme", "subject", "number"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_column("proposal_requirement", "along")
    op.drop_index(op.f("ix_licensing_lapse_programme_until"), table_name="licensing_lapse")
    op.drop_table("licensing_lapse")

    op.drop_index(
        op.f("ix_provider_register_change_programme_subject_number"),
        table_name="provider_register_change",
    )
    op.drop_index(
        op.f("ix_provider_register_change_programme_latest_warns_name"),
        table_name="provider_register_change",
    )
    op.drop_index(
        op.f("ix_provider_register_change_programme_day"), table_name="provider_register_change"
    )
    op.drop_table("provider_register_change")
    op.drop_table("provider_register")
    op.drop_index(op.f("ix_provider_programme_status_number"), table_name="provider")
    op.drop_table("provider")
    op.drop_table("licensing_winding_down")
    op.drop_table("licensing_winding_client")
    op.drop_index(op.f("ix_licensing_stay_file"), table_name="licensing_stay")
    op.drop_table("licensing_stay")
    op.drop_index(op.f("ix_licensing_sign_up_visitor_at"), table_name="licensing_sign_up")
    op.drop_index(op.f("ix_licensing_sign_up_at"), table_name="licensing_sign_up")
    op.drop_table("licensing_sign_up")
    op.drop_table("licensing_selection")
    op.drop_table("licensing_rulebook_version")
    op.drop_table("licensing_rulebook_comment")
    op.drop_table("licensing_reporting_entity")
    op.drop_index(op.f("ix_licensing_recusal_programme_provider"), table_name="licensing_recusal")
    op.drop_table("licensing_recusal")
    op.drop_index(op.f("ix_licensing_recommendation_file"), table_name="licensing_recommendation")
    op.drop_table("licensing_recommendation")
    op.drop_index(
        op.f("ix_licensing_public_letter_visitor_at"), table_name="licensing_public_letter"
    )
    op.drop_index(op.f("ix_licensing_public_letter_at"), table_name="licensing_public_letter")
    op.drop_table("licensing_public_letter")
    op.drop_index(
        op.f("ix_licensing_permission_change_programme_provider"),
        table_name="licensing_permission_change",
    )
    op.drop_index(
        op.f("ix_licensing_permission_change_programme_effective_on"),
        table_name="licensing_permission_change",
    )
    op.drop_index(
        op.f("ix_licensing_permission_change_order_id"), table_name="licensing_permission_change"
    )
    op.drop_table("licensing_permission_change")
    op.drop_index(
        op.f("ix_licensing_permission_programme_provider"), table_name="licensing_permission"
    )
    op.drop_index(
        op.f("ix_licensing_permission_programme_first_day_provider_id"),
        table_name="licensing_permission",
    )
    op.drop_table("licensing_permission")
    op.drop_table("licensing_pack")
    op.drop_index(
        op.f("ix_licensing_obligation_programme_due_on"), table_name="licensing_obligation"
    )
    op.drop_table("licensing_obligation")
    op.drop_index(op.f("ix_licensing_notification_next_at"), table_name="licensing_notification")
    op.drop_table("licensing_notification")
    op.drop_index(
        op.f("ix_licensing_net_capital_programme_provider_as_of"),
        table_name="licensing_net_capital",
    )
    op.drop_table("licensing_net_capital")
    op.drop_table("licensing_mail_address")
    op.drop_table("licensing_interest")
    op.drop_index(op.f("ix_licensing_incident_programme_provider"), table_name="licensing_incident")
    op.drop_table("licensing_incident")
    op.drop_index(op.f("ix_licensing_finding_programme_due_on"), table_name="licensing_finding")
    op.drop_table("licensing_finding")
    op.drop_index(op.f("ix_licensing_file_step_file"), table_name="licensing_file_step")
    op.drop_table("licensing_file_step")
    op.drop_index(
        op.f("ix_licensing_file_section_file_form_section"), table_name="licensing_file_section"
    )
    op.drop_table("licensing_file_section")
    op.drop_index(op.f("ix_licensing_file_review_file"), table_name="licensing_file_review")
    op.drop_table("licensing_file_review")
    op.drop_index(op.f("ix_licensing_file_question_file"), table_name="licensing_file_question")
    op.drop_table("licensing_file_question")
    op.drop_index(op.f("ix_licensing_file_document_file"), table_name="licensing_file_document")
    op.drop_index(op.f("ix_licensing_file_document_digest"), table_name="licensing_file_document")
    op.drop_table("licensing_file_document")
    op.drop_index(op.f("ix_licensing_file_programme_provider"), table_name="licensing_file")
    op.drop_index(op.f("ix_licensing_file_programme_opened_on"), table_name="licensing_file")
    op.drop_index(op.f("ix_licensing_file_programme_kind_stage"), table_name="licensing_file")
    op.drop_index(op.f("ix_licensing_file_programme_id"), table_name="licensing_file")
    op.drop_index(op.f("ix_licensing_file_programme_due_on"), table_name="licensing_file")
    op.drop_table("licensing_file")
    op.drop_index(op.f("ix_licensing_document_digest"), table_name="licensing_document")
    op.drop_table("licensing_document")
    op.drop_index(
        op.f("ix_licensing_direction_programme_provider"), table_name="licensing_direction"
    )
    op.drop_table("licensing_direction")
    op.drop_index(op.f("ix_licensing_decision_programme_provider"), table_name="licensing_decision")
    op.drop_index(op.f("ix_licensing_decision_programme_id"), table_name="licensing_decision")
    op.drop_index(op.f("ix_licensing_decision_file"), table_name="licensing_decision")
    op.drop_table("licensing_decision")
    op.drop_index(op.f("ix_licensing_control_change_file"), table_name="licensing_control_change")
    op.drop_table("licensing_control_change")
    op.drop_index(
        op.f("ix_licensing_consultation_programme_id"), table_name="licensing_consultation"
    )
    op.drop_index(
        op.f("ix_licensing_consultation_programme_consulted_answered_at"),
        table_name="licensing_consultation",
    )
    op.drop_index(
        op.f("ix_licensing_consultation_programme_answered_at_id"),
        table_name="licensing_consultation",
    )
    op.drop_index(op.f("ix_licensing_consultation_file"), table_name="licensing_consultation")
    op.drop_table("licensing_consultation")
    op.drop_index(
        op.f("ix_licensing_confirmation_programme_provider_fact"),
        table_name="licensing_confirmation",
    )
    op.drop_table("licensing_confirmation")
    op.drop_index(
        op.f("ix_licensing_condition_evidence_condition"), table_name="licensing_condition_evidence"
    )
    op.drop_table("licensing_condition_evidence")
    op.drop_index(
        op.f("ix_licensing_condition_programme_provider"), table_name="licensing_condition"
    )
    op.drop_index(op.f("ix_licensing_condition_programme_due_on"), table_name="licensing_condition")
    op.drop_table("licensing_condition")
    op.drop_index(
        op.f("ix_licensing_complaint_step_complaint"), table_name="licensing_complaint_step"
    )
    op.drop_table("licensing_complaint_step")
    op.drop_index(op.f("ix_licensing_complaint_programme_stage"), table_name="licensing_complaint")
    op.drop_index(
        op.f("ix_licensing_complaint_programme_provider"), table_name="licensing_complaint"
    )
    op.drop_table("licensing_complaint")
    op.drop_index(
        op.f("ix_licensing_client_assets_programme_provider_duty"),
        table_name="licensing_client_assets",
    )
    op.drop_table("licensing_client_assets")
    op.drop_index(op.f("ix_licensing_charge_programme_due_on"), table_name="licensing_charge")
    op.drop_table("licensing_charge")
    op.drop_index(op.f("ix_licensing_breach_programme_provider"), table_name="licensing_breach")
    op.drop_table("licensing_breach")
    op.drop_index(op.f("ix_licensing_appeal_against"), table_name="licensing_appeal")
    op.drop_table("licensing_appeal")
    op.drop_index(
        op.f("ix_licensing_agreement_party_programme_party"), table_name="licensing_agreement_party"
    )
    op.drop_table("licensing_agreement_party")
    op.drop_table("licensing_agreement")
    op.drop_table("licence_credential_key")
    op.drop_index(op.f("ix_licence_credential_programme_provider"), table_name="licence_credential")
    op.drop_index(
        op.f("ix_licence_credential_programme_permission"), table_name="licence_credential"
    )
    op.drop_table("licence_credential")
