"""Vendors that tell of what happened, and services that are told: both on sockets.

async with events_stage(tmp_path, chatbase_stage, "support", 'secret = "…"') as told:
    answer = await told.send(lead("c-1"))
    (event,) = await told.hooks.got(1)
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from gateway.store.schema import deliveries
from tests.support.reply import Reply
from tests.support.stage import Stage
from tests.support.vendor import RecordingVendor, Request
from tests.support.wire import Answer, raw_request, wire

SECRET = "webhook-secret-" + "v" * 32
WHSEC = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDE="
_WAITING = select(func.count()).where(deliveries.c.died_at.is_(None))
QUICK = 'first_wait = "50ms"\nlongest_wait = "200ms"\n'


class Hooks(RecordingVendor):
    """A service that is told of events: checks each signature with the `standardwebhooks` package.

    `events` are what it took, in order; `status` is how it answers from now on.
    """

    def __init__(self, secret: str = WHSEC) -> None:
        super().__init__(self.take)
        self.status: int | Callable[[dict[str, Any]], int] = 204
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self._webhook = Webhook(secret)

    async def take(self, request: Request, reply: Reply) -> None:
        event = self._webhook.verify(request.body, dict(request.fields))
        assert event["id"] == request.values("webhook-id")[0]
        status = self.status if isinstance(self.status, int) else self.status(event)
        if 200 <= status < 300:
            self.events.append(event)
            self.ids.append(event["id"])
        await reply.head(status, [("content-length", "0")])
        self.changed()

    async def got(self, count: int, *, within: float = 10.0) -> list[dict[str, Any]]:
        """The first so many events that it took."""
        await self.until(lambda: len(self.events) >= count, within=within)
        return self.events[:count]


@dataclass(frozen=True)
class Telling:
    """A gateway, the vendor before it that tells of events, and the service that is told."""

    stage: Stage[Any]
    hooks: Hooks
    upstream: str
    signed: Callable[[bytes], list[tuple[str, str]]]

    async def send(
        self,
        event: object,
        fields: Iterable[tuple[str, str]] | None = None,
        *,
        path: str | None = None,
        method: str = "POST",
        media: str = "application/json",
    ) -> Answer:
        """Tell the gateway; signed as the vendor does, unless `fields` are given."""
        content = event if isinstance(event, bytes) else json.dumps(event).encode()
        lines = self.signed(content) if fields is None else list(fields)
        path = path or f"/_gateway/callbacks/default/{self.upstream}/events"
        request = raw_request(method, path, [*lines, ("Content-Type", media)], content)
        return await wire(self.stage.url, request)

    async def reached_nobody(self) -> bool:
        """Whether nothing is kept to be delivered, and nobody was told."""
        return await self._waiting() == 0 and self.hooks.saw_nothing()

    async def quiet(self) -> None:
        """Return when nothing is on its way any more: all that was kept has been delivered."""
        async with asyncio.timeout(20):
            while True:
                if not await self._waiting():
                    return
                await asyncio.sleep(0.01)

    async def _waiting(self) -> int:
        gateway = self.stage.gateway
        assert gateway is not None
        assert gateway.assembled is not None
        return int(await gateway.assembled.process.store.database.scalar(_WAITING, {}))


@asynccontextmanager
async def events_stage(
    folder: Path,
    staging: Callable[..., AbstractAsyncContextManager[Stage[Any]]],
    upstream: str,
    signed: Callable[[bytes], list[tuple[str, str]]],
    *,
    secret: str | None = SECRET,
    more: str = QUICK,
    store: str | None = None,
    edit: Callable[[str], str] = str,
) -> AsyncIterator[Telling]:
    """A gateway whose one upstream tells of events; `more` goes into its table of events."""
    async with Hooks() as hooks:
        table = f'\n[upstreams.{upstream}.events]\ndeliver = ["{hooks.url}/hooks?v=1"]\n'
        table += f'sign = "{WHSEC}"\n' + (f'secret = "{secret}"\n' if secret else "") + more
        async with staging(folder, lambda text: edit(text + table), store=store) as stage:
            yield Telling(stage, hooks, upstream, signed)


def chatbase_signed(content: bytes, secret: str = SECRET) -> list[tuple[str, str]]:
    """As Chatbase's documents have it: HMAC-SHA1 in hex."""
    digest = hmac.new(secret.encode(), content, hashlib.sha1).hexdigest()
    return [("X-Chatbase-Signature", digest)]


def bookbag_signed(content: bytes, secret: str = SECRET) -> list[tuple[str, str]]:
    """As Bookbag's documents have it: `sha256=` and HMAC-SHA256 in hex."""
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return [("X-Bookbag-Signature", f"sha256={digest}")]


def altatech_signed(content: bytes, key: str = "app-key") -> list[tuple[str, str]]:
    """As AltaTech's documents have it: the agent's key."""
    return [("Authorization", f"Bearer {key}")]


def lead(conversation: object = None, number: int = 0) -> dict[str, Any]:
    """A lead, as Chatbase tells of one."""
    payload = {"customerEmail": "a@example.com", "customerName": f"A{number}", "customerPhone": ""}
    if conversation is not None:
        payload["conversationId"] = conversation  # type: ignore[assignment]
    return {"eventType": "leads.submit", "chatbotId": "agent_1", "payload": payload}
