"""The ASGI application itself: its life, and what it is not."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.app import Gateway
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.serve import serving
from tests.support.tokens import Issuer
from tests.support.wire import raw_request, wire

pytestmark = pytest.mark.anyio


def built(folder: Path, vendor: Chatbase, issuer: Issuer) -> Gateway:
    file = folder / "gateway.toml"
    file.write_text(config.chatbase(vendor.url, issuer, store=folder / "gateway.db"))
    return Gateway.from_file(file)


def chat(issuer: Issuer, prefix: str = "") -> bytes:
    fields = [
        ("Authorization", f"Bearer {issuer.token('alice', algorithm='HS256')}"),
        ("Content-Type", "application/json"),
    ]
    path = f"{prefix}/support/api/v2/agents/agent_1/chat"
    return raw_request("POST", path, fields, b'{"message":"hi","stream":false}')


@pytest.mark.parametrize("with_lifespan", [True, False])
async def test_serves_under_a_mount(tmp_path: Path, with_lifespan: bool) -> None:
    issuer = Issuer()
    async with Chatbase() as vendor:
        gateway = built(tmp_path, vendor, issuer)
        lifespan = gateway.lifespan if with_lifespan else None
        async with serving(Starlette(routes=[Mount("/ai", gateway)], lifespan=lifespan)) as url:
            assert (await wire(url, chat(issuer, "/ai"))).status == 200
            assert (await wire(url, raw_request("GET", "/ai/livez"))).status == 200
            for path in ("/aix/livez", "/ai/../livez", "/ai%2Flivez"):
                assert (await wire(url, raw_request("GET", path))).status in {400, 404}
        await gateway.aclose()


async def test_closing_lets_go_of_every_connection(tmp_path: Path) -> None:
    issuer = Issuer()
    async with Chatbase() as vendor:
        async with serving(built(tmp_path, vendor, issuer)) as url:
            await wire(url, chat(issuer))
            assert vendor.open_connections() == 1
        await vendor.connection_closed(1)


async def test_a_store_that_cannot_be_used_keeps_it_from_starting(tmp_path: Path) -> None:
    issuer = Issuer()
    async with Chatbase() as vendor:
        gateway = built(tmp_path, vendor, issuer)
    (tmp_path / "gateway.db").write_text("this is no database")
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(Exception, match=r"gateway\.db"):
        await gateway({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "gateway.db" in sent[0]["message"]


async def test_a_websocket_that_nothing_declares_is_turned_away(tmp_path: Path) -> None:
    async with Chatbase() as vendor:
        gateway = built(tmp_path, vendor, Issuer())
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/x", "raw_path": b"/x", "headers": []}
    await gateway(scope, receive, send)
    await gateway.aclose()
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_a_dictionary_says_the_same_as_a_file(tmp_path: Path) -> None:
    issuer = Issuer()
    async with Chatbase() as vendor:
        gateway = Gateway.from_dict(
            {
                "store": {"url": f"sqlite:///{tmp_path}/gateway.db"},
                "sign_in": {
                    "issuer": issuer.url,
                    "audience": issuer.audience,
                    "secret": issuer.secret,
                },
                "upstreams": {
                    "support": {
                        "vendor": "chatbase",
                        "base_url": vendor.url,
                        "key": "cb-key",
                        "agent": "agent_1",
                    }
                },
            }
        )
        async with serving(gateway) as url:
            assert (await wire(url, chat(issuer))).status == 200
