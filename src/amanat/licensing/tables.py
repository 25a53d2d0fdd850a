"""Providers, their files with all that happens to them, what was granted, and what became of it.

History is rows: a step, a review, a change of a permission is added and never written over.  What
stands on a row beside it (the stage of a file, a question's answer) follows from these.
"""

from __future__ import annotations

import sqlalchemy as sql

from amanat.licensing.columns import (
    answer_columns,
    authorship,
    law_columns,
    of_file,
    of_provider,
    programme_column,
    row_column,
)
from amanat.participants.tables import life
from amanat.store.tables import metadata

licensing_pack = sql.Table(
    "licensing_pack",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("pack", sql.String(16), nullable=False, comment="jurisdiction; without a row: pk"),
    sql.Column("zone", sql.String(64), comment="IANA: where a last day ends; null: UTC"),
    sql.Column("adopted_at", sql.String(32), nullable=False),
)

provider = sql.Table(
    "provider",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True, comment="of its institution"),
    sql.Column("number", sql.Integer, nullable=False, comment="on the register, from 1"),
    sql.Column("country", sql.String(2), nullable=False, comment="ISO 3166-1 alpha-2, of the head"),
    sql.Column("lei", sql.String(20)),
    sql.Column("website", sql.String(200)),
    sql.Column("status", sql.String(24), nullable=False, comment="as the last change left it"),
    sql.Column("status_until", sql.String(10), comment="last day of what gives the status"),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "status", "number"),
)

sign_up = sql.Table(
    "licensing_sign_up",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("visitor", sql.String(160), nullable=False, comment="network it came from"),
    sql.Column("at", sql.String(32), nullable=False),
    sql.Index(None, "visitor", "at"),
    sql.Index(None, "at"),
)

licensing_file = sql.Table(
    "licensing_file",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("number", sql.String(24), nullable=False, comment="for people: NOC-2025-0001"),
    of_provider(),
    sql.Column("kind", sql.String(24), nullable=False),
    sql.Column("stage", sql.String(24), nullable=False, comment="as its last step left it"),
    sql.Column("categories", sql.JSON, nullable=False, comment="services it is about, sorted"),
    sql.Column("permission", sql.String(36), comment="the one that it is about"),
    sql.Column("opened_on", sql.String(10), nullable=False),
    sql.Column("submitted_on", sql.String(10)),
    sql.Column("closed_on", sql.String(10), comment="when it came to a last stage"),
    sql.Column("due_on", sql.String(10), comment="first clock to run out; null: none, or stopped"),
    sql.Column("due_clock", sql.String(24), comment="which clock that is"),
    sql.Column("due_by", sql.String(16), comment="who owes it: authority or applicant"),
    sql.Column("fact_due_on", sql.String(10), comment="first clock of who confirms a fact of it"),
    sql.Column("fact_clock", sql.String(24), comment="which clock that is"),
    sql.Column("officer", sql.String(64), comment="on whose desk it lies; null: on nobody's"),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "id"),
    sql.Index(None, "programme", "kind", "stage"),
    sql.Index(None, "programme", "provider"),
    sql.Index(None, "programme", "opened_on"),
    sql.Index(None, "programme", "due_on"),
    sql.Index(None, "programme", "fact_due_on"),
)

file_step = sql.Table(
    "licensing_file_step",
    metadata,
    row_column("later ones sort after earlier"),
    programme_column(),
    of_file(),
    sql.Column("act", sql.String(64), nullable=False),
    sql.Column("outcome", sql.String(24), nullable=False),
    sql.Column("from_stage", sql.String(24), nullable=False),
    sql.Column("to_stage", sql.String(24), nullable=False),
    sql.Column("section", sql.String(64), nullable=False, comment="of the pack"),
    sql.Column("law", sql.String(200), nullable=False, comment="as cited on the day"),
    sql.Column("rulebook", sql.String(200), comment="versions in force: general/2, custody/1"),
    sql.Column("reason", sql.Text),
    *authorship(),
    sql.Index(None, "file"),
)

file_section = sql.Table(
    "licensing_file_section",
    metadata,
    row_column("the last one of a section counts"),
    programme_column(),
    of_file(),
    sql.Column("form", sql.String(24), nullable=False, comment="A1 ..."),
    sql.Column("section", sql.String(64), nullable=False),
    sql.Column("content", sql.LargeBinary, nullable=False, comment="canonical bytes: field: value"),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the content"),
    sql.Column("complete", sql.Boolean, nullable=False, comment="as the form's own rules say"),
    *authorship(),
    sql.Index(None, "file", "form", "section"),
)

