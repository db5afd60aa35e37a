"""Clients that leave, ten thousand of them, at any moment: nothing is left of them."""

import asyncio
import gc
import os
import random
from pathlib import Path

import pytest

from gateway.net.http2.transport import Http2Transport
from gateway.net.upstream.http1 import Http1Transport
from gateway.orgs.site import OneOrg
from tests.support import over_http2
from tests.support.chatbase import Chatbase
from tests.support.stage import Stage, chatbase_stage
from tests.support.wire import connected

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(600)]
CANCELS = 10_000
WARMING = 400  # the ledger's readers open their connections when they are first needed at once
AT_ONCE = 40
SEED = 20_261_122


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


Transport = Http1Transport | Http2Transport


async def transport_of(stage: Stage[Chatbase]) -> Transport:
    site, path = (await stage.gateway.open()).house.sites.find(None, ("support",))
    assert isinstance(site, OneOrg)
    upstream, _ = site.org.upstreams.find(None, path)
    assert isinstance(upstream.transport, Transport)
    return upstream.transport


def held(stage: Stage[Chatbase], transport: Transport) -> int:
    """Connections that are there for the next request, at the vendor or what stands before it."""
    at_front = transport.open_connections if over_http2.WANTED else 0
    return stage.vendor.open_connections() + at_front


async def leave_at_some_moment(stage: Stage[Chatbase], chance: random.Random) -> None:
    """Ask for a chat, and leave: while sending, before the head, in the stream, or after it."""
    body = {"message": "hello there", "stream": chance.random() < 0.7}
    request = stage.request(chance.choice(("alice", "bob")), "POST", "/chat", body)
    async with connected(stage.url) as peer:
        await peer.send(request[: chance.choice((len(request) // 2, len(request), len(request)))])
        moment = chance.random()
        if moment < 0.4:
            await asyncio.sleep(chance.random() * 0.02)
        elif moment < 0.8 and request.endswith(b"}"):
            enough = chance.randrange(1, 1500)
            try:
                async with asyncio.timeout(0.05):
                    await peer.until(lambda raw: len(raw) > enough)
            except (TimeoutError, ConnectionError):
                pass
        peer.reset() if chance.random() < 0.5 else peer.close()


async def settled(stage: Stage[Chatbase], transport: Transport, tasks: int) -> None:
    """Wait until nothing runs that did not run before."""
    async with asyncio.timeout(30):
        while (  # noqa: ASYNC110 - three counts of two libraries, none of which has an event
            len(asyncio.all_tasks()) > tasks + held(stage, transport)
            or transport.open_connections != transport.idle_connections
            or transport.waiting
        ):
            await asyncio.sleep(0.01)


async def test_ten_thousand_clients_that_leave_leave_nothing_behind(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    async with chatbase_stage(tmp_path) as stage:

        async def at_some_pace(event: object) -> None:
            if chance.random() < 0.1:
                await asyncio.sleep(chance.random() * 0.01)

        async def crowd(size: int) -> None:
            left = iter(range(size))

            async def some() -> None:
                for _ in left:
                    await leave_at_some_moment(stage, chance)

            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(some())

        stage.vendor.before_event = at_some_pace
        transport = await transport_of(stage)
        await crowd(WARMING)
        await stage.ask("alice", "POST", "/chat", {"message": "warm"})
        gc.collect()
        tasks = len(asyncio.all_tasks()) - held(stage, transport)
        files = descriptors() - 2 * held(stage, transport)
        await crowd(CANCELS)
        await settled(stage, transport, tasks)
        for number in range(20):
            answer = await stage.ask(
                ("alice", "bob")[number % 2], "POST", "/chat", {"message": "x"}
            )
            assert answer.status == 200
            assert answer.complete
        assert transport.open_connections == transport.idle_connections
        assert transport.waiting == 0
        gc.collect()
        async with asyncio.timeout(30):  # the server has yet to hear that the last clients left
            # Idle connections to the vendor stay open, one descriptor here and one at the vendor.
            while descriptors() > files + 2 * held(stage, transport):  # noqa: ASYNC110 - a count of the kernel
                await asyncio.sleep(0.01)
        assert len((await stage.gateway.open()).house.running) == 0
