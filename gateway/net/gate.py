"""The way out of a connection: what is written arrives, and nothing waits for ever."""

import asyncio
from typing import Any, Protocol

from gateway.system.deadline import Deadline


class Owner(Protocol):
    @property
    def may_get_more(self) -> bool:
        """Whether what its client sends is not at its end."""
        ...


class Gate(asyncio.Transport):
    """A transport for those who write answers.

    To close a socket while its client still sends makes the kernel answer with RST, and the client
    may lose the answer it had (RFC 9112 section 9.6). So while more may come, `close` ends our side
    only, and what comes for another `linger` seconds is for the protocol to drop.
    A client that does not read for `write_timeout` seconds is given up.
    """

    __slots__ = (
        "_linger",
        "_owner",
        "_patience",
        "_transport",
        "_write_timeout",
        "lingering",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        owner: Owner,
        *,
        write_timeout: float,  # seconds
        linger: float,  # seconds
    ) -> None:
        # Not the base's `__init__`: it makes a dict, and `get_extra_info` here asks another's.
        self.lingering = False
        self._transport = transport
        self._owner: Owner | None = owner
        self._write_timeout = write_timeout
        self._linger = linger
        self._patience: Deadline | None = None  # until it is needed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.lingering:
            self._transport.write(data)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self.lingering or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        unread = self._transport.get_write_buffer_size() > 0
        more_may_come = self._owner is not None and self._owner.may_get_more
        if more_may_come and self._transport.can_write_eof():
            self.lingering = True
            self._transport.write_eof()
            self._transport.resume_reading()
            self._wait(self._write_timeout if unread else self._linger)
        else:
            self._transport.close()
            if unread:
                self._wait(self._write_timeout)

    def abort(self) -> None:
        self._transport.abort()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def stalled(self) -> None:
        """The client does not take what is written."""
        if not self.is_closing():
            self._wait(self._write_timeout)

    def flowing(self) -> None:
        """It does again."""
        if self._patience is not None and not self.is_closing():
            self._patience.clear()

    def hand_to(self, protocol: asyncio.BaseProtocol) -> None:
        """Be another protocol's way out from now on; what comes after its end is dropped."""
        self._owner = None
        self._transport.set_protocol(protocol)

    def closed(self) -> None:
        """The connection is gone, and with it the way back to its owner: no garbage in circles."""
        if self._patience is not None:
            self._patience.close()
        self._owner = None

    def overdue(self) -> None:
        self._transport.abort()

    def _wait(self, seconds: float) -> None:
        if self._patience is None:
            self._patience = Deadline(self)
        self._patience.set(seconds)
