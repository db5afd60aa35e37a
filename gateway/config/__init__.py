"""A file of TOML → settings, or every mistake in it at once. Start at `load`: it names each step.

What is where:

    model, sign_ins/            the tables and their keys
    kinds, units, urls, place   what one value may be
    written, shape, meaning     the file as it is written; its tables checked; what they mean
    rules/                      what the tables must be together
    mistake, placing            a mistake in words, with its file, line and column
    profile, vendors            a vendor's profile in the file
    expand, schema              settings as TOML again; a JSON Schema for editors
    restart                     which settings cannot change while the gateway serves
"""
