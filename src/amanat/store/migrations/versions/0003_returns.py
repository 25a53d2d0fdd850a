"""Supervision: returns, their manifest, and the vault of identities."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "identity_account",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False, comment="pseudonym, 63 bits"),
        sa.Column("person", sa.BigInteger(), nullable=False, comment="who holds or held it"),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False, comment="sealed"),
        sa.Column("opened", sa.String(length=10), nullable=False),
        sa.Column("first_return", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "account", "person", name=op.f("pk_identity_account")),
    )
    op.create_index(
        op.f("ix_identity_account_programme_person"),
        "identity_account",
        ["programme", "person"],
        unique=False,
    )
    op.create_table(
        "identity_opening",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("case_number", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_opening")),
    )
    op.create_index(
        op.f("ix_identity_opening_programme_person"),
        "identity_opening",
        ["programme", "person"],
        unique=False,
    )
    op.create_table(
        "identity_owner",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False, comment="the legal person"),
        sa.Column("owner", sa.BigInteger(), nullable=False, comment="its beneficial owner"),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column("first_return", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme", "person", "owner", "exchange", name=op.f("pk_identity_owner")
        ),
    )
    op.create_index(
        op.f("ix_identity_owner_programme_owner"),
        "identity_owner",
        ["programme", "owner"],
        unique=False,
    )
    op.create_table(
        "identity_person",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False, comment="pseudonym, 63 bits"),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="natural or legal"),
        sa.Column(
            "mark", sa.LargeBinary(), nullable=False, comment="128 bits more of the same MAC"
        ),
        sa.Column("first_return", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("programme", "person", name=op.f("pk_identity_person")),
    )
    op.create_table(
        "identity_record",
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column(
            "fingerprint", sa.String(length=32), nullable=False, comment="keyed, of what is sealed"
        ),
        sa.Column(
            "return_id",
            sa.String(length=36),
            nullable=False,
            comment="the return that said it first",
        ),
        sa.Column(
            "reference", sa.LargeBinary(), nullable=False, comment="sealed: the exchange's own"
        ),
        sa.Column("name", sa.LargeBinary(), nullable=False, comment="sealed"),
        sa.Column("name_latin", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column("father_name", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column("born", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column(
            "document", sa.LargeBinary(), nullable=False, comment="sealed: type, country, number"
        ),
        sa.Column(
            "contact",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed: telephone, mail, address, district",
        ),
        sa.Column("nationality", sa.String(length=2), nullable=True),
        sa.Column("residence", sa.String(length=2), nullable=True),
        sa.Column(
            "exposed", sa.Boolean(), nullable=False, comment="politically exposed, as reported"
        ),
        sa.PrimaryKeyConstraint(
            "programme", "person", "exchange", "fingerprint", name=op.f("pk_identity_record")
        ),
    )
    op.create_index(
        op.f("ix_identity_record_programme_return_id"),
        "identity_record",
        ["programme", "return_id"],
        unique=False,
    )
    op.create_table(
        "supervision_manifest",
        sa.Column("id", sa.String(length=36), nullable=False, comment="of the return"),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="SHA-256 of its manifest"
        ),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="dense per exchange, from 1"),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="of the stored file"),
        sa.Column(
            "id_sum", sa.String(length=40), nullable=False, comment="of its ids, modulo 2^128"
        ),
        sa.Column(
            "path", sa.String(length=200), nullable=False, comment="under the folder of supervision"
        ),
        sa.Column(
            "scope",
            sa.String(length=8),
            nullable=False,
            comment="period, or a correction: whole, rows",
        ),
        sa.Column(
            "supersedes", sa.String(length=36), nullable=True, comment="the return that it corrects"
        ),
        sa.Column("superseded_by", sa.String(length=36), nullable=True),
        sa.Column("received_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("received", sa.JSON(), nullable=False, comment="rows of each record as received"),
        sa.Column("quality", sa.JSON(), nullable=False, comment="parts of its score"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_manifest")),
        sa.UniqueConstraint(
            "programme",
            "exchange",
            "digest",
            name=op.f("uq_supervision_manifest_programme_exchange_digest"),
        ),
        sa.UniqueConstraint(
            "programme",
            "exchange",
            "sequence",
            name=op.f("uq_supervision_manifest_programme_exchange_sequence"),
        ),
    )
    op.create_index(
        op.f("ix_supervision_manifest_programme_last_day"),
        "supervision_manifest",
        ["programme", "last_day"],
        unique=False,
    )
    op.create_table(
        "supervision_refused_return",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=True,
            comment="of its manifest, where that could be read",
        ),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False, comment="how many there were"),
        sa.Column(
            "shown", sa.JSON(), nullable=False, comment="the first ones, none with a person's data"
        ),
        sa.Column("by_rule", sa.JSON(), nullable=False, comment="how many of each rule"),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_refused_return")),
    )
    op.create_index(
        op.f("ix_supervision_refused_return_programme_exchange"),
        "supervision_refused_return",
        ["programme", "exchange"],
        unique=False,
    )


def downgrade() -> None:

    op.drop_index(
        op.f("ix_supervision_refused_return_programme_exchange"),
        table_name="supervision_refused_return",
    )
    op.drop_table("supervision_refused_return")
    op.drop_index(
        op.f("ix_supervision_manifest_programme_last_day"), table_name="supervision_manifest"
    )
    op.drop_table("supervision_manifest")
    op.drop_index(op.f("ix_identity_record_programme_return_id"), table_name="identity_record")
    op.drop_table("identity_record")
    op.drop_table("identity_person")
    op.drop_index(op.f("ix_identity_owner_programme_owner"), table_name="identity_owner")
    op.drop_table("identity_owner")
    op.drop_index(op.f("ix_identity_opening_programme_person"), table_name="identity_opening")
    op.drop_table("identity_opening")
    op.drop_index(op.f("ix_identity_account_programme_person"), table_name="identity_account")
    op.drop_table("identity_account")
