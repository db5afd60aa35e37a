"""Servers on loopback, several in one process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from gateway.net.process.listener import sends_at_once
from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.tally import ServerLimits

LOOPBACK = "127.0.0.1"
TRIED = 10  # ports, before giving up
DRAIN = 2  # seconds an answer may take to end once its server stops


def listen(port: int) -> socket.socket:
    """A socket on loopback: at `port`, or at the first free one of the next few; 0: any.

    Raises:
        OSError: none of them is free.
    """
    for candidate in range(port, port + TRIED - 1) if port else ():
        try:
            return sends_at_once(socket.create_server((LOOPBACK, candidate)))
        except OSError:
            continue
    return sends_at_once(socket.create_server((LOOPBACK, port and port + TRIED - 1)))


def origin(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


@asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve `app` until the context ends, behind the deadlines and limits of `gateway serve`."""
    config = uvicorn.Config(
        app,
        http=guarded_protocol(ServerLimits()),
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await server.decided.wait()
    try:
        if not server.started:
            raise RuntimeError("a server of the demo did not start")
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """A server among others in its process: signals are for whoever runs them all."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.decided = asyncio.Event()  # whether it runs

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            # uvicorn ends the process when an application does not start; whoever runs us decides.
            self.should_exit = True
        finally:
            self.decided.set()
