"""The client's side of the wire: one request as it came, one answer as it goes.

Fields are `(name, value)` pairs of bytes, names in lower case, in the order they came.
"""

from collections.abc import AsyncGenerator
from typing import Protocol

from gateway.core.formats.fields import Fields as Fields


class ClientLeft(Exception):
    """The client is gone: there is nobody left to answer."""


class Shortcut(Protocol):
    """What may take a chunk at once, in the callback that brings it."""

    def take(self, chunk: bytes) -> bool:
        """Whether it has; if not, nothing has happened."""
        ...


class Watcher(Protocol):
    """Whoever wants to know that the client leaves."""

    def left(self) -> None:
        """The client has left."""
        ...


class Inbound(Protocol):
    """One request, as it came. Nothing in it is trusted."""

    @property
    def method(self) -> str: ...
    @property
    def raw_path(self) -> str:
        """The path as sent, undecoded, below the prefix we are mounted at; ASCII."""
        ...

    @property
    def mount(self) -> str:
        """The prefix we are mounted at, as a client writes it; without a slash at its end."""
        ...

    @property
    def raw_query(self) -> bytes: ...
    @property
    def fields(self) -> Fields:
        """Not to be read once the answer has begun, and path and query neither: they are gone."""
        ...

    @property
    def scheme(self) -> str:
        """http or https, as the outermost proxy that is believed saw it."""
        ...

    @property
    def host(self) -> str | None:
        """The Host in lower case, with its port, as that proxy saw it."""
        ...

    @property
    def peer(self) -> str:
        """The client's address, as that proxy saw it; empty where there is none."""
        ...

    @property
    def from_proxy(self) -> bool:
        """Whether a proxy that is believed has brought it."""
        ...

    async def body(self, limit: int) -> bytes:
        """The whole body. `ContentTooLarge` beyond `limit` bytes, `RequestTimeout` when slow."""
        ...

    def chunks(self, limit: int) -> AsyncGenerator[bytes, None]:
        """The body as it comes, in place of `body`. Raises as that does, and `ClientLeft`."""
        ...

    def on_leave(self, watcher: Watcher | None) -> None:
        """Have `watcher` told when the client leaves; None: nobody wants to know any more.

        Only after `body`, or beside `chunks`: whoever reads the body is told by an exception.

        Raises:
            ClientLeft: it has.
        """
        ...


class Writer(Protocol):
    """Writes chunks of an answer that has begun, each in one step."""

    def write(self, content: bytes) -> bool:
        """Write it, unless the client cannot take it now; whether it was."""
        ...


class Outbound(Protocol):
    """One answer, as it goes. Each call returns once the client can take more."""

    @property
    def started(self) -> bool: ...
    async def start(self, status: int, fields: Fields) -> None: ...
    async def chunk(self, content: bytes) -> None: ...
    async def end(self) -> None: ...
    async def cut(self) -> None:
        """Close without a proper end, so that half an answer does not look whole."""
        ...

    def writer(self) -> Writer | None:
        """What else writes chunks of it, from now on; None: nothing does but `chunk`."""
        ...


class Answering(Outbound, Protocol):
    """An answer whose head can still get more."""

    def add(self, fields: Fields) -> None:
        """Put these in the head as well, whatever answer it will be the head of."""
        ...
