"""Answers of the admin listener on their way: whole ones, and lists as they are read."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gateway.admin.lists import Whole
from gateway.core.errors import GatewayError
from gateway.core.problem import Answer

if TYPE_CHECKING:
    from starlette.types import Receive, Send

EVERY_ANSWER = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class ClientIsGone(Exception):
    """Nobody reads the report any more."""


async def send_whole(answer: Answer, send: "Send", *, only_head: bool) -> None:
    """Write an answer; `only_head`: without its content."""
    await _start(answer.status, answer.fields, send)
    body = b"" if only_head else answer.content
    await send({"type": "http.response.body", "body": body})


async def _start(status: int, fields: Sequence[tuple[bytes, bytes]], send: "Send") -> None:
    headers = [*fields, *EVERY_ANSWER]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def stream(whole: Whole, receive: "Receive", send: "Send") -> None:
    """Write a list as it comes. One that breaks off has no proper end: half must not look whole."""
    leaving = asyncio.create_task(_left(receive))
    has_begun = False

    async def chunk(content: bytes) -> None:
        nonlocal has_begun
        if leaving.done():
            raise ClientIsGone
        if not has_begun:
            has_begun = True
            await _start(200, [(b"content-type", whole.media)], send)
        await send({"type": "http.response.body", "body": content, "more_body": True})

    try:
        await whole.write(chunk)
        await send({"type": "http.response.body", "body": b""})
    except ClientIsGone:
        return
    except GatewayError:
        if not has_begun:
            raise
    finally:
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving


async def _left(receive: "Receive") -> None:
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
