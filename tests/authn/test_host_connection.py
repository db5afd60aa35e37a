"""The request as `identify` sees it; tests/authn/test_host.py has what it says of middlewares."""

from typing import Any

from starlette.requests import HTTPConnection

from gateway.authn.host_connection import HostConnection


def test_is_a_connection_like_any_other() -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "headers": [(b"x-token", b"t"), (b"cookie", b"a=b")],
        "session": {},
        "state": {},
    }
    connection = HostConnection(scope)
    assert isinstance(connection, HTTPConnection)
    assert connection.headers["x-token"] == "t"
    assert connection.cookies == {"a": "b"}
    connection.session["seen"] = True
    connection.state.seen = True
    assert scope["session"] == {"seen": True}
    assert scope["state"] == {"seen": True}
