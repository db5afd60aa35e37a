"""What an application is told of a request; what comes of it is in test_protocol.py."""

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.net.asgi.wire import CLOSES_UNENDED
from gateway.net.server.asgi_turn import AsgiTurn
from tests.net.link import Link, head

pytestmark = pytest.mark.anyio


async def application(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nobody runs it")


def turn(
    target: bytes = b"/a", *, root_path: str = "", version: str = "1.1", link: Link | None = None
) -> AsgiTurn:
    link = link or Link()
    config = uvicorn.Config(application, log_config=None, root_path=root_path)
    config.load()
    link.config = config  # type: ignore[attr-defined]
    link.app_state = {"a": "shared"}  # type: ignore[attr-defined]
    link.server_state = ServerState()  # type: ignore[assignment]
    return AsgiTurn(link.connection, head("GET", target, (b"x-a", b"b"), version=version))


async def test_says_what_was_sent() -> None:
    scope = turn(b"/a%2Fb%C3%A9?c=%20", version="1.0").scope
    assert scope["path"] == "/a/b\xe9"
    assert scope["raw_path"] == b"/a%2Fb%C3%A9"
    assert scope["query_string"] == b"c=%20"
    assert (scope["type"], scope["method"], scope["http_version"]) == ("http", "GET", "1.0")
    assert scope["headers"] == [(b"host", b"Gateway.test"), (b"x-a", b"b")]
    assert (scope["client"], scope["server"]) == (("192.0.2.1", 40_000), ("127.0.0.1", 8080))
    assert scope["scheme"] == "http"


async def test_says_what_stands_before_the_path() -> None:
    scope = turn(root_path="/outer").scope
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (
        "/outer",
        "/outer/a",
        b"/outer/a",
    )


async def test_each_request_has_a_state_of_its_own() -> None:
    scope = turn().scope
    assert scope["state"] == {"a": "shared"}
    assert scope["state"] is not turn().scope["state"]


async def test_says_that_an_answer_without_an_end_closes_the_connection() -> None:
    assert CLOSES_UNENDED in turn().scope["extensions"]  # type: ignore[typeddict-item]


async def test_is_a_turn() -> None:
    one = turn()
    assert (one.started, one.complete, one.held, one.keep_alive) == (False, False, 0, False)
    one.take(b"ab")
    assert one.held == 2
    one.whole()
    assert await one.receive() == {"type": "http.request", "body": b"ab", "more_body": False}
    one.leave()
    assert await one.receive() == {"type": "http.disconnect"}


async def test_says_that_its_task_has_ended() -> None:
    link = Link()
    await turn(link=link).run()
    assert link.has_ended
