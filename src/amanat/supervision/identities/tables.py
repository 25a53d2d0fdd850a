"""The vault of identities: who is behind a pseudonym, field by field encrypted; who opened it.

Nothing here is joined to transactions but by pseudonym.  Rows are only added: what an exchange says
of a person later stands beside what it said before.
"""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

person = sql.Table(
    "identity_person",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("person", sql.BigInteger, primary_key=True, comment="pseudonym, 63 bits"),
    sql.Column("kind", sql.String(8), nullable=False, comment="natural or legal"),
    sql.Column("mark", sql.LargeBinary, nullable=False, comment="128 bits more of the same MAC"),
    sql.Column("first_return", sql.String(36), nullable=False),
)

record = sql.Table(
    "identity_record",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("person", sql.BigInteger, primary_key=True),
    sql.Column("exchange", sql.String(64), primary_key=True),
    sql.Column("fingerprint", sql.String(32), primary_key=True, comment="keyed, of what is sealed"),
    sql.Column(
        "return_id", sql.String(36), nullable=False, comment="the return that said it first"
    ),
    sql.Column("reference", sql.LargeBinary, nullable=False, comment="sealed: the exchange's own"),
    sql.Column("name", sql.LargeBinary, nullable=False, comment="sealed"),
    sql.Column("name_latin", sql.LargeBinary, comment="sealed"),
    sql.Column("father_name", sql.LargeBinary, comment="sealed"),
    sql.Column("born", sql.LargeBinary, comment="sealed"),
    sql.Column(
        "document", sql.LargeBinary, nullable=False, comment="sealed: type, country, number"
    ),
    sql.Column("contact", sql.LargeBinary, comment="sealed: telephone, mail, address, district"),
    sql.Column("nationality", sql.String(2)),
    sql.Column("residence", sql.String(2)),
    sql.Column("exposed", sql.Boolean, nullable=False, comment="politically exposed, as reported"),
    sql.Index(None, "programme", "return_id"),
)

account = sql.Table(
    "identity_account",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("account", sql.BigInteger, primary_key=True, comment="pseudonym, 63 bits"),
    sql.Column("person", sql.BigInteger, primary_key=True, comment="who holds or held it"),
    sql.Column("exchange", sql.String(64), nullable=False),
    sql.Column("number", sql.LargeBinary, nullable=False, comment="sealed"),
    sql.Column("opened", sql.String(10), nullable=False),
    sql.Column("first_return", sql.String(36), nullable=False),
    sql.Index(None, "programme", "person"),
)

owner = sql.Table(
    "identity_owner",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("person", sql.BigInteger, primary_key=True, comment="the legal person"),
    sql.Column("owner", sql.BigInteger, primary_key=True, comment="its beneficial owner"),
    sql.Column("exchange", sql.String(64), primary_key=True),
    sql.Column("first_return", sql.String(36), nullable=False),
    sql.Index(None, "programme", "owner"),
)

opening = sql.Table(
    "identity_opening",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("person", sql.BigInteger, nullable=False),
    sql.Column("case_number", sql.String(40), nullable=False),
    sql.Column("reason", sql.String(400), nullable=False),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("opened_by", sql.String(64), nullable=False),
    sql.Column("role", sql.String(16), nullable=False),
    sql.Column("opened_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.Index(None, "programme", "person"),
)
