import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.admin.lists import Whole
from gateway.admin.sending import send_whole, stream
from gateway.core.errors import LedgerUnavailable
from gateway.core.problem import of_json

pytestmark = pytest.mark.anyio


class Client:
    """What it got; it leaves when it is told to."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.leaves = asyncio.Event()

    async def receive(self) -> Any:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.got.append(message)

    @property
    def content(self) -> list[bytes]:
        return [one["body"] for one in self.got if one["type"] == "http.response.body"]


def listing(*chunks: bytes, then: Callable[[], Awaitable[None]] | None = None) -> Whole:
    async def write(send: Callable[[bytes], Awaitable[None]]) -> None:
        for chunk in chunks:
            await send(chunk)
        if then is not None:
            await then()

    return Whole(b"text/csv", write)


async def test_an_answer_is_not_kept_by_any_cache_and_is_what_it_says() -> None:
    client = Client()
    await send_whole(of_json({"a": 1}), client.send, only_head=False)
    fields = client.got[0]["headers"]
    assert (b"cache-control", b"no-store") in fields
    assert (b"x-content-type-options", b"nosniff") in fields
    assert client.content == [b'{"a":1}']


async def test_a_head_has_no_content() -> None:
    client = Client()
    await send_whole(of_json({"a": 1}), client.send, only_head=True)
    assert client.content == [b""]


async def test_a_list_is_sent_as_it_comes_and_ends() -> None:
    client = Client()
    await stream(listing(b"a", b"b"), client.receive, client.send)
    assert client.content == [b"a", b"b", b""]
    assert not client.got[-1].get("more_body", False)


async def fails() -> None:
    raise LedgerUnavailable


async def test_one_that_breaks_off_has_no_end() -> None:
    client = Client()
    await stream(listing(b"a", then=fails), client.receive, client.send)
    assert client.content == [b"a"]
    assert client.got[-1]["more_body"]


async def test_one_that_never_began_may_be_answered_otherwise() -> None:
    client = Client()
    with pytest.raises(LedgerUnavailable):
        await stream(listing(then=fails), client.receive, client.send)
    assert client.got == []


async def test_nothing_is_read_for_a_client_that_has_left() -> None:
    client = Client()
    written = 0

    async def write(send: Callable[[bytes], Awaitable[None]]) -> None:
        nonlocal written
        while True:
            await send(b"a")
            written += 1
            client.leaves.set()
            await asyncio.sleep(0)
            assert written < 100

    await stream(Whole(b"text/csv", write), client.receive, client.send)
    assert client.content == [b"a"] * written
