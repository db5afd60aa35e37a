"""Envoy signs people in by `jwt_authn`, as `deploy/envoy-jwt.yaml` has it: the real one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.attacks.both_ends import HI, bearer, only, refused, signing_in
from tests.support.chatbase import Chatbase
from tests.support.provider import Provider
from tests.support.proxies import HOST, PROXIES, Front, in_front
from tests.support.stage import Stage, chatbase_stage
from tests.support.tokens import ABSENT
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

SECRET = "proxy-secret-for-tests-1234567890"
FORWARDED = {"forwarded": "X-Jwt-Sub", "shared_secret": SECRET, "actor": "envoy"}
PAGE = ("Origin", f"https://{HOST}")
TLS = (
    (Path(__file__).parents[2] / "deploy" / "envoy-jwt.yaml")
    .read_text()
    .partition("connect_timeout: 3s\n")[2]
    .partition("      load_assignment")[0]
)


@dataclass(frozen=True)
class Behind:
    """A gateway whose people Envoy signs in."""

    front: Front
    stage: Stage[Chatbase]
    provider: Provider

    async def ask(self, *fields: tuple[str, str]) -> Answer:
        content = self.stage.request(None, "POST", "/chat", HI, list(fields))
        content = content.replace(b"Host: gateway.test", f"Host: {HOST}".encode())
        return await wire(self.front.url, content, ssl=self.front.ssl)

    def token(self, who: object = "alice", **claims: object) -> tuple[str, str]:
        return bearer(self.provider.issuer.token(who, **claims))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all that the module's fixture serves."""
    return "asyncio"


@pytest.fixture(scope="module")
async def envoy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    folder = tmp_path_factory.mktemp("envoy")
    trusting = '\n[server]\ntrusted_proxies = ["127.0.0.1/32"]\n'
    with Provider() as provider, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROXY_SECRET", SECRET)
        issuer = urlsplit(provider.url)
        usual = PROXIES["envoy"]
        recipe = replace(
            usual,
            config="envoy-jwt.yaml",
            edits=(
                *usual.edits,
                ("issuer: https://id.example.com/", f"issuer: {provider.url}"),
                ("uri: https://id.example.com/keys", f"uri: {provider.jwks_url}"),
                (TLS, ""),
                (
                    "address: id.example.com, port_value: 443",
                    f"address: 127.0.0.1, port_value: {issuer.port}",
                ),
            ),
        )
        edit = signing_in(FORWARDED)
        async with (
            chatbase_stage(folder, lambda text: edit(text) + trusting) as stage,
            in_front("envoy", stage.url, folder, recipe) as front,
        ):
            yield Behind(front, stage, provider)


@pytest.fixture
def behind(envoy: Behind) -> Behind:
    envoy.stage.vendor.forget()
    return envoy


async def test_who_envoy_has_signed_in_is_who_asks(behind: Behind) -> None:
    for fields in ([], [PAGE]):
        assert (await behind.ask(behind.token("alice"), *fields)).status == 200
    only(behind.stage, "alice", SECRET, "eyJ")


async def test_what_envoy_does_not_believe_goes_no_further(behind: Behind) -> None:
    for token in (
        behind.token(aud="other"),
        behind.token(iss="https://other.example/"),
        behind.token(exp=1),
        bearer("opaque"),
    ):
        answer = await behind.ask(token)
        assert answer.status in {401, 403}
        assert not answer.values("x-gateway-error")
    assert (await behind.ask()).status == 401
    assert behind.stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param([("X-Jwt-Sub", "victim")], id="H-01"),
        pytest.param([("x-jwt-sub", "victim"), ("X-JWT-SUB", "victim")], id="H-09 twice"),
        pytest.param([("X-Jwt-Sub", "victim, alice")], id="H-09 joined"),
        pytest.param([("X-Gateway-Secret", "x" * 32)], id="a secret of the client's"),
        pytest.param([("X-Gateway-Secret", SECRET)], id="the very secret"),
        pytest.param([("Connection", "close"), ("X-Jwt-Sub", "victim")], id="and closes"),
    ],
)
async def test_what_a_client_writes_there_is_gone(
    behind: Behind, forged: list[tuple[str, str]]
) -> None:
    answer = await behind.ask(behind.token("alice"), *forged)
    assert answer.status == 200, answer.raw
    only(behind.stage, "alice", "victim")


async def test_a_token_of_nobody_is_nobody(behind: Behind) -> None:
    """`jwt_authn` writes no field where the claim is missing; a client's own is gone by then."""
    answer = await behind.ask(behind.token(ABSENT), ("X-Jwt-Sub", "victim"))
    refused(behind.stage, answer, 401, "credentials_missing")


async def test_an_underscore_is_no_way_around(behind: Behind) -> None:
    answer = await behind.ask(behind.token("alice"), ("X_Jwt_Sub", "victim"))
    assert answer.status == 400
    assert behind.stage.vendor.saw_nothing()


async def test_a_page_of_others_cannot_use_it(behind: Behind) -> None:
    """Envoy asks for a token, which no page sends by itself; where it is a cookie, this counts."""
    answer = await behind.ask(behind.token("alice"), ("Origin", "https://evil.example"))
    refused(behind.stage, answer, 403, "origin_refused")


async def test_past_envoy_there_is_no_way(behind: Behind) -> None:
    """Row H-13: from its own address, without its secret."""
    stage = behind.stage
    fields = [("X-Jwt-Sub", "victim"), ("X-Forwarded-Proto", "https")]
    answer = await wire(stage.url, stage.request(None, "POST", "/chat", HI, fields))
    refused(stage, answer, 401, "credentials_missing")


async def test_health_needs_no_token_and_says_nothing(behind: Behind) -> None:
    content = raw_request("GET", "/livez", host=HOST)
    assert (await wire(behind.front.url, content, ssl=behind.front.ssl)).status == 200
