"""uvicorn's WebSocket protocol, with the bounds it lacks.

- No compression: a small message could become a large one.
- A message has 4 MiB and 1,024 fragments at most: empty ones are otherwise without number.
- A client that does not read what is written, the answers to its pings among it, is not read from,
  and is given up in time (gateway.net.gate); so is one that does not answer our pings.
- A head that the library does not read, and says nothing to, is answered: no clock would end it.
- What it sends is taken slice by slice (gateway.net.server.slices).
- When the server stops, an open WebSocket is closed with 1001: by itself it would never end.
"""

import logging
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.server import ServerProtocol

from gateway.core.answer.note import MAX_HELD
from gateway.core.errors import FieldsTooLarge
from gateway.core.websocket.closing import GOING_AWAY, TOO_LARGE
from gateway.net.gate import Gate
from gateway.net.server.refusal import render
from gateway.net.server.slices import Slices

MAX_FRAGMENTS = 1024
LOG = logging.getLogger("gateway.server.websocket")
LOG.setLevel(logging.WARNING)  # below, uvicorn writes targets, and the library messages
# A handshake that is answered otherwise is complete, whatever uvicorn thinks.
LOG.addFilter(lambda record: "without completing handshake" not in str(record.msg))


class ServedWebSocket(WebSocketsSansIOProtocol):
    """One connection of a client, from its handshake on."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], gate: Gate
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.logger = LOG
        self.conn = ServerProtocol(extensions=[], max_size=MAX_HELD, logger=LOG)
        self._gate = gate
        self._slices = Slices(gate, super().data_received, self._wants_more)
        self.connection_made(gate)

    def shake_hands(self, head: bytes) -> None:
        """Take the head of the handshake, whole."""
        super().data_received(head)
        if not self.handshake_initiated:  # of all that was judged, a line beyond 8 KiB alone
            self._gate.write(render(FieldsTooLarge(), self.default_headers))
            self._gate.close()

    def data_received(self, data: bytes) -> None:
        self._slices.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gate.closed()
        self._slices.close()
        super().connection_lost(exc)

    async def receive(self) -> Any:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._slices.go_on()
        return message

    def _wants_more(self) -> bool:
        return not self.read_paused and self.writable.is_set()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self.conn.fail(TOO_LARGE, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._gate.stalled()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._gate.flowing()
        self._slices.go_on()

    def shutdown(self) -> None:
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
        self.conn.send_close(GOING_AWAY)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)
