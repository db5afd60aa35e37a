"""How the gateway of a stage is called: straight from the connection, or as an ASGI application."""

ASGI = False  # set by `--stage=asgi`