file_document = sql.Table(
    "licensing_file_document",
    metadata,
    row_column(),
    programme_column(),
    of_file(),
    sql.Column("form", sql.String(24)),
    sql.Column("section", sql.String(64)),
    sql.Column("field", sql.String(64)),
    sql.Column("name", sql.String(200), nullable=False, comment="as it was uploaded"),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256, by which it is stored"),
    sql.Column("size", sql.BigInteger, nullable=False, comment="bytes"),
    sql.Column("media_type", sql.String(80), nullable=False, comment="as its content shows"),
    sql.Column("withdrawn_at", sql.String(32)),
    *authorship(),
    sql.Index(None, "file"),
    sql.Index(None, "digest"),
)

file_question = sql.Table(
    "licensing_file_question",
    metadata,
    row_column(),
    programme_column(),
    of_file(),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("form", sql.String(24)),
    sql.Column("section", sql.String(64)),
    *authorship(),
    *answer_columns(),
    sql.Index(None, "file"),
)

file_review = sql.Table(
    "licensing_file_review",
    metadata,
    row_column("the last one of an area counts"),
    programme_column(),
    of_file(),
    sql.Column("area", sql.String(40), nullable=False),
    sql.Column("scores", sql.JSON, nullable=False, comment="by item: score 0..5, note, evidence"),
    sql.Column(
        "percent", sql.Integer, nullable=False, comment="of the weighted most, rounded down"
    ),
    sql.Column("passed", sql.Boolean, nullable=False),
    sql.Column("rationale", sql.Text, nullable=False),
    *authorship(),
    sql.Index(None, "file"),
)

consultation = sql.Table(
    "licensing_consultation",
    metadata,
    row_column(),
    programme_column(),
    of_file(),
    sql.Column("stakeholder", sql.String(40), nullable=False),
    sql.Column("consulted", sql.String(64), nullable=False, comment="institution that is asked"),
    sql.Column("question", sql.Text, nullable=False),
    sql.Column("days", sql.Integer, nullable=False, comment="working days to answer"),
    *authorship(),
    sql.Column("position", sql.String(24)),
    *answer_columns(),
    sql.Index(None, "file"),
    sql.Index(None, "programme", "id"),
    sql.Index(None, "programme", "consulted", "answered_at"),
    sql.Index(None, "programme", "answered_at", "id"),
)

recommendation = sql.Table(
    "licensing_recommendation",
    metadata,
    row_column("the last one counts"),
    programme_column(),
    of_file(),
    sql.Column("outcome", sql.String(12), nullable=False),
    sql.Column("conditions", sql.JSON, nullable=False, comment="codes of the pack, or texts"),
    sql.Column("rationale", sql.Text, nullable=False),
    *authorship(),
    sql.Index(None, "file"),
)

decision = sql.Table(
    "licensing_decision",
    metadata,
    row_column(),
    programme_column(),
    of_file(),
    of_provider(),
    sql.Column("outcome", sql.String(12), nullable=False),
    *law_columns(),
    sql.Column("reasons", sql.Text, nullable=False, comment="published"),
    sql.Column("criteria", sql.Text, comment="published: by what it was judged"),
    sql.Column("conflicts", sql.Text, comment="published: interests declared, or none"),
    sql.Column("applicants", sql.Integer, nullable=False, comment="files of the kind by that day"),
    sql.Column("conditions", sql.JSON, nullable=False),
    sql.Column("appeal_until", sql.String(10)),
    sql.Column("recommended_by", sql.String(64)),
    sql.Column("approved_by", sql.String(64), nullable=False),
    *authorship(),
    sql.Index(None, "file"),
    sql.Index(None, "programme", "id"),
    sql.Index(None, "programme", "provider"),
)

confirmation = sql.Table(
    "licensing_confirmation",
    metadata,
    row_column("the last one of a fact counts"),
    programme_column(),
    of_provider(),
    sql.Column("fact", sql.String(40), nullable=False),
    sql.Column("holds", sql.Boolean, nullable=False, comment="false takes it back"),
    sql.Column("category", sql.String(40), nullable=False, comment="empty where it is of none"),
    sql.Column("entity", sql.String(16), comment="foreign or local"),
    sql.Column("entity_name", sql.String(200)),
    sql.Column("reference", sql.String(120), nullable=False, comment="of who confirms"),
    sql.Column("amount", sql.BigInteger, comment="minor units of the category's currency"),
    sql.Column("valid_from", sql.String(10), nullable=False),
    sql.Column("valid_until", sql.String(10)),
    sql.Column("approved_by", sql.String(64), nullable=False),
    sql.Column("signature", sql.String(132), nullable=False, comment="over the proposal's digest"),
    *authorship(),
    sql.Index(None, "programme", "provider", "fact"),
)

