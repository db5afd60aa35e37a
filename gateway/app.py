"""The gateway as an ASGI application."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.assemble import Assembled, assemble
from gateway.config.load import from_dict, load
from gateway.core import fields as http
from gateway.core import request_id
from gateway.dispatch import serve
from gateway.net.asgi import AsgiInbound, AsgiOutbound
from gateway.ports import Record

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gateway.config.model import Settings


class Gateway:
    """The gateway, as an ASGI application.

    Alone, the server's lifespan opens and closes it. Mounted in a host app it gets no lifespan of
    its own: give the host `lifespan=gateway.lifespan`, or enter it in the host's. Without either it
    opens on the first request and closes with the process.
    """

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self._assembled: Assembled | None = None
        self._opening = asyncio.Lock()
        self._exit = AsyncExitStack()

    @classmethod
    def from_file(cls, path: str | Path) -> "Gateway":
        """The gateway a configuration file describes.

        Raises:
            ConfigError: with every mistake in it.
        """
        return cls(load(Path(path)).settings)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> "Gateway":
        """The gateway a dictionary of the same shape describes.

        Raises:
            ConfigError: with every mistake in it.
        """
        return cls(from_dict(config).settings)

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Open the store and the pools, and close them at the end."""
        await self.open()
        try:
            yield
        finally:
            await self.aclose()

    async def open(self) -> Assembled:
        """What the settings became; made on the first call.

        Raises:
            StoreError: the store cannot be opened.
        """
        async with self._opening:
            if self._assembled is None:
                self._assembled = await self._exit.enter_async_context(assemble(self.settings))
            return self._assembled

    async def aclose(self) -> None:
        """End what still runs, and let go of the store and of connections."""
        self.stop()
        self._assembled = None
        await self._exit.aclose()

    def drain(self) -> None:
        """Say that no new work should come: `/readyz` turns 503."""
        if self._assembled is not None:
            self._assembled.readiness.draining = True

    def stop(self) -> None:
        """End the answers that still run, each with a last word to its client."""
        if self._assembled is not None:
            self._assembled.house.running.stop()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            # No WebSocket is spoken here: closing before accepting is a 403 to the handshake.
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        assembled = self._assembled or await self.open()
        ask = AsgiInbound(
            scope,
            receive,
            trusted_proxies=assembled.trusted_proxies,
            body_timeout=assembled.body_timeout,
        )
        record = Record(
            request_id=request_id.choose(
                http.values(ask.fields, b"x-request-id"),
                now=time.time(),
                random=secrets.token_bytes(10),
            ),
            method=ask.method,
            started=time.monotonic(),
        )
        await serve(assembled.house, ask, AsgiOutbound(send), record)

    async def _lifespan(self, receive: "Receive", send: "Send") -> None:
        await receive()
        try:
            await self.open()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})
