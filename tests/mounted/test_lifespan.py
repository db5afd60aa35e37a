"""The host's lifespan with ours around it, whatever becomes of either."""

from typing import Any

import pytest

from gateway.mounted.lifespan import live_around

pytestmark = pytest.mark.anyio
SCOPE = {"type": "lifespan"}


class Ours:
    def __init__(self, trace: list[str], fails: bool = False) -> None:
        self.trace = trace
        self.fails = fails

    async def open(self) -> None:
        if self.fails:
            raise RuntimeError("no store")
        self.trace.append("open")

    async def aclose(self) -> None:
        self.trace.append("close")


def server(trace: list[str]) -> tuple[Any, Any]:
    events = ["startup", "shutdown"]

    async def receive() -> dict[str, str]:
        return {"type": f"lifespan.{events.pop(0)}"}

    async def send(message: Any) -> None:
        trace.append(message["type"].removeprefix("lifespan."))

    return receive, send


async def host(scope: Any, receive: Any, send: Any) -> None:
    for _ in range(2):
        message = await receive()
        await send({"type": message["type"] + ".complete"})


async def test_opens_before_the_host_starts_and_closes_after_it_ends() -> None:
    trace: list[str] = []
    receive, send = server(trace)

    async def app(scope: Any, hear: Any, say: Any) -> None:
        trace.append("host")
        await host(scope, hear, say)
        trace.append("host is over")

    await live_around(app, Ours(trace), SCOPE, receive, send)
    assert trace == [
        "open",
        "host",
        "startup.complete",
        "close",
        "shutdown.complete",
        "host is over",
    ]


async def test_a_host_that_cannot_start_leaves_nothing_open() -> None:
    trace: list[str] = []
    receive, send = server(trace)

    async def app(scope: Any, hear: Any, say: Any) -> None:
        await hear()
        await say({"type": "lifespan.startup.failed"})

    await live_around(app, Ours(trace), SCOPE, receive, send)
    assert trace == ["open", "close", "startup.failed"]


async def test_a_host_that_speaks_no_lifespan_says_so_still() -> None:
    trace: list[str] = []
    receive, send = server(trace)

    async def app(scope: Any, hear: Any, say: Any) -> None:
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        await live_around(app, Ours(trace), SCOPE, receive, send)
    assert trace == ["open", "close"]


async def test_a_host_does_not_start_where_we_cannot() -> None:
    trace: list[str] = []
    receive, send = server(trace)
    with pytest.raises(RuntimeError, match="no store"):
        await live_around(host, Ours(trace, fails=True), SCOPE, receive, send)
    assert trace == ["startup.failed"]
