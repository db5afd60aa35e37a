"""The gateway inside an application: everything below a prefix is ours, the rest is the app's.

    app.add_middleware(GatewayMiddleware, config="gateway.toml", prefix="/ai")

What we are asked for by a path is decided by the path as the application's router would read it,
and then judged as it was sent: what only looks like ours is refused, and never the application's.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.app import Gateway
from gateway.assemble.doors import doors_of
from gateway.assemble.host import Host
from gateway.authn.host import Identify
from gateway.config.load import from_dict, load
from gateway.config.mistake import ConfigError
from gateway.core.errors import GatewayError
from gateway.core.request.route import segments
from gateway.mounted.caller import SCOPE_KEY, Caller
from gateway.mounted.lifespan import live_around
from gateway.mounted.placement import remarks
from gateway.net.asgi.mounted_path import below, routed_path

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.ports import Fields

LOG = logging.getLogger("gateway")


class GatewayMiddleware:
    """A gateway below `prefix`, and `app` everywhere else.

    `config` is the path of a file, or a mapping of the same shape. The application's lifespan opens
    and closes the gateway too. In the application's own routes `scope["gateway"]` says who asks
    (`gateway.mounted.caller.Caller`), as does `CurrentIdentity` in those of FastAPI.

    A mistake in the configuration keeps the server from starting: Starlette makes its middlewares
    inside the lifespan, where an exception would mean that there is no lifespan.

    Raises:
        ValueError: `prefix` is no path of plain segments.
    """

    def __init__(
        self,
        app: "ASGIApp",
        *,
        config: str | Path | Mapping[str, Any],
        prefix: str = "/ai",
        identify: Identify | None = None,
    ) -> None:
        self._app = app
        self._prefix = _checked(prefix)
        self._mistakes: ConfigError | None = None
        self._looked_around = False
        self._identifies = identify is not None
        try:
            self._settle(config, Host(app=app, identify=identify))
        except ConfigError as error:
            self._mistakes = error

    def _settle(self, config: str | Path | Mapping[str, Any], host: Host) -> None:
        if isinstance(config, Mapping):
            loaded = from_dict(config, around=host.surroundings)
        else:
            loaded = load(config, around=host.surroundings)
        settings = loaded.settings
        self._gateway = Gateway(settings, prefix=self._prefix, host=host)
        self._doors = doors_of(settings)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if self._mistakes is not None:
            await _refuse_to_start(self._mistakes, scope, receive, send)
        if not self._looked_around:
            self._look_around(scope.get("app"))
        if scope["type"] == "lifespan":
            await live_around(self._app, self._gateway, scope, receive, send)
        elif scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        else:
            await self._carry(routed_path(scope), scope, receive, send)

    def _look_around(self, app: object) -> None:
        self._looked_around = True
        for remark in remarks(app, type(self), identifies=self._identifies):
            LOG.warning(remark)

    async def _carry(self, path: str, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if below(path, self._prefix) is not None:
            await self._gateway(scope, receive, send)
        elif self._doors is None:
            await self._pass(scope, scope["headers"], receive, send)
        elif self._doors.covers(path) or self._doors.covers(scope["path"]):
            await self._gateway.serve_app(scope, receive, send)
        else:
            await self._pass(scope, self._doors.stripped(scope["headers"]), receive, send)

    async def _pass(
        self, scope: "Scope", fields: "Fields", receive: "Receive", send: "Send"
    ) -> None:
        """A request of the application's own; ours is what its routes raise of us."""
        started = False

        async def note(message: "Message") -> None:
            nonlocal started
            started = True
            await send(message)

        state = scope.setdefault("state", {})
        caller = Caller(lambda: self._gateway.identify(scope), state, self._gateway.contacts)
        try:
            await self._app({**scope, "headers": fields, SCOPE_KEY: caller}, receive, note)
        except GatewayError as error:
            if started:
                raise
            await self._gateway.answer_for(error, scope, send)


def _checked(prefix: str) -> str:
    try:
        if segments(prefix):
            return prefix
    except GatewayError:
        pass
    raise ValueError('prefix: plain segments, as in "/ai", with a slash before and none at the end')


async def _refuse_to_start(
    error: ConfigError, scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    """Say every mistake where the server hears it.

    Raises: ConfigError.
    """
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed", "message": str(error)})
    raise error
