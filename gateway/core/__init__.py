"""The pure part: values in, values out. No await, no clock, no socket, no log, no global state.

What is where:

    profile/          what a vendor's profile is made of
    request/          a request: its operation, what it asks, what leaves for it
    answer/           what an answer tells while it passes
    people/           who is asking
    formats/          JSON, fields, event streams: read in one way only
    errors, failure   what can go wrong
    problem           the answers that say so
    record, trace     what is noted of one exchange; of which trace it is
    limits/           the arithmetic of limits
    mcp/, websocket/  what is theirs alone
    events/           what vendors tell of, and how it is told on
    lru, memo         what is remembered of names
"""
