"""What the public says and may know: complaints, declarations, agreements, interests, rulebooks."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.licensing.columns import authorship, of_provider, programme_column, row_column
from amanat.store.tables import metadata

public_letter = sql.Table(
    "licensing_public_letter",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("kind", sql.String(24), nullable=False, comment="complaint or comment"),
    sql.Column("visitor", sql.String(160), nullable=False, comment="network it came from; a day"),
    sql.Column("at", sql.String(32), nullable=False, comment="UTC"),
    sql.Index(None, "visitor", "at"),
    sql.Index(None, "at"),
)

complaint = sql.Table(
    "licensing_complaint",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("number", sql.String(24), nullable=False, comment="for people: CMP-2026-0001"),
    sql.Column("provider", sql.String(64), comment="null: none that is on the register"),
    sql.Column("about", sql.String(200), nullable=False, comment="whom, as it was written"),
    sql.Column("topic", sql.String(24), nullable=False),
    sql.Column("text", sql.Text, nullable=False, comment="for the authority; never published"),
    sql.Column("remedy", sql.Text, comment="what the complainant asks for"),
    sql.Column("happened_on", sql.String(10)),
    sql.Column("channel", sql.String(12), nullable=False, comment="page, api, letter"),
    sql.Column("contact", sql.Boolean, nullable=False, comment="sealed with the entry"),
    sql.Column("may_name", sql.Boolean, nullable=False, comment="the provider may learn who"),
    sql.Column("secret", sql.String(64), comment="SHA-256 of what opens its state to who wrote it"),
    sql.Column("key", sql.String(64), comment="of the form, so that it is taken once"),
    sql.Column("stage", sql.String(24), nullable=False),
    sql.Column("forwarded_on", sql.String(10)),
    sql.Column("answer", sql.Text, comment="of the provider"),
    sql.Column("outcome", sql.String(24)),
    sql.Column("findings", sql.Text, comment="what the authority tells the complainant"),
    sql.Column("closed_on", sql.String(10)),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.UniqueConstraint("programme", "key"),
    sql.Index(None, "programme", "stage"),
    sql.Index(None, "programme", "provider"),
)

complaint_step = sql.Table(
    "licensing_complaint_step",
    metadata,
    row_column("later ones sort after earlier"),
    programme_column(),
    sql.Column("complaint", sql.String(36), nullable=False),
    sql.Column("act", sql.String(64), nullable=False),
    sql.Column("outcome", sql.String(24), nullable=False),
    sql.Column("from_stage", sql.String(24), nullable=False),
    sql.Column("to_stage", sql.String(24), nullable=False),
    sql.Column("section", sql.String(64), nullable=False, comment="of the pack"),
    sql.Column("law", sql.String(200), nullable=False, comment="as cited on the day"),
    sql.Column("note", sql.Text),
    *authorship(),
    sql.Index(None, "complaint"),
)

client_assets = sql.Table(
    "licensing_client_assets",
    metadata,
    row_column("the last one of a day counts"),
    programme_column(),
    of_provider(),
    sql.Column("duty", sql.String(40), nullable=False, comment="obligation of the pack"),
    sql.Column("as_of", sql.String(10), nullable=False),
    sql.Column("period_end", sql.String(10), comment="of the duty that it meets; null: of none"),
    sql.Column("due_on", sql.String(10)),
    sql.Column("late", sql.Boolean, nullable=False),
    sql.Column("holdings", sql.JSON, nullable=False, comment="by asset: owed, held, where"),
    sql.Column("covered", sql.Boolean, nullable=False, comment="of each as much as is owed"),
    sql.Column("auditor", sql.String(200)),
    sql.Column("document", sql.String(64), comment="SHA-256 of the statement"),
    *authorship(),
    sql.Index(None, "programme", "provider", "duty"),
)

selection = sql.Table(
    "licensing_selection",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("number", sql.String(24), nullable=False, comment="for people: SEL-2025-0001"),
    sql.Column("title", sql.String(400), nullable=False),
    sql.Column("criteria", sql.Text, nullable=False, comment="published on recorded_on"),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
)

agreement = sql.Table(
    "licensing_agreement",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("number", sql.String(24), nullable=False, comment="for people: AGR-2025-0001"),
    sql.Column("kind", sql.String(24), nullable=False),
    sql.Column("title", sql.String(400), nullable=False),
    sql.Column("binding", sql.Boolean, nullable=False),
    sql.Column("advises", sql.Boolean, nullable=False, comment="a party advises the programme"),
    sql.Column("scope", sql.Text, nullable=False),
    sql.Column("signed_on", sql.String(10), nullable=False),
    sql.Column("first_day", sql.String(10), nullable=False),
    sql.Column("last_day", sql.String(10), comment="null: open-ended"),
    sql.Column("deliverables", sql.JSON, nullable=False),
    sql.Column("amount", sql.BigInteger, comment="minor units; null: no money moves"),
    sql.Column("currency", sql.String(3)),
    sql.Column("text", sql.Text, comment="whole, where it is public"),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the signed text"),
    sql.Column("selection", sql.String(24), comment="by whose criteria the party was chosen"),
    sql.Column("no_selection", sql.Text, comment="why nobody else was asked"),
    sql.Column("invited", sql.JSON, nullable=False, comment="who else, and why not chosen"),
    sql.Column("ended_on", sql.String(10)),
    sql.Column("ended_entry", sql.String(36)),
    sql.Column("end_reason", sql.Text),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
)

agreement_party = sql.Table(
    "licensing_agreement_party",
    metadata,
    sql.Column("agreement", sql.String(36), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True),
    programme_column(),
    sql.Column("name", sql.String(400), nullable=False, comment="as in the agreement"),
    sql.Column("party", sql.String(64), comment="its institution here; null: known by its name"),
    sql.Index(None, "programme", "party"),
)

interest = sql.Table(
    "licensing_interest",
    metadata,
    sql.Column("recusal", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("nature", sql.String(24), nullable=False),
    sql.Column("of_institution", sql.String(64), nullable=False, comment="of whom is recused"),
    sql.Column("own_word", sql.Boolean, nullable=False, comment="declared by who is recused"),
    sql.Column("ended_entry", sql.String(36)),
    sql.Column("end_reason", sql.Text),
)

rulebook_version = sql.Table(
    "licensing_rulebook_version",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("rulebook", sql.String(64), nullable=False),
    sql.Column("version", sql.Integer, nullable=False, comment="dense, from 1"),
    sql.Column("title", sql.String(400), nullable=False),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the text"),
    sql.Column("state", sql.String(24), nullable=False),
    sql.Column("consulted_from", sql.String(10)),
    sql.Column("consulted_until", sql.String(10), comment="last day for comments"),
    sql.Column("in_force_from", sql.String(10)),
    sql.Column("summary", sql.Text, comment="what the comments changed"),
    *authorship(),
    sql.UniqueConstraint("programme", "rulebook", "version"),
)

rulebook_comment = sql.Table(
    "licensing_rulebook_comment",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("version", sql.String(36), nullable=False),
    sql.Column("number", sql.Integer, nullable=False, comment="of the version, from 1"),
    sql.Column("name", sql.String(200), nullable=False, comment="as it is published"),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("key", sql.String(64), comment="of the form, so that it is taken once"),
    sql.Column("answer", sql.Text),
    sql.Column("accepted", sql.Boolean, comment="the text changes with it"),
    sql.Column("answered_on", sql.String(10)),
    sql.Column("answer_entry", sql.String(36)),
    *authorship(),
    sql.UniqueConstraint("version", "number"),
    sql.UniqueConstraint("programme", "key"),
)
