"""Who owns a conversation, what a person is called at an upstream, who became whom, one secret."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Name = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("org", Name, primary_key=True),
        sa.Column("upstream", Name, primary_key=True),
        sa.Column("conversation", Name, primary_key=True),
        sa.Column("subject", Name, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "users",
        sa.Column("org", Name, primary_key=True),
        sa.Column("upstream", Name, primary_key=True),
        sa.Column("subject", Name, primary_key=True),
        sa.Column("user_id", Name, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("org", "upstream", "user_id", name="one_person_a_user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "aliases",
        sa.Column("org", Name, primary_key=True),
        sa.Column("subject", Name, primary_key=True),
        sa.Column("becomes", Name, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "secrets",
        sa.Column("name", Name, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
