"""A connection of which a test says what happens to it, and that notes what is written."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from gateway.net.flow import Flow
from gateway.net.server.head import Head, judge
from gateway.net.server.turn import Connection


class Link:
    """See `gateway.net.server.turn.Connection`; its transport is itself."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = self
        self.flow = Flow(cast("Any", self))
        self.server_state = SimpleNamespace(default_headers=[(b"date", b"today")])
        self.client = ("192.0.2.1", 40_000)
        self.scheme = "http"
        self.written: list[bytes] = []
        self.answered = 0
        self.rests = False
        self.has_ended = False
        self.closed = False

    @property
    def connection(self) -> Connection:
        return cast("Connection", self)

    def on_answered(self) -> None:
        self.answered += 1

    def ended(self) -> None:
        self.has_ended = True

    def rest(self) -> None:
        self.rests = True

    def write(self, content: bytes) -> None:
        self.written.append(content)

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 8080) if name == "sockname" else None

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def head(
    method: str = "POST", target: bytes = b"/a", *fields: tuple[bytes, bytes], version: str = "1.1"
) -> Head:
    """A head that was judged."""
    return judge(method, target, version, [(b"host", b"Gateway.test"), *fields])
