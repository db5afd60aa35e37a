"""What people have asked for under a name of their own, so that nothing is asked twice."""

from typing import Protocol

from gateway.core.asked import Earlier


class Askings(Protocol):
    """All raise `LedgerUnavailable` when the store is away. A name is forgotten after a day."""

    async def begin(self, name: bytes, first: Earlier) -> Earlier | None:
        """Make the name this one's, durably, in whatever process; None. Else: whose it is."""
        ...

    async def end(self, name: bytes, conversation: str) -> None:
        """Remember what it was about."""
        ...

    async def forget(self, name: bytes) -> None:
        """Nothing has come of it: it may be asked again."""
        ...
