"""Sizes: what a request may weigh."""

import asyncio
from typing import Any

import pytest

from tests.net.recorder import (
    ask,
    assert_refused,
    recording,
)
from tests.support.wire import connected, raw_request, wire

pytestmark = pytest.mark.anyio


async def test_refuses_a_long_target() -> None:
    async with recording(max_target=1000) as (app, url):
        assert_refused(await ask(url, raw_request("GET", "/" + "a" * 1000)), 414)
        assert app.started == []
        assert (await wire(url, raw_request("GET", "/" + "a" * 999))).status == 200


async def test_refuses_a_target_without_end() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"GET /" + b"a" * 70_000), 414)
    assert app.started == []


def header_bombs() -> Any:
    yield pytest.param(b"X-A: b\r\n" * 2000, id="H-20 2,000 fields")
    yield pytest.param(b"X-A: b\r\n" * 100, id="H-20 one field too many")
    yield pytest.param(b"X-A: " + b"b" * 1_000_000, id="H-20 a value of 1 MB without end")
    yield pytest.param(b"X-A: " + b"b" * 32_768 + b"\r\n", id="H-20 a value of 32 KiB")
    yield pytest.param(b"x" * 256_000, id="H-20 a name of 256 KB without end")
    yield pytest.param(b"".join(b"x%05d: %d\r\n" % (i, i) for i in range(20_000)), id="H-20 names")
    yield pytest.param(b"X-A:" + b" " * 1_000_000, id="H-20 1 MB of blanks")


@pytest.mark.parametrize("fields", [*header_bombs()])
async def test_refuses_too_many_or_too_large_fields(fields: bytes) -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"GET /a HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n"), 431)
    assert app.started == []


async def test_refuses_large_fields_that_come_in_drops() -> None:
    async with recording(max_header=2000) as (app, url), connected(url) as peer:
        await peer.send(b"GET /a HTTP/1.1\r\nHost: a\r\nX-A: ")
        while not peer.closed and not peer.received:
            await peer.send(b"b" * 100)
            await asyncio.sleep(0)
        assert_refused(await peer.answer(), 431)
    assert app.started == []


async def test_takes_fields_up_to_the_limit() -> None:
    async with recording() as (_, url):
        lines = [f"X-{i}: v".encode() for i in range(98)]
        assert (
            await wire(url, raw_request("GET", "/a", [*lines, b"X-A: " + b"b" * 30_000]))
        ).status == 200
