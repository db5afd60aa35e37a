"""Old visitors and old deliveries by an index: upkeep read all people, and all that waits."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    are_visitors = sa.text("subject >= 'anon_' AND subject < 'anon_{'")
    op.create_index(
        "visitors_by_time",
        "users",
        ["first_seen", "org", "upstream", "subject"],
        sqlite_where=are_visitors,
        postgresql_where=are_visitors,
    )
    op.drop_index("deliveries_that_died", "deliveries")
    op.create_index("deliveries_by_time", "deliveries", ["died_at", "since"])
