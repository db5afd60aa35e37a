"""Who was erased, and when; who spoke for somebody, in usage as in audit; a person's events."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Name = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("org", Name, primary_key=True),
        sa.Column("name", Name, primary_key=True),
        sa.Column("becomes", Name, nullable=False),
        sa.Column("erased_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("usage", sa.Column("actor", Name, nullable=False, server_default=sa.text("''")))
    acted = sa.text("actor <> ''")
    op.create_index(
        "usage_of_an_actor", "usage", ["org", "actor"], sqlite_where=acted, postgresql_where=acted
    )
    acted = sa.text("actor IS NOT NULL")
    op.create_index(
        "audit_of_an_actor", "audit", ["org", "actor"], sqlite_where=acted, postgresql_where=acted
    )
    named = sa.text("subject IS NOT NULL")
    op.create_index(
        "events_of_a_person",
        "events",
        ["org", "subject"],
        sqlite_where=named,
        postgresql_where=named,
    )
