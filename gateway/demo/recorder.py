"""What was said on both sides of the gateway, for the page that shows it. It changes nothing.

A `Tap` stands before an application and notes each request at the moment its answer begins. The
`Journal` pairs what the browser sent with what the vendor received, by `x-request-id`, and keeps
the latest of each customer. Tokens and keys are masked before anything is kept.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.demo.people import Customer

MASK = "••••"
SHOWN = 7  # characters of a secret
MAX_BODY = 16_384
KEPT = 12  # exchanges of one customer
UNPAIRED = 100  # requests the vendor has heard, and the gateway has not answered yet

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """One request, as it arrived; secrets masked."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: str

    def as_json(self) -> Json:
        return {
            "method": self.method,
            "target": self.target,
            "fields": self.fields,
            "body": self.body,
        }


Note = Callable[[Headers, Heard, int, Headers], None]


class Tap:
    """Passes everything on, and tells `note` of each request: its fields, status and answer's."""

    def __init__(self, app: ASGIApp, note: Note) -> None:
        self._app = app
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()

        async def listen() -> Message:
            message = await receive()
            body.extend(message.get("body", b"")[: MAX_BODY - len(body)])
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                heard = _heard(scope, bytes(body))
                answered = Headers(raw=message.get("headers", []))
                self._note(Headers(scope=scope), heard, message["status"], answered)
            await send(message)

        await self._app(scope, listen, tell)


def _heard(scope: Scope, body: bytes) -> Heard:
    query = scope["query_string"].decode("latin-1")
    return Heard(
        method=scope["method"],
        target=scope["raw_path"].decode("latin-1") + (f"?{query}" if query else ""),
        fields=tuple((name, masked(name, value)) for name, value in Headers(scope=scope).items()),
        body=body.decode("utf-8", "replace"),
    )


def masked(name: str, value: str) -> str:
    """A field's value as it may be shown: of a credential, only how it begins."""
    if name == "authorization":
        scheme, _, secret = value.partition(" ")
        return f"{scheme} {secret[:SHOWN]}{MASK}"
    if name == "cookie":
        pairs = (pair.strip().partition("=") for pair in value.split(";"))
        return "; ".join(f"{key}={secret[:SHOWN]}{MASK}" for key, _, secret in pairs)
    return value


class Journal:
    """The latest exchanges of each customer, and who is watching them."""

    def __init__(self, customer_of: Callable[[Headers], Customer | None]) -> None:
        self._customer_of = customer_of
        self._heard_by_vendor: OrderedDict[str, Heard] = OrderedDict()
        self._latest: dict[Customer, deque[Json]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._watchers: dict[Customer, set[asyncio.Queue[Json | None]]] = defaultdict(set)
        self._closed = False

    def vendor_heard(self, fields: Headers, heard: Heard, status: int, answered: Headers) -> None:
        self._heard_by_vendor[fields.get("x-request-id", "")] = heard
        if len(self._heard_by_vendor) > UNPAIRED:
            self._heard_by_vendor.popitem(last=False)

    def gateway_answered(
        self, fields: Headers, heard: Heard, status: int, answered: Headers
    ) -> None:
        request_id = answered.get("x-request-id", "")
        received = self._heard_by_vendor.pop(request_id, None)
        customer = self._customer_of(fields)
        if customer is None:
            return
        exchange = {
            "id": request_id,
            "at": time.time(),
            "browser": heard.as_json(),
            "vendor": received and received.as_json(),
            "status": status,
            "code": answered.get("x-gateway-error", ""),
        }
        self._latest[customer].append(exchange)
        for watcher in self._watchers[customer]:
            watcher.put_nowait(exchange)

    def forget(self) -> None:
        self._latest.clear()

    async def follow(self, customer: Customer) -> AsyncIterator[Mapping[str, Any]]:
        """What is kept of a customer, and then each exchange as it is answered, until `close`."""
        watcher: asyncio.Queue[Json | None] = asyncio.Queue()
        for exchange in self._latest[customer]:
            watcher.put_nowait(exchange)
        if self._closed:
            return
        self._watchers[customer].add(watcher)
        try:
            while (exchange_or_end := await watcher.get()) is not None:
                yield exchange_or_end
        finally:
            self._watchers[customer].discard(watcher)

    def close(self) -> None:
        """End what is followed: a server that stops waits for its answers to end."""
        self._closed = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.put_nowait(None)
