"""What orgs share, and what each has to itself."""

from contextlib import aclosing
from typing import cast

import pytest

from gateway.assemble.contacts import build_line
from gateway.assemble.limits import build_counting
from gateway.assemble.orgs import Shared, build_org
from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import shared_sign_ins
from gateway.config.load import from_dict
from gateway.config.model import Settings
from gateway.limits.questions import AskedLately
from gateway.net.http2.transport import Http2Transport
from gateway.net.upstream.http1 import Http1Transport
from gateway.net.upstream.resting import Resting
from gateway.orgs.org import Org, Upstream
from gateway.ports import EventQueue
from gateway.store.store import Store
from gateway.telemetry.log import ExchangeLog

pytestmark = pytest.mark.anyio


class NoStore:
    """A store that nobody asks: an org is made without it."""

    ledger = None
    askings = None

    def check(self, identity: object) -> None:
        """Nobody is blocked."""


def settings(**upstream: object) -> Settings:
    given = {"vendor": "chatbase", "key": "k", "agent": "a", **upstream}
    sign_in = {"issuer": "https://id.example/", "audience": "chat", "org_claim": "org"}
    orgs = {name: {"upstreams": {"support": given}} for name in ("a", "b")}
    return from_dict({"sign_in": sign_in, "orgs": orgs}, environment={}).settings


def made(found: Settings, parts: Parts) -> list[Org]:
    shared = Shared(
        store=cast(Store, NoStore()),
        secret=b"s" * 32,
        audit=ExchangeLog(),
        admission=NoStore(),
        questions=AskedLately(lambda: 0.0),
        counting=build_counting(None, b"s" * 32, parts.stack),
        sign_ins=shared_sign_ins(found, parts),
        resting=Resting(),
        inbox=cast(EventQueue, NoStore()),
    )
    return [build_org(org, shared, parts) for org in found.orgs.values()]


def support(org: Org) -> Upstream:
    return org.upstreams.find(None, ("support",))[0]


async def test_orgs_share_what_they_know_and_no_connection() -> None:
    """Row O-09."""
    async with aclosing(Parts()) as parts:
        first, second = (support(org) for org in made(settings(), parts))
        assert first.table is second.table
        assert first.destination.vendor is second.destination.vendor
        assert first.transport is not second.transport
        assert cast(Http1Transport, first.transport)._pool is not (
            cast(Http1Transport, second.transport)._pool
        )


async def test_an_upstream_is_spoken_to_as_it_is_told() -> None:
    """Chat, and the line on which the vendor hears of contacts."""
    async with aclosing(Parts()) as parts:
        old, new = (made(settings(http2=http2), parts)[0] for http2 in (False, True))
        assert type(support(old).transport) is Http1Transport
        assert type(support(new).transport) is Http2Transport
        assert support(new).authority == support(old).authority
    for http2, kind in ((False, Http1Transport), (True, Http2Transport)):
        line = build_line(settings(http2=http2).orgs["a"].upstreams["support"])
        assert type(line) is kind
        await line.aclose()


async def test_a_table_is_of_the_operations_that_were_chosen() -> None:
    async with aclosing(Parts()) as parts:
        narrow = support(made(settings(operations=["chat"]), parts)[0])
        whole = support(made(settings(), parts)[0])
        assert narrow.table.methods(("api", "v2", "agents", "a", "conversations", "c")) == ()
        assert whole.table.methods(("api", "v2", "agents", "a", "conversations", "c")) == ("GET",)


async def test_an_org_says_where_a_request_may_name_it() -> None:
    found = settings()
    org = found.orgs["a"]
    named = org.sign_in[0].model_copy(update={"org_from": "field:x-org-id"})
    async with aclosing(Parts()) as parts:
        one = org.model_copy(update={"sign_in": (named,)})
        (built,) = made(found.model_copy(update={"orgs": {"a": one}}), parts)
        assert built.named_in == (b"x-org-id",)
