"""What is remembered, as tables.

rule 1: A row of `conversations` is never deleted and never given to another: an id that a vendor
        uses again stays with the person who opened it first.
rule 2: A name is its own column, and text is compared and sorted byte by byte (SQLite's collation
        BINARY, PostgreSQL's "C"): no delimiter, case or spelling makes two of them one.
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
Name = Text(collation="C").with_variant(Text(), "sqlite")  # text that PostgreSQL compares bytewise

conversations = Table(
    "conversations",
    metadata,
    Column("org", Name, primary_key=True),
    Column("upstream", Name, primary_key=True),
    Column("conversation", Name, primary_key=True),
    Column("subject", Name, nullable=False),  # who opened it
    Column("opened_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

users = Table(
    "users",
    metadata,
    Column("org", Name, primary_key=True),
    Column("upstream", Name, primary_key=True),
    Column("subject", Name, primary_key=True),
    Column("user_id", Name, nullable=False),  # the name the upstream knows this person by
    Column("first_seen", BigInteger, nullable=False),
    UniqueConstraint("org", "upstream", "user_id", name="one_person_a_user_id"),
    sqlite_with_rowid=False,
)

aliases = Table(
    "aliases",
    metadata,
    Column("org", Name, primary_key=True),
    Column("subject", Name, primary_key=True),
    Column("becomes", Name, nullable=False),  # the subject this one is now; one hop, never two
    Column("made_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
