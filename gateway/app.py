"""The gateway as an ASGI application."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.assemble import Assembled, furnish, process
from gateway.assemble.host import NO_HOST, Host
from gateway.authn.host import Identify
from gateway.config.load import from_dict, load
from gateway.config.restart import require_no_restart
from gateway.contacts.push import Desk
from gateway.contacts.recall import Recalls
from gateway.core.errors import GatewayError
from gateway.core.formats import fields as http
from gateway.core.formats import request_id
from gateway.core.people.identity import Identity
from gateway.core.request import origin
from gateway.core.websocket.handshake import with_credential
from gateway.dispatch import refuse, serve, who_asks
from gateway.mounted.host_contacts import HostContacts
from gateway.mounted.lifespan import open_or_say_why
from gateway.net.asgi.mounted_path import routed_path
from gateway.net.asgi.socket import AsgiSocket, HandshakeAnswer
from gateway.net.asgi.wire import CLOSES_UNENDED, AsgiInbound, AsgiOutbound
from gateway.net.upstream.in_process import ended
from gateway.opening import serve_socket
from gateway.ports import Inbound, Outbound, Record
from gateway.steps.stamp import Stamped
from gateway.system.randomness import ten_bytes

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from gateway.config.model import Settings
    from gateway.net.server.served_request import ServedRequest

LOG = logging.getLogger("gateway")

LAST_WORDS = 1.0  # seconds the application has to end a call whose answer was cut off
# Before a handshake is accepted that is a 403 to it.
TURNED_AWAY = {"type": "websocket.close", "code": 1008}
OPENED_LATE = (
    "the gateway opens at the first request, since nobody ran its lifespan: give the application "
    "lifespan=gateway.lifespan, or its store and connections are never closed in good order"
)


class Gateway:
    """The gateway, as an ASGI application.

    Alone, the server's lifespan opens and closes it. Mounted in a host app it gets no lifespan of
    its own: give the host `lifespan=gateway.lifespan`, or enter it in the host's. Without either it
    opens on the first request, says so in the log, and closes with the process.

    `prefix` is where it stands below its mount: "" or "/ai".
    """

    def __init__(self, settings: "Settings", *, prefix: str = "", host: Host = NO_HOST) -> None:
        self.settings = settings
        self._prefix = prefix
        self._host = host
        self._assembled: Assembled | None = None
        self._in_use: list[Assembled] = []  # and those replaced by which something runs yet
        self._retiring: set[asyncio.Task[None]] = set()
        self._recalls: Recalls | None = None
        self._opening = asyncio.Lock()
        self._exit = AsyncExitStack()

    @classmethod
    def from_file(cls, path: str | Path, *, identify: Identify | None = None) -> "Gateway":
        """The gateway a configuration file describes.

        Where it is mounted in an application, `identify` may say who the application's people are.

        Raises:
            ConfigError: with every mistake in it.
        """
        host = Host(identify=identify)
        return cls(load(Path(path), around=host.surroundings).settings, host=host)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any], *, identify: Identify | None = None) -> "Gateway":
        """The gateway a dictionary of the same shape describes.

        Raises:
            ConfigError: with every mistake in it.
        """
        host = Host(identify=identify)
        return cls(from_dict(config, around=host.surroundings).settings, host=host)

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
                ours = await self._exit.enter_async_context(process(self.settings, self._host))
                self._assembled = await furnish(ours, self.settings)
                self._in_use.append(self._assembled)
                ours.courier.serve(self._assembled.addresses, self._assembled.lease)
                ours.courier.begin()
                self._recalls = Recalls(ours.store.contacts, self._desks)
                self._recalls.begin()
            return self._assembled

    async def reload(self, settings: "Settings") -> None:
        """Serve by other settings from the next request on.

        What runs goes on by those it began with. What is alike in both goes on as it is, with its
        connections and all it knows.

        Raises:
            NeedsRestart: something else has changed than what can; then nothing changes.
        """
        async with self._opening:
            require_no_restart(self.settings, settings)
            before = self._assembled
            if before is not None:
                self._assembled = await furnish(before.process, settings, before)
                self._in_use.append(self._assembled)
                if self._recalls is not None:
                    self._recalls.begin()
                before.process.courier.serve(self._assembled.addresses, self._assembled.lease)
                retiring = asyncio.create_task(self._retire(before))
                self._retiring.add(retiring)
                retiring.add_done_callback(self._retiring.discard)
            self.settings = settings

    async def _retire(self, assembled: Assembled) -> None:
        await assembled.lease.ended()
        self._in_use.remove(assembled)
        await assembled.aclose()

    @property
    def assembled(self) -> Assembled | None:
        """What the settings became; None while it is not open."""
        return self._assembled

    async def opened(self) -> Assembled:
        """As `open`, for a request that may be the first to need it."""
        if self._assembled is None:
            LOG.warning(OPENED_LATE)
        return self._assembled or await self.open()

    async def aclose(self) -> None:
        """End what still runs, and let go of the store and of connections."""
        self.stop()
        if self._assembled is not None:
            await self._assembled.process.courier.aclose()
        if self._recalls is not None:
            await self._recalls.aclose()
        self._assembled = None
        for retiring in self._retiring:
            retiring.cancel()
        while self._in_use:
            await self._in_use.pop().aclose()
        await self._exit.aclose()

    @property
    def contacts(self) -> HostContacts:
        """What the application around us knows of people, for vendors that keep contacts."""

        async def desks() -> Mapping[tuple[str, str], Desk]:
            return (await self.open()).house.contacts

        return HostContacts(desks)

    def _desks(self) -> Mapping[tuple[str, str], Desk]:
        return {} if self._assembled is None else self._assembled.house.contacts

    def drain(self) -> None:
        """Say that no new work should come: `/readyz` turns 503."""
        if self._assembled is not None:
            self._assembled.process.readiness.draining = True

    def stop(self) -> None:
        """End the answers that still run, each with a last word to its client."""
        if self._assembled is not None:
            self._assembled.house.running.stop()

    async def identify(self, scope: "Scope") -> Identity:
        """Who makes a request of the host application's own.

        Raises:
            GatewayError: nobody we know, or no org stands at this host and path.
        """
        assembled = await self.opened()
        ask = self._inbound(assembled, scope, _never, "")
        ask.fields = origin.of_a_visit(ask.fields, method=ask.method)
        with assembled.lease:
            return await who_asks(assembled.house, ask, routed_path(scope))

    async def answer_for(self, error: GatewayError, scope: "Scope", send: "Send") -> None:
        """Answer for an error of ours that a route of the host application did not catch."""
        if scope["type"] == "websocket":
            await send(TURNED_AWAY)
            return
        ask = self._inbound(await self.opened(), scope, _never, "")
        record = self._record(ask)
        await refuse(Stamped(AsgiOutbound(send), record), record, error)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._socket(scope, receive, send)

    async def _socket(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        await receive()  # that somebody wants to connect
        assembled = await self.opened()
        ask = self._inbound(assembled, scope, receive, self._prefix)
        ask.fields = with_credential(ask.fields)
        socket, answer = AsgiSocket(receive, send), HandshakeAnswer(scope, send)
        await serve_socket(assembled.house, ask, socket, answer, self._record(ask))

    async def _http(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        assembled = await self.opened()
        ask = self._inbound(assembled, scope, receive, self._prefix)
        answer = AsgiOutbound(send, closes_unended=CLOSES_UNENDED in scope.get("extensions", {}))
        await serve(assembled.house, ask, answer, self._record(ask))
        answer.raise_if_cut()

    def carry(self, ask: "ServedRequest", answer: Outbound) -> Awaitable[None]:
        """Answer a request that comes straight from the connection (net.server.own_turn)."""
        assembled = self._assembled
        if assembled is None:
            return self._carry_late(ask, answer)
        ask.trusted_proxies = assembled.trusted_proxies
        ask.body_timeout = assembled.body_timeout
        return serve(assembled.house, ask, answer, self._record(ask))

    async def _carry_late(self, ask: "ServedRequest", answer: Outbound) -> None:
        await self.opened()
        await self.carry(ask, answer)

    async def serve_app(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Carry a request for an operation of the application around us, at its own URL."""
        if scope["type"] == "websocket":
            await receive()
            await send(TURNED_AWAY)
            return
        assembled = await self.opened()
        ask = self._inbound(assembled, scope, receive, "")
        answer = AsgiOutbound(send)
        await serve(assembled.app_house, ask, answer, self._record(ask))
        await ended(ask.going_on, patience=LAST_WORDS if answer.was_cut else None)
        answer.raise_if_cut()

    def _inbound(
        self, assembled: Assembled, scope: "Scope", receive: "Receive", prefix: str
    ) -> AsgiInbound:
        return AsgiInbound(
            scope,
            receive,
            trusted_proxies=assembled.trusted_proxies,
            body_timeout=assembled.body_timeout,
            prefix=prefix,
        )

    def _record(self, ask: Inbound) -> Record:
        return Record(
            request_id=request_id.choose(
                http.values(ask.fields, b"x-request-id"),
                now=time.time(),
                random=ten_bytes(),
            ),
            method=ask.method,
            started=time.monotonic(),
        )

    async def _lifespan(self, receive: "Receive", send: "Send") -> None:
        await receive()
        await open_or_say_why(self, send)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _never() -> "Message":
    """Who asks is known without the body: that one is the application's to read."""
    raise RuntimeError("the body of a request to the application was asked for")
