"""The answers given before there is a request to hand on, as bytes. They never echo what came."""

import time
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.core import problem
from gateway.core.errors import GatewayError
from gateway.core.formats import request_id
from gateway.system.randomness import ten_bytes

_TAIL = [(b"cache-control", b"no-store"), (b"connection", b"close")]


def render(error: GatewayError, server_fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A whole answer, after which the connection closes; `server_fields` are the server's Date."""
    id_ = request_id.written(request_id.uuid7(time.time(), ten_bytes()))
    answer = problem.of_error(error, None, id_)
    fields = [*server_fields, *answer.fields, (b"x-request-id", id_.encode("ascii")), *_TAIL]
    lines = b"".join(b"%s: %s\r\n" % field for field in fields)
    return STATUS_LINE[answer.status] + lines + b"\r\n" + answer.content
