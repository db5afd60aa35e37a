"""Whom nothing counts of that is older than a moment: who is blocked, who signed out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Name = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cutoffs",
        sa.Column("kind", Name, primary_key=True),
        sa.Column("scope", Name, primary_key=True),
        sa.Column("name", Name, primary_key=True),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("cutoffs_by_time", "cutoffs", ["made_at"])
