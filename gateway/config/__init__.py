"""A file of TOML → settings, or every mistake in it at once. Start at `load`: it names each step.

What is where:

    toml_file, include          text; further files
    interpolate, overlay        ${env:…}; what the environment and the command line say over it
    model, sign_ins/, table     the tables and their keys; contacts, events, tools, widget,
                                allowances: of an upstream or an org; operators
    kinds, units, urls, place   what one value may be; tool_names, egress
    written, shape, meaning     the file as it is written; its tables checked; what they mean
    rules/                      what the tables must be together; standing, vouching, given_keys,
                                providers, surroundings, unavailable: what they ask
    mistake, placing            a mistake in words, with its file, line and column (positions)
    vendors, profile            a vendor's profile in the file; profile_kinds, profile_text
    expand, schema, spelling    settings as TOML again; a JSON Schema for editors
    restart                     which settings cannot change while the gateway serves
    collector                   the garbage collector, left out while much is read
"""
