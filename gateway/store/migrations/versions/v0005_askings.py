"""What was asked under a name of the client's, so that nothing is asked twice."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Name = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "askings",
        sa.Column("name", sa.LargeBinary, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("request_id", Name, nullable=False),
        sa.Column("conversation", Name, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("askings_by_time", "askings", ["asked_at"])
