"""The wire, on both sides of the gateway.

What is where:

    server/     the client's side, under uvicorn: `gateway serve`
    asgi/       the client's side, under any other server or in an application
    upstream/   the vendor's side
    http2/      the vendor's side, over HTTP/2
    process/    the process that listens, and its workers
    flow, gate  when to read and when to write; the end of a connection
    form        a form with files, read as it comes
"""
