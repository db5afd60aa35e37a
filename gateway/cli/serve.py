"""`gateway serve`: run until told to stop."""

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import FAILED, HERE, Config, fail, load_or_exit

if TYPE_CHECKING:
    import socket

    from gateway.app import Gateway
    from gateway.config.model import Settings
    from gateway.net.process.server import Beside
    from gateway.net.process.workers import Control

LOG = logging.getLogger("gateway")
FIRST_PASSED = 3  # the first descriptor that systemd passes, sd_listen_fds(3)
TOGETHER = "PROMETHEUS_MULTIPROC_DIR"  # where the library has workers count together


def command(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address and port; goes before server.listen.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; goes before server.workers.")
    ] = None,
) -> None:
    """Run the gateway. SIGHUP reloads, SIGTERM drains, a second one stops at once."""
    from gateway.config.surroundings import ALONE
    from gateway.reload.rereading import reread

    given = {"server.listen": listen, "server.workers": None if workers is None else str(workers)}
    overrides = {key: value for key, value in given.items() if value is not None}
    loaded = load_or_exit(config, overrides=overrides, around=ALONE)
    file = (config or HERE).absolute()
    warnings = [str(one) for one in loaded.warnings if one.severity == "warning"]
    serving = Serving(loaded.settings, partial(reread, file, overrides), warnings)
    alone = loaded.settings.server.workers == 1
    if serving.work(None) if alone else serving.by_workers():
        raise fail("The gateway did not start; the log says why.")


class Serving:
    """What `serve` serves, and where: by one process, or by several that have the same sockets."""

    def __init__(
        self,
        settings: "Settings",
        read: "Callable[[Settings], Settings]",
        warnings: "Sequence[str]" = (),
    ) -> None:
        self._settings = settings
        self._read = read
        self._warnings = warnings  # of the configuration, once for all processes
        server, admin = settings.server, settings.admin
        self._public = passed() or listener_at(server.listen, "")
        self._operators = None if admin is None else listener_at(admin.listen, " for operators")

    def work(self, control: "Control | None") -> int:
        """Serve in this process. The exit code."""
        from gateway.net.process.server import StartupFailed
        from gateway.net.process.threads import some_are_stuck
        from gateway.telemetry import log

        try:
            with log.to_stderr():
                if control is None:
                    self._warn()
                self._run(control)
        except StartupFailed:
            return FAILED
        if some_are_stuck():
            os._exit(0)  # Python would wait for them; all else has ended
        return 0

    def _run(self, control: "Control | None") -> None:
        from gateway.app import Gateway
        from gateway.assemble.outward import Outward
        from gateway.net.process.server import ServerLimits, run
        from gateway.reload.sighup import Reloader

        gateway = Gateway(self._settings)
        server = self._settings.server
        run(
            gateway,
            entry=gateway,
            listener=self._public,
            limits=ServerLimits(
                max_header=server.max_header,
                header_timeout=server.header_timeout,
                body_timeout=server.body_timeout,
                max_connections=server.max_connections,
            ),
            drain_delay=server.drain_delay,
            drain=server.drain,
            on_drain=gateway.drain,
            on_stop=gateway.stop,
            on_hangup=Reloader(gateway, self._read).begin,
            beside=self._beside(gateway),
            control=control,
            outward=Outward(lambda: gateway.settings),
        )

    def by_workers(self) -> int:
        """Keep the processes that serve. The exit code."""
        import gateway.app  # noqa: F401 - read once, for all of them
        from gateway.net.process.workers import Workers
        from gateway.telemetry import log

        together = tempfile.TemporaryDirectory() if self._operators else nullcontext(None)
        with log.at_once(), together as folder:  # without a thread: there will be forks
            self._warn()
            if folder is not None:
                os.environ[TOGETHER] = folder
            return Workers(
                self._settings.server.workers,
                self.work,
                drain=self._settings.server.drain_delay + self._settings.server.drain,
                on_hangup=self._take_what_is_good,
                on_end=_count_no_more if folder is not None else _nothing,
            ).run()

    def _warn(self) -> None:
        for warning in self._warnings:
            LOG.warning("%s", warning)

    def _take_what_is_good(self) -> None:
        """Let workers that are made later begin with what the others reload."""
        from gateway.config.restart import require_no_restart

        try:
            settings = self._read(self._settings)
            require_no_restart(self._settings, settings)
        except Exception:  # noqa: BLE001 - each worker says so, and none ends of it
            return
        self._settings = settings

    def _beside(self, gateway: "Gateway") -> "Beside | None":
        """What operators reach, at its own address; None where it is not served."""
        from gateway.net.process.server import Beside

        admin = gateway.settings.admin
        if admin is None or self._operators is None:
            return None
        from gateway.admin.app import AdminApp

        return Beside(AdminApp(gateway, admin.token.get_secret_value()), self._operators)


def passed() -> "socket.socket | None":
    """The socket that systemd passes, which outlives a restart; None where there is none."""
    from gateway.net.process.listener import inherited

    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    return inherited(FIRST_PASSED)


def listener_at(address: str, whose: str) -> "socket.socket":
    from gateway.net.process.listener import listen

    host, _, port = address.rpartition(":")
    try:
        return listen(host, int(port))
    except OSError as error:
        # `socket.create_server` adds the address to the text, in Python's words.
        why = (error.strerror or str(error)).partition(" (while attempting")[0]
        raise fail(f"Cannot listen at {address}{whose}: {why}") from None


def _count_no_more(pid: int) -> None:
    """What a worker had under way ended with it; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _nothing(pid: int) -> None:
    pass
