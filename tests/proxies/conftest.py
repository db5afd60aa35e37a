"""One gateway and one vendor for a module and each front: the direct way, and three proxies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from gateway.app import Gateway
from gateway.net.protocol import guarded_protocol
from gateway.net.tally import ServerLimits
from tests.proxies.behind import Behind
from tests.support import config
from tests.support.chatbase import Chatbase
from tests.support.proxies import PROXIES, Front, in_front
from tests.support.serve import running
from tests.support.stage import Stage, adding
from tests.support.tokens import Issuer

COOKIE = adding("sign_in", 'from = ["authorization", "cookie:__session"]')
TRUSTED = '\n[server]\ntrusted_proxies = ["127.0.0.1/32"]\n'
# Who sends half a request is not waited for long; nor is what comes after a refusal.
HASTY = ServerLimits(header_timeout=1.0, body_timeout=1.0, linger=0.2)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all that a module's fixtures serve."""
    return "asyncio"


@asynccontextmanager
async def served(folder: Path, more: str) -> AsyncIterator[tuple[Stage[Chatbase], uvicorn.Server]]:
    issuer = Issuer()
    async with Chatbase() as vendor:
        text = config.chatbase(vendor.url, issuer, store=folder / "gateway.db", more=more)
        file = folder / "gateway.toml"
        file.write_text(COOKIE(text))
        gateway = Gateway.from_file(file)
        guarded = guarded_protocol(HASTY)
        options = {"http": guarded, "proxy_headers": False, "server_header": False}
        async with running(gateway, **options) as (server, url):
            yield Stage(vendor, gateway, issuer, url, "/support/api/v2/agents/agent_1"), server


@pytest.fixture(scope="module", params=["direct", *PROXIES])
async def behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Behind]:
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    async with served(folder, "" if name == "direct" else TRUSTED) as (stage, server):
        if name == "direct":
            yield Behind(Front(name, stage.url), stage, server)
            return
        async with in_front(name, stage.url, folder) as front:
            yield Behind(front, stage, server)
