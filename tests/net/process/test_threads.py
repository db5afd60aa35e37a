import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from gateway.net.process.threads import Threads, some_are_stuck

STUCK = """
import asyncio, os, sys
from gateway.net.process.threads import Threads, some_are_stuck

async def main():
    asyncio.get_running_loop().set_default_executor(Threads(0.2))
    stuck = asyncio.ensure_future(asyncio.to_thread(open, sys.argv[1]))
    await asyncio.wait([stuck], timeout=0.1)

asyncio.run(main())
os._exit(7 if some_are_stuck() else 1)
"""


def test_one_that_is_stuck_is_left_behind(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", STUCK, str(pipe)], timeout=60, check=False)
    assert done.returncode == 7
    assert time.monotonic() - began >= 0.3


def test_what_ends_in_time_is_waited_for() -> None:
    ended: list[int] = []

    def work() -> None:
        time.sleep(0.1)
        ended.append(1)

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(Threads(30))
        asyncio.get_running_loop().run_in_executor(None, work)

    asyncio.run(main())
    assert ended == [1]
    assert not some_are_stuck()
