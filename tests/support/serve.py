"""An ASGI application behind uvicorn on a real socket, in the running loop.

    async with serving(app) as url:
        ...

Its lifespan has run when `url` is there. On the way out connections are closed and everything the
application does for them must end; what does not is an error. uvicorn's own `serve` is not used:
it takes over the process's signals and looks only every 100 ms whether to stop.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

PATIENCE = 5.0  # seconds an application may go on after its clients have left


@asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncIterator[str]:
    """Serve `app`; `options` go to `uvicorn.Config`."""
    async with running(app, **options) as (server, url):
        del server
        yield url


@asynccontextmanager
async def running(app: Any, **options: Any) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """As `serving`, with the server itself, for tests that look into it."""
    settings: dict[str, Any] = {"http": "httptools", "ws": "none", "log_config": None, **options}
    config = uvicorn.Config(app, **settings)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as `gateway serve` does
    try:
        await server.startup(sockets=[listener])
    except SystemExit as error:  # uvicorn's way to say so; it would end pytest
        listener.close()
        raise AssertionError("the application did not start") from error
    await server.on_tick(0)  # writes the date field
    scheme = "https" if config.is_ssl else "http"
    try:
        yield server, f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await _stop(server)


async def _stop(server: uvicorn.Server) -> None:
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()
    stuck = await _unfinished(server.server_state.tasks)
    await server.lifespan.shutdown()
    for listener in server.servers:
        await listener.wait_closed()
    if stuck:
        raise AssertionError(f"the application went on after its clients had left: {stuck}")


async def _unfinished(tasks: set[asyncio.Task[None]]) -> list[asyncio.Task[None]]:
    if not tasks:
        return []
    _, stuck = await asyncio.wait(set(tasks), timeout=PATIENCE)
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)
    return list(stuck)
