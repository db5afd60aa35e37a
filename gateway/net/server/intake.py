"""The reading half of a connection: segments in, whole requests or what is wrong with them out.

llhttp parses, uvicorn's protocol makes the requests. Between the two, each callback weighs what it
is given (`tally`), judges the head (`head`), and stops the parser by raising.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, ClassVar

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.utils import is_ssl
from uvicorn.server import ServerState

from gateway.core.errors import BadRequest, FieldsTooLarge, GatewayError, MethodNotAllowed
from gateway.net.flow import Flow
from gateway.net.server.head import BLANKS, FRAMING, METHODS, Head, judge
from gateway.net.server.tally import ServerLimits, Tally
from gateway.net.server.turn import Turn
from gateway.net.server.upgrade import Handover, NothingFollows, body_parser, is_handshake

LOG = logging.getLogger("gateway.server")
_METHODS = {method.encode("ascii"): method for method in METHODS}


class Part(Enum):
    """Of the request that arrives: the part that is due."""

    NONE = 0
    HEAD = 1
    BODY = 2


class Intake(asyncio.Protocol, ABC):
    """Parses, weighs and judges. When to read, and what to do about it, is for its subclass."""

    __slots__ = (
        "_ahead",
        "_ahead_in_bodies",
        "_becomes_socket",
        "_body_follows",
        "_client",
        "_parses",
        "_tally",
        "app_state",
        "begun",
        "config",
        "flow",
        "headers",
        "loop",
        "may_reuse",
        "parser",
        "part",
        "pipeline",
        "scheme",
        "server_state",
        "stopping",
        "transport",
        "turn",
        "url",
    )
    limits: ClassVar[ServerLimits] = ServerLimits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.config = config
        self.server_state = server_state
        self.app_state = app_state
        self.loop = _loop or asyncio.get_event_loop()
        self.parser: httptools.HttpRequestParser  # is there when something has come
        self._tally: Tally  # beside it
        self._parses = False
        self.transport: asyncio.Transport
        self.flow: Flow
        self._client: tuple[str, int] | None = None
        self.scheme = "http"
        self.url = b""
        self.headers: list[tuple[bytes, bytes]]  # of the head that arrives
        self.turn: Turn | None = None  # the one whose request was parsed last
        self.pipeline: tuple[Turn, ...] = ()  # those that wait for the answer to an earlier one
        self.part = Part.NONE
        self.begun = 0  # requests, in this segment
        self.stopping = False  # the server stops: the next answer is the last
        self.may_reuse = False  # the connection, after the answer to this request
        self._ahead = 0  # bytes of the heads that wait in the pipeline
        self._ahead_in_bodies = 0
        self._body_follows = False  # behind an Upgrade
        self._becomes_socket = False

    # asyncio says a BaseTransport, which may be a pipe's; of a server it is this.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.flow = Flow(transport)
        self.scheme = "https" if is_ssl(transport) else "http"

    @property
    def client(self) -> tuple[str, int] | None:
        """Its address and port; none on a UNIX socket."""
        if self._client is None:
            peer = self.transport.get_extra_info("peername")
            self._client = peer[:2] if isinstance(peer, tuple) else None
        return self._client

    def take(self, data: bytes) -> Exception | None:
        """Parse one segment, and return what is wrong with it.

        `GatewayError`: the request is to be refused. `NothingFollows`: without a word. `Handover`:
        nothing is, and the connection is a WebSocket's from now on.
        """
        before = self.part
        self.begun = 0
        fault = self._feed(data)
        if fault is not None or (self.part is Part.NONE and not self._tally.chunked):
            return fault
        return self._weigh(len(data), before)

    def rest(self) -> None:
        """Let go of what the next request makes anew: the answer to this one may take long."""
        if self.part is Part.NONE and self.may_reuse:
            self.stop_parsing()
            self.url = b""
            self._client = None

    def stop_parsing(self) -> None:
        if self._parses:
            self._parses = False
            del self._tally
            del self.parser  # and with it the way back to here: no garbage in circles

    @property
    def body_size(self) -> int:
        """Bytes of the body that have arrived."""
        return self._tally.body

    @abstractmethod
    def waits(self) -> bool:
        """Whether an answer to an earlier request is due."""
        ...

    @abstractmethod
    def turn_of(self, head: Head) -> Turn:
        """What becomes of a request with this head."""
        ...

    @abstractmethod
    def begin(self, turn: Turn) -> None:
        """It is the turn of this one."""
        ...

    @abstractmethod
    def on_answered(self) -> None:
        """The answer to the one whose turn it was is out as a whole."""
        ...

    def _feed(self, data: bytes) -> Exception | None:
        """Parse; what is wrong with the segment is returned."""
        if not self._parses:
            self._parses = True
            self._tally = Tally(self.limits)
            self.parser = httptools.HttpRequestParser(self)
            # So that a request after one that closes is seen, and then left unread.
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self.parser.feed_data(data)
            return None
        except httptools.HttpParserUpgrade as upgrade:
            parsed: int = upgrade.args[0]
        except httptools.HttpParserCallbackError as error:
            return _reason(error.__context__)
        except httptools.HttpParserInvalidMethodError:
            return MethodNotAllowed(METHODS)
        except httptools.HttpParserError:
            return BadRequest()
        # Not while that is handled: it would be the context of whatever is wrong with the rest.
        return self._pass_over_upgrade(data[parsed:])

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
        self.url = b""
        self.headers = []
        self.part = Part.HEAD
        self.begun += 1
        self._tally.begin()

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._tally.target(len(self.url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.part is not Part.HEAD:
            raise BadRequest("Fields after the body are not taken")
        if len(self.headers) == self.limits.max_fields:
            raise FieldsTooLarge
        self._tally.fields += len(name) + len(value) + 4
        name = name.lower()
        # llhttp strips the blanks before a value only. Those of framing are for `judge` to see.
        self.headers.append((name, value if name in FRAMING else value.rstrip(BLANKS)))

    def on_headers_complete(self) -> None:
        self._tally.end_head()
        method, version = self.parser.get_method(), self.parser.get_http_version()
        head = judge(_METHODS.get(method, ""), self.url, version, self.headers)
        self._tally.chunked = head.chunked
        waits, upgrade = self.waits(), self.parser.should_upgrade()
        if waits:
            self._count_ahead()
        # RFC 9110 section 7.8: in HTTP/1.0 an Upgrade is ignored.
        may_become = upgrade and not waits and version == "1.1"
        self._becomes_socket = may_become and is_handshake(head.method, head.fields)
        if self._becomes_socket:
            return
        self.flow.resume_reading()  # paused or not, or a client that leaves is missed
        self.part = Part.BODY
        self._body_follows = upgrade and head.has_body
        reusable = self.parser.should_keep_alive() and version == "1.1"
        self.may_reuse = reusable and not upgrade and not self.stopping
        # Not yet: an answer that comes before the whole request is the last.
        turn = self.turn = self.turn_of(head)
        if not self._body_follows:
            del self.headers  # they are the turn's
        if waits:
            self.pipeline += (turn,)
        else:
            self.begin(turn)

    def _count_ahead(self) -> None:
        """RFC 9112 section 9.3.2: a client that pipelines is ready for a connection that closes."""
        if not self.pipeline:
            self._ahead = self._ahead_in_bodies = 0
        self._ahead += self._tally.head
        if len(self.pipeline) >= self.limits.max_pipelined or self._ahead > self.limits.max_header:
            raise NothingFollows

    def on_chunk_header(self) -> None:
        self._tally.chunk()

    def on_body(self, body: bytes) -> None:
        self._tally.body += len(body)
        turn = self.turn
        if turn is None or turn.complete:
            return
        turn.take(body)
        if self.pipeline:
            self._ahead_in_bodies += len(body)
            if self._ahead_in_bodies > HIGH_WATER_LIMIT:
                raise NothingFollows
        elif self._tally.body > HIGH_WATER_LIMIT and turn.held > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        if self._body_follows or self._becomes_socket:
            return
        self.part = Part.NONE
        turn = self.turn
        if turn is None or turn.complete:
            return
        if not turn.started:
            turn.keep_alive = self.may_reuse
        turn.whole()


def _reason(error: BaseException | None) -> Exception:
    """Why a callback stopped the parser."""
    if isinstance(error, GatewayError | NothingFollows):
        return error
    if not isinstance(error, httptools.HttpParserError):
        LOG.error("a request could not be taken in: %s", type(error).__name__)
    return BadRequest()
