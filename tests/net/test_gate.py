"""Closing so that the answer arrives; clients that do not read."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from gateway.net.gate import Gate
from tests.net.recorder import (
    LARGE,
    QUICK,
    address,
    recording,
    until,
)
from tests.support.wire import connected, parse_answer, raw_request

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_entry")]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """What is relied upon of transports holds in both loops."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.mark.parametrize(
    ("start", "status"),
    [
        pytest.param(raw_request("POST", "/early", [b"Content-Length: 10000000"]), 401, id="early"),
        pytest.param(b"GET //evil HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="refusal"),
    ],
)
async def test_the_last_answer_reaches_a_client_that_sends_before_it_reads(
    start: bytes, status: int
) -> None:
    async with recording(linger=2.0) as (app, url):
        raw = await asyncio.to_thread(send_all_then_read, url, start + b"x" * 10_000_000)
    answer = parse_answer(raw)
    assert answer is not None
    assert (answer.status, answer.complete, answer.rest) == (status, True, b"")
    assert app.seen == []


def send_all_then_read(url: str, content: bytes) -> bytes:
    with socket.create_connection(address(url), timeout=5) as client:
        client.sendall(content)
        received = b""
        while part := client.recv(65_536):
            received += part
        return received


async def test_gives_up_a_client_that_does_not_read() -> None:
    async with recording(QUICK) as (_, url), connected(url) as peer:
        peer.stop_reading()
        await peer.send(raw_request("GET", "/large"))
        await asyncio.sleep(1.0)
        peer.read_on()
        await peer.until_closed(within=5)
        assert len(peer.received) < LARGE


async def test_a_client_that_reads_on_gets_everything() -> None:
    async with recording() as (app, url), connected(url) as peer:
        peer.stop_reading()
        await peer.send(raw_request("GET", "/large", [("Connection", "close")]))
        await until(lambda: app.started == ["/large"])
        await asyncio.sleep(0.2)
        peer.read_on()
        await peer.until_closed(within=30)  # and is parsed once: it is twenty megabytes
        answer = await peer.answer()
        assert (len(answer.body), answer.complete) == (LARGE, True)


class Wire(asyncio.Transport):
    """A transport that notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted


async def test_patience_begins_anew_with_every_stall() -> None:
    wire = Wire()
    owner = SimpleNamespace(may_get_more=False)
    gate = Gate(wire, owner, write_timeout=0.05, linger=1)
    gate.stalled()
    gate.flowing()
    await asyncio.sleep(0.2)
    assert not wire.aborted
    gate.stalled()
    await until(lambda: wire.aborted)
    gate.closed()
