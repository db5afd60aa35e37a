"""Row N-17: many pools, and a bound on what none of them uses."""

import pytest

from gateway.net.upstream.http1 import Http1Transport
from gateway.net.upstream.resting import Resting
from tests.net.scripted_upstream import LENGTH, Upstream, answering, ask, settled

pytestmark = pytest.mark.anyio
ABC = LENGTH + b"abc"


def at_rest(*transports: Http1Transport) -> list[int]:
    return [transport.idle_connections for transport in transports]


async def test_of_all_pools_together_the_longest_at_rest_goes() -> None:
    resting = Resting(most=2)
    async with Upstream(answering(ABC)) as upstream:
        transports = [upstream.transport(resting=resting) for _ in range(3)]
        for transport in transports:
            assert await ask(transport) == b"abc"
        await settled(lambda: at_rest(*transports) == [0, 1, 1])
        await settled(lambda: transports[0].open_connections == 0)
        assert await ask(transports[1]) == b"abc"  # on the connection it had
        assert await ask(transports[0]) == b"abc"  # on a new one, in place of the third's
        await settled(lambda: at_rest(*transports) == [1, 1, 0])
        assert len(upstream.peers) == 4
        assert len(resting) == 2


async def test_what_works_or_is_lost_does_not_count() -> None:
    resting = Resting(most=1)
    async with Upstream(answering(ABC)) as upstream:
        transport = upstream.transport(resting=resting)
        for _ in range(5):
            assert await ask(transport) == b"abc"
        assert (len(resting), len(upstream.peers)) == (1, 1)
        await transport.aclose()
        assert len(resting) == 0


async def test_once_closed_nothing_comes_to_rest() -> None:
    resting = Resting()
    async with Upstream(answering(ABC)) as upstream:
        transport = upstream.transport(resting=resting)
        await ask(transport)
        resting.close()
        await settled(lambda: transport.open_connections == 0)
        assert await ask(transport) == b"abc"
        await settled(lambda: transport.open_connections == 0)
        assert len(resting) == 0
