"""Slots are never lost and nobody overtakes the line, whoever is cancelled and wherever.

httpcore 1.0.9 lost all ten slots of a pool to eight seconds of such cancels (encode/httpcore#1093).
"""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest
from msgspec.structs import replace

from gateway.core.errors import GatewayError, Overloaded, UpstreamUnreachable
from gateway.net.upstream.http1 import Http1Transport
from tests.net.scripted_upstream import (
    CHUNKED,
    GET,
    LENGTH,
    POST,
    Peer,
    Upstream,
    answering,
    ask,
    settled,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


def counts(transport: Http1Transport) -> tuple[int, int, int]:
    return transport.open_connections, transport.idle_connections, transport.waiting


async def when_asked(gate: asyncio.Event, peer: Peer) -> None:
    """Answer with the target's name, once the gate is open."""
    while True:
        target = (await peer.request()).split(b" ")[1]
        await gate.wait()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(target), target))


async def test_a_pool_of_one_serves_the_line_first_come_first_served():
    gate = asyncio.Event()
    served: list[bytes] = []

    async def visit(transport: Http1Transport, number: int) -> None:
        served.append(await ask(transport, replace(GET, target=f"/{number}")))

    async with Upstream(lambda peer: when_asked(gate, peer)) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(visit(transport, number))
            await settled(lambda: transport.waiting == 7)
            assert counts(transport) == (1, 0, 7)
            gate.set()
        assert served == [f"/{number}".encode() for number in range(8)]
        assert counts(transport) == (1, 1, 0)
        assert len(upstream.peers) == 1


async def test_the_line_is_served_too_when_connections_are_used_up():
    """Each exchange costs its connection: the slot goes on to the next in line."""
    raw = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc"
    async with Upstream(answering(raw)) as upstream:
        transport = upstream.transport(max_connections=2, pool_wait=10)
        bodies = await asyncio.gather(*(ask(transport, POST) for _ in range(20)))
        assert bodies == [b"abc"] * 20
        await settled(lambda: counts(transport) == (0, 0, 0))
        assert len(upstream.peers) == 20


async def test_more_than_may_wait_are_sent_away_at_once():
    """N-11"""
    gate = asyncio.Event()
    async with Upstream(lambda peer: when_asked(gate, peer)) as upstream:
        transport = upstream.transport(max_connections=1, max_waiters=2, pool_wait=10)
        asking = [asyncio.create_task(ask(transport)) for _ in range(3)]
        await settled(lambda: transport.waiting == 2)
        with pytest.raises(Overloaded) as caught:
            await ask(transport)
        assert caught.value.retry_after
        gate.set()
        assert await asyncio.gather(*asking) == [GET.target.encode()] * 3


async def test_whoever_waits_too_long_is_sent_away():
    gate = asyncio.Event()
    async with Upstream(lambda peer: when_asked(gate, peer)) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=0.05)
        first = asyncio.create_task(ask(transport))
        await settled(lambda: transport.open_connections == 1)
        with pytest.raises(Overloaded):
            await ask(transport)
        assert counts(transport) == (1, 0, 0)
        gate.set()
        await first
        assert await ask(transport)


async def test_connections_that_cannot_be_made_leave_their_slots_to_the_line():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(
            origin="http://name.invalid", max_connections=2, pool_wait=10
        )
        failed = await asyncio.gather(*(ask(transport) for _ in range(10)), return_exceptions=True)
        assert [type(one) for one in failed] == [UpstreamUnreachable] * 10
        assert counts(transport) == (0, 0, 0)


async def test_closing_sends_the_line_away_and_opens_no_more():
    gate = asyncio.Event()
    async with Upstream(lambda peer: when_asked(gate, peer)) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        asking = [asyncio.create_task(ask(transport)) for _ in range(3)]
        await settled(lambda: transport.waiting == 2)
        await transport.aclose()
        failed = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(one, GatewayError) for one in failed)
        assert counts(transport) == (0, 0, 0)
        with pytest.raises(Overloaded):
            await ask(transport)
        assert len(upstream.peers) == 1


async def test_closing_while_a_connection_is_made_keeps_none():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport()
        asking = asyncio.create_task(ask(transport))
        await asyncio.sleep(0)
        assert transport.open_connections == 1
        await transport.aclose()
        with pytest.raises(Overloaded):
            await asking
        assert counts(transport) == (0, 0, 0)


async def cancel(task: asyncio.Task) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancel_in_line_leaves_the_line():
    gate = asyncio.Event()
    async with Upstream(lambda peer: when_asked(gate, peer)) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        first, second, third = (asyncio.create_task(ask(transport)) for _ in range(3))
        await settled(lambda: transport.waiting == 2)
        await cancel(second)
        assert counts(transport) == (1, 0, 1)
        gate.set()
        await asyncio.gather(first, third)
        assert counts(transport) == (1, 1, 0)


async def test_a_cancel_just_when_it_is_ones_turn_passes_the_connection_on():
    gate = asyncio.Event()
    async with Upstream(lambda peer: when_asked(gate, peer)) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        gate.set()
        async with transport.open(GET) as response:
            assert [chunk async for chunk in response.chunks()]
            second, third = (asyncio.create_task(ask(transport)) for _ in range(2))
            await settled(lambda: transport.waiting == 2)
        assert transport.waiting == 1, "the second has its turn and does not know yet"
        await cancel(second)
        assert await third
        assert counts(transport) == (1, 1, 0)
        assert len(upstream.peers) == 1


