"""The wire, on both sides of the gateway.

What is where:

    protocol, intake, turn        a client's connection: bytes in, one request after another out
    own_turn, served_request      a request for the gateway itself, on such a connection
    head, tally                   what a client may send, and in what time
    flow, gate                    when to read and when to write; the end of a connection
    refusal                       the answers given before there is a request
    asgi, asgi_turn, asgi_socket  requests and WebSockets of an ASGI server or application
    server, listener              uvicorn and its sockets; workers, turns: several processes
    http1, connection, answer     a vendor over HTTP/1.1
    http2, http2_connection       a vendor over HTTP/2; multiplex, frames, stream, http2_fields
    pool, resting, line           connections that are kept, and who waits for one
    dial, reach                   how a connection is made, and by which address
    in_process                    the application around us as its own vendor
    websocket                     a vendor's WebSocket; websocket_server: a client's
"""
