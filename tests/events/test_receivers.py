"""Who is told of events, over real sockets: what leaves, and what an answer means."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from standardwebhooks.webhooks import Webhook as Standard

from gateway.core.events.signature import webhook_secret
from gateway.events.receivers import Analytics, Webhook
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.http1 import Http1Transport
from gateway.ports import NotDelivered
from tests.events.test_envelope import EVENT
from tests.support.analytics import Collector
from tests.support.events import WHSEC
from tests.support.reply import Reply
from tests.support.vendor import Handler, RecordingVendor, Request

pytestmark = pytest.mark.anyio

OTHER = "whsec_" + "b3RoZXItb2YtdGhpcnR5LXR3by1ieXRlcy0wMDAwMDE="


@dataclass(frozen=True)
class Hook:
    service: RecordingVendor
    webhook: Webhook

    async def missed(self) -> NotDelivered:
        with pytest.raises(NotDelivered) as caught:
            await self.webhook.take(EVENT)
        return caught.value


@asynccontextmanager
async def hook(handler: Handler, *, secrets: tuple[str, ...] = (WHSEC,)) -> AsyncIterator[Hook]:
    async with RecordingVendor(handler) as service:
        transport = Http1Transport(origin=service.url, clocks=Clocks(connect=1.0))
        try:
            webhook = Webhook(
                line=transport,
                target="/hooks?token=t",
                secrets=tuple(map(webhook_secret, secrets)),
                timeout=1.0,
            )
            yield Hook(service, webhook)
        finally:
            await transport.aclose()


async def answers(request: Request, reply: Reply) -> None:
    await reply.json(200, {"ok": True})


async def test_what_leaves_is_signed_as_the_standard_has_it() -> None:
    async with hook(answers, secrets=(WHSEC, OTHER)) as told:
        await told.webhook.take(EVENT)
        (request,) = told.service.requests
        assert (request.method, request.target) == ("POST", "/hooks?token=t")
        for secret in (WHSEC, OTHER):
            said = Standard(secret).verify(request.body, dict(request.fields))
            assert (said["id"], said["subject"]) == (EVENT.id, "alice")
        assert request.values("webhook-id") == [EVENT.id]
        names = {name.lower() for name, _ in request.fields}
        assert names == {
            *("host", "content-length", "content-type", "accept", "accept-encoding"),
            *("user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"),
        }


async def test_a_connection_is_used_again() -> None:
    async with hook(answers) as told:
        for _ in range(3):
            await told.webhook.take(EVENT)
        assert len(told.service.connections) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 422, 500, 501])
async def test_an_answer_that_says_no_is_about_this_event(status: int) -> None:
    async def says_no(request: Request, reply: Reply) -> None:
        await reply.json(status, {"secret": "of the service"})

    async with hook(says_no) as told:
        error = await told.missed()
        assert (error.is_away, error.status, error.reason) == (False, status, f"answered {status}")


@pytest.mark.parametrize(
    ("status", "retry_after", "asked"),
    [
        (429, "7", 7.0),
        (503, None, None),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", None),
        (502, "1" * 9, None),
        (504, "-1", None),
        (408, "0", 0.0),
    ],
)
async def test_who_says_not_now_is_away(
    status: int, retry_after: str | None, asked: float | None
) -> None:
    async def not_now(request: Request, reply: Reply) -> None:
        fields = [] if retry_after is None else [("retry-after", retry_after)]
        await reply.json(status, {}, fields)

    async with hook(not_now) as told:
        error = await told.missed()
        assert (error.is_away, error.status, error.asked) == (True, status, asked)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    """Rows D-01 to D-03: what is said of people goes where the configuration says, or nowhere."""
    async with RecordingVendor() as elsewhere:

        async def redirects(request: Request, reply: Reply) -> None:
            await reply.json(status, {}, [("location", f"{elsewhere.url}/hooks")])

        async with hook(redirects) as told:
            assert (await told.missed()).status == status
            assert len(told.service.requests) == 1
        assert elsewhere.saw_nothing()


async def test_who_does_not_answer_in_time_is_away() -> None:
    async def hangs(request: Request, reply: Reply) -> None:
        await reply.hang()

    async with hook(hangs) as told:
        error = await told.missed()
        assert (error.is_away, error.reason) == (True, "http_response_timeout")
        await told.service.connection_closed(1)


async def test_who_is_not_there_is_away() -> None:
    async with hook(answers) as told:
        await told.service.__aexit__(None, None, None)
        error = await told.missed()
        assert (error.is_away, error.status) == (True, 0)
        await told.service.__aenter__()


@pytest.mark.parametrize("ends", ["never", "broken", "huge"])
async def test_who_has_said_yes_has_it_however_the_answer_ends(ends: str) -> None:
    async def says_yes(request: Request, reply: Reply) -> None:
        await reply.head(200, [("content-length", "10000000")])
        if ends == "broken":
            reply.reset()
        elif ends == "huge":
            await reply.raw(b"x" * 1_000_000)
        if ends != "broken":
            await reply.hang()

    async with hook(says_yes) as told:
        await told.webhook.take(EVENT)
        await told.service.connection_closed(1)


async def test_analytics_hears_what_its_documents_say() -> None:
    async with Collector("G-ABCD1234", "api secret/1") as google:
        transport = Http1Transport(origin=google.url)
        analytics = Analytics(
            line=transport,
            target="/mp/collect?measurement_id=G-ABCD1234&api_secret=api+secret%2F1",
            names={"lead.created": "generate_lead"},
            timeout=5.0,
        )
        try:
            await asyncio.gather(*(analytics.take(EVENT) for _ in range(3)))
        finally:
            await transport.aclose()
        assert google.found == []
        assert [body["events"][0]["name"] for body in google.bodies] == ["generate_lead"] * 3


def test_what_is_secret_is_not_shown() -> None:
    shown = repr(Webhook(line=None, target="/t?s=SECRET", secrets=(b"SECRET",), timeout=1.0))  # type: ignore[arg-type]
    assert "SECRET" not in shown
