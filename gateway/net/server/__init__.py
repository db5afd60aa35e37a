"""A client's connection, under uvicorn: bytes in, one request after another out.

What is where:

    protocol, intake, slices  the connection; segments, made into requests
    head, tally, arrived      what a client may send, and in what time
    turn                      one request, and the answer that is due: `own_turn` for the gateway
                              itself, `asgi_turn` for an application
    served_request, refusal   a request; an answer given before there is one
    upgrade, websocket        a WebSocket
"""
