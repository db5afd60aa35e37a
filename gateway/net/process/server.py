"""uvicorn, as `gateway serve` runs it: how it starts, and how it stops without cutting anybody off.

The first SIGTERM or SIGINT begins the drain:

1. `on_drain` is called, and everything is served on for `drain_delay` seconds, in which whoever
   balances the load notices;
2. listeners and idle connections close, and the answers that run have `drain` seconds to end;
3. `on_stop` is called, so that what still runs says its last words, which it has a second for.

A second signal goes to step 3 at once. The exit code is 0 either way. SIGHUP calls `on_hangup`. One
of several workers takes no signals: its parent tells it the same (`gateway.net.process.workers`).
"""

import asyncio
import contextlib
import logging
import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from gateway.net.process import memory, signals, systemd
from gateway.net.process.descriptors import Room
from gateway.net.process.listener import BACKLOG, url_of
from gateway.net.process.threads import Threads
from gateway.net.process.turns import Counted, Share, Turns
from gateway.net.process.workers import Control
from gateway.net.server.own_turn import Entry
from gateway.net.server.protocol import GuardedProtocol, guarded_protocol
from gateway.net.server.tally import ServerLimits

__all__ = [
    "Beside",
    "Drain",
    "GatewayServer",
    "ServerLimits",
    "StartupFailed",
    "guarded_protocol",
    "run",
]

LOG = logging.getLogger("gateway.server")

LAST_WORDS = 1.0  # seconds an answer has to end, once it was told to
_LOOK = 0.05  # seconds between two looks at what still runs


