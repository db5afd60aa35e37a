"""Whoever answers, and records what reached it, behind the guarded protocol on a socket.

It is an ASGI application, and an entry of its own: with the fixture `either_entry` a test is run
with both.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.tally import ServerLimits
from gateway.ports import ClientLeft, Inbound, Outbound
from tests.support.serve import running
from tests.support.wire import Answer, connected, raw_request

GET = raw_request("GET", "/a")
BODY = b"hello"
QUICK = ServerLimits(
    header_timeout=0.3,
    body_timeout=0.6,
    min_body_rate=1000,
    body_window=0.3,
    keep_alive=0.3,
    write_timeout=0.3,
    linger=0.3,
)
PATIENT = ServerLimits(linger=0.2)
LARGE = 320 * 65_536  # bytes
PATIENCE = 30.0  # seconds a wait may take before the test fails
OWN = False  # whether the entry is the recorder's own; set by `either_entry`


@dataclass(slots=True)
class Seen:
    """One request as the application got it."""

    path: str  # as sent
    query: bytes
    body: bytes | None  # None: the client left before its end
    fields: list[tuple[bytes, bytes]]  # copied when the application had read the body


class Recorder:
    """Answers every request with its own path; some paths answer in other ways.

    `/early` answers before it reads, `/stream` says one chunk and waits for `release`, `/large`
    sends more than a kernel's buffers hold, `/cut` breaks off.
    """

    def __init__(self) -> None:
        self.started: list[str] = []  # paths, when the application begins
        self.seen: list[Seen] = []  # when it has read the body
        self.left: list[str] = []  # paths whose client left while they waited
        self.release = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        path = scope["path"]
        self.started.append(path)
        if path == "/early":
            await answer(send, b"early", status=401)
            return
        body = await read(receive)
        sent = scope["raw_path"].decode("ascii")
        self.seen.append(Seen(sent, scope["query_string"], body, list(scope["headers"])))
        if body is None:
            return
        if path == "/stream":
            await self._stream(path, receive, send)
        elif path == "/large":
            await start(send)
            for _ in range(LARGE // 65_536):
                await send(chunk(b"x" * 65_536))
            await send(chunk(b"", last=True))
        elif path == "/cut":
            await start(send)
            await send(chunk(b"half"))
        else:
            await answer(send, path.encode())

    async def _stream(self, path: str, receive: Any, send: Any) -> None:
        await start(send)
        await send(chunk(b"first"))
        released = asyncio.create_task(self.release.wait())
        gone = asyncio.create_task(receive())
        await asyncio.wait({released, gone}, return_when=asyncio.FIRST_COMPLETED)
        released.cancel()
        if gone.done():
            assert gone.result()["type"] == "http.disconnect"
            self.left.append(path)
            return
        gone.cancel()
        await send(chunk(b"last", last=True))

    async def carry(self, ask: Inbound, out: Outbound) -> None:
        path = ask.raw_path
        self.started.append(path)
        if path == "/early":
            await answer_own(out, b"early", status=401)
            return
        body = await read_own(ask)
        self.seen.append(Seen(path, ask.raw_query, body, list(ask.fields)))
        if body is None:
            return
        if path == "/stream":
            await self._stream_own(ask, out, path)
        elif path == "/large":
            await out.start(200, [])
            for _ in range(LARGE // 65_536):
                await out.chunk(b"x" * 65_536)
            await out.end()
        elif path == "/cut":
            await out.start(200, [])
            await out.chunk(b"half")
            await out.cut()
        else:
            await answer_own(out, path.encode())

    async def _stream_own(self, ask: Inbound, out: Outbound, path: str) -> None:
        await out.start(200, [])
        await out.chunk(b"first")
        gone = Gone()
        ask.on_leave(gone)
        ends = {asyncio.create_task(self.release.wait()), asyncio.create_task(gone.told.wait())}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        ask.on_leave(None)
        if gone.told.is_set():
            self.left.append(path)
            return
        await out.chunk(b"last")
        await out.end()


class Gone:
    """A `Watcher` to wait for."""

    def __init__(self) -> None:
        self.told = asyncio.Event()

    def left(self) -> None:
        self.told.set()


async def read_own(ask: Inbound) -> bytes | None:
    try:
        return await ask.body(LARGE)
    except ClientLeft:
        return None


async def answer_own(out: Outbound, content: bytes, status: int = 200) -> None:
    await out.start(status, [(b"content-length", str(len(content)).encode())])
    await out.chunk(content)
    await out.end()


async def read(receive: Any) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            return body


async def start(send: Any, status: int = 200, fields: Any = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(fields)})


def chunk(content: bytes, *, last: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": not last}


async def answer(send: Any, content: bytes, status: int = 200) -> None:
    await start(send, status, [(b"content-length", str(len(content)).encode())])
    await send(chunk(content, last=True))


@asynccontextmanager
async def recording(
    limits: ServerLimits = PATIENT, **changes: Any
) -> AsyncIterator[tuple[Recorder, str]]:
    """The application and its URL, with these limits changed."""
    recorder = Recorder()
    protocol = guarded_protocol(replace(limits, **changes), recorder if OWN else None)
    async with running(recorder, http=protocol) as (_, url):
        yield recorder, url


async def ask(url: str, raw: bytes) -> Answer:
    """One answer to these bytes, which must close the connection."""
    async with connected(url) as peer:
        await peer.send(raw)
        first = await peer.answer()
        await peer.until_closed()
        assert peer.received == first.rest == b"", "something came after a refusal"
        return first


def post(*lines: bytes, body: bytes = BODY, target: str = "/a") -> bytes:
    """A POST with exactly these framing lines."""
    return raw_request("POST", target, lines) + body


def chunked(body: bytes = b"5\r\nhello\r\n0\r\n\r\n", target: str = "/a") -> bytes:
    return raw_request("POST", target, [b"Transfer-Encoding: chunked"]) + body


def assert_refused(answer: Answer, status: int) -> None:
    assert (answer.status, answer.complete) == (status, True)
    assert answer.json()["status"] == status
    assert answer.values("connection") == ["close"]


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - any condition, so there is nothing to wait on
            await asyncio.sleep(0.005)


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
