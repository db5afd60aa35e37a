"""WebSockets on both sides of a gateway: a vendor that says what it is told to, and clients.

async with socket_stage(tmp_path) as stage:
    async with stage.connect("alice") as alice:
        await alice.send(json.dumps({"type": "response.create"}))
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from gateway.app import Gateway
from tests.support import config
from tests.support.stage import Edit, gateway_of
from tests.support.tokens import Issuer

PATIENCE = 10.0
KEY = "sk-vendor-key-0123456789"
Handler = Callable[[ServerConnection, "Vendor"], Awaitable[None]]


async def echo(socket: ServerConnection, vendor: "Vendor") -> None:
    """Say what it was told, under its own type."""
    async for text in socket:
        vendor.heard(text)
        await socket.send(json.dumps({"type": "said", "what": json.loads(text)}))


@dataclass
class Vendor:
    """A vendor with WebSockets; `handler` may be exchanged, as may `refuse` what it answers."""

    handler: Handler = echo
    refuse: Callable[[Request], Response | None] | None = None
    handshakes: list[Request] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    closed: list[tuple[int | None, str | None]] = field(default_factory=list)
    url: str = ""
    _change: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, text: str | bytes) -> None:
        self.messages.append(json.loads(text))
        self.changed()

    def changed(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    async def until(self, condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
        async with asyncio.timeout(within):
            while not condition():
                await self._change.wait()

    def field(self, name: str) -> list[str]:
        """What the last handshake said in a field."""
        return self.handshakes[-1].headers.get_all(name)


@asynccontextmanager
async def serving_vendor(vendor: Vendor) -> AsyncIterator[Vendor]:
    async def look(connection: ServerConnection, request: Request) -> Response | None:
        vendor.handshakes.append(request)
        vendor.changed()
        return vendor.refuse(request) if vendor.refuse is not None else None

    async def converse(connection: ServerConnection) -> None:
        try:
            await vendor.handler(connection, vendor)
        finally:
            await connection.wait_closed()
            vendor.closed.append((connection.close_code, connection.close_reason))
            vendor.changed()

    protocols = ["realtime", "openai-beta.realtime-v1"]
    async with serve(
        converse,
        "127.0.0.1",
        0,
        process_request=look,
        subprotocols=protocols,
        select_subprotocol=first,
    ) as server:
        vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield vendor


def first(connection: ServerConnection, offered: Any) -> Any:
    return offered[0] if offered else None


@dataclass(frozen=True)
class SocketStage:
    """A gateway at `url`, OpenAI's Realtime API behind it as the upstream `llm`."""

    vendor: Vendor
    gateway: Gateway | None
    issuer: Issuer
    url: str
    path: str = "/llm/v1/realtime?model=gpt-realtime"

    def token(self, who: str, **claims: object) -> str:
        return self.issuer.token(who, algorithm="HS256", **claims)

    @asynccontextmanager
    async def connect(
        self,
        who: str | None,
        *,
        token: str | None = None,
        fields: dict[str, str] | None = None,
        path: str | None = None,
        **options: Any,
    ) -> AsyncIterator[ClientConnection]:
        """A client's WebSocket; a handshake that is refused raises `InvalidStatus`."""
        named = {"Authorization": f"Bearer {token or self.token(who)}"} if who else {}
        settings: dict[str, Any] = {"compression": None, "proxy": None, "close_timeout": 5}
        async with connect(
            self.url.replace("http", "ws") + (path or self.path),
            additional_headers={**named, **(fields or {})},
            **{**settings, **options},
        ) as socket:
            yield socket


@asynccontextmanager
async def socket_stage(folder: Path, edit: Edit = str, **limits: Any) -> AsyncIterator[SocketStage]:
    """`edit` may change the configuration's text."""
    issuer = Issuer()
    async with serving_vendor(Vendor()) as vendor:
        text = edit(config.openai(vendor.url, issuer, store=folder / "gateway.db", key=KEY))
        async with gateway_of(text, folder, **limits) as (gateway, url):
            yield SocketStage(vendor, gateway, issuer, url)
