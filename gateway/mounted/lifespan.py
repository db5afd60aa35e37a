"""A host application's lifespan, with ours around it: open before it starts, closed after it ends.

An application that speaks no lifespan, as ASGI allows, leaves us closed: the first request opens.
"""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OVER = frozenset(
    {"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"}
)


class Opened(Protocol):
    """What is opened and closed. Both may be called twice."""

    async def open(self) -> Any: ...
    async def aclose(self) -> None: ...


async def live_around(
    app: "ASGIApp", ours: Opened, scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    """Run the lifespan of `app`, with `ours` open as long as it lives."""
    startup = await receive()
    await open_or_say_why(ours, send)
    waiting = [startup]

    async def hear() -> "Message":
        return waiting.pop() if waiting else await receive()

    async def say(message: "Message") -> None:
        if message["type"] in _OVER:
            await ours.aclose()
        await send(message)

    try:
        await app(scope, hear, say)
    except BaseException:
        await ours.aclose()
        raise


async def open_or_say_why(ours: Opened, send: "Send") -> None:
    """Open; the server is told why it cannot start where that fails."""
    try:
        await ours.open()
    except Exception as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        raise
