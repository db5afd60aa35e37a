"""examples/nextjs, built and started as it is written: its pages reach the gateway through it."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from playwright.async_api import async_playwright, expect

from tests.support.browser import ARGUMENTS, CHROMIUM
from tests.support.browser import PATIENCE as LOOKING
from tests.support.chatbase import Chatbase
from tests.support.chatbase_requests import Json
from tests.support.host_apps import SECRET, install_node_packages, node
from tests.support.ports import free_port
from tests.test_examples import CHAT, EXAMPLES, HI, Running, process

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.timeout(420),  # of which a clean checkout spends most on 350 MB of packages
]
APP = EXAMPLES / "nextjs"
NEXT = "node_modules/next/dist/bin/next"
PATIENCE = 180.0  # seconds a build may take


@dataclass(frozen=True)
class Built:
    """The example after `npm install && npm run build`, which keeps where the gateway is."""

    folder: Path
    app_port: int
    gateway_port: int

    @property
    def app(self) -> str:
        return f"http://localhost:{self.app_port}"

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NEXTAUTH_SECRET": SECRET,
            "NEXTAUTH_URL": self.app,
            "NEXT_TELEMETRY_DISABLED": "1",
            "GATEWAY_URL": self.gateway,
        }


@pytest.fixture(scope="module")
def built() -> Iterator[Built]:
    install_node_packages(APP)
    # Not a test's own folder, which may be in memory: that cannot have a file's second name.
    with TemporaryDirectory(prefix="gateway-nextjs-") as folder:
        yield build(Path(folder))


def build(folder: Path) -> Built:
    left = shutil.ignore_patterns("node_modules", ".next", ".installing")
    shutil.copytree(APP, folder, ignore=left, dirs_exist_ok=True)
    # Its bundler follows no link out of its folder, so each file gets a second name instead.
    modules = "node_modules"
    shutil.copytree(APP / modules, folder / modules, symlinks=True, copy_function=linked)
    made = Built(folder, free_port(), free_port())
    subprocess.run(
        [node(), NEXT, "build"],
        cwd=folder,
        env={**os.environ, **made.environment},
        stdout=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=True,
    )
    return made


@pytest.fixture
async def running(built: Built, tmp_path: Path) -> AsyncIterator[Running]:
    async with Chatbase() as vendor:
        given = {
            **built.environment,
            "CHATBASE_URL": vendor.url,
            "CHATBASE_KEY": "cb-key",
            "GATEWAY__STORE__URL": f"sqlite:///{tmp_path}/gateway.db",
            "GATEWAY__SERVER__DRAIN_DELAY": "0s",
        }
        start = [node(), NEXT, "start", "--port", str(built.app_port)]
        serve = [sys.executable, "-m", "gateway", "serve", "--config", str(APP / "gateway.toml")]
        serve += ["--listen", f"127.0.0.1:{built.gateway_port}"]
        with (
            process(start, built.folder, given, built.app_port),
            process(serve, EXAMPLES.parent, given, built.gateway_port),
        ):
            yield Running(built.app, built.gateway, vendor)


def linked(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target, follow_symlinks=False)
    return target


async def sign_in(client: httpx.AsyncClient, app: str, who: str) -> None:
    """As NextAuth's own page does it."""
    token = (await client.get(f"{app}/api/auth/csrf")).json()["csrfToken"]
    form = {"csrfToken": token, "name": who, "json": "true"}
    answer = await client.post(f"{app}/api/auth/callback/credentials", data=form)
    assert answer.status_code == 200, answer.text


class Held:
    """A vendor that says its first word, and the rest when it is told to."""

    def __init__(self) -> None:
        self.rest = asyncio.Event()
        self._words = 0

    async def before_event(self, event: Json) -> None:
        self._words += event["type"] == "text-delta"
        if self._words > 1:
            await self.rest.wait()


async def test_its_people_chat_through_it_and_see_each_word_as_it_comes(running: Running) -> None:
    ours = {"origin": running.app, "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(timeout=30, headers=ours) as client:
        assert "<h1>Chat</h1>" in (await client.get(running.app)).text
        answer = await client.post(running.app + CHAT, json=HI)
        assert (answer.status_code, running.vendor.saw_nothing()) == (401, True)
        await sign_in(client, running.app, "alice")
        held = Held()
        running.vendor.before_event = held.before_event
        asked = {"message": "hi", "userId": "bob"}
        client.headers["accept-encoding"] = "gzip, deflate, br"  # as every browser says
        async with client.stream("POST", running.app + CHAT, json=asked) as stream:
            assert (stream.status_code, "content-encoding" in stream.headers) == (200, False)
            lines = stream.aiter_lines()
            while "text-delta" not in await anext(lines):
                pass
            # The first word is here, and the last has not been sent.
            held.rest.set()
            assert "data: [DONE]" in [line async for line in lines]
        (request,) = running.vendor.requests
        assert request.json()["userId"] == "alice"
        assert request.values("cookie") == []
        running.vendor.forget()
        evil = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
        answer = await client.post(running.app + CHAT, json=HI, headers=evil)
        assert (answer.status_code, running.vendor.saw_nothing()) == (403, True)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
async def test_its_page_shows_each_word_as_it_comes(running: Running) -> None:
    held = Held()
    running.vendor.before_event = held.before_event
    async with async_playwright() as playwright:
        expect.set_options(timeout=LOOKING)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page()
        await page.goto(running.app)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="Sign out").wait_for()
        await page.get_by_role("button", name="Send").click()
        said = page.locator("pre")
        await expect(said).to_contain_text("You ")
        await expect(said).not_to_contain_text("said: What can you do?")  # the rest is not sent yet
        held.rest.set()
        await expect(said).to_contain_text("You said: What can you do?")
        await browser.close()
    assert running.vendor.requests[0].json()["userId"] == "alice"
