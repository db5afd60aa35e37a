"""A vendor's WebSocket as the `websockets` library makes it, with the bounds it lacks.

- No redirect is followed.
- A vendor that does not read what is written is not read from: its pings would be answered without
  end, and what it does not read would be kept.
- Is that so for long, it is given up: the library would wait for ever, be it to say goodbye.
"""

import asyncio

from websockets.asyncio.client import ClientConnection, connect

from gateway.net.deadline import Deadline

WRITE = 15.0  # seconds a vendor may leave unread what was written


class Straight(connect):
    """Goes where it is told to, and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class VendorConnection(ClientConnection):
    """One connection to a vendor, from its handshake on."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.recv_messages.resume = self._read_on
        self._patience = Deadline(self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.close()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._patience.set(WRITE)
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._patience.clear()
        self._read_on()

    def _read_on(self) -> None:
        if not self.paused and not self.recv_messages.paused:
            self.transport.resume_reading()
