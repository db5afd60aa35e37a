"""The threads in which what blocks is done: files, most of all.

One may be stuck for good, in a pipe that nobody has the other end of, or a disk that is gone. At
the end asyncio would wait for it, and then Python would, and neither hears a signal meanwhile.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

_NAME = "blocking"


class Threads(ThreadPoolExecutor):
    """A loop's default executor. At its end it waits for `patience` seconds at most."""

    def __init__(self, patience: float) -> None:
        super().__init__(thread_name_prefix=_NAME)
        self._patience = patience

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        end = time.monotonic() + self._patience
        for thread in _at_work() if wait else ():
            thread.join(max(0, end - time.monotonic()))


def some_are_stuck() -> bool:
    """Whether Python would wait for some, now that all have been told to end."""
    return bool(_at_work())


def _at_work() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith(_NAME)]
