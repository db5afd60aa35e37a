"""The fields of HTTP/2: a request's as a block of bytes, an answer's judged (RFC 9113 section 8).

A request's fields are written as they are, each with the mark never to be remembered (RFC 7541
section 6.2.3). So nothing of one person's request stands in a table from which another's is
written, its size tells nothing of an earlier one (section 7.1), and no intermediary keeps the key.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from hpack import Decoder, HPACKError

from gateway.core.errors import UpstreamMalformed
from gateway.core.request.plan import VendorRequest
from gateway.net.http2 import frames
from gateway.net.http2.frames import Frame, Violation

MAX_HEAD: Final = 65_536  # bytes of an answer's head, as section 6.5.2 counts them
# Of a larger one, compressed or not: so much is decompressed for what the next heads refer to (RFC
# 9113 section 10.5.1), and is no head. Of 256 KiB the worst takes 40 ms.
MAX_BLOCK: Final = 4 * MAX_HEAD
PER_FIELD: Final = 32  # bytes, beside its name and value
MAX_FIELDS: Final = 200
NEAR: Final = 4096  # bytes, in which a field of usual length ends

_METHOD: Final = re.compile(r"[A-Z]+")
_TARGET: Final = re.compile(r"/[\x21-\x22\x24-\x7e]*")
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE: Final = re.compile(  # with no blanks around it
    rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
)
_BREAK: Final = re.compile(rb"[\0\r\n]")
_LENGTH: Final = re.compile(rb"[0-9]{1,19}")
# RFC 7541 section 4.2: of the table's size two updates say all; the library takes any number.
_RESIZES: Final = re.compile(rb"(?:[\x20-\x3e]|\x3f[\x80-\xff]*[\x00-\x7f]){3}")
_STATUS: Final = re.compile(rb"[1-5][0-9]{2}")
_OF_CONNECTIONS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_OURS: Final = _OF_CONNECTIONS | {b"host", b"content-length", b"expect", b"te"}
_WITH_CONTENT: Final = frozenset({"POST", "PUT", "PATCH"})
_BODILESS: Final = frozenset({204, 304})
_NEVER_REMEMBERED: Final = b"\x10"

# At the head of a connection's first block: the table in which we remember nothing has no size. An
# upstream that allows less than the usual 4096 bytes must hear so (RFC 7541 section 4.2); Envoy and
# hpack end the connection otherwise. From none there is no less, whatever it says later.
NO_TABLE: Final = b"\x20"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer. `length`: how many bytes follow, where that is known."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    length: int | None

    @property
    def is_interim(self) -> bool:
        return self.status < 200


@dataclass(frozen=True, slots=True)
class Block:
    """What HEADERS and their CONTINUATIONs say: no fields, if they are too large for a head.

    `last`: nothing follows them.
    """

    fields: list[tuple[bytes, bytes]]
    last: bool


class _Decoder(Decoder):
    """hpack 4.2 copies the rest of a block for each literal: 256 KiB of small ones took 0.9 s."""

    def _decode_literal(self, data: bytes | memoryview, should_index: bool) -> tuple[Any, int]:
        if len(data) > NEAR:
            try:
                return super()._decode_literal(data[:NEAR], should_index)
            except HPACKError:  # it may be longer; nothing was remembered of it
                pass
        return super()._decode_literal(data, should_index)


class Blocks:
    """Puts blocks together, and decompresses them. One for a connection: each needs all before."""

    __slots__ = ("_decoder", "_first", "_pieces")

    def __init__(self) -> None:
        self._decoder = _Decoder(MAX_BLOCK)
        self._first: Frame | None = None  # of the block under way
        self._pieces = bytearray()

    @property
    def under_way(self) -> bool:
        """Whether the next frame must go on with a block."""
        return self._first is not None

    def feed(self, frame: Frame) -> Block | None:
        """Take HEADERS or CONTINUATION; the block, if it is whole by that.

        Raises:
            Violation: what the other side remembers of fields is not what we do, or it is too much.
        """
        first = self._first or frame
        if first.stream != frame.stream:
            raise Violation(frames.PROTOCOL_ERROR)
        self._pieces += frames.content_of(frame)
        if len(self._pieces) > MAX_BLOCK:
            raise Violation(frames.ENHANCE_YOUR_CALM)
        if not frame.flags & frames.END_HEADERS:
            self._first = first
            return None
        if _RESIZES.match(self._pieces):
            raise Violation(frames.COMPRESSION_ERROR)
        try:
            decoded = self._decoder.decode(bytes(self._pieces), raw=True)
        except HPACKError as error:
            raise Violation(frames.COMPRESSION_ERROR) from error
        self._first = None
        self._pieces.clear()
        fields = [(name, value) for name, value in decoded]
        size = PER_FIELD * len(fields) + sum(map(len, chain.from_iterable(fields)))
        return Block(fields if size <= MAX_HEAD else [], bool(first.flags & frames.END_STREAM))


def write_block(request: VendorRequest, authority: str) -> bytes:
    """The block of a request's HEADERS.

    Raises:
        ValueError: the request would be another one on the wire, or behind it in HTTP/1.1.
    """
    if not _METHOD.fullmatch(request.method) or not _TARGET.fullmatch(request.target):
        raise ValueError("the method or target of a request cannot stand in its first line")
    lines = [
        (b":method", request.method.encode("ascii")),
        (b":scheme", b"https"),
        (b":authority", authority.encode("ascii")),
        (b":path", request.target.encode("ascii")),
    ]
    for name, value in request.fields:
        if not _NAME.fullmatch(name) or name in _OURS:
            raise ValueError("a request brings a field that is the transport's to write, or none")
        if _BREAK.search(value):
            raise ValueError("a field of a request holds a line break")
        lines.append((name, value.strip(b" \t")))
    if request.stream is None and (request.content or request.method in _WITH_CONTENT):
        lines.append((b"content-length", b"%d" % len(request.content or b"")))
    return b"".join(
        b"%b%b%b" % (_NEVER_REMEMBERED, _string(name), _string(value)) for name, value in lines
    )


def judge(decoded: Sequence[tuple[bytes, bytes]], method: str) -> Head:
    """Read the head of the answer to a request of `method`.

    Raises:
        UpstreamMalformed: it can be read in two ways, or in none.
    """
    (first, *fields) = decoded or [(b"", b"")]
    if first[0] != b":status" or not _STATUS.fullmatch(first[1]) or len(fields) > MAX_FIELDS:
        raise UpstreamMalformed
    status = int(first[1])
    lengths = []
    for name, value in fields:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in _OF_CONNECTIONS:
            raise UpstreamMalformed
        if name == b"content-length":
            lengths.append(value)
    if status == 101 or len(lengths) > 1 or (lengths and status < 200):  # section 8.6
        raise UpstreamMalformed
    if not all(map(_LENGTH.fullmatch, lengths)):
        raise UpstreamMalformed
    length = int(lengths[0]) if lengths else None
    if method == "HEAD" or status in _BODILESS:
        length = 0
    return Head(status, tuple(fields), length)


def _string(value: bytes) -> bytes:
    """A string literal, as it is (RFC 7541 sections 5.1 and 5.2)."""
    size = len(value)
    if size < 0x7F:
        return b"%c%b" % (size, value)
    size -= 0x7F
    prefix = bytearray(b"\x7f")
    while size >= 0x80:
        prefix.append(0x80 | size & 0x7F)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + value
