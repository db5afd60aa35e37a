"""Contacts from the application that the gateway is mounted in."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import GatewayMiddleware
from gateway.core.errors import BadRequest
from tests.contacts.stage import chatbase, eventually, settled, table
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.serve import serving
from tests.support.stage import chatbase_stage
from tests.support.tokens import Issuer
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio


async def test_an_application_says_what_it_knows(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        assert stage.gateway is not None
        await stage.gateway.contacts.upsert("support", "auth0|7f3a", {"plan": "pro"})
        await stage.gateway.contacts.upsert("support", "bob", {"plan": "x"}, org="default")
        await settled(stage)
        contacts = stage.vendor.contacts.of("agent_1")
        assert contacts["bob"]["custom_attributes"] == {"plan": "x"}
        assert len(contacts) == 2


@pytest.mark.parametrize(("upstream", "org"), [("other", None), ("support", "acme")])
async def test_where_none_are_kept_says_so(tmp_path: Path, upstream: str, org: str | None) -> None:
    async with chatbase(tmp_path) as stage:
        assert stage.gateway is not None
        with pytest.raises(LookupError, match=f"no upstream '{upstream}' has contacts"):
            await stage.gateway.contacts.upsert(upstream, "alice", {"plan": "pro"}, org=org)
        assert stage.vendor.saw_nothing()


async def test_without_contacts_there_are_none(tmp_path: Path) -> None:
    async with chatbase_stage(tmp_path) as stage:
        assert stage.gateway is not None
        with pytest.raises(LookupError):
            await stage.gateway.contacts.upsert("support", "alice", {"plan": "pro"})


async def test_what_cannot_be_said_is_refused(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        assert stage.gateway is not None
        for said in ({"external_id": "bob"}, {"plan": ["pro"]}, {"plan": b"x"}):
            with pytest.raises(BadRequest):
                await stage.gateway.contacts.upsert("support", "alice", said)  # type: ignore[arg-type]
        assert stage.vendor.saw_nothing()


async def test_a_route_inside_the_middleware_says_what_it_knows(tmp_path: Path) -> None:
    async def bought(request: Request) -> Response:
        pushing = request.scope["gateway"].contacts
        await pushing.upsert("support", "alice", {"plan": request.path_params["plan"]})
        return Response()

    async with Chatbase() as vendor:
        vendor.contacts.define("agent_1", "plan")
        text = config.chatbase(vendor.url, Issuer(), store=tmp_path / "gateway.db")
        file = tmp_path / "gateway.toml"
        file.write_text(text + table("support"))
        app = Starlette(routes=[Route("/bought/{plan}", bought)])
        app.add_middleware(GatewayMiddleware, config=file)
        async with serving(app) as url:
            assert (await wire(url, raw_request("GET", "/bought/pro"))).status == 200
            contacts = vendor.contacts.of("agent_1")
            await eventually(lambda: "alice" in contacts)
            assert contacts["alice"]["custom_attributes"] == {"plan": "pro"}
