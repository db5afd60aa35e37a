"""One request of a connection, and the answer that is due: what the server's protocol knows of it.

There are two kinds: of an ASGI application (`asgi_turn`), and of the gateway itself,
which `gateway serve` calls without a message between (`own_turn`).
"""

import asyncio
from typing import Any, Protocol

from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.net.flow import Flow


class Connection(Protocol):
    """What a turn needs of the connection it is on."""

    config: Config
    server_state: ServerState
    app_state: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    flow: Flow
    scheme: str

    @property
    def transport(self) -> asyncio.Transport:
        """The way to the client."""
        ...

    @property
    def client(self) -> tuple[str, int] | None:
        """Its address and port; none on a UNIX socket."""
        ...

    def on_answered(self) -> None:
        """The answer is out as a whole."""
        ...

    def ended(self) -> None:
        """The task that answered has nothing more to do."""
        ...

    def rest(self) -> None:
        """The answer may take long: keep nothing for it that only the next request needs."""
        ...


class Turn(Protocol):
    keep_alive: bool  # the connection outlives the answer

    @property
    def started(self) -> bool:
        """Whether the answer has begun."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the answer is out as a whole."""
        ...

    @property
    def held(self) -> int:
        """Bytes of the body that have come and that nobody has taken yet."""
        ...

    def take(self, content: bytes) -> None:
        """So much more of the body has come."""
        ...

    def whole(self) -> None:
        """All of the body has come."""
        ...

    def leave(self) -> None:
        """The client has left, or its request does not happen after all: nobody is answered."""
        ...

    async def run(self) -> None:
        """Answer; the last step is `Connection.ended`."""
        ...
