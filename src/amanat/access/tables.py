"""Who may act, how they sign in, what they propose, and what became of each request."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

institution = sql.Table(
    "institution",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("number", sql.Integer, nullable=False, comment="on the chain; 0 where it has none"),
    sql.Column("name", sql.String(200), nullable=False),
    sql.Column("capacities", sql.JSON, nullable=False, comment="sorted list of words"),
)

person = sql.Table(
    "person",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("role", sql.String(16), nullable=False),
    sql.Column("name", sql.String(200), nullable=False),
    sql.Column("address", sql.String(42), comment="of the key with which they sign, small letters"),
    sql.Column("active", sql.Boolean, nullable=False, default=True),
    sql.ForeignKeyConstraint(
        ["programme", "institution"], ["institution.programme", "institution.code"]
    ),
    sql.UniqueConstraint("programme", "address"),
)

access_token = sql.Table(
    "access_token",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column(
        "hash", sql.String(64), nullable=False, unique=True, comment="of the token, SHA-256"
    ),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("label", sql.String(80), nullable=False, comment="where it is used, for its owner"),
    sql.Column("scopes", sql.JSON, comment="sorted list; null serves whatever the person may"),
    sql.Column("issued_at", sql.String(32), nullable=False),
    sql.Column("expires_at", sql.String(32), nullable=False),
    sql.Column("last_used_at", sql.String(32), comment="to the minute"),
    sql.Column("successor", sql.String(36), comment="the token that takes its place"),
    sql.Column("revoked_at", sql.String(32)),
    sql.ForeignKeyConstraint(["programme", "person"], ["person.programme", "person.code"]),
    sql.Index(None, "programme", "person"),
)

session = sql.Table(
    "session",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("hash", sql.String(64), nullable=False, unique=True, comment="of the cookie"),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("means", sql.String(16), nullable=False, comment="token, passkey, openid"),
    sql.Column("token", sql.String(36), comment="the token it was begun with: ends with it"),
    sql.Column("scopes", sql.JSON, comment="of that token"),
    sql.Column("browser", sql.String(120), nullable=False, comment="as it names itself"),
    sql.Column("started_at", sql.String(32), nullable=False),
    sql.Column("seen_at", sql.String(32), nullable=False, comment="to the minute"),
    sql.Column("fresh_at", sql.String(32), nullable=False, comment="when they last proved it"),
    sql.Column("ends_at", sql.String(32), nullable=False, comment="whatever they do"),
    sql.Column("ended_at", sql.String(32)),
    sql.ForeignKeyConstraint(["programme", "person"], ["person.programme", "person.code"]),
    sql.Index(None, "programme", "person"),
)

passkey = sql.Table(
    "passkey",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("credential", sql.String(1400), nullable=False, unique=True, comment="base64url"),
    sql.Column("public_key", sql.LargeBinary, nullable=False, comment="COSE"),
    sql.Column("sign_count", sql.BigInteger, nullable=False, comment="0 where it keeps none"),
    sql.Column("user_handle", sql.String(88), nullable=False, comment="base64url; says nothing"),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("label", sql.String(80), nullable=False),
    sql.Column("registered_at", sql.String(32), nullable=False),
    sql.Column("last_used_at", sql.String(32)),
    sql.Column("removed_at", sql.String(32)),
    sql.ForeignKeyConstraint(["programme", "person"], ["person.programme", "person.code"]),
    sql.Index(None, "programme", "person"),
)

invitation = sql.Table(
    "invitation",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("hash", sql.String(64), nullable=False, unique=True, comment="of the link"),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("invited_at", sql.String(32), nullable=False),
    sql.Column("expires_at", sql.String(32), nullable=False),
    sql.Column("used_at", sql.String(32), comment="or withdrawn"),
    sql.ForeignKeyConstraint(["programme", "person"], ["person.programme", "person.code"]),
)

ceremony = sql.Table(
    "ceremony",
    metadata,
    sql.Column("hash", sql.String(64), primary_key=True, comment="SHA-256 of what the browser has"),
    sql.Column("purpose", sql.String(24), nullable=False),
    sql.Column("content", sql.JSON, nullable=False, comment="challenge, and whom it is for"),
    sql.Column("expires_at", sql.String(32), nullable=False, index=True),
)

identity = sql.Table(
    "identity",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("person", sql.String(64), primary_key=True),
    sql.Column("issuer", sql.String(200), primary_key=True, comment="OpenID provider"),
    sql.Column("subject", sql.String(200), nullable=False, comment="what its claim must say"),
    sql.Column("linked_at", sql.String(32), nullable=False),
    sql.ForeignKeyConstraint(["programme", "person"], ["person.programme", "person.code"]),
    sql.UniqueConstraint("programme", "issuer", "subject"),
)

lockout = sql.Table(
    "lockout",
    metadata,
    sql.Column("subject", sql.String(160), primary_key=True, comment="address:… or person:…"),
    sql.Column("failures", sql.Integer, nullable=False, comment="since the last lock"),
    sql.Column("failed_at", sql.String(32), nullable=False),
    sql.Column("locks", sql.Integer, nullable=False, comment="in a row: the time doubles"),
    sql.Column("locked_until", sql.String(32)),
)

proposal = sql.Table(
    "proposal",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("act", sql.String(64), nullable=False),
    sql.Column("command", sql.LargeBinary, nullable=False, comment="canonical bytes"),
    sql.Column("memo", sql.LargeBinary, nullable=False, comment="what the act fixed beforehand"),
    sql.Column("digest", sql.String(64), nullable=False, comment="what the approvers approve"),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("subject", sql.String(120)),
    sql.Column("proposed_at", sql.String(32), nullable=False),
    sql.Column("expires_at", sql.String(32), nullable=False),
    sql.Column("state", sql.String(12), nullable=False, comment="open, carried_out, withdrawn"),
    sql.Column("entry", sql.String(36), nullable=False, comment="journal entry ActProposed"),
    sql.Column("effects", sql.JSON, comment="what it would do when it was proposed"),
    sql.Column("result", sql.LargeBinary),
    sql.Index(None, "programme", "state"),
)

requirement = sql.Table(
    "proposal_requirement",
    metadata,
    sql.Column("proposal", sql.ForeignKey("proposal.id"), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("capacity", sql.String(64), nullable=False),
    sql.Column("signs", sql.String(64), comment="digest to sign for the chain, hexadecimal"),
    sql.Column("key", sql.String(42), comment="account that must sign; else the person's own key"),
    sql.Column("shows", sql.JSON, comment="the typed data behind the digest"),
    sql.Column("proposer_counts", sql.Boolean, nullable=False, comment="the proposer may meet it"),
    sql.Column("along", sql.Integer, comment="position whose signer signs this too"),
    sql.Column("person", sql.String(64), comment="who met it"),
    sql.Column("address", sql.String(42)),
    sql.Column("signature", sql.String(132)),
    sql.Column("met_at", sql.String(32)),
)

signing_key = sql.Table(
    "signing_key",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True, comment="empty: the installation"),
    sql.Column("address", sql.String(42), primary_key=True, comment="small letters"),
    sql.Column("institution", sql.String(64), nullable=False, comment="the owner"),
    sql.Column("holder", sql.String(64), nullable=False, comment="person, or a sending key's name"),
    sql.Column("purpose", sql.String(24), nullable=False, comment="approve, send, send.SENDER"),
    sql.Column("place", sql.String(80), nullable=False, comment="keystore, device, elsewhere"),
    sql.Column("state", sql.String(12), nullable=False, comment="standby, in_use, retired, ..."),
    sql.Column("valid_from", sql.String(32), nullable=False),
    sql.Column("expires_at", sql.String(32), nullable=False, comment="signs nothing from then on"),
    sql.Column("ended_at", sql.String(32)),
    sql.Column("last_used_at", sql.String(32)),
    sql.Column("entry", sql.String(36), comment="the journal entry that entered it"),
    sql.Index(None, "state", "expires_at"),
)

idempotency = sql.Table(
    "idempotency",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("institution", sql.String(64), primary_key=True),
    sql.Column("key", sql.String(120), primary_key=True),
    sql.Column("request", sql.String(64), nullable=False, comment="digest of the command"),
    sql.Column("outcome", sql.LargeBinary, nullable=False, comment="canonical bytes"),
)