class StartupFailed(Exception):
    """The application could not start; it has logged why."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """How to stop. Times in seconds."""

    delay: float = 5.0  # in which requests are still taken
    limit: float = 30.0  # in which answers may end
    on_drain: Callable[[], None] = _nothing
    on_stop: Callable[[], None] = _nothing
    on_hangup: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Beside:
    """Another application, served in the same loop at a socket of its own, as long as the first."""

    app: ASGIApp
    listener: socket.socket


class GatewayServer(uvicorn.Server):
    """A uvicorn that drains.

    `await serve(sockets)` works in a loop that runs already; `begin_stop` is what a signal calls.
    With `owns_process=False` signals and the garbage collector are left alone.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Drain,
        *,
        owns_process: bool,
        control: Control | None = None,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._control = control
        self._owns_process = owns_process
        self._draining = False
        self._hurry = asyncio.Event()  # go to the next step
        self.opened = asyncio.Event()  # requests are served, or will never be
        self._turns: list[Turns] = []  # with others who have the same sockets
        state = self.server_state
        # uvicorn declares sets; it adds to these, discards, counts and walks through, and no more.
        state.connections = memory.Crowd() if control is None else Counted(self._tell)  # type: ignore[assignment]
        state.tasks = memory.Crowd()  # type: ignore[assignment]

    def begin_stop(self) -> None:
        """Drain; called again, stop at once."""
        if self._draining:
            self.should_exit = True
            self._hurry.set()
            return
        self._draining = True
        LOG.info("draining: %g seconds more for new requests", self._drain.delay)
        if self._owns_process and self._control is None:
            systemd.tell(systemd.STOPPING)
        self._drain.on_drain()
        asyncio.get_running_loop().call_later(self._drain.delay, self._close_listeners)

    def _close_listeners(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Raises: StartupFailed."""
        try:
            await super().startup(sockets if self._control is None else [])
        except SystemExit as error:  # uvicorn's way to say so
            raise StartupFailed from error
        if self._owns_process:
            memory.settle()
        if self._control is not None:
            self._turns = [self._taking_turns(one, self._control.share) for one in sockets or ()]
            self._control.listen(self.begin_stop, self._drain.on_hangup)
            self._control.started()
        elif self._owns_process:
            systemd.tell(systemd.READY)
        self.opened.set()

    def _taking_turns(self, listener: socket.socket, share: Share) -> Turns:
        return Turns(listener, self._protocol, share, lambda: len(self.server_state.connections))

    def _tell(self) -> None:
        for turns in self._turns:
            turns.tell()

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it, for listeners of its own."""
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in (*self.servers, *self._turns, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if not await self._ended(within=self._drain.limit):
            LOG.info("stopping: %d answers still run", len(self.server_state.tasks))
            self._hurry.clear()
            self._drain.on_stop()
            await self._ended(within=LAST_WORDS)
        await self._end_rest()
        await self.lifespan.shutdown()

    async def _ended(self, *, within: float) -> bool:
        """Wait until no connection and no answer is left; False: some are, and time is up."""
        loop, state = asyncio.get_running_loop(), self.server_state
        end = loop.time() + within
        while (state.connections or state.tasks) and not self._hurry.is_set():
            if loop.time() >= end:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _LOOK)
        return not (state.connections or state.tasks)

    async def _end_rest(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=LAST_WORDS)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own would raise the signal again at the end: the exit code is to be 0."""
        if (
            not self._owns_process
            or self._control is not None
            or threading.current_thread() is not threading.main_thread()
        ):
            yield
            return
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGTERM: self.begin_stop,
            signal.SIGINT: self.begin_stop,
            signal.SIGHUP: self._drain.on_hangup,
        }
        # Not the loop's own: of those it lets go of one by one, and until the next line the system
        # would do with a signal what it does by default, which is to kill.
        for number, handler in handlers.items():
            if signals.take(number, partial(_soon, loop, handler)):
                loop.call_soon(handler)
        try:
            yield
        finally:
            # it ends, and with its own exit code
            signals.leave(dict.fromkeys(handlers, signal.SIG_IGN))


def _soon(loop: asyncio.AbstractEventLoop, handler: Callable[[], None], *_: object) -> None:
    loop.call_soon_threadsafe(handler)


def run(
    app: ASGIApp,
    *,
    entry: Entry | None = None,
    listener: socket.socket,
    limits: ServerLimits,
    drain_delay: float,
    drain: float,
    on_drain: Callable[[], None] = _nothing,
    on_stop: Callable[[], None] = _nothing,
    on_hangup: Callable[[], None] = _nothing,
    beside: Beside | None = None,
    control: Control | None = None,
    outward: Callable[[], float] = lambda: math.inf,
) -> None:
    """Serve `app` at `listener` in this process, until a signal or `control` says to stop.

    `entry` is as for `guarded_protocol`, `outward` as for `Room`.

    Raises:
        StartupFailed: the application's lifespan failed.
    """
    if control is None:
        signals.hold(signal.SIGHUP)
    LOG.info("listening on %s", url_of(listener))
    limits = replace(limits, fits=Room(outward))
    config = _config(app, guarded_protocol(limits, entry), lifespan="on")
    steps = Drain(
        delay=drain_delay, limit=drain, on_drain=on_drain, on_stop=on_stop, on_hangup=on_hangup
    )
    server = GatewayServer(config, steps, owns_process=True, control=control)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.get_loop().set_default_executor(Threads(LAST_WORDS))
        runner.run(_serve(server, listener, beside))


async def _serve(server: GatewayServer, listener: socket.socket, beside: Beside | None) -> None:
    if beside is None:
        await server.serve([listener])
        return
    config = _config(beside.app, guarded_protocol(ServerLimits()), lifespan="off")
    other = GatewayServer(config, Drain(delay=0, limit=0), owns_process=False)
    LOG.info("listening on %s for operators", url_of(beside.listener))
    serving = asyncio.create_task(_serve_beside(other, beside.listener, server.opened))
    try:
        await server.serve([listener])
    finally:
        other.should_exit = True
        server.opened.set()
        await serving


async def _serve_beside(
    other: GatewayServer, listener: socket.socket, opened: asyncio.Event
) -> None:
    """Not before: of several workers one that serves has the answer, and a new one has none yet."""
    await opened.wait()
    await other.serve([listener])


def _config(
    app: ASGIApp, http: type[GuardedProtocol], *, lifespan: Literal["on", "off"]
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="auto",  # uvloop, where it is installed
        http=http,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whom to believe is decided once, in gateway.core.formats.fields
        server_header=False,
        backlog=BACKLOG,
    )
