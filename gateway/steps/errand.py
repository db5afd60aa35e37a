"""Requests that the gateway makes of its own accord for one person, beside their exchanges.

Whose a conversation is, a session for a widget, a call to a service of the company's own: of each
the answer is read here as a whole, and goes no further as it came.
"""

from dataclasses import dataclass

from gateway.core.people.identity import Identity
from gateway.ports import Inbound, Record, VendorResponse

MAX_ANSWER = 1024 * 1024  # bytes


@dataclass(slots=True)
class OwnErrand:
    """Keeps the `Errand` port: the request that caused this one, and whom it is for."""

    ask: Inbound
    identity: Identity
    record: Record


async def read_whole(response: VendorResponse) -> bytes | None:
    """The body of an answer; None where it is larger than 1 MiB, and then it is not read on.

    Raises:
        UpstreamError: it breaks off.
    """
    content = bytearray()
    async for chunk in response.chunks():
        content += chunk
        if len(content) > MAX_ANSWER:
            return None
    return bytes(content)