async def test_a_cancel_just_when_a_slot_is_passed_on_passes_it_further():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        async with transport.open(GET):
            second, third = (asyncio.create_task(ask(transport)) for _ in range(2))
            await settled(lambda: transport.waiting == 2)
        await settled(lambda: transport.waiting == 1)
        await cancel(second)
        assert await third == b"abc"
        assert counts(transport) == (1, 1, 0)


async def test_a_cancel_while_a_connection_is_made_gives_the_slot_back():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(max_connections=1)
        for ticks in range(6):
            asking = asyncio.create_task(ask(transport))
            for _ in range(ticks):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await settled(lambda: transport.open_connections == transport.idle_connections)
        assert await ask(transport) == b"abc"


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 2", CHUNKED, CHUNKED + b"3\r\nabc\r\n"], ids=["", "head", "", "body"]
)
async def test_a_cancel_at_any_point_of_an_answer_closes_its_connection(sent):
    """RF-16"""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(sent)
        await peer.closed()

    async with Upstream(script) as upstream:
        transport = upstream.transport(max_connections=1)
        asking = asyncio.create_task(ask(transport))
        await upstream.until(lambda: len(upstream.requests) == 1)
        await settled(lambda: not sent or any(one.heard for one in transport._pool._open))
        await cancel(asking)
        await settled(lambda: transport.open_connections == 0)
        await upstream.until(lambda: upstream.is_gone(1))


async def test_a_connection_lost_on_its_way_to_the_next_in_line_is_not_used():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        async with transport.open(POST) as response:
            assert [chunk async for chunk in response.chunks()] == [b"abc"]
            second = asyncio.create_task(ask(transport, POST))
            await settled(lambda: transport.waiting == 1)
            (connection,) = transport._pool._open
        connection.abort()
        assert await second == b"abc"
        assert len(upstream.peers) == 2


async def test_a_connection_lost_on_its_way_to_one_who_is_cancelled_is_not_kept():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        async with transport.open(POST) as response:
            assert [chunk async for chunk in response.chunks()] == [b"abc"]
            second = asyncio.create_task(ask(transport, POST))
            await settled(lambda: transport.waiting == 1)
            (connection,) = transport._pool._open
        connection.abort()
        await cancel(second)
        assert transport.idle_connections == 0
        await settled(lambda: transport.open_connections == 0)


async def test_a_connection_that_is_closing_is_not_taken_from_rest():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport()
        await ask(transport, POST)
        (connection,) = transport._pool._resting
        connection.abort()
        assert await ask(transport, POST) == b"abc"
        assert len(upstream.peers) == 2
        assert counts(transport) == (1, 1, 0)


async def test_a_full_pool_gives_up_a_connection_at_rest_for_a_new_one():
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        transport = upstream.transport(max_connections=1, pool_wait=10)
        await ask(transport)
        connection = await transport._pool.take_new()
        assert not connection.used
        assert counts(transport) == (1, 0, 0)
        await upstream.until(lambda: len(upstream.peers) == 2)


@pytest.mark.parametrize("seed", range(2))
async def test_a_storm_of_cancels_costs_no_slot_and_mixes_no_answers(seed):
    """ME-11, N-21, RF-17: 24 workers on a pool of 10, 2,000 cancels at random points."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, not a secret

    async def script(peer: Peer) -> None:
        while True:
            target = (await peer.request()).split(b" ")[1]
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            peer.send(CHUNKED + b"%x\r\n%b\r\n" % (len(target), target))
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            peer.send(b"0\r\n\r\n")

    cancelled = finished = 0

    async def work(transport: Http1Transport, worker: int) -> None:
        nonlocal cancelled, finished
        number = 0
        while cancelled < 2000:
            number += 1
            request = replace(chance.choice([GET, POST]), target=f"/{worker}/{number}")
            asking = asyncio.create_task(ask(transport, request))
            for _ in range(chance.randrange(25)):
                await asyncio.sleep(0)
            asking.cancel()
            try:
                assert await asking == request.target.encode()
                finished += 1
            except asyncio.CancelledError:
                cancelled += 1

    async with Upstream(script) as upstream:
        transport = upstream.transport(max_connections=10, pool_wait=10)
        async with asyncio.TaskGroup() as group:
            for worker in range(24):
                group.create_task(work(transport, worker))
        assert finished > 50
        await settled(lambda: transport.open_connections == transport.idle_connections)
        assert transport.waiting == 0
        async with AsyncExitStack() as stack:
            for number in range(10):
                request = replace(GET, target=f"/after/{number}")
                response = await stack.enter_async_context(transport.open(request))
                body = b"".join([chunk async for chunk in response.chunks()])
                assert body == request.target.encode()
            assert counts(transport) == (10, 0, 0)
        assert counts(transport) == (10, 10, 0)
        await upstream.until(lambda: sum(not peer.gone for peer in upstream.peers) == 10)
