"""Where MCP clients are told to sign in (RFC 9728), alone, under a mount and for several orgs."""

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.app import Gateway
from tests.support import config
from tests.support.mcp_servers import called, mcp_stage, message
from tests.support.serve import serving
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

HOST = "http://gateway.test"  # as requests here have it
WELL_KNOWN = "/.well-known/oauth-protected-resource"


def pointed_to(answer: Answer) -> str | None:
    (challenge,) = answer.values("www-authenticate")
    found = re.search(r'resource_metadata="([^"]+)"', challenge)
    return found and found[1]


async def test_whoever_is_nobody_is_told_who_signs_people_in(tmp_path: Path) -> None:
    async with mcp_stage(tmp_path) as stage:
        for who, token in ((None, None), ("alice", "no-token"), ("alice", stage.token("a", exp=1))):
            answer = await stage.ask(who, body=message("tools/list"), token=token)
            assert answer.status == 401
            assert pointed_to(answer) == f"{HOST}{WELL_KNOWN}/notes/mcp"
        told = await wire(stage.url, raw_request("GET", f"{WELL_KNOWN}/notes/mcp"))
        assert told.status == 200
        assert told.json() == {
            "resource": f"{HOST}/notes/mcp",
            "authorization_servers": [stage.issuer.url],
            "bearer_methods_supported": ["header"],
        }
        assert stage.server.asked == []


@pytest.mark.parametrize("path", ["", "/notes", "/notes/mcp/more", "/other/mcp", "/livez/mcp"])
async def test_nothing_else_has_such_metadata(tmp_path: Path, path: str) -> None:
    async with mcp_stage(tmp_path) as stage:
        answer = await wire(stage.url, raw_request("GET", WELL_KNOWN + path))
        assert answer.status == 404
        answer = await wire(stage.url, raw_request("POST", WELL_KNOWN + "/notes/mcp", [], b"{}"))
        assert answer.status == 405


async def test_a_page_of_ours_may_read_it(tmp_path: Path) -> None:
    def listed(text: str) -> str:
        head, rest = text.split("[sign_in]")
        own = "[orgs.acme]\norigins = ['https://app.test']\n[[orgs.acme.sign_in]]"
        return (head + own + rest).replace("[upstreams.notes]", "[orgs.acme.upstreams.notes]")

    async with mcp_stage(tmp_path, listed) as stage:
        fields = [("Origin", "https://app.test")]
        answer = await wire(stage.url, raw_request("GET", f"{WELL_KNOWN}/notes/mcp", fields))
        assert answer.values("access-control-allow-origin") == ["https://app.test"]
        asked = await stage.ask("alice", body=message("tools/list"), fields=dict(fields))
        assert asked.status != 403


async def test_other_vendors_clients_are_not_told(tmp_path: Path) -> None:
    issuer = Issuer()
    async with RecordingVendor() as vendor:
        (tmp_path / "g.toml").write_text(config.docbit(vendor.url, issuer, store=tmp_path / "g.db"))
        async with serving(Gateway.from_file(tmp_path / "g.toml")) as url:
            answer = await wire(url, raw_request("GET", "/docs/api/ai/conversations"))
            assert pointed_to(answer) is None
            answer = await wire(url, raw_request("GET", f"{WELL_KNOWN}/docs/api/ai/chat"))
            assert answer.status == 404


async def test_under_a_mount_it_is_told_with_the_mount(tmp_path: Path) -> None:
    issuer = Issuer()
    file = tmp_path / "g.toml"
    file.write_text(config.mcp("http://127.0.0.1:9", issuer, store=tmp_path / "g.db"))
    gateway = Gateway.from_file(file)
    app = Starlette(routes=[Mount("/ai", gateway)], lifespan=gateway.lifespan)
    async with serving(app) as url:
        asked = raw_request("POST", "/ai/notes/mcp", [], b"{}")
        metadata = pointed_to(await wire(url, asked)) or ""
        assert metadata == f"{HOST}/ai{WELL_KNOWN}/notes/mcp"
        told = await wire(url, raw_request("GET", metadata.removeprefix(HOST)))
        assert told.json()["resource"] == f"{HOST}/ai/notes/mcp"


async def test_orgs_that_share_a_place_share_their_issuers(tmp_path: Path) -> None:
    def several(text: str) -> str:
        head, rest = text.split("[upstreams.notes]")
        head = head.replace("[sign_in]", '[[sign_in]]\norg_claim = "org"\norgs = ["a", "b"]')
        orgs = "".join(f"[orgs.{one}]\n[orgs.{one}.upstreams.notes]{rest}" for one in "ab")
        return head + orgs

    async with mcp_stage(tmp_path, several) as stage:
        answer = await stage.ask(None, body=called("recall"))
        assert pointed_to(answer) == f"{HOST}{WELL_KNOWN}/notes/mcp"
        told = await wire(stage.url, raw_request("GET", f"{WELL_KNOWN}/notes/mcp"))
        assert told.json()["authorization_servers"] == [stage.issuer.url]
        assert stage.server.asked == []
