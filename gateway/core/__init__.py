"""The pure part: values in, values out. No await, no clock, no socket, no log, no global state.

What is where:

    vendor, operation, place, shape     what a vendor's profile is made of
    route, call, plan, destination      a request: its operation, what it asks, what leaves for it
    reading, guard, holding, names      the body of a request, judged member by member
    observe, sought, sse, whole, note   what an answer tells while it passes
    identity, assertion, seal, logout   who is asking
    errors, failure, problem            what can go wrong, and the answers that say so
    mcp, mirror, mcp_answer, tools      MCP servers
    handshake, spoken, closing          WebSockets
    callback, signature, event, ga4     what vendors tell of, and how it is told on
    quota, window, budget, fairshare    the arithmetic of limits
    strictjson, fields, query, media    formats that are read in one way only
"""