reporting_entity = sql.Table(
    "licensing_reporting_entity",
    metadata,
    row_column(),
    programme_column(),
    of_provider(),
    sql.Column("entity", sql.String(16), nullable=False, comment="foreign or local"),
    sql.Column("entity_name", sql.String(200), nullable=False),
    sql.Column("registration", sql.String(64), nullable=False, comment="number on goAML"),
    sql.Column("first_day", sql.String(10), nullable=False, comment="it reports from this day"),
    *authorship(),
    sql.UniqueConstraint("programme", "provider", "first_day"),
)

permission = sql.Table(
    "licensing_permission",
    metadata,
    row_column(),
    programme_column(),
    of_provider(),
    sql.Column("kind", sql.String(24), nullable=False, comment="noc, aml_registration, licence"),
    sql.Column("number", sql.String(32), nullable=False, comment="for people"),
    sql.Column("categories", sql.JSON, nullable=False, comment="of a licence exactly one"),
    sql.Column("file", sql.String(36)),
    sql.Column("decision", sql.String(36)),
    *law_columns(),
    sql.Column("first_day", sql.String(10), nullable=False, comment="business date of the grant"),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "provider"),
    sql.Index(None, "programme", "first_day", "provider", "id"),
)

permission_change = sql.Table(
    "licensing_permission_change",
    metadata,
    row_column("later ones sort after earlier"),
    programme_column(),
    of_provider(),
    sql.Column("permission", sql.String(36), comment="null: all of the provider's"),
    sql.Column("change", sql.String(16), nullable=False),
    sql.Column("level", sql.String(24), comment="of a suspension"),
    sql.Column("suspension", sql.String(36), comment="file of the suspension that it begins, ends"),
    sql.Column("accounts", sql.String(8), comment="own or client, of a suspension of these alone"),
    sql.Column("expires_on", sql.String(10), comment="last day, of a grant or renewal"),
    sql.Column("file", sql.String(36)),
    *law_columns(),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("effective_at", sql.String(32), comment="UTC; null while the ledger is awaited"),
    sql.Column("effective_on", sql.String(10), comment="business date"),
    *life(),
    sql.Index(None, "programme", "provider"),
    sql.Index(None, "order_id"),
    sql.Index(None, "programme", "effective_on"),
)

condition = sql.Table(
    "licensing_condition",
    metadata,
    row_column(),
    programme_column(),
    of_provider(),
    sql.Column("permission", sql.String(36)),
    sql.Column("file", sql.String(36)),
    sql.Column("code", sql.String(40), comment="template of the pack"),
    sql.Column("text", sql.Text, nullable=False),
    *law_columns(),
    sql.Column("due_on", sql.String(10), comment="null: standing"),
    sql.Column("consequence", sql.String(200)),
    sql.Column("rulebook", sql.String(200), comment="versions in force: general/2, custody/1"),
    sql.Column("met_on", sql.String(10)),
    sql.Column("met_entry", sql.String(36)),
    sql.Column("evidence", sql.Text),
    sql.Column("lifted_on", sql.String(10)),
    sql.Column("lifted_entry", sql.String(36)),
    *authorship(),
    sql.Index(None, "programme", "provider"),
    sql.Index(None, "programme", "due_on"),
)

obligation = sql.Table(
    "licensing_obligation",
    metadata,
    row_column(),
    programme_column(),
    of_provider(),
    sql.Column("code", sql.String(40), nullable=False, comment="template of the pack"),
    sql.Column("period_end", sql.String(10), nullable=False),
    sql.Column("due_on", sql.String(10), nullable=False),
    sql.Column("done_on", sql.String(10)),
    sql.Column("done_entry", sql.String(36)),
    sql.Column("evidence", sql.Text),
    *authorship(),
    sql.UniqueConstraint("programme", "provider", "code", "period_end"),
    sql.Index(None, "programme", "due_on"),
)

direction = sql.Table(
    "licensing_direction",
    metadata,
    row_column(),
    programme_column(),
    of_provider(),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("due_on", sql.String(10)),
    sql.Column("public", sql.Boolean, nullable=False),
    *law_columns(),
    *authorship(),
    sql.Index(None, "programme", "provider"),
)

recusal = sql.Table(
    "licensing_recusal",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("recused", sql.String(64), nullable=False, comment="person"),
    of_provider(),
    sql.Column("reason", sql.String(400), nullable=False),
    sql.Column("ended_on", sql.String(10)),
    *authorship(),
    sql.Index(None, "programme", "provider"),
)
