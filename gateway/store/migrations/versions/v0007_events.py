"""What vendors told of, and what of it is still to be delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Name = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("number", Number, primary_key=True),
        sa.Column("id", Name, nullable=False, unique=True),
        sa.Column("org", Name, nullable=False),
        sa.Column("upstream", Name, nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("subject", Name),
        sa.Column("user_id", Name),
        sa.Column("conversation", Name),
        sa.Column("body", sa.LargeBinary),
        sa.UniqueConstraint("org", "upstream", "source", name="one_event_a_source"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_time", "events", ["at"])
    op.create_table(
        "deliveries",
        sa.Column("lane", Name, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("target", Name, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("reason", Name, nullable=False),
        sa.Column("died_at", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("deliveries_of_an_event", "deliveries", ["number"])
    op.create_index("deliveries_that_died", "deliveries", ["died_at"])
    op.create_table(
        "lanes",
        sa.Column("lane", Name, primary_key=True),
        sa.Column("target", Name, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("holder", Name, nullable=False),
        sa.Column("held_until", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("lanes_by_time", "lanes", ["due"])
