"""A vendor's WebSocket as the `websockets` library makes it, with the bounds it lacks.

- No redirect is followed.
- A vendor that does not read what is written is not read from: its pings would be answered without
  end, and what it does not read would be kept.
- Is that so for long, it is given up: the library would wait for ever, be it to say goodbye.
- What it sends is taken slice by slice (gateway.net.server.slices).
"""

import asyncio

from websockets.asyncio.client import ClientConnection, connect

from gateway.net.server.slices import Slices
from gateway.system.deadline import Deadline

WRITE = 15.0  # seconds a vendor may leave unread what was written


class Straight(connect):
    """Goes where it is told to, and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class VendorConnection(ClientConnection):
    """One connection to a vendor, from its handshake on."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._slices = Slices(self.transport, super().data_received, self._wants_more)
        self.recv_messages.resume = self._slices.go_on
        self._patience = Deadline(self)

    def data_received(self, data: bytes) -> None:
        self._slices.feed(data)

    def eof_received(self) -> None:
        self._slices.take_rest()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.close()
        self._slices.close()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._patience.set(WRITE)
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._patience.clear()
        self._slices.go_on()

    def overdue(self) -> None:
        self.transport.abort()

    def _wants_more(self) -> bool:
        return not self.paused and not self.recv_messages.paused
