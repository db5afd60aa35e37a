"""A vendor over HTTP/2 (RFC 9113).

What is where:

    transport                the `Transport`
    connection, multiplex    one connection: its socket, and what it knows
    stream, carrier          one exchange on it
    frames, fields           bytes, cut and written
"""
