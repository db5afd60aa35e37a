"""The reading half of a connection: segments in, whole requests or what is wrong with them out.

llhttp parses, uvicorn's protocol makes the requests. Between the two, each callback weighs what it
is given (gateway.net.tally), judges the head (gateway.net.head), and stops the parser by raising.
"""

import asyncio
import logging
from enum import Enum
from itertools import chain
from typing import Any, ClassVar

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.core.errors import BadRequest, FieldsTooLarge, GatewayError, MethodNotAllowed
from gateway.net.asgi import CLOSES_UNENDED
from gateway.net.head import FRAMING, METHODS, judge
from gateway.net.tally import ServerLimits, Tally
from gateway.net.upgrade import Handover, NothingFollows, body_parser, is_handshake

LOG = logging.getLogger("gateway.server")
# An answer is cut on purpose, and its own record says why; uvicorn takes it for a mistake.
LOG.addFilter(lambda record: "returned without completing response" not in str(record.msg))


_CHUNKED = (b"transfer-encoding", b"chunked")


class Part(Enum):
    """Of the request that arrives: the part that is due."""

    NONE = 0
    HEAD = 1
    BODY = 2


class Intake(HttpToolsProtocol):
    """Parses, weighs and judges. When to read, and what to do about it, is for its subclass."""

    limits: ClassVar[ServerLimits] = ServerLimits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = LOG
        self.part = Part.NONE
        self.begun = 0  # requests, in this segment
        self.stopping = False  # the server stops: the next answer is the last
        self.may_reuse = False  # the connection, after the answer to this request
        self._tally = Tally(self.limits)
        self._max_fields = self.limits.max_fields
        self._ahead = 0  # bytes of the heads that wait in the pipeline
        self._body_follows = False  # behind an Upgrade
        self._becomes_socket = False

    def take(self, data: bytes) -> Exception | None:
        """Parse one segment, and return what is wrong with it.

        `GatewayError`: the request is to be refused. `NothingFollows`: without a word. `Handover`:
        nothing is, and the connection is a WebSocket's from now on.
        """
        before = self.part
        self.begun = 0
        return self._feed(data) or self._weigh(len(data), before)

    @property
    def body_size(self) -> int:
        """Bytes of the body that have arrived."""
        return self._tally.body

    def waits(self) -> bool:
        """Whether an answer to an earlier request is due."""
        raise NotImplementedError

    def _feed(self, data: bytes) -> Exception | None:
        """Parse; what is wrong with the segment is returned."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._pass_over_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            return _reason(error.__context__)
        except httptools.HttpParserInvalidMethodError:
            return MethodNotAllowed(METHODS)
        except httptools.HttpParserError:
            return BadRequest()
        return None

    def _pass_over_upgrade(self, rest: bytes) -> Exception | None:
        if self._becomes_socket:
            # RFC 6455 section 4.1: a client waits for the answer before it says anything.
            return BadRequest("Something follows the handshake") if rest else Handover()
        if not self._body_follows:
            return NothingFollows()
        self._body_follows = False
        self.parser = body_parser(self, [field for field in self.headers if field[0] in FRAMING])
        return self._feed(rest)

    def _weigh(self, size: int, before: Part) -> GatewayError | None:
        if self.part is Part.NONE and not self._tally.chunked:
            return None
        if self.begun + (before is not Part.NONE) != 1:
            return None  # two requests share the segment, or it has none
        try:
            self._tally.segment(size, in_head=self.part is Part.HEAD)
        except GatewayError as error:
            if self.part is Part.NONE:
                self.part = Part.BODY  # it is this request after all that is refused
            return error
        return None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CLOSES_UNENDED: {}}
        self.part = Part.HEAD
        self.begun += 1
        self._tally.begin()

    def on_url(self, url: bytes) -> None:
        self._tally.target(len(url))
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.part is not Part.HEAD:
            raise BadRequest("Fields after the body are not taken")
        if len(self.headers) == self._max_fields:
            raise FieldsTooLarge
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        method = self.parser.get_method().decode("ascii")
        fields = self.headers
        self._tally.fields(sum(map(len, chain.from_iterable(fields))) + 4 * len(fields))
        self.expect_100_continue = judge(method, self.url, self.parser.get_http_version(), fields)
        self._tally.chunked = _CHUNKED in fields
        # llhttp strips the blanks before a value only. In place: the scope holds this list.
        fields[:] = [(name, value.rstrip(b" \t")) for name, value in fields]
        if self.waits():
            self._count_ahead()
        self._becomes_socket = not self.waits() and is_handshake(method, fields)
        super().on_headers_complete()
        if self._becomes_socket:
            return
        self.flow.resume_reading()  # uvicorn pauses when one waits, and misses a client that leaves
        self.part = Part.BODY
        upgrade = self.parser.should_upgrade()
        self._body_follows = upgrade and any(name in FRAMING for name, _ in self.headers)
        self.may_reuse = self.cycle.keep_alive and not upgrade and not self.stopping
        self.cycle.keep_alive = False  # an answer that comes before the whole request is the last

    def _count_ahead(self) -> None:
        """RFC 9112 section 9.3.2: a client that pipelines is ready for a connection that closes."""
        self._ahead = self._tally.head + (self._ahead if self.pipeline else 0)
        if len(self.pipeline) >= self.limits.max_pipelined or self._ahead > self.limits.max_header:
            raise NothingFollows

    def on_chunk_header(self) -> None:
        self._tally.chunk()

    def on_body(self, body: bytes) -> None:
        self._tally.body += len(body)
        super().on_body(body)
        if self.pipeline and len(self.cycle.body) > HIGH_WATER_LIMIT:
            raise NothingFollows

    def on_message_complete(self) -> None:
        if self._body_follows or self._becomes_socket:
            return
        self.part = Part.NONE
        if not self.cycle.response_started:
            self.cycle.keep_alive = self.may_reuse
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        return self._becomes_socket


def _reason(error: BaseException | None) -> Exception:
    """Why a callback stopped the parser."""
    if isinstance(error, GatewayError | NothingFollows):
        return error
    if not isinstance(error, httptools.HttpParserError):
        LOG.error("a request could not be taken in: %s", type(error).__name__)
    return BadRequest()
