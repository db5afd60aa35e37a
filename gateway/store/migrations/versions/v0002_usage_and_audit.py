"""One row an exchange; the audit trail and its heads; a person's conversations by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Name = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "usage",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("org", Name, nullable=False),
        sa.Column("subject", Name, nullable=False),
        sa.Column("upstream", Name, nullable=False),
        sa.Column("operation", Name, nullable=False),
        sa.Column("conversation", Name, nullable=False),
        sa.Column("request_id", Name, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("code", Name, nullable=False),
        sa.Column("interrupted", Name, nullable=False),
        sa.Column("bytes_in", sa.BigInteger, nullable=False),
        sa.Column("bytes_out", sa.BigInteger, nullable=False),
        sa.Column("tokens_in", sa.BigInteger, nullable=False),
        sa.Column("tokens_out", sa.BigInteger, nullable=False),
        sa.Column("credits", sa.Float, nullable=False),
        sa.Column("tool_calls", sa.Integer, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sa.Column("first_byte", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("usage_of_a_person", "usage", ["org", "subject", "id"])
    op.create_table(
        "audit",
        sa.Column("org", Name, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("id", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("event", Name, nullable=False),
        sa.Column("code", Name, nullable=False),
        sa.Column("upstream", Name, nullable=False),
        sa.Column("operation", Name, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.Column("subject", Name),
        sa.Column("actor", Name),
        sa.Column("user_id", Name),
        sa.Column("conversation", Name),
        sa.Column("request_id", Name),
        sa.Column("detail", Name),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("personal", sa.LargeBinary, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("audit_of_a_day", "audit", ["day", "org", "number"])
    op.create_index("audit_of_a_person", "audit", ["org", "subject"])
    op.create_table(
        "audit_heads",
        sa.Column("org", Name, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("conversations_of_a_person", "conversations", ["org", "subject"])
