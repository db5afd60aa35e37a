"""What came in one segment, taken slice by slice, each in a turn of the loop of its own.

A segment of 256 KiB may hold 40,000 frames of WebSocket, of 9 µs each: so long nobody else would be
served. Nothing further is read meanwhile, nor while whoever takes it has enough.
"""

import asyncio
from collections.abc import Callable

SLICE = 8192  # bytes


class Slices:
    """`take` takes a slice; `wants` says whether it may get one."""

    __slots__ = ("_later", "_rest", "_take", "_transport", "_wants")

    def __init__(
        self,
        transport: asyncio.Transport,
        take: Callable[[bytes], None],
        wants: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._take = take
        self._wants = wants
        self._rest = b""
        self._later: asyncio.Handle | None = None

    def feed(self, data: bytes) -> None:
        """So much has come."""
        self._rest += data
        self.go_on()

    def go_on(self) -> None:
        """Take a slice, if one is there and wanted; read on where none is left."""
        if self._later is not None or self._transport.is_closing():
            return
        if self._rest and self._wants():
            piece, self._rest = self._rest[:SLICE], self._rest[SLICE:]
            self._take(piece)
        if self._transport.is_closing():
            return
        if self._rest or not self._wants():
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
        if self._rest and self._wants():
            self._later = asyncio.get_running_loop().call_soon(self._go_on_later)

    def take_rest(self) -> None:
        """All at once: the end has come."""
        rest, self._rest = self._rest, b""
        if rest:
            self._take(rest)

    def close(self) -> None:
        """Nothing is taken any more; and no way leads back to the owner."""
        self._rest = b""
        if self._later is not None:
            self._later.cancel()
        self._wants = bool
        self._take = _drop

    def _go_on_later(self) -> None:
        self._later = None
        self.go_on()


def _drop(piece: bytes) -> None:
    del piece
