"""What vendors keep of people: a digest of it, and what the company's own service said."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Name = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("org", Name, primary_key=True),
        sa.Column("upstream", Name, primary_key=True),
        sa.Column("subject", Name, primary_key=True),
        sa.Column("sent", sa.LargeBinary),
        sa.Column("pushed", Name),
        sa.Column("owed", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_index("contacts_owed", "contacts", ["owed"])
