"""Names that are looked up: once for all, and no name keeps another from being found."""

import asyncio
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from gateway.net.upstream.reach import reach
from gateway.system.resolver import AT_ONCE, addresses
from tests.support.names import Names, names

pytestmark = pytest.mark.anyio
__all__ = ["names"]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


async def several(count: int, host: str) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(addresses(host, 443)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_a_name_that_is_not_answered_keeps_no_other_from_being_found(names: Names) -> None:
    """RF-52, N-11"""
    lost = await several(500, "vendor.silent")
    with socket.create_server(("127.0.0.1", 0)) as other:
        async with asyncio.timeout(5):
            (await reach("vendor.example", other.getsockname()[1], None)).close()
    names.answered.set()
    for one in lost:
        with pytest.raises(socket.gaierror):
            await one
    assert names.asked.count("vendor.silent") == 1


async def test_it_is_asked_anew_once_it_is_answered(names: Names) -> None:
    for number in (1, 2):
        for one in await several(3, "vendor.example"):
            assert (await one)[0][4] == ("127.0.0.1", 443)
        assert names.asked == ["vendor.example"] * number
    assert (await addresses("vendor.example", 8443))[0][4] == ("127.0.0.1", 8443)


async def test_who_leaves_takes_nobody_s_answer_along(names: Names) -> None:
    leaves, stays = await several(2, "vendor.silent")
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    names.answered.set()
    with pytest.raises(socket.gaierror):
        await stays
    assert len(names.asked) == 1


async def test_no_more_than_so_many_names_are_looked_up_at_a_time(names: Names) -> None:
    lost = [task for n in range(AT_ONCE + 9) for task in await several(1, f"{n}.silent")]
    async with asyncio.timeout(10):
        while len(names.asked) < AT_ONCE:  # noqa: ASYNC110 - threads tell nobody
            await asyncio.sleep(0.01)
    names.answered.set()
    await asyncio.gather(*lost, return_exceptions=True)
    assert (names.most, len(names.asked)) == (AT_ONCE, AT_ONCE + 9)


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", "AF_INET"), ("::1", "AF_INET6")])
async def test_an_address_is_not_looked_up(names: Names, host: str, family: str) -> None:
    (found,) = await addresses(host, 443)
    assert (found[0], found[4][:2]) == (getattr(socket, family), (host, 443))
    assert names.asked == []


async def test_a_name_that_cannot_be_written_is_none(names: Names) -> None:
    with pytest.raises((OSError, UnicodeError)):
        await addresses("a" * 64 + ".example", 443)


async def test_a_loop_that_ended_hears_of_nothing(names: Names) -> None:
    def another() -> None:
        async def leave() -> None:
            await several(1, "vendor.silent")

        asyncio.run(leave())

    await asyncio.to_thread(another)
    threads = [one for one in threading.enumerate() if one.name == "lookup"]
    names.answered.set()
    for one in threads:
        await asyncio.to_thread(one.join, 10)
    assert not any(one.is_alive() for one in threads)


NO_ROOM = """
import asyncio, encodings.idna, resource
from gateway.system.resolver import addresses

async def main():
    pages = int(open("/proc/self/statm").read().split()[0])
    room = pages * resource.getpagesize() + 2**21  # less than the stack of a thread
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    try:
        await addresses("vendor.example", 443)
    except OSError as error:
        print(error.strerror)

asyncio.run(main())
"""


async def test_a_machine_without_room_for_a_thread_finds_no_name() -> None:
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", NO_ROOM], capture_output=True, check=False
    )
    assert done.stdout == b"no thread can be started\n", done.stderr
