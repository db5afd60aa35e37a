"""A real OpenID provider and its opaque tokens: `oidc-provider` on Node, by RFC 7662."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.asking.test_host_apps import NODE
from tests.attacks.both_ends import HI, bearer, only, refused, signing_in
from tests.support.chatbase import Chatbase
from tests.support.host_apps import SECRET, node_host
from tests.support.stage import Stage, chatbase_stage
from tests.support.wire import Answer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with node_host("provider", NODE) as url:
        yield url


def mint(provider: str, user: str = "alice", **more: object) -> str:
    """A token as the provider's own sign-in would make it."""
    answer = httpx.post(f"{provider}/mint", json={"user": user, **more})
    assert answer.status_code == 200, answer
    return answer.text


def take_back(provider: str, token: str) -> None:
    """RFC 7009."""
    url, by = f"{provider}/token/revocation", ("spa", SECRET)
    assert httpx.post(url, data={"token": token}, auth=by).status_code == 200


CHAT = {"audience": "chat"}


@asynccontextmanager
async def asking(
    provider: str, folder: Path, told: dict[str, Any] = CHAT, **more: Any
) -> AsyncIterator[Stage[Chatbase]]:
    """`told` says for whom tokens are."""
    sign_in: dict[str, Any] = {
        "introspection_url": f"{provider}/token/introspection",
        "client_id": "gateway",
        "client_secret": SECRET,
        "issuer": provider,
        "cache": "0s",
    }
    async with chatbase_stage(folder, signing_in(sign_in | told | more)) as stage:
        yield stage


async def ask(stage: Stage[Chatbase], token: str) -> Answer:
    return await stage.ask(None, "POST", "/chat", HI, [bearer(token)])


@pytest.mark.parametrize(
    "more", [{}, {"client_id": "gateway-post", "client_auth": "post"}], ids=["basic", "post"]
)
async def test_whom_it_knows_by_a_token_chats_here(
    provider: str, more: dict[str, str], tmp_path: Path
) -> None:
    async with asking(provider, tmp_path, **more) as stage:
        for who in ("alice", "bob"):
            answer = await ask(stage, mint(provider, who, aud="chat"))
            assert answer.status == 200, answer.raw
            assert stage.vendor.requests[-1].json()["userId"] == who


async def test_a_token_taken_back_there_is_none_here(provider: str, tmp_path: Path) -> None:
    """Row K-16."""
    async with asking(provider, tmp_path) as stage:
        token = mint(provider, aud="chat")
        assert (await ask(stage, token)).status == 200
        only(stage, "alice", token)
        stage.vendor.forget()
        take_back(provider, token)
        refused(stage, await ask(stage, token), 401, "credentials_invalid")


async def test_a_token_for_others_is_none_here(provider: str, tmp_path: Path) -> None:
    """Row J-15."""
    async with asking(provider, tmp_path) as stage:
        for token in (mint(provider), mint(provider, aud="other"), "junk", "a.b.c"):
            refused(stage, await ask(stage, token), 401, "credentials_invalid")


@pytest.mark.parametrize("told", [CHAT, {"client": "spa"}], ids=["audience", "client"])
async def test_a_refresh_token_is_no_sign_in(
    provider: str, told: dict[str, Any], tmp_path: Path
) -> None:
    """Row J-20: the provider says that it is active."""
    async with asking(provider, tmp_path, told) as stage:
        token = mint(provider, kind="RefreshToken")
        refused(stage, await ask(stage, token), 401, "credentials_invalid")


async def test_by_its_client_an_access_token_is_one(provider: str, tmp_path: Path) -> None:
    async with asking(provider, tmp_path, {"client": "spa"}) as stage:
        assert (await ask(stage, mint(provider))).status == 200


async def test_a_wrong_secret_of_ours_turns_nobody_away(provider: str, tmp_path: Path) -> None:
    """Row K-17."""
    async with asking(provider, tmp_path, client_secret="wrong") as stage:
        token = mint(provider, aud="chat")
        refused(stage, await ask(stage, token), 503, "keys_unavailable")
