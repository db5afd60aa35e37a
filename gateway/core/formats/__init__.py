"""Formats that are read in one way only, as whoever reads after us reads them.

What is where:

    strictjson, pointer             JSON, and a place in it
    sse                             event streams and JSON lines
    fields, media, query            HTTP fields; media types; the query
    forwarded, request_id, digests  what a proxy says of the client; ids; digests of names
    traceparent                     of which trace a request is
"""
