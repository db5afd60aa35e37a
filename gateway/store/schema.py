"""What is remembered, as tables.

rule 1: A row of `conversations` is never deleted and never given to another: an id that a vendor
        uses again stays with the person who opened it first.
rule 2: A name is its own column, and text is compared and sorted byte by byte (SQLite's collation
        BINARY, PostgreSQL's "C"): no delimiter, case or spelling makes two of them one.
rule 3: `org` is the org's external_id, which never changes; `upstream` is the name it has there.

Times are whole seconds since the epoch, in `usage` and `audit` milliseconds. This describes the
newest form; `migrations` makes it, and a test holds the two together.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

VERSION_TABLE = "gateway_schema"  # not Alembic's default name, which a host's database may have
HEAD = "0009"  # the newest migration; later ones sort after earlier ones

metadata = MetaData()
Name = Text(collation="C").with_variant(Text(), "sqlite")  # text that PostgreSQL compares bytewise
# Counted up by the database. Of SQLite's integers only this one is counted so.
Number = BigInteger().with_variant(Integer(), "sqlite")

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

# Whom nothing counts of that is older than a moment; see gateway.store.cutoffs.
cutoffs = Table(
    "cutoffs",
    metadata,
    Column("kind", Name, primary_key=True),
    Column("scope", Name, primary_key=True),  # where the name is one: an org, an issuer
    Column("name", Name, primary_key=True),
    Column("before", BigInteger, nullable=False),  # milliseconds
    Column("made_at", BigInteger, nullable=False),  # milliseconds
    Column("ends_at", BigInteger, nullable=False),  # milliseconds, when the row may go
    sqlite_with_rowid=False,
)

# What was asked under a name of the client's; see gateway.store.askings.
askings = Table(
    "askings",
    metadata,
    Column("name", LargeBinary, primary_key=True),  # digest of who asked whom for what, and the key
    Column("content", LargeBinary, nullable=False),  # digest of what was asked
    Column("request_id", Name, nullable=False),
    Column("conversation", Name, nullable=False),  # "" until its answer is over, or if about none
    Column("asked_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Ids are UUIDv7 of 16 bytes: they sort by time, so the primary key is the index of time as well.
usage = Table(
    "usage",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("time", BigInteger, nullable=False),  # when the exchange ended; the id begins with it
    Column("org", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("upstream", Name, nullable=False),
    Column("operation", Name, nullable=False),
    Column("conversation", Name, nullable=False),  # "" where it was about none
    Column("request_id", Name, nullable=False),
    Column("status", Integer, nullable=False),
    Column("code", Name, nullable=False),  # why the gateway refused or ended it; or ""
    Column("interrupted", Name, nullable=False),  # who ended it early; or ""
    Column("bytes_in", BigInteger, nullable=False),
    Column("bytes_out", BigInteger, nullable=False),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Column("credits", Float, nullable=False),
    Column("tool_calls", Integer, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
    Column("first_byte", BigInteger),  # milliseconds; NULL where none came
    Column("actor", Name, nullable=False, server_default=text("''")),  # who spoke for them; or ""
    Index("usage_of_a_person", "org", "subject", "id"),
    sqlite_with_rowid=False,
)

# Whose names were erased: digests of them, and what stands in their place.
erased = Table(
    "erased",
    metadata,
    Column("org", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("becomes", Name, nullable=False),
    Column("erased_at", BigInteger, nullable=False),  # milliseconds
    sqlite_with_rowid=False,
)

# The audit trail, a chain for each org; see gateway.store.chain.
audit = Table(
    "audit",
    metadata,
    Column("org", Name, primary_key=True),  # "" is the gateway itself
    Column("number", BigInteger, primary_key=True),  # 1, 2, 3, …
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("time", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),  # of the chain: since the epoch, UTC; never falls
    Column("event", Name, nullable=False),
    Column("code", Name, nullable=False),
    Column("upstream", Name, nullable=False),
    Column("operation", Name, nullable=False),
    Column("times", BigInteger, nullable=False),  # how many of the same this row stands for
    # What is about a person goes when the person is erased, and the salt with it.
    Column("subject", Name),
    Column("actor", Name),
    Column("user_id", Name),
    Column("conversation", Name),
    Column("request_id", Name),
    Column("detail", Name),
    Column("salt", LargeBinary),
    Column("personal", LargeBinary, nullable=False),  # a digest of these seven
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("audit_of_a_day", "day", "org", "number"),
    Index("audit_of_a_person", "org", "subject"),
    sqlite_with_rowid=False,
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("org", Name, primary_key=True),
    Column("number", BigInteger, nullable=False),  # of the last row
    Column("day", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("told", Integer, nullable=False),  # the last day whose head was written elsewhere
    sqlite_with_rowid=False,
)

# What vendors told of: a row an event, so that none counts twice; its body until it is delivered.
events = Table(
    "events",
    metadata,
    Column("number", Number, primary_key=True),  # later ones of one conversation have greater ones
    Column("id", Name, nullable=False, unique=True),
    Column("org", Name, nullable=False),
    Column("upstream", Name, nullable=False),
    Column("source", Name, nullable=False),  # what the vendor knows it by
    Column("kind", Name, nullable=False),
    Column("at", BigInteger, nullable=False),  # milliseconds
    Column("subject", Name),
    Column("user_id", Name),
    Column("conversation", Name),
    Column("body", LargeBinary),
    UniqueConstraint("org", "upstream", "source", name="one_event_a_source"),
    Index("events_by_time", "at"),
    sqlite_autoincrement=True,
)

# What is still to be delivered, to one receiver each; what was delivered is gone.
deliveries = Table(
    "deliveries",
    metadata,
    Column("lane", Name, primary_key=True),
    Column("number", BigInteger, primary_key=True),  # of the event
    Column("target", Name, nullable=False),
    Column("since", BigInteger, nullable=False),  # milliseconds
    Column("tries", Integer, nullable=False),
    Column("status", Integer, nullable=False),  # of the last answer; 0 where none came
    Column("reason", Name, nullable=False),
    Column("died_at", BigInteger),  # milliseconds: from then on nobody tries
    Index("deliveries_of_an_event", "number"),
    Index("deliveries_by_time", "died_at", "since"),
    sqlite_with_rowid=False,
)

# What goes to one receiver in one order: the deliveries of one conversation, one process at a time.
lanes = Table(
    "lanes",
    metadata,
    Column("lane", Name, primary_key=True),
    Column("target", Name, nullable=False),
    Column("due", BigInteger, nullable=False),  # milliseconds, as the database's clock has it
    Column("holder", Name, nullable=False),  # the process; ""
    Column("held_until", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),  # grows when a delivery comes
    Index("lanes_by_time", "due"),
    sqlite_with_rowid=False,
)

# What vendors keep of people, as far as it is to be known whether they have the newest.
contacts = Table(
    "contacts",
    metadata,
    Column("org", Name, primary_key=True),
    Column("upstream", Name, primary_key=True),
    Column("subject", Name, primary_key=True),
    Column("sent", LargeBinary),  # a digest of what the vendor has; NULL before the first time
    Column("pushed", Name),  # JSON: what the company's own service said; NULL where it said nothing
    Column("owed", LargeBinary),  # a token of a push that the vendor does not have yet
    sqlite_with_rowid=False,
)

Index("contacts_owed", contacts.c.owed)
Index("conversations_of_a_person", conversations.c.org, conversations.c.subject)
Index("aliases_of_one", aliases.c.org, aliases.c.becomes)
Index("aliases_by_time", aliases.c.made_at)
Index("cutoffs_by_time", cutoffs.c.made_at)
Index("askings_by_time", askings.c.asked_at)
IS_VISITOR = text("subject >= 'anon_' AND subject < 'anon_{'")  # by bytes, where { comes after z
# Few rows have an actor, and few questions are about one; many events are about nobody; the names
# of visitors alone grow old.
for _name, _columns, _which in (
    ("usage_of_an_actor", (usage.c.org, usage.c.actor), text("actor <> ''")),
    ("audit_of_an_actor", (audit.c.org, audit.c.actor), text("actor IS NOT NULL")),
    ("events_of_a_person", (events.c.org, events.c.subject), text("subject IS NOT NULL")),
    (
        "visitors_by_time",
        (users.c.first_seen, users.c.org, users.c.upstream, users.c.subject),
        IS_VISITOR,
    ),
):
    Index(_name, *_columns, sqlite_where=_which, postgresql_where=_which)
