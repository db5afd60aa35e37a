"""What is remembered: in SQLite, or in PostgreSQL where several processes share it.

What is where:

    store, opening, database             the store, opened; what all else here is written against
    sqlite, postgres, dialect            the two databases, and what they say in two ways
    prepare_sqlite, prepare_postgres     their form, before the first use; migrations/, upgrade
    schema                               the tables
    ledger, aliases, merges, people/     whose a conversation is; who has become whom; erasing
    cutoffs                              who is blocked or has signed out, since when
    usage, audit, chain, batches, spool  rows that nobody waits for
    inbox, outbox, undelivered           what vendors told of, and who has not heard it yet
    reports, listings, columns, reading  what operators look at
    backup, moving, retention, verify    what operators do to all of it
"""
