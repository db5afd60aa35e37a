"""uvicorn's httptools protocol, with the deadlines and limits it lacks.

- A head arrives whole within its time, size and number of fields, and says one thing only
  (`head`); a body keeps a deadline and a least rate. An answer has no deadline of its
  own, but a client that does not read it is given up.
- An application starts when the segment that brought its request has been parsed to the end, and
  never sees trailers: any field after the head is refused, since httptools hands trailers over as
  it does fields, and uvicorn puts them all into one list.
- A connection outlives an answer only when the request was whole before the answer began. What
  comes after a refusal is never read as a request.
- Refusals come in turn: after the answers to what was asked before on the same connection.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.core.errors import GatewayError, Overloaded, RequestTimeout
from gateway.net.gate import Gate
from gateway.net.server.asgi_turn import AsgiTurn
from gateway.net.server.head import Head
from gateway.net.server.intake import LOG, Intake, Part
from gateway.net.server.own_turn import Entry, OwnTurn
from gateway.net.server.refusal import render
from gateway.net.server.tally import ServerLimits
from gateway.net.server.turn import Turn
from gateway.net.server.upgrade import Handover
from gateway.system.deadline import Deadline

_SPARE_CONNECTIONS = 64  # beyond the cap: told so; those beyond are just closed


def guarded_protocol(limits: ServerLimits, entry: Entry | None = None) -> type["GuardedProtocol"]:
    """The class to give to uvicorn as `http`.

    With an `entry`, HTTP is its to answer, and the application hears of the server's life and of
    WebSockets alone. Without, all is the application's.
    """

    class Limited(GuardedProtocol):
        __slots__ = ()

    Limited.limits = limits
    Limited.entry = entry
    return Limited


class GuardedProtocol(Intake):
    """One connection of a client."""

    __slots__ = (
        "_body_before",
        "_body_due",
        "_deadline",
        "_held",
        "_last_words",
        "_running",
    )
    entry: ClassVar[Entry | None] = None  # whom requests are for; None: the ASGI application

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: Deadline | None = None
        self.transport: Gate
        self._body_due = 0.0
        self._body_before = 0  # bytes, when the window began
        self._held: Turn | None = None  # begins when its segment has been read
        self._running: Turn | None = None  # whose answer is due
        self._last_words: bytes | None = None  # set: nothing more is read as a request

    @property
    def _clock(self) -> Deadline:
        """Of the client: head, body, idleness."""
        if self._deadline is None:
            self._deadline = Deadline(self)
        return self._deadline

    # The connection

    # As in `Intake`.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Gate(
            transport,
            self,
            write_timeout=self.limits.write_timeout,
            linger=self.limits.linger,
        )
        connections = self.server_state.connections
        connections.add(self)  # type: ignore[arg-type] # uvicorn looks at none of them
        over = len(connections) - min(self.limits.max_connections, self.limits.fits())
        if over > _SPARE_CONNECTIONS:
            self.transport.abort()
        elif over > 0:
            self._refuse(Overloaded("The gateway holds as many connections as it takes"))
        else:
            self._clock.set(self.limits.header_timeout)

    @property
    def may_get_more(self) -> bool:
        return self.part is not Part.NONE or self._last_words is not None

    def rest(self) -> None:
        super().rest()
        self._stop_clock()

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.close()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self.transport.closed()
        self.server_state.connections.discard(self)
        if self._running is not None:
            self._running.leave()
        self.flow.resume_writing()  # who waits to write finds that the client has left
        self._running = self.turn = None
        self.pipeline = ()
        self.stop_parsing()

    def pause_writing(self) -> None:
        self.flow.pause_writing()
        self.transport.stalled()

    def resume_writing(self) -> None:
        self.flow.resume_writing()
        self.transport.flowing()

    def shutdown(self) -> None:
        """Take no further request: close when the answers due are out, or at once."""
        self.stopping = True
        self.may_reuse = False
        if self._running is not None and self.turn is not None:
            self.turn.keep_alive = False
        elif self.part is Part.NONE:
            self.transport.close()

    # A segment

    def data_received(self, data: bytes) -> None:
        if self._last_words is not None or self.transport.lingering:
            return
        before = self.part
        fault = self.take(data)
        if fault is not None:
            if isinstance(fault, Handover):
                self._hand_over()
            else:
                self._refuse(fault)
            return
        self._begin_held()
        if self.begun or self.part is not before:
            self._set_clock()

    def _hand_over(self) -> None:
        """Be a WebSocket from now on, with the head as uvicorn's protocol for those reads it."""
        from gateway.net.server.websocket import ServedWebSocket

        self._stop_clock()
        self.server_state.connections.discard(self)
        socket = ServedWebSocket(self.config, self.server_state, self.app_state, self.transport)
        self.transport.hand_to(socket)
        lines = b"".join(b"%s: %s\r\n" % field for field in self.headers)
        socket.shake_hands(b"GET " + self.url + b" HTTP/1.1\r\n" + lines + b"\r\n")

    def _set_clock(self) -> None:
        if self.part is Part.NONE:
            self._clock.clear()  # the answer takes its time
        elif self.part is Part.BODY:
            self._body_due = self.loop.time() + self.limits.body_timeout
            self._open_window()
        elif self.turn is not None:  # the first head has had its deadline since the connection
            self._clock.set(self.limits.header_timeout)

    def _open_window(self) -> None:
        self._body_before = self.body_size
        left = self._body_due - self.loop.time()
        self._clock.set(min(left, self.limits.body_window))

    def overdue(self) -> None:
        if self.part is Part.NONE:
            self.transport.close()
        elif self.part is Part.BODY and self._body_keeps_up():
            self._open_window()
        else:
            self._refuse(RequestTimeout())

    def _body_keeps_up(self) -> bool:
        if self.loop.time() >= self._body_due:
            return False
        arrived = self.body_size - self._body_before
        return self.flow.read_paused or (
            arrived >= self.limits.min_body_rate * self.limits.body_window
        )

    # Answers

    def waits(self) -> bool:
        return self._running is not None or self._held is not None

    def turn_of(self, head: Head) -> Turn:
        return AsgiTurn(self, head) if self.entry is None else OwnTurn(self, head, self.entry)

    def begin(self, turn: Turn) -> None:
        self._held = turn  # the rest of the segment may yet refuse it

    def _run(self, turn: Turn) -> None:
        self._running = turn
        # With a name: asyncio would make one for each.
        task = asyncio.Task(turn.run(), loop=self.loop, name="exchange")
        self.server_state.tasks.add(task)

    def _begin_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._run(held)

    def ended(self) -> None:
        # In place of a callback of the task's: 140 bytes of each stream, and a turn of the loop.
        self.server_state.tasks.discard(asyncio.current_task(self.loop))

    def on_answered(self) -> None:
        self.server_state.total_requests += 1
        self._running = None
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            due, self.pipeline = self.pipeline[0], self.pipeline[1:]
            self._run(due)
        elif self._last_words is not None:
            self._say_last_words()
        elif self.part is Part.NONE:
            self._clock.set(self.limits.keep_alive)

    def _refuse(self, reason: Exception) -> None:
        """Read nothing more here; when it is this request's turn, say why and close."""
        self._clock.clear()
        self.flow.resume_reading()  # what comes is dropped; only so a client that leaves is noticed
        LOG.debug("a request is refused: %s", reason)
        self._last_words = b""
        if self._withdraw() and isinstance(reason, GatewayError):
            self._last_words = render(reason, self.server_state.default_headers)
        self._begin_held()
        if self._running is None:
            self._say_last_words()

    def _withdraw(self) -> bool:
        """Have the request whose body is due not happen. False: its own answer is on the way."""
        if self.part is not Part.BODY:
            return True  # it has not been handed on
        turn = self.turn
        if turn is None:
            return True
        if turn.complete:
            return False
        if self._held is turn:
            self._held = None
        elif self._running is not turn:
            self.pipeline = self.pipeline[:-1]
        elif turn.started:
            return False
        else:
            self._running = None
            turn.leave()
        return True

    def _say_last_words(self) -> None:
        if self._last_words:
            self.transport.write(self._last_words)
        self.transport.close()
