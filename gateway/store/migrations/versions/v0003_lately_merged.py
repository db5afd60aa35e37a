"""Who has lately become another, and who has become one person, by an index."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("aliases_of_one", "aliases", ["org", "becomes"])
    op.create_index("aliases_by_time", "aliases", ["made_at"])
