"""How an app of this folder says where it listens."""

import socket
import sys
from typing import Any

import uvicorn
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler


def say(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def serve_asgi(app: Any) -> None:
    """Serve an ASGI app until the process is ended."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    say(listener.getsockname()[1])
    config = uvicorn.Config(app, log_level="critical", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def serve_wsgi(app: Any) -> None:
    """Serve a WSGI app until the process is ended.

    By runserver's server for all of them: werkzeug's drops requests that do not wait their turn.
    """
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(app)
    say(server.server_port)
    server.serve_forever()
