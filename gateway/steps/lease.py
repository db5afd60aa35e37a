"""How long a configuration is needed after another has taken its place."""

import asyncio


class Lease:
    """Counts what runs, by `with` or by `begin` and `end`; nothing is waited for there."""

    __slots__ = ("_ended", "_running")

    def __init__(self) -> None:
        self._running = 0
        self._ended: asyncio.Event | None = None

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *exception: object) -> None:
        self.end()

    def begin(self) -> None:
        self._running += 1

    def end(self) -> None:
        self._running -= 1
        if self._ended is not None and not self._running:
            self._ended.set()

    async def ended(self) -> None:
        """Wait until nothing runs any more. None must begin after that."""
        if self._running:
            self._ended = asyncio.Event()
            await self._ended.wait()
