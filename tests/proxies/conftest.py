"""One gateway and one vendor for a module and each front: the direct way, and three proxies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.net.asgi.wire import AsgiInbound
from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.tally import ServerLimits
from tests.proxies.behind import Behind
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.proxies import PROXIES, Front, in_front
from tests.support.serve import running
from tests.support.stage import Stage, adding
from tests.support.tokens import Issuer

COOKIE = adding("sign_in", 'from = ["authorization", "cookie:__session"]')
PROXY = "127.0.0.1/32"
# Who sends half a request is not waited for long; nor is what comes after a refusal.
HASTY = ServerLimits(header_timeout=1.0, body_timeout=1.0, linger=0.2)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all that a module's fixtures serve."""
    return "asyncio"


@asynccontextmanager
async def served(folder: Path, name: str) -> AsyncIterator[Behind]:
    """The gateway as clients reach it without a proxy; it trusts the one of this name."""
    issuer = Issuer()
    heard: list[AsgiInbound] = []
    connected_by: list[object] = []
    more = "" if name == "direct" else f'\n[server]\ntrusted_proxies = ["{PROXY}"]\n'

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            heard.append(AsgiInbound(scope, receive, trusted_proxies=(ip_network(PROXY),)))
        await gateway(scope, receive, send)

    class Counted(guarded_protocol(HASTY)):
        def connection_made(self, transport: Any) -> None:
            connected_by.append(transport)
            super().connection_made(transport)

    async with Chatbase() as vendor:
        text = config.chatbase(vendor.url, issuer, store=folder / "gateway.db", more=more)
        file = folder / "gateway.toml"
        file.write_text(COOKIE(text))
        gateway = Gateway.from_file(file)
        options = {"http": Counted, "proxy_headers": False, "server_header": False}
        async with running(listening, **options) as (_, url):
            stage = Stage(vendor, gateway, issuer, url, "/support/api/v2/agents/agent_1")
            yield Behind(Front(name, url), stage, heard, connected_by)


@pytest.fixture(scope="module", params=["direct", *PROXIES])
async def behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Behind]:
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    async with served(folder, name) as direct:
        if name == "direct":
            yield direct
        else:
            async with in_front(name, direct.front.url, folder) as front:
                yield replace(direct, front=front)
        direct.taken()  # what came late
