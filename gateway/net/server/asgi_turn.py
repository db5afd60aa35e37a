"""A request for an ASGI application, in uvicorn's own way of calling one."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.protocols.utils import get_local_addr

from gateway.net.asgi.wire import CLOSES_UNENDED
from gateway.net.server.head import Head
from gateway.net.server.turn import Connection

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope
LOG = logging.getLogger("gateway.server")
# An answer is cut on purpose, and its own record says why; uvicorn takes it for a mistake.
LOG.addFilter(lambda record: "returned without completing response" not in str(record.msg))


class AsgiTurn(RequestResponseCycle):
    """See `gateway.net.server.turn.Turn`."""

    def __init__(self, connection: Connection, head: Head) -> None:
        super().__init__(
            scope=_scope(connection, head),
            transport=connection.transport,
            flow=cast(FlowControl, connection.flow),
            logger=LOG,
            access_logger=LOG,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=head.expects,
            keep_alive=False,
            on_response=connection.on_answered,
        )
        self._app = connection.config.loaded_app
        self._connection = connection

    @property
    def started(self) -> bool:
        return self.response_started

    @property
    def complete(self) -> bool:
        return self.response_complete

    @property
    def held(self) -> int:
        return len(self.body)

    def take(self, content: bytes) -> None:
        self.body += content
        self.message_event.set()

    def whole(self) -> None:
        self.more_body = False
        self.message_event.set()

    def leave(self) -> None:
        if not self.response_complete:
            self.disconnected = True
            self.message_event.set()

    async def run(self) -> None:
        try:
            await self.run_asgi(self._app)
        finally:
            self._connection.ended()


def _scope(connection: Connection, head: Head) -> "HTTPScope":
    root = connection.config.root_path
    path, _, query = head.target.partition(b"?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": connection.config.asgi_version, "spec_version": "2.3"},
        "http_version": head.version,
        "method": head.method,
        "server": get_local_addr(connection.transport),
        "client": connection.client,
        "scheme": connection.scheme,
        "root_path": root,
        "path": root + unquote(path.decode("ascii")),
        "raw_path": root.encode("ascii") + path,
        "query_string": query,
        "headers": list(head.fields),
        "state": connection.app_state.copy(),
        "extensions": {CLOSES_UNENDED: {}},
    }
    return cast("HTTPScope", scope)
