"""What is remembered: in SQLite, or in PostgreSQL where several processes share it.

What is where:

    store, opening, database             the store, opened; what all else here is written against;
                                         address, location: where it is; state: how it is; errors
    writing                              whether it takes writes
    sqlite, postgres, dialect, among     the two databases; what they say in two ways; many keys
    prepare_sqlite, prepare_postgres     their form, before the first use; migrations/, upgrade
    schema                               the tables
    ledger, aliases, merges, people/     whose a conversation is; who has become whom; erasing.
                                         readonly: the ledger for `explain`; importing: from a list
    cutoffs                              who is blocked or has signed out, since when
    usage, audit, chain, batches, spool  rows that nobody waits for; group: in one transaction.
                                         auditor, trace, sums: what is worth a line; heads: told on
    askings, contacts                    idempotency keys; what vendors are owed of people
    inbox, outbox, undelivered           what vendors told of, and who has not heard it yet
    reports, listings, columns, reading  what operators look at; when: since when
    backup, moving, retention, verify    what operators do to all of it; passers_by: visitors who go
"""
