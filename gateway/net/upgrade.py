"""The body of a request whose Upgrade is ignored (RFC 9110 section 7.8).

Java's HttpClient asks for h2c with every request in clear text, bodies included. llhttp, as
httptools drives it, takes what follows such a head for another protocol, body and all.
"""

from typing import Protocol

import httptools

from gateway.core.fields import Fields


class Listener(Protocol):
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_chunk_header(self) -> None: ...
    def on_message_complete(self) -> None: ...


class NothingFollows(Exception):
    """No further request is taken from this connection."""


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
