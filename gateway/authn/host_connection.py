"""A request as the application's `identify` sees it: with what its middlewares found out.

What has not been found out is said in words that name the middleware, and where it belongs.
"""

from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from gateway.authn.host import HostMistake

if TYPE_CHECKING:
    from starlette.types import Scope

WRITERS = {  # what writes it into the scope
    "session": "SessionMiddleware",
    "user": "AuthenticationMiddleware",
    "auth": "AuthenticationMiddleware",
}


class Misplaced(HostMistake):
    """The application's middlewares stand in an order in which `identify` cannot work."""


class HostConnection(HTTPConnection):
    """Starlette's connection, whose errors say what to do."""

    @property
    def session(self) -> Any:
        return self._found("session")

    @property
    def user(self) -> Any:
        return self._found("user")

    @property
    def auth(self) -> Any:
        return self._found("auth")

    def _found(self, key: str) -> Any:
        if key not in self.scope:
            raise Misplaced(what_is_missing(self.scope, key))
        return self.scope[key]


def what_is_missing(scope: "Scope", key: str) -> str:
    """Why `scope[key]` is not there."""
    name = WRITERS[key]
    if name in _added(scope):
        why = f"{name} runs after the gateway: add it after GatewayMiddleware, for what is added "
        why += "later runs earlier"
    else:
        why = f"no {name} has run: app.add_middleware({name}, …) after GatewayMiddleware"
    return f"identify needs conn.{key}, and {why}"


def _added(scope: "Scope") -> set[str]:
    """The middlewares of the application, by name, where it is one of Starlette's."""
    added = getattr(scope.get("app"), "user_middleware", ())
    return {getattr(one.cls, "__name__", "") for one in added}
