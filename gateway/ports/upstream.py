"""The vendor's side of the wire: one request as it goes, one answer as it comes."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.core.people.identity import Identity
from gateway.core.record import Record
from gateway.core.request.plan import VendorRequest
from gateway.ports.wire import Fields, Inbound, Shortcut


class VendorResponse(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def fields(self) -> Fields: ...
    def chunks(self, shortcut: Shortcut | None = None, /) -> AsyncIterator[bytes]:
        """The body as it comes, without the transfer coding. Raises `UpstreamError`s.

        A chunk that `shortcut` takes need not wake who waits for the next one. Read the fields
        before the first chunk: after it they may be gone.
        """
        ...


class Errand(Protocol):
    """Whom a request to a vendor is sent for. On a wire none of it matters but the request."""

    ask: Inbound
    identity: Identity
    record: Record  # of the exchange it is for


class Line(Protocol):
    """What requests go over that are nobody's errand: to a vendor's back office, to a receiver."""

    def open(self, request: VendorRequest, /) -> AbstractAsyncContextManager[VendorResponse]:
        """As `Transport.open`."""
        ...


class Transport(Protocol):
    """The vendor's side of the wire, for one upstream of one org."""

    def open(
        self, request: VendorRequest, errand: Errand, /
    ) -> AbstractAsyncContextManager[VendorResponse]:
        """Send the request; enter with the head of the answer. The vendor hears who leaves early.

        Raises `UpstreamError`, `UpstreamTimeout`, `Overloaded`.
        """
        ...

    async def aclose(self) -> None: ...
