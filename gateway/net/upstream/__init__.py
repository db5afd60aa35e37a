"""A vendor over HTTP/1.1, and over WebSockets; `net.http2` has what is HTTP/2's own.

What is where:

    http1, connection, sending    the `Transport`, and one connection of it
    answer, field_lines           an answer, read incrementally
    pool, resting, line           connections that are kept, and who waits for one
    dial, reach, clocks           how a connection is made, by which address, and in what time
    in_process                    the application around us as its own vendor
    websocket, websocket_client   a vendor's WebSocket
    traced                        any of these, with its calls noted in their trace
"""
