"""What is remembered, as tables.

rule 1: A row of `conversations` is never deleted and never given to another: an id that a vendor
        uses again stays with the person who opened it first.
rule 2: A name is its own column, and SQLite compares text byte by byte (collation BINARY): no
        delimiter, case or spelling makes two of them one.
rule 3: `org` is the org's external_id, which never changes; `upstream` is the name it has there.

Times are whole seconds since the epoch. This describes the newest form; `migrations` makes it, and
a test holds the two together.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

VERSION_TABLE = "gateway_schema"  # not Alembic's default name, which a host's database may have
HEAD = "0001"  # the newest migration; later ones sort after earlier ones

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("org", Text, primary_key=True),
    Column("upstream", Text, primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("subject", Text, nullable=False),  # who opened it
    Column("opened_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

users = Table(
    "users",
    metadata,
    Column("org", Text, primary_key=True),
    Column("upstream", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, nullable=False),  # the name the upstream knows this person by
    Column("first_seen", BigInteger, nullable=False),
    UniqueConstraint("org", "upstream", "user_id", name="one_person_a_user_id"),
    sqlite_with_rowid=False,
)

aliases = Table(
    "aliases",
    metadata,
    Column("org", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("becomes", Text, nullable=False),  # the subject this one is now; one hop, never two
    Column("made_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
