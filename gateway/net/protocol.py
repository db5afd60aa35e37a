"""uvicorn's httptools protocol, with the deadlines and limits it lacks.

- A head arrives whole within its time, size and number of fields, and says one thing only
  (gateway.net.head); a body keeps a deadline and a least rate. An answer has no deadline of its
  own, but a client that does not read it is given up.
- An application starts when the segment that brought its request has been parsed to the end, and
  never sees trailers: any field after the head is refused, since httptools hands trailers over as
  it does fields, and uvicorn puts them all into one list.
- A connection outlives an answer only when the request was whole before the answer began. What
  comes after a refusal is never read as a request.
- Refusals come in turn: after the answers to what was asked before on the same connection.
"""

import asyncio
import logging
from enum import Enum
from typing import Any, ClassVar

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.core.errors import (
    BadRequest,
    GatewayError,
    MethodNotAllowed,
    Overloaded,
    RequestTimeout,
)
from gateway.net.deadline import Deadline
from gateway.net.gate import Gate
from gateway.net.head import FRAMING, METHODS, judge
from gateway.net.refusal import render
from gateway.net.tally import ServerLimits, Tally
from gateway.net.upgrade import NothingFollows, body_parser

LOG = logging.getLogger("gateway.server")
# An answer is cut on purpose, and its own record says why; uvicorn takes it for a mistake.
LOG.addFilter(lambda record: "returned without completing response" not in str(record.msg))

_SPARE_CONNECTIONS = 64  # beyond the cap: told so; those beyond are just closed


class _Part(Enum):
    """Of the request that arrives: the part that is due."""

    NONE = 0
    HEAD = 1
    BODY = 2


def guarded_protocol(limits: ServerLimits) -> type["GuardedProtocol"]:
    """The class to give to uvicorn as `http`."""

    class Limited(GuardedProtocol):
        pass

    Limited.limits = limits
    return Limited


class GuardedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    limits: ClassVar[ServerLimits] = ServerLimits()
    gate: Gate

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = LOG
        self._clock = Deadline(self._on_late)  # of the client: head, body, idleness
        self._tally = Tally(self.limits)
        self._part = _Part.NONE
        self._begun = 0  # requests, in this segment
        self._feeding = False
        self._held: tuple[RequestResponseCycle, ASGI3Application] | None = None
        self._running: RequestResponseCycle | None = None  # whose answer is due
        self._ahead = 0  # bytes of the heads that wait in the pipeline
        self._may_reuse = False
        self._body_follows = False  # behind an Upgrade
        self._body_due = 0.0
        self._body_before = 0  # bytes, when the window began
        self._last_words: bytes | None = None  # set: nothing more is read as a request
        self._stopping = False  # the server stops: the next answer is the last

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.gate = self.transport = Gate(
            transport,
            more_may_come=lambda: self._part is not _Part.NONE or self._last_words is not None,
            write_timeout=self.limits.write_timeout,
            linger=self.limits.linger,
        )
        over = len(self.connections) - self.limits.max_connections
        if over > _SPARE_CONNECTIONS:
            self.gate.abort()
        elif over > 0:
            self._refuse(Overloaded("The gateway holds as many connections as it takes"))
        else:
            self._clock.set(self.limits.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clock.close()
        self.gate.closed()
        self.pipeline.clear()
        if self._running is not None:
            _tell_client_left(self._running)  # uvicorn tells the request parsed last alone
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.gate.stalled()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.gate.flowing()

    def shutdown(self) -> None:
        """Take no further request: close when the answers due are out, or at once."""
        self._stopping = True
        self._may_reuse = False
        if self._running is not None:
            self.cycle.keep_alive = False
        elif self._part is _Part.NONE:
            self.gate.close()

    # A segment

    def data_received(self, data: bytes) -> None:
        if self._last_words is not None or self.gate.lingering:
            return
        before = self._part
        self._begun = 0
        self._feeding = True
        fault = self._feed(data) or self._weigh(len(data), before)
        self._feeding = False
        if fault is not None:
            self._refuse(fault)
            return
        self._start_held()
        if self._begun or self._part is not before:
            self._set_clock()

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
        if not self._body_follows:
            return NothingFollows()
        self._body_follows = False
        self.parser = body_parser(self, [field for field in self.headers if field[0] in FRAMING])
        return self._feed(rest)

    def _weigh(self, size: int, before: _Part) -> GatewayError | None:
        if self._begun + (before is not _Part.NONE) != 1:
            return None  # two requests share the segment, or it has none
        try:
            self._tally.segment(size, in_head=self._part is _Part.HEAD)
        except GatewayError as error:
            if self._part is _Part.NONE:
                self._part = _Part.BODY  # it is this request after all that is refused
            return error
        return None

    def _set_clock(self) -> None:
        if self._part is _Part.NONE:
            self._clock.clear()  # the answer takes its time
        elif self._part is _Part.BODY:
            self._body_due = self.loop.time() + self.limits.body_timeout
            self._open_window()
        elif self.cycle is not None:  # the first head has had its deadline since the connection
            self._clock.set(self.limits.header_timeout)

    def _open_window(self) -> None:
        self._body_before = self._tally.body
        left = self._body_due - self.loop.time()
        self._clock.set(min(left, self.limits.body_window))

    def _on_late(self) -> None:
        if self._part is _Part.NONE:
            self.gate.close()
        elif self._part is _Part.BODY and self._body_keeps_up():
            self._open_window()
        else:
            self._refuse(RequestTimeout())

    def _body_keeps_up(self) -> bool:
        if self.loop.time() >= self._body_due:
            return False
        arrived = self._tally.body - self._body_before
        return self.flow.read_paused or (
            arrived >= self.limits.min_body_rate * self.limits.body_window
        )

    # What llhttp finds in it

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part = _Part.HEAD
        self._begun += 1
        self._tally.begin()

    def on_url(self, url: bytes) -> None:
        self._tally.target(len(url))
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._part is not _Part.HEAD:
            raise BadRequest("Fields after the body are not taken")
        self._tally.field(len(name) + len(value) + 4)
        name = name.lower()
        if name in FRAMING:
            self._tally.chunked = name == b"transfer-encoding"
        else:
            value = value.rstrip(b" \t")  # llhttp strips the blanks before it only
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        judge(self.parser.get_method().decode("ascii"), self.url, version, self.headers)
        self.expect_100_continue = version == "1.1" and any(
            name == b"expect" for name, _ in self.headers
        )
        if self._running is not None or self._held is not None:
            self._count_ahead()
        super().on_headers_complete()
        self.flow.resume_reading()  # uvicorn pauses when one waits, and misses a client that leaves
        self._part = _Part.BODY
        upgrade = self.parser.should_upgrade()
        self._body_follows = upgrade and any(name in FRAMING for name, _ in self.headers)
        self._may_reuse = self.cycle.keep_alive and not upgrade and not self._stopping
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
        if self._body_follows:
            return
        self._part = _Part.NONE
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._may_reuse
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        return False

    # Answers

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self._feeding:
            self._held = (cycle, app)  # the rest of the segment may yet refuse it
        else:
            self._running = cycle
            super()._start_asgi_task(cycle, app)

    def _start_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._start_asgi_task(*held)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._running = None
        if self.gate.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last_words is not None:
            self._say_last_words()
        elif self._part is _Part.NONE:
            self._clock.set(self.limits.keep_alive)

    def _refuse(self, reason: Exception) -> None:
        """Read nothing more here; when it is this request's turn, say why and close."""
        self._clock.clear()
        self.flow.resume_reading()  # what comes is dropped; only so a client that leaves is noticed
        LOG.debug("a request is refused: %s", reason)
        self._last_words = b""
        if self._withdraw() and isinstance(reason, GatewayError):
            self._last_words = render(reason, self.server_state.default_headers)
        self._start_held()
        if self._running is None:
            self._say_last_words()

    def _withdraw(self) -> bool:
        """Have the request whose body is due not happen. False: its own answer is on the way."""
        if self._part is not _Part.BODY:
            return True  # it has not been handed on
        cycle = self.cycle
        if self._held is not None and self._held[0] is cycle:
            self._held = None
        elif self._running is not cycle:
            self.pipeline.popleft()
        elif cycle.response_started:
            return False
        else:
            self._running = None
            _tell_client_left(cycle)
        return True

    def _say_last_words(self) -> None:
        if self._last_words:
            self.gate.write(self._last_words)
        self.gate.close()


def _tell_client_left(cycle: RequestResponseCycle) -> None:
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _reason(error: BaseException | None) -> Exception:
    """Why a callback stopped the parser."""
    if isinstance(error, GatewayError | NothingFollows):
        return error
    if not isinstance(error, httptools.HttpParserError):
        LOG.error("a request could not be taken in: %s", type(error).__name__)
    return BadRequest()
