"""Requests with an idempotency key, each kept under a name, so that a vendor is asked once."""

from typing import Protocol

from gateway.core.request.idempotency import Earlier


class Askings(Protocol):
    """All raise `LedgerUnavailable` when the store is away. A name is forgotten after a day.

    `name` is a digest of who asks whom for what, and of the client's key
    (`core.request.idempotency`).
    """

    async def begin(self, name: bytes, first: Earlier) -> Earlier | None:
        """Keep a request under its name, durably, for all processes.

        Returns:
            None: it is the first. Else the one that was there before, and nothing is changed.
        """
        ...

    async def end(self, name: bytes, conversation: str) -> None:
        """Note which conversation it was about, "" for none: its answer is over."""
        ...

    async def forget(self, name: bytes) -> None:
        """Free the name: nothing has come of the request, so it may be made again."""
        ...
