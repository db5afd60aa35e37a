"""One HTTP/1.1 answer, read incrementally: bytes in, head and body out, the state in the object.

llhttp reads it; these rules keep it to what can be read in one way only (RFC 9112 section 6):

* A head goes to a parser of its own, up to its empty line and not a byte further. Nothing of one
  answer is there to be read as part of the next.
* The body is empty, or as long as the one Content-Length says, or exactly `chunked`, or lasts until
  the connection closes. Both fields together, or one of them twice, even alike, are refused.
* Chunks go to a second parser, which is given no way to tell of fields: trailers reach nobody, and
  fill no memory. Those that come whole, as events of a stream do, need none, and a stream that has
  only such keeps none: 850 bytes.
* A byte after the end, be it a line break, makes the connection unfit for another request: pools
  that kept such a byte served it as the next caller's answer.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.core.errors import UpstreamMalformed
from gateway.core.formats.fields import Fields

MAX_HEAD: Final = 65_536  # bytes, interim answers included; nginx and HAProxy take 4 to 32 KiB
MAX_FIELDS: Final = 200
MAX_INTERIM: Final = 8  # 1xx answers before the one that counts

_END_OF_HEAD: Final = b"\r\n\r\n"
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_CHUNKED_HEAD: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_FIRST: Final = ord("H")  # llhttp would skip line breaks before it, and take RTSP/ and ICE/


class Answer:
    """The answer to one request of `method`, as far as it has come.

    Field names are in lower case; values are without the blanks around them.
    """

    __slots__ = (
        "_bodiless",
        "_chunks",
        "_interim",
        "_is_chunked",
        "_keep_alive",
        "_left",
        "_parser",
        "_size",
        "_tail",
        "_version",
        "body",
        "complete",
        "fields",
        "has_head",
        "reusable",
        "status",
    )

    def __init__(self, method: str) -> None:
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []  # what has come; whoever takes it clears the list
        self.has_head = False
        self.complete = False  # by its framing
        self.reusable = False  # once complete: its connection may carry another request
        self._bodiless = method == "HEAD"
        self._parser: HttpResponseParser | None = None  # while a head is read
        self._size = 0  # bytes of heads
        self._tail = b""  # the last of them, where an end of head may have begun
        self._interim = 0
        self._version = ""
        self._keep_alive = False
        self._left: int | None = None  # bytes of the body to come, by Content-Length
        self._is_chunked = False
        self._chunks: _Chunks | None = None  # once they have not come whole

    @property
    def started(self) -> bool:
        """Whether any byte of it has come."""
        return self._size > 0

    def feed(self, data: bytes) -> None:
        """Take what came; never empty.

        Raises:
            UpstreamMalformed: it can be read in two ways, or in none.
        """
        try:
            rest = data if self.has_head else self._feed_heads(data)
            if rest:
                self._feed_body(rest)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise UpstreamMalformed from error

    def let_go(self) -> None:
        """Nothing more of it comes. Its parsers hold it, as it holds them."""
        self._parser = None
        if self._chunks is not None:
            self._chunks.let_go()

    def end(self) -> None:
        """The connection was closed in order. A body of no stated length is complete by that."""
        if self.has_head and self._left is None and not self._is_chunked:
            self.complete = True

    def _feed_heads(self, data: bytes) -> bytes:
        """Take heads up to the final one; what follows it."""
        while data and not self.has_head:
            if self._parser is None:
                if data[0] != _FIRST:
                    raise UpstreamMalformed
                self._parser = HttpResponseParser(self)
            seen = self._tail + data
            found = seen.find(_END_OF_HEAD)
            size = len(data) if found < 0 else found + len(_END_OF_HEAD) - len(self._tail)
            self._size += size
            if self._size > MAX_HEAD:
                raise UpstreamMalformed
            self._parser.feed_data(data[:size])
            if (found >= 0) != bool(self._version):
                raise UpstreamMalformed  # llhttp sees the end of the head elsewhere
            if found < 0:
                self._tail = seen[-3:]
                return b""
            self._end_head()
            data = data[size:]
        return data

    # The next two are called by llhttp.

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is not None:
            self.status = parser.get_status_code()
            self._version = parser.get_http_version()
            # Not later: once an answer without a body is complete, this is always False.
            self._keep_alive = parser.should_keep_alive()

    def _end_head(self) -> None:
        if len(self.fields) > MAX_FIELDS or self._version not in {"1.1", "1.0"}:
            raise UpstreamMalformed
        framing = [field for field in self.fields if field[0] in _FRAMING]
        if 200 <= self.status <= 599:
            self._begin_body(framing)
            self.has_head = True  # not before: nobody is to see the head of what is no answer
        elif 100 <= self.status <= 199 and self._interim < MAX_INTERIM and not framing:
            self._interim += 1  # 101 does not get here: llhttp stops at it
            self.fields.clear()
        else:
            raise UpstreamMalformed
        self._parser = None  # it holds us, as we hold it
        self._tail = b""
        self._version = ""

    def _begin_body(self, framing: Fields) -> None:
        """`framing`: the fields that say where the body ends."""
        if len(framing) > 1:
            raise UpstreamMalformed
        name, value = framing[0] if framing else (b"", b"")
        # In HTTP/1.0, keep-alive was an afterthought and chunks did not exist.
        self.reusable = self._keep_alive and self._version == "1.1"
        if self._bodiless or self.status in {204, 304}:
            # Where a body is announced that must not come, one may come all the same.
            self.reusable = self.reusable and (
                not name or (name, value) == (b"content-length", b"0")
            )
            self.complete = True
        elif name == b"transfer-encoding":
            if value != b"chunked" or self._version != "1.1":
                raise UpstreamMalformed
            self._is_chunked = True
        elif name:
            self._left = int(value)  # llhttp has seen to it that these are digits, below 2**64
            self.complete = self._left == 0

    def _feed_body(self, data: bytes) -> None:
        if self.complete:
            self.reusable = False
        elif self._is_chunked:
            if self._chunks is not None or not self._take_whole(data):
                self._feed_chunks(data)
        elif self._left is not None:
            self.body.append(data[: self._left])
            self._left -= len(data)
            self.complete = self._left <= 0
            self.reusable = self.reusable and self._left >= 0
        else:
            self.body.append(data)

    def _take_whole(self, data: bytes) -> bool:
        """Take chunks that come whole, none of them the last. False: it is something else."""
        lines = data.split(b"\r\n")
        if len(lines) == 3:  # one, as most events come: in half the time
            size, content, rest = lines
            if rest or not content or size != b"%x" % len(content):
                return False
            self.body.append(content)
            return True
        contents = lines[1::2]
        sizes = [b"%x" % len(content) if content else None for content in contents]
        if lines[::2] != [*sizes, b""]:
            return False
        self.body += contents
        return True

    def _feed_chunks(self, data: bytes) -> None:
        chunks = self._chunks
        if chunks is None:
            chunks = self._chunks = _Chunks(self.body)
        chunks.feed(data)
        self.complete = chunks.complete
        self.reusable = self.reusable and chunks.exact


class _Chunks:
    """Undoes the chunked coding, into the list it is given."""

    __slots__ = ("_body", "_parser", "_tail", "_without_body", "complete", "exact", "on_body")

    def __init__(self, body: list[bytes]) -> None:
        self.complete = False
        self.exact = True  # nothing came after the end
        self.on_body = body.append  # called by llhttp
        self._body = body
        self._tail = b""
        self._without_body = 0  # bytes since the last of the body
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._parser.feed_data(_CHUNKED_HEAD)

    def on_message_begin(self) -> None:
        if self.complete:  # llhttp would read a second answer, and its body into the first one's
            raise HttpParserError("more than one answer")

    def on_message_complete(self) -> None:
        self.complete = True

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            HttpParserError: it is not chunked.
            UpstreamMalformed: too much of it is no body: an extension or trailers without an end.
        """
        before = len(self._body)
        if self._parser is not None:
            try:
                self._parser.feed_data(data)
            except HttpParserError:
                if not self.complete:
                    raise
                self.exact = False
        self._without_body = 0 if len(self._body) > before else self._without_body + len(data)
        if self._without_body > MAX_HEAD:
            raise UpstreamMalformed
        self._tail = data[-5:] if len(data) >= 5 else (self._tail + data)[-5:]
        if self.complete:
            # llhttp skips line breaks after the end, and does not tell. But the last line of a
            # chunked body is never empty, so exactly two line breaks end it.
            self.exact = (
                self.exact and self._tail[0] not in b"\r\n" and self._tail[1:] == b"\r\n\r\n"
            )
            self.let_go()

    def let_go(self) -> None:
        self._parser = None  # it holds us, as we hold it
