"""A real OpenID provider: people sign in on its pages and out again, and it says so by itself."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from tests.asking.test_host_apps import NODE
from tests.attacks.both_ends import HI, bearer, refused, signing_in
from tests.support import replicas
from tests.support.chatbase import Chatbase
from tests.support.host_apps import SECRET, node_host
from tests.support.logouts import PATH
from tests.support.stage import Stage, chatbase_stage

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CLIENT = ("chat", SECRET)
BACK = "https://app.example/callback"


@pytest.fixture
def provider() -> Iterator[str]:
    with node_host("signing_out", NODE) as url:
        yield url


@pytest.fixture
async def stage(provider: str, tmp_path: Path) -> AsyncIterator[Stage[Chatbase]]:
    sign_in = {"issuer": provider, "audience": "chat", "backchannel_logout": ["chat"]}
    async with chatbase_stage(tmp_path, signing_in(sign_in)) as built:
        async with httpx.AsyncClient() as client:
            (await client.post(f"{provider}/listen", content=built.url + PATH)).raise_for_status()
        yield built


class Browser:
    """Somebody at the provider's pages; it has no secret of anybody's."""

    def __init__(self, provider: str, client: httpx.AsyncClient) -> None:
        self.provider = provider
        self.client = client

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """Go where one is sent, as long as that is the provider."""
        while answer.is_redirect:
            where = urljoin(str(answer.url), answer.headers["location"])
            if not where.startswith(self.provider):
                break
            answer = await self.client.get(where)
        return answer

    async def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Fill in the form of a page, and send it."""
        (action,) = re.findall(r'<form[^>]* action="([^"]+)"', page.text)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        where = urljoin(str(page.url), action)
        return await self.follow(await self.client.post(where, data={**hidden, **fields}))

    async def sign_in(self, who: str) -> str:
        """The ID token that the app gets."""
        asked = {"client_id": "chat", "response_type": "code", "scope": "openid"}
        url = f"{self.provider}/auth"
        page = await self.follow(await self.client.get(url, params={**asked, "redirect_uri": BACK}))
        page = await self.submit(page, login=who, password="any")
        answer = await self.submit(page)  # consent
        (code,) = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        said = await self.client.post(f"{self.provider}/token", data=form, auth=CLIENT)
        assert said.status_code == 200, said.text
        return str(said.json()["id_token"])

    async def sign_out(self, token: str) -> None:
        url = f"{self.provider}/session/end"
        page = await self.client.get(url, params={"id_token_hint": token})
        done = await self.submit(page, logout="yes")
        assert done.status_code == 200, done.text


async def test_who_signs_out_there_is_signed_out_here(
    provider: str, stage: Stage[Chatbase]
) -> None:
    """Rows C-13 and K-16: nothing waits for a token to expire, or for a memory to grow old."""

    async def status(token: str) -> int:
        return (await stage.ask(None, "POST", "/chat", HI, [bearer(token)])).status

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(httpx.AsyncClient(timeout=30)) for _ in range(3)]
        laptop, phone, bobs = (Browser(provider, client) for client in clients)
        tokens = [
            await one.sign_in(who)
            for one, who in ((laptop, "alice"), (phone, "alice"), (bobs, "bob"))
        ]
        assert [await status(token) for token in tokens] == [200, 200, 200]
        await laptop.sign_out(tokens[0])
        await replicas.all_know()
        # One session of hers, and not the other.
        assert [await status(token) for token in tokens] == [401, 200, 200]
        stage.vendor.forget()
        answer = await stage.ask(None, "POST", "/chat", HI, [bearer(tokens[0])])
        refused(stage, answer, 401, "credentials_expired")
        assert await status(await laptop.sign_in("alice")) == 200
