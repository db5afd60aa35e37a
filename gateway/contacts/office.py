"""A vendor's back office, asked about contacts with our own key. Nobody's request leads here.

One connection pool of its own, and a pause between two requests: a vendor's limit is often one for
the whole key, and people who chat go first.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.errors import (
    Overloaded,
    UpstreamCredentialsRefused,
    UpstreamError,
    UpstreamMalformed,
)
from gateway.core.formats import fields as http
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.profile.contact import ContactBook, definitions_in
from gateway.core.request.contact_call import plan_call
from gateway.core.request.destination import Destination
from gateway.ports import Line, VendorResponse
from gateway.steps.errand import read_whole
from gateway.steps.interrupt import within

CLOCK = 60.0  # seconds for one request
PAUSE = 0.5  # seconds between two: a fifth of 100 in 10 s, the tightest limit that is documented
DEFINED_FOR = 300.0  # seconds that definitions are believed
LONGEST = 3600  # seconds that a Retry-After is believed

# The vendor has understood, and does not take it: asking again changes nothing.
NOT_TAKEN = frozenset({400, 409, 413, 422})
NONE_THERE = frozenset({404, 410})
NO_DEFINITIONS = frozenset({403, 404, 405, 410, 501})


class NotTaken(UpstreamError):
    """The vendor has understood, and does not take what it was sent."""


@dataclass(kw_only=True)
class Office:
    """The back office of one upstream of one org."""

    line: Line
    destination: Destination  # as `core.request.contact_call.back_office` has it
    book: ContactBook
    keys: tuple[str, ...] = field(repr=False)
    org: str  # external_id
    request_id: str = "contacts"
    pause: float = PAUSE
    _last: float = field(default=0.0, init=False)  # monotonic
    _defined: dict[str, tuple[float, Mapping[str, str] | None]] = field(
        default_factory=dict, init=False
    )

    async def write(self, agent: str, contacts: Sequence[JsonObject]) -> frozenset[str]:
        """Write contacts, `book.most` at most; the names of attributes that were not taken.

        Raises:
            NotTaken: the vendor takes none of them, since it does not take one.
            GatewayError: it cannot be asked now.
        """
        status, answer = await self._ask("POST", self.book.path, agent, self.book.body(contacts))
        if status in NOT_TAKEN:
            raise NotTaken(f"status {status}")
        _be_well(status)
        return self.book.not_taken(answer)

    async def remove(self, agent: str, user: str) -> None:
        """Remove a contact, or see that there is none.

        Raises:
            GatewayError: it may be there still.
        """
        status, _ = await self._ask("DELETE", self.book.path, agent, None, contact=user)
        if status not in NONE_THERE:
            _be_well(status)

    async def defined(self, agent: str, *, anew: bool = False) -> Mapping[str, str] | None:
        """The kinds of the attributes there are, by name; None: any is taken.

        Raises:
            GatewayError: it cannot be asked now.
        """
        if not self.book.definitions:
            return None
        known = self._defined.get(agent)
        if known is None or anew or known[0] < time.monotonic() - DEFINED_FOR:
            status, answer = await self._ask("GET", self.book.definitions, agent, None)
            if status not in NO_DEFINITIONS:
                _be_well(status)
            found = definitions_in(answer) if status == 200 else None
            known = self._defined[agent] = time.monotonic(), found
        return known[1]

    async def define(self, agent: str, name: str, kind: str) -> None:
        """Add a definition.

        Raises:
            GatewayError: the vendor does not take it, or cannot be asked now.
        """
        body: JsonObject = {"name": name, "type": kind, "label": name}
        status, _ = await self._ask("POST", self.book.definitions, agent, body)
        _be_well(status)
        self._defined.pop(agent, None)

    async def _ask(
        self,
        method: str,
        path: str,
        agent: str,
        body: JsonObject | None,
        *,
        contact: str | None = None,
    ) -> tuple[int, JsonValue]:
        """Status and answer; asked once more with the next key on a 401."""
        await self._take_turns()
        keys = self.keys[:2] or ("",)
        async with within(CLOCK):
            for key in keys:
                request = plan_call(
                    self.destination,
                    method,
                    path,
                    agent,
                    body,
                    org=self.org,
                    key=key,
                    request_id=self.request_id,
                    contact=contact,
                )
                async with self.line.open(request) as response:
                    if response.status == 401 and key != keys[-1]:
                        continue
                    if response.status in {429, 503}:
                        raise Overloaded(
                            "The vendor is asked too much", retry_after=_wait(response)
                        )
                    keeps = bool(self.book.refused) or method == "GET"
                    return response.status, await _read(response, keeps=keeps)
        raise UpstreamCredentialsRefused

    async def _take_turns(self) -> None:
        wait = self._last + self.pause - time.monotonic()
        self._last = time.monotonic() + max(wait, 0.0)
        if wait > 0:
            await asyncio.sleep(wait)


def _be_well(status: int) -> None:
    if status in {401, 403}:
        raise UpstreamCredentialsRefused(f"status {status}")
    if not 200 <= status < 300:
        raise UpstreamMalformed(f"status {status}")


def _wait(response: VendorResponse) -> int:
    written = http.first(response.fields, b"retry-after") or b""
    return min(int(written), LONGEST) if written.isdigit() and len(written) < 9 else 1


async def _read(response: VendorResponse, *, keeps: bool) -> JsonValue:
    """The JSON of an answer; None where it is none, too long to be one, or nobody looks at it."""
    if not keeps:
        async for _ in response.chunks():
            pass
        return None
    try:
        return strictjson.loads_leniently(await read_whole(response) or b"")
    except ValueError:
        return None
