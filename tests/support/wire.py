"""A client that sends exactly the bytes it is given, and reads the answer as it came.

answer = await wire(url, raw_request("GET", "/livez"))
assert answer.status == 200 and answer.complete

async with connected(url) as peer:
    await peer.send(head)
    await peer.until(b"first event")
    peer.reset()
"""

import asyncio
import json
import socket
import ssl as tls
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, cast
from urllib.parse import urlsplit

from tests.support.message import HEAD_END, Field, parse_head, read_body, values

PATIENCE = 10.0  # seconds a wait may take before the test fails


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `complete`: its end was seen; `rest`: what came after it."""

    raw: bytes
    status: int
    fields: list[Field] = field(repr=False)
    body: bytes
    complete: bool
    rest: bytes

    def values(self, name: str) -> list[str]:
        """Every value of a field, in order; `name` in lower case."""
        return values(self.fields, name)

    def json(self) -> Any:
        return json.loads(self.body)


def parse_answer(raw: bytes, *, method: str = "GET") -> Answer | None:
    """The first final answer in `raw`; None before its head is whole. Interim ones are skipped."""
    head_size = raw.find(HEAD_END) + len(HEAD_END)
    if head_size < len(HEAD_END):
        return None
    start, fields = parse_head(raw[:head_size])
    status = int(start.split(" ")[1])
    if status < 200:
        return parse_answer(raw[head_size:], method=method)
    bodiless = method == "HEAD" or status in {204, 304}
    body = read_body([] if bodiless else fields, raw[head_size:], until_close=not bodiless)
    size = head_size + body.used
    return Answer(raw[:size], status, fields, body.content, body.complete, raw[size:])


def raw_request(
    method: str,
    target: str,
    fields: Iterable[tuple[str, str] | bytes] = (),
    body: bytes | None = None,
    *,
    host: str | None = "gateway.test",
) -> bytes:
    """A request of exactly this target and these fields, in this order; bytes are whole lines.

    Host stands first unless it is None; content-length stands last where there is a body.
    """
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1")]
    if host is not None:
        lines.append(f"Host: {host}".encode("latin-1"))
    lines += [
        one if isinstance(one, bytes) else f"{one[0]}: {one[1]}".encode("latin-1") for one in fields
    ]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}".encode())
    return b"\r\n".join([*lines, b"", body or b""])


class Peer(asyncio.Protocol):
    """One connection of a client: `received` is all that came, also when it ended by a reset."""

    def __init__(self) -> None:
        self.received = b""
        self.closed = False  # in order or by reset
        self._change = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _wake(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    async def send(self, content: bytes) -> None:
        """Return once the kernel has room again."""
        self.transport.write(content)
        await self._writable.wait()

    async def until(
        self, seen: bytes | Callable[[bytes], bool], *, within: float = PATIENCE
    ) -> bytes:
        """Wait until the bytes stand in what came, or the condition holds of it.

        Raises:
            TimeoutError: they did not within so many seconds.
            ConnectionError: the other side closed before.
        """
        condition = (lambda raw: seen in raw) if isinstance(seen, bytes) else seen
        async with asyncio.timeout(within):
            while not condition(self.received):
                if self.closed:
                    raise ConnectionError(f"closed after {self.received[-200:]!r}")
                await self._change.wait()
        return self.received

    async def until_closed(self, *, within: float = PATIENCE) -> bytes:
        """Wait until the other side closes; all that came."""
        async with asyncio.timeout(within):
            while not self.closed:
                await self._change.wait()
        return self.received

    async def answer(self, *, method: str = "GET", within: float = PATIENCE) -> Answer:
        """The next answer, and forget its bytes: whole, or as far as it came before the close.

        Raises:
            TimeoutError: it did not end within so many seconds.
            ConnectionError: the other side closed without one.
        """
        async with asyncio.timeout(within):
            while not self.closed and not _is_whole(self.received, method):
                await self._change.wait()
        parsed = parse_answer(self.received, method=method)
        if parsed is None:
            raise ConnectionError(f"closed after {self.received!r}")
        self.received = parsed.rest
        return parsed

    def stop_reading(self) -> None:
        """Let what comes fill the kernel's buffers."""
        self.transport.pause_reading()

    def read_on(self) -> None:
        self.transport.resume_reading()

    def reset(self) -> None:
        """Leave by RST; where the other side has left before, there is nothing to leave."""
        if self.closed:
            return
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.transport.abort()

    def close(self) -> None:
        """Leave in order."""
        self.transport.close()


def _is_whole(raw: bytes, method: str) -> bool:
    answer = parse_answer(raw, method=method)
    if answer is None or not answer.complete:
        return False
    framed = answer.values("content-length") or answer.values("transfer-encoding")
    return bool(framed) or method == "HEAD" or answer.status in {204, 304}


_BEHIND: dict[str, Iterator[str]] = {}


@contextmanager
def balanced(urls: Sequence[str]) -> Iterator[str]:
    """One of these URLs, at which every connection goes to the next of them in turn."""
    _BEHIND[urls[0]] = cycle(urls)
    try:
        yield urls[0]
    finally:
        del _BEHIND[urls[0]]


@asynccontextmanager
async def connected(url: str, *, ssl: tls.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A connection to the host and port of `url`, or of one of those that are reached there."""
    parts = urlsplit(next(_BEHIND.get(url, iter([url]))))
    _, peer = await asyncio.get_running_loop().create_connection(
        Peer, parts.hostname, parts.port, ssl=ssl
    )
    try:
        yield peer
    finally:
        if not peer.closed:
            peer.transport.abort()
        await peer.until_closed()


async def wire(url: str, content: bytes, *, ssl: tls.SSLContext | None = None) -> Answer:
    """Send these bytes on a connection of their own, and read one answer."""
    async with connected(url, ssl=ssl) as peer:
        await peer.send(content)
        return await peer.answer(method=content.split(b" ", 1)[0].decode("latin-1"))
