"""A chat vendor that is never the bottleneck: asyncio protocols, answers made beforehand.

    python -m benchmarks.upstream --port 9000

A body with `"stream":true` is answered by events, each with the moment it was sent: `#25x50 ` at
the head of the message asks for 25 a second, 50 in all. Any other body is answered by one JSON
object. A conversation that is named is kept, else there is a new one, which a stream names in its
first event. It checks nothing: a peer's mistake shows in what the load generator reads.
"""

import argparse
import asyncio
import itertools
import re
import socket
import time
from typing import cast

import uvloop

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
NAMED = b'"conversationId":"'
PACE = re.compile(rb'"#([0-9.]+)x([0-9]+) ')
UNARY = (
    b'{"data":{"id":"m-1","parts":[{"type":"text","text":"It left the warehouse this morning."}],'
    b'"metadata":{"conversationId":"%s","usage":{"credits":1}}}}'
)
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
DELTA = b'data: {"type":"text-delta","id":"t-1","delta":"and then some words","at":%d}\n\n'
START = b'data: {"type":"start","messageMetadata":{"conversationId":"%s"},"at":%d}\n\n'
FINISH = (
    b'data: {"type":"finish","metadata":{"conversationId":"%s","usage":{"credits":1}}}\n\n'
    b"data: [DONE]\n\n"
)
NEW = itertools.count()


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


class Vendor(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self) -> None:
        self._received = b""
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next is not None:
            self._next.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (body := self._request()) is not None:
            self._answer(body)

    def _request(self) -> bytes | None:
        """The body of the next request, once it is whole."""
        head, found, rest = self._received.partition(HEAD_END)
        if not found:
            return None
        said = head.lower().partition(LENGTH)[2]
        length = int(said.partition(b"\r\n")[0]) if said else 0
        if len(rest) < length:
            return None
        self._received = rest[length:]
        return rest[:length]

    def _answer(self, body: bytes) -> None:
        named = body.partition(NAMED)[2].partition(b'"')[0]
        conversation = named or b"c-%d-%d" % (time.time_ns(), next(NEW))
        if b'"stream":true' in body:
            asked = PACE.search(body)
            if asked is None:
                raise ValueError("a stream was asked for without its pace")
            self._pause = 1 / float(asked[1])
            self._transport.write(STREAM_HEAD)
            if not named:
                self._transport.write(chunk(START % (conversation, time.monotonic_ns())))
            self._due = asyncio.get_running_loop().time()
            self._event(int(asked[2]), conversation)
            return
        content = UNARY % conversation
        self._transport.write(JSON_HEAD % len(content) + content)

    def _event(self, left: int, conversation: bytes) -> None:
        if left == 0:
            self._transport.write(chunk(FINISH % conversation) + b"0\r\n\r\n")
            return
        self._transport.write(chunk(DELTA % time.monotonic_ns()))
        self._due += self._pause
        loop = asyncio.get_running_loop()
        self._next = loop.call_at(self._due, self._event, left - 1, conversation)


async def serve(port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    server = await asyncio.get_running_loop().create_server(Vendor, sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--port", type=int, required=True)
    uvloop.run(serve(asked.parse_args().port))
