"""A connection that carries many exchanges, as one of them sees it."""

from typing import TYPE_CHECKING, Protocol

from gateway.net.upstream.clocks import Clocks

if TYPE_CHECKING:
    from gateway.net.http2.stream import Stream


class Carrier(Protocol):
    clocks: Clocks

    def begin(self, stream: "Stream", block: bytes, content: bytes, *, more: bool) -> int:
        """Send a head, and what there is room for of the content; how much that was."""
        ...

    def room(self, stream: "Stream") -> int:
        """How many bytes may be sent now. None: the stream is woken when there is room."""
        ...

    def send(self, stream: "Stream", content: bytes, *, last: bool) -> None: ...
    def taken(self, stream: "Stream") -> None:
        """All that came has been taken: more may come."""

    def leave(self, stream: "Stream", code: int) -> None:
        """The exchange is over; `code` says why, where either side is not at its end."""
