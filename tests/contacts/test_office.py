"""The back office of a vendor, asked with our key: bounded, at its own pace, followed nowhere."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.contacts import office as module
from gateway.contacts.office import NotTaken, Office
from gateway.core.errors import GatewayError, Overloaded, UpstreamCredentialsRefused
from gateway.core.request.contact_call import back_office
from gateway.core.request.destination import Destination
from gateway.net.upstream.http1 import Http1Transport
from gateway.vendors import VENDORS
from tests.support.reply import Reply
from tests.support.vendor import Handler, RecordingVendor, Request

pytestmark = pytest.mark.anyio

CHATBASE, ALTATECH = VENDORS["chatbase"], VENDORS["altatech"]
ALICE = {"external_id": "alice"}


@asynccontextmanager
async def office_at(
    handler: Handler, *, keys: tuple[str, ...] = ("key-1",), name: str = "chatbase"
) -> AsyncIterator[tuple[Office, RecordingVendor]]:
    vendor = VENDORS[name]
    async with RecordingVendor(handler) as server:
        line = Http1Transport(origin=server.url)
        assert vendor.contacts is not None
        yield (
            Office(
                line=line,
                destination=back_office(Destination(vendor=vendor)),
                book=vendor.contacts,
                keys=keys,
                org="org_1",
                pause=0.0,
            ),
            server,
        )
        await line.aclose()


def answering(status: int, body: object = None, *fields: tuple[str, str]) -> Handler:
    async def answer(request: Request, reply: Reply) -> None:
        await reply.json(status, body or {}, fields)

    return answer


@pytest.mark.parametrize("status", sorted(module.NOT_TAKEN))
async def test_what_the_vendor_does_not_take_is_told_apart(status: int) -> None:
    async with office_at(answering(status)) as (office, _):
        with pytest.raises(NotTaken, match=str(status)):
            await office.write("a1", [ALICE])


@pytest.mark.parametrize("status", [201, 204, 200])
async def test_any_success_is_one(status: int) -> None:
    async with office_at(answering(status)) as (office, _):
        assert await office.write("a1", [ALICE]) == frozenset()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404, 429, 500, 502, 503])
async def test_all_else_is_no_answer(status: int) -> None:
    """Rows D-01 and D-02: a redirect least of all, wherever it leads."""
    location = ("location", "http://127.0.0.1:9/api/v1/chatbots/other/contacts")
    async with office_at(answering(status, {}, location)) as (office, server):
        with pytest.raises(GatewayError) as raised:
            await office.write("a1", [ALICE])
        assert not isinstance(raised.value, NotTaken)
        assert len(server.requests) == 1


async def test_the_next_key_is_used_once(tmp_path: object) -> None:
    async def picky(request: Request, reply: Reply) -> None:
        good = request.values("authorization") == ["Bearer key-2"]
        await reply.json(200 if good else 401, {})

    async with office_at(picky, keys=("key-1", "key-2", "key-3")) as (office, server):
        await office.write("a1", [ALICE])
        assert len(server.requests) == 2
    async with office_at(answering(401), keys=("key-1", "key-2", "key-3")) as (office, server):
        with pytest.raises(UpstreamCredentialsRefused):
            await office.write("a1", [ALICE])
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("7", 7), ("0", 0), ("999999", 3600), ("soon", 1), ("-1", 1), ("9" * 30, 1), ("", 1)],
)
async def test_a_vendor_that_is_asked_too_much_says_for_how_long(
    written: str, seconds: int
) -> None:
    async with office_at(answering(429, {}, ("retry-after", written))) as (office, _):
        with pytest.raises(Overloaded) as raised:
            await office.write("a1", [ALICE])
        assert raised.value.retry_after == seconds


async def test_definitions_are_asked_for_once_in_a_while() -> None:
    defined = answering(200, {"data": [{"name": "plan", "type": "text"}]})
    async with office_at(defined) as (office, server):
        for _ in range(3):
            assert await office.defined("a1") == {"plan": "text"}
        assert len(server.requests) == 1
        await office.defined("a1", anew=True)
        await office.defined("a2")
        targets = [one.target.split("/")[4] for one in server.requests]
        assert targets == ["a1", "a1", "a2"]
        await office.define("a1", "seats", "number")
        assert server.requests[-1].json() == {"name": "seats", "type": "number", "label": "seats"}
        await office.defined("a1")
        assert len(server.requests) == 5


@pytest.mark.parametrize("status", sorted(module.NO_DEFINITIONS))
async def test_a_vendor_without_definitions_takes_what_it_is_given(status: int) -> None:
    async with office_at(answering(status)) as (office, _):
        assert await office.defined("a1") is None


async def test_a_vendor_that_has_none_is_not_asked() -> None:
    async with office_at(answering(200), name="altatech") as (office, server):
        assert await office.defined("") is None
        assert server.saw_nothing()


async def test_an_answer_without_an_end_is_not_kept() -> None:
    async def endless(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        for _ in range(200):
            await reply.chunk(b"[" * 16_384)
        await reply.end()

    async with office_at(endless, name="altatech") as (office, _):
        assert await office.write("", [{"user_id": "alice"}]) == frozenset()


async def test_two_requests_have_a_pause_between_them() -> None:
    async with office_at(answering(200)) as (office, server):
        office.pause = 0.2
        began = time.monotonic()
        for _ in range(3):
            await office.write("a1", [ALICE])
        assert time.monotonic() - began >= 0.4
        assert [json.loads(one.body) for one in server.requests] == [{"users": [ALICE]}] * 3
