"""The application we stand in as its own vendor: a `Transport` that calls it in this process.

It is called as a server would call it, with the request that was planned: of the client's own, the
application sees what its outer middlewares have put into the scope (the session they verified, the
user they found), and neither fields nor body. One chunk is handed over at a time, and none waits
beside it. It is cancelled when whoever asked has left; what it does after its answer, it may end.
"""

import asyncio
from collections.abc import Collection, MutableMapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec.structs import replace

from gateway.core.errors import (
    Overloaded,
    UpstreamBrokeOff,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.core.formats import fields as http
from gateway.core.request.plan import VendorRequest
from gateway.mounted.caller import SCOPE_KEY, known
from gateway.net.asgi.wire import AsgiInbound
from gateway.ports import Errand, Fields, Shortcut

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

_WITH_CONTENT: Final = frozenset({"POST", "PUT", "PATCH"})
# Nothing a server offers beyond plain messages; and no error from `send` once a client has left,
# so that applications listen for it instead.
_AS_SERVED: Final = {"version": "3.0", "spec_version": "2.3"}


class InProcessTransport:
    """See `gateway.ports.Transport`. Times are in seconds; `app` is None where nothing is asked."""

    def __init__(
        self, app: "ASGIApp | None", *, first_byte: float, idle: float, max_running: int
    ) -> None:
        self.authority = "app"
        self._app = app
        self._first_byte = first_byte
        self._idle = idle
        self._max_running = max_running
        self._running: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Calls of the application that have not ended."""
        return len(self._running)

    def open(self, request: VendorRequest, errand: Errand, /) -> "InProcessExchange":
        return InProcessExchange(self, request, errand)

    async def aclose(self) -> None:
        """End the calls that still run."""
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running))

    def begin(self, call: "Call", scope: MutableMapping[str, Any]) -> asyncio.Task[None]:
        """Call the application.

        Raises:
            Overloaded: it is called as often as it may be.
            UpstreamUnreachable: there is none.
        """
        if self._app is None:
            raise UpstreamUnreachable
        if len(self._running) >= self._max_running:
            raise Overloaded
        task = asyncio.create_task(_run(self._app, call, scope))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(call.over)
        return task

    async def wait(self, call: "Call", *, first: bool) -> "Message":
        """What the application says next.

        Raises:
            UpstreamTimeout, UpstreamBrokeOff: nothing.
        """
        try:
            async with asyncio.timeout(self._first_byte if first else self._idle):
                return await call.next()
        except TimeoutError as error:
            raise UpstreamTimeout from error


async def _run(app: "ASGIApp", call: "Call", scope: MutableMapping[str, Any]) -> None:
    await app(scope, call.receive, call.send)


class Call:
    """What stands between one call of the application and us: a place for one message."""

    def __init__(self, content: bytes | None) -> None:
        self._request: Message | None = {"type": "http.request", "body": content or b""}
        self._message: Message | None = None
        self._filled = asyncio.Event()
        self._taken = asyncio.Event()
        self._left = asyncio.Event()
        self._started = False
        self.complete = False  # the answer's end has been said

    # The application's side

    async def receive(self) -> "Message":
        if self._request is not None:
            request, self._request = self._request, None
            return request
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: "Message") -> None:
        """Hand a message over; returns when it has been taken.

        Raises:
            RuntimeError, TypeError: it is not its turn, or no message of an answer.
        """
        if self.complete:
            return
        expected = "http.response.body" if self._started else "http.response.start"
        if message["type"] != expected:
            raise RuntimeError(f"{expected} was expected, not {message['type']}")
        if self._started:
            memoryview(message.get("body", b""))  # as bytes go over a wire, and nothing else
            self.complete = not message.get("more_body", False)
        self._started = True
        self._message = message
        self._filled.set()
        await self._taken.wait()
        self._taken.clear()

    # Ours

    async def next(self) -> "Message":
        """Raises: UpstreamBrokeOff, the call has ended, and its answer has not."""
        await self._filled.wait()
        self._filled.clear()
        message, self._message = self._message, None
        if message is None:
            raise UpstreamBrokeOff
        self._taken.set()
        return message

    def leave(self) -> None:
        """Tell the application that nobody listens any more."""
        self._left.set()
        self._taken.set()

    def over(self, task: "asyncio.Task[None]") -> None:
        """The call has ended."""
        del task
        self._filled.set()


class InProcessExchange:
    """One call and its answer: what `open` gives, and what it enters with."""

    def __init__(
        self, transport: InProcessTransport, request: VendorRequest, errand: Errand
    ) -> None:
        self._transport = transport
        self._request = request
        self._errand = errand
        self._call = Call(request.content)  # replaced by one with the whole of a stream
        self._ended = False
        self._task: asyncio.Task[None]
        self.status = 0
        self.fields: Fields = ()

    def chunks(self, shortcut: Shortcut | None = None, /) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        message = await self._transport.wait(self._call, first=False)
        self._ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def __aenter__(self) -> Self:
        ask = self._errand.ask
        if not isinstance(ask, AsgiInbound):
            raise UpstreamUnreachable
        if self._request.stream is not None:
            # Before the application is called: then what is wrong with a form is ours to say.
            whole = b"".join([piece async for piece in self._request.stream])
            self._request = replace(self._request, content=whole, stream=None)
            self._call = Call(whole)
        self._task = self._transport.begin(self._call, inner_scope(self._request, self._errand))
        ask.going_on.append(self._task)
        try:
            head = await self._transport.wait(self._call, first=True)
        except BaseException:
            self._give_up()
            raise
        self.status = head["status"]
        self.fields = tuple((name.lower(), value) for name, value in head.get("headers", ()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None or not self._ended:
            self._give_up()
        self._call.leave()

    def _give_up(self) -> None:
        self._call.leave()
        self._task.cancel()


async def ended(calls: Collection["asyncio.Task[None]"], *, patience: float | None) -> None:
    """Wait until the application has done what it does after its answers.

    `patience` is in seconds; then they are cancelled. None: as long as it takes.

    Raises:
        Exception: its own, as though it had been called without us.
    """
    if not calls:
        return
    try:
        await asyncio.wait(calls, timeout=patience)
    finally:
        for call in calls:
            call.cancel()
    for call in calls:
        if call.done() and not call.cancelled() and (error := call.exception()) is not None:
            raise error


def inner_scope(request: VendorRequest, errand: Errand) -> MutableMapping[str, Any]:
    """The scope of a planned request, within that of the request it is for.

    Raises:
        UpstreamError: that one is of no application.
    """
    ask = errand.ask
    if not isinstance(ask, AsgiInbound):
        raise UpstreamError
    path, _, query = request.target.partition("?")
    state = ask.scope.setdefault("state", {})
    return {
        **ask.scope,
        "asgi": _AS_SERVED,
        "extensions": {},
        "method": request.method,
        "path": ask.scope["path"].removesuffix(ask.raw_path) + path,
        "raw_path": _before(ask).encode("ascii") + path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "headers": _fields(request, ask),
        SCOPE_KEY: known(errand.identity, state),
    }


def _before(ask: AsgiInbound) -> str:
    """What stands before the application's own paths, as it was sent."""
    sent: bytes | None = ask.scope.get("raw_path")
    whole = ask.scope["path"] if sent is None else sent.decode("ascii")
    return str(whole).removesuffix(ask.raw_path)


def _fields(request: VendorRequest, ask: AsgiInbound) -> list[tuple[bytes, bytes]]:
    fields = [*request.fields]
    if (host := http.first(ask.fields, b"host")) is not None:
        fields.insert(0, (b"host", host))
    if request.content or request.method in _WITH_CONTENT:
        fields.append((b"content-length", b"%d" % len(request.content or b"")))
    return fields
