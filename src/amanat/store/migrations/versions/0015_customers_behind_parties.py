"""Screening: who of licensing's people is which customer, by the same document."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
TABLES = ("screening_hit", "screening_freeze")


def upgrade() -> None:
    for name in TABLES:
        column = sa.Column(
            "customer",
            sa.BigInteger(),
            nullable=True,
            comment="of licensing's people: their pseudonym as customers",
        )
        op.add_column(name, column)
        op.create_index(f"ix_{name}_programme_customer", name, ["programme", "customer"])


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_index(f"ix_{name}_programme_customer", name)
        with op.batch_alter_table(name) as table:
            table.drop_column("customer")
