"""SIGHUP: another configuration takes the place of the one that serves, or nothing happens.

It is read and checked beside the traffic. With any mistake in it the old one serves on; the log
says why, and so does `gateway_config_last_reload_successful`.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.app import Gateway
from gateway.config.mistake import ConfigError
from gateway.config.restart import NeedsRestart
from gateway.store.audit import happened
from gateway.system.trust import AuthoritiesUnreadable

if TYPE_CHECKING:
    from gateway.config.model import Settings

LOG = logging.getLogger("gateway")


class Reloader:
    """Reloads one gateway.

    `read` gives the settings there are now, or raises `ConfigError`; it is told those that serve.
    """

    def __init__(self, gateway: Gateway, read: "Callable[[Settings], Settings]") -> None:
        self._gateway = gateway
        self._read = read
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to reload. Asked for while one runs, another follows: the file may be newer."""
        self._wanted = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._while_wanted())

    async def _while_wanted(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self.reload()
        finally:
            self._task = None

    async def reload(self) -> None:
        """Do it once. Never raises: whatever is wrong, the old configuration serves on."""
        try:
            settings = await asyncio.to_thread(self._read, self._gateway.settings)
            await self._gateway.reload(settings)
        except ConfigError as error:
            for mistake in error.mistakes:
                if mistake.severity == "error":
                    LOG.error("not reloaded: %s", mistake)
            self._note(ok=False)
        except (NeedsRestart, AuthoritiesUnreadable) as error:
            LOG.error("not reloaded: %s", error)
            self._note(ok=False)
        except Exception:
            LOG.exception("not reloaded: a fault of the gateway's own")
            self._note(ok=False)
        else:
            LOG.info("reloaded: %d orgs", len(settings.orgs))
            self._note(ok=True)

    def _note(self, *, ok: bool) -> None:
        assembled = self._gateway.assembled
        if assembled is None:
            return
        if assembled.process.metrics is not None:
            assembled.process.metrics.reloaded(ok=ok)
        # Of no org: it is the operator's, for all of them.
        detail = json.dumps({"orgs": len(self._gateway.settings.orgs)})
        assembled.process.kept.trail.add(
            happened("reloaded" if ok else "reload_refused", org="", detail=detail)
        )
