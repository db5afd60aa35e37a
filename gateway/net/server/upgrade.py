"""What an Upgrade asks for (RFC 9110 section 7.8): a WebSocket, or something that is ignored.

Java's HttpClient asks for h2c with every request in clear text, bodies included. llhttp, as
httptools drives it, takes what follows such a head for another protocol, body and all.
"""

from typing import Protocol

import httptools

from gateway.core.formats.fields import Fields
from gateway.net.server.head import FRAMING


class Listener(Protocol):
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_chunk_header(self) -> None: ...
    def on_message_complete(self) -> None: ...


class NothingFollows(Exception):
    """No further request is taken from this connection."""


class Handover(Exception):
    """The connection becomes a WebSocket's."""


def is_handshake(method: str, fields: Fields) -> bool:
    """Whether a head asks for a WebSocket, and has no body (RFC 6455 section 4.1)."""
    upgrades = [value.lower() for name, value in fields if name == b"upgrade"]
    connection = b",".join(value.lower() for name, value in fields if name == b"connection")
    return (
        method == "GET"
        and upgrades == [b"websocket"]
        and b"upgrade" in (one.strip(b" \t") for one in connection.split(b","))
        and any(name == b"sec-websocket-key" for name, _ in fields)
        and not any(name in FRAMING for name, _ in fields)
    )


def body_parser(listener: Listener, framing: Fields) -> httptools.HttpRequestParser:
    """A parser that is past a head with these framing fields, and reads its body alone.

    Its `feed_data` fails with `NothingFollows` as context for what comes after the body.
    """
    parser = httptools.HttpRequestParser(_BodyAlone(listener))
    lines = b"".join(b"%s: %s\r\n" % field for field in framing)
    parser.feed_data(b"POST / HTTP/1.1\r\n" + lines + b"\r\n")
    return parser


class _BodyAlone:
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._begun = False
        self._past_head = False
        self.on_body = listener.on_body
        self.on_chunk_header = listener.on_chunk_header
        self.on_message_complete = listener.on_message_complete

    def on_message_begin(self) -> None:
        if self._begun:
            raise NothingFollows
        self._begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._past_head:  # a trailer
            self._listener.on_header(name, value)

    def on_headers_complete(self) -> None:
        self._past_head = True
