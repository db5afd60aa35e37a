"""Who is told of events, over HTTP: webhooks as Standard Webhooks has them, Google Analytics.

Only the configured address is asked, once an attempt: no redirect is followed, nothing of an answer
is kept but its status. A receiver that cannot be reached, does not answer in time, or says that it
can take nothing now (408, 429, 502, 503, 504) is away; any other answer than 2xx is about this one
event.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.core.errors import GatewayError
from gateway.core.events import ga4
from gateway.core.events.event import Event
from gateway.core.events.signature import sign_standard
from gateway.core.formats import fields as http
from gateway.core.request.plan import USER_AGENT, VendorRequest
from gateway.events.envelope import envelope
from gateway.ports import Line, NotDelivered, VendorResponse
from gateway.steps.interrupt import within

AWAY = frozenset({408, 429, 502, 503, 504})
READ = 64 * 1024  # bytes of an answer, so that its connection can be used again


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A URL that gets the envelope, signed by each of `secrets` (standardwebhooks.com)."""

    line: Line
    target: str = field(repr=False)  # path and query, in which a secret may stand
    secrets: tuple[bytes, ...] = field(repr=False)
    timeout: float  # seconds
    now: Callable[[], float] = time.time

    async def take(self, event: Event) -> None:
        body, at = envelope(event), int(self.now())
        signed = [sign_standard(secret, id=event.id, at=at, body=body) for secret in self.secrets]
        fields = {
            "webhook-id": event.id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signed),
        }
        await _posted(self.line, _request(self.target, body, fields), self.timeout)


@dataclass(frozen=True, kw_only=True)
class Analytics:
    """Google Analytics 4. `target` holds the API secret: it stands in the query there."""

    line: Line
    target: str = field(repr=False)
    names: Mapping[str, str]
    timeout: float  # seconds

    async def take(self, event: Event) -> None:
        await _posted(
            self.line, _request(self.target, ga4.payload(event, self.names), {}), self.timeout
        )


def _request(target: str, body: bytes, fields: Mapping[str, str]) -> VendorRequest:
    written = {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT.decode("ascii"),
        **fields,
    }
    lines = tuple((name.encode("ascii"), text.encode("ascii")) for name, text in written.items())
    return VendorRequest(method="POST", target=target, fields=lines, content=body)


async def _posted(line: Line, request: VendorRequest, seconds: float) -> None:
    status, asked = 0, None
    try:
        async with within(seconds), line.open(request) as response:
            status, asked = response.status, _retry_after(response)
            await _read(response)
    except GatewayError as error:
        if not status:
            raise NotDelivered(error.error_type, is_away=True) from error
    if not 200 <= status < 300:  # else it has it, however the answer ended
        raise NotDelivered(f"answered {status}", is_away=status in AWAY, status=status, asked=asked)


async def _read(response: VendorResponse) -> None:
    """Read the answer, if it is short: it is the status that counts."""
    left = READ
    async for chunk in response.chunks():
        left -= len(chunk)
        if left < 0:
            return


def _retry_after(response: VendorResponse) -> float | None:
    """Seconds, as RFC 9110 section 10.2.3 has them; dates are not understood."""
    written = http.first(response.fields, b"retry-after")
    if written is None or not written.isdigit() or len(written) > 6:
        return None
    return float(written)
