"""K: an issuer whose keys cannot be had, are not its own, or are asked for too often."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.both_ends import HI, bearer, only, refused, signing_in
from tests.support.chatbase import Chatbase
from tests.support.provider import DISCOVERY, JWKS, Answer, Provider, body, redirect, status
from tests.support.stage import Stage, chatbase_stage
from tests.support.tokens import ABSENT
from tests.support.vendor import RecordingVendor
from tests.support.wire import Answer as Heard

pytestmark = pytest.mark.anyio


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as one:
        yield one


@asynccontextmanager
async def trusting(
    folder: Path, *providers: Provider, discover: bool = False, **more: object
) -> AsyncIterator[Stage[Chatbase]]:
    """A gateway that fetches these issuers' keys."""

    def sign_in(one: Provider) -> dict[str, object]:
        found: dict[str, object] = {"issuer": one.url, "audience": "chat", **more}
        return found if discover else found | {"jwks_url": one.jwks_url}

    async with chatbase_stage(folder, signing_in(*map(sign_in, providers))) as stage:
        yield stage


async def ask(stage: Stage[Chatbase], token: str) -> Heard:
    return await stage.ask(None, "POST", "/chat", HI, [bearer(token)])


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param(DISCOVERY, body(b'{"issuer":"https://evil","jwks_uri":"URL"}'), id="K-01"),
        pytest.param(DISCOVERY, body(b'{"jwks_uri":"URL"}'), id="K-01 no issuer"),
        pytest.param(DISCOVERY, redirect("EVIL"), id="K-03 of the metadata"),
        pytest.param(JWKS, redirect("EVIL"), id="K-03 to another host"),
        pytest.param(JWKS, redirect("EVIL", 308), id="K-03 for good"),
        pytest.param(JWKS, redirect("file:///etc/passwd"), id="K-03 to a file"),
        pytest.param(JWKS, redirect(JWKS), id="K-03 to itself"),
        pytest.param(JWKS, status(500), id="K-08 away from the start"),
        pytest.param(JWKS, body(b"<html>Sign in to the Wi-Fi", "text/html"), id="K-09 HTML"),
        pytest.param(JWKS, body(b'{"keys":[]}'), id="K-09 no keys"),
    ],
)
async def test_without_the_issuers_own_keys_nobody_comes_in(
    provider: Provider, tmp_path: Path, path: str, answer: Answer
) -> None:
    """503 and not 401: the token may be good. 401 would be as safe; anonymous never is."""
    async with RecordingVendor() as evil:
        provider.script(path, _pointing(answer, provider, evil))
        async with trusting(tmp_path, provider, discover=True) as stage:
            heard = await ask(stage, provider.issuer.token("alice"))
            refused(stage, heard, 503, "keys_unavailable")
            assert heard.values("retry-after")
            assert evil.saw_nothing()


def _pointing(answer: Answer, provider: Provider, evil: RecordingVendor) -> Answer:
    """`answer`, with the addresses of this run."""

    def point(request: Any) -> None:
        reply = request.reply

        def pointed(content: bytes, **fields: Any) -> None:
            if fields.get("location") == "EVIL":
                fields["location"] = evil.url
            reply(content.replace(b"URL", provider.jwks_url.encode()), **fields)

        request.reply = pointed
        answer(request)

    return point


@pytest.mark.one_process("each process asks by itself")
@pytest.mark.parametrize("kids", [40])
async def test_unknown_keys_are_asked_for_once_in_a_while(
    provider: Provider, tmp_path: Path, kids: int
) -> None:
    """Row K-05: the burst of unknown ids costs one fetch, and nobody else anything."""
    async with trusting(tmp_path, provider) as stage:
        assert (await ask(stage, provider.issuer.token())).status == 200
        stage.vendor.forget()
        unknown = [provider.issuer.token("bob", header={"kid": f"k-{n}"}) for n in range(kids)]
        answers = await asyncio.gather(*(ask(stage, token) for token in unknown))
        assert {one.status for one in answers} == {401}
        assert stage.vendor.saw_nothing()
        assert provider.count(JWKS) <= 2
        assert (await ask(stage, provider.issuer.token())).status == 200


@pytest.mark.one_process("each process asks by itself")
async def test_a_cold_start_fetches_once_for_all(provider: Provider, tmp_path: Path) -> None:
    """Row K-06."""
    async with trusting(tmp_path, provider) as stage:
        tokens = [provider.issuer.token(f"person-{n}") for n in range(20)]
        answers = await asyncio.gather(*(ask(stage, token) for token in tokens))
        assert {one.status for one in answers} == {200}
        assert provider.count(JWKS) == 1
        users = [request.json()["userId"] for request in stage.vendor.requests]
        assert sorted(users) == sorted(f"person-{n}" for n in range(20))


@pytest.mark.one_process("each process asks by itself")
async def test_a_rotation_under_traffic_fails_nobody(provider: Provider, tmp_path: Path) -> None:
    """Row RF-31, over sockets: both keys are published, as issuers do, while one takes over."""
    failed: list[Heard] = []
    asked = 0
    done = asyncio.Event()

    async def person(number: int, stage: Stage[Chatbase]) -> None:
        nonlocal asked
        while not done.is_set():
            heard = await ask(stage, provider.issuer.token(f"person-{number}", jti=str(asked)))
            asked += 1
            if heard.status != 200:
                failed.append(heard)

    async def more(than: int) -> None:
        async with asyncio.timeout(30):
            while asked < than:  # noqa: ASYNC110 - a count that grows
                await asyncio.sleep(0.005)

    async with trusting(tmp_path, provider) as stage, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(person(number, stage))
        await more(40)
        before = json.loads(provider.issuer.jwks_text())["keys"]
        provider.rotate()
        keys = before + json.loads(provider.issuer.jwks_text())["keys"]
        provider.script(JWKS, body(json.dumps({"keys": keys}).encode()))
        await more(asked + 80)
        done.set()
    assert failed == []
    assert provider.count(JWKS) == 2


async def test_a_token_without_a_key_id_is_by_the_one_key_that_fits(
    provider: Provider, tmp_path: Path
) -> None:
    provider.algorithms = ("RS256",)
    async with trusting(tmp_path, provider) as stage:
        token = provider.issuer.token("alice", header={"kid": ABSENT})
        assert (await ask(stage, token)).status == 200
        only(stage, "alice")


@pytest.mark.one_process("each process asks by itself")
async def test_an_issuer_that_is_away_keeps_nobody_out_who_has_known_keys(
    provider: Provider, tmp_path: Path
) -> None:
    """Row K-08; an unknown key may be a good one now, so that is 503 and no 401."""
    async with trusting(tmp_path, provider) as stage:
        assert (await ask(stage, provider.issuer.token())).status == 200
        for failure in (status(500), body(b"<html>", "text/html")):
            provider.script(JWKS, failure)
            assert (await ask(stage, provider.issuer.token("bob"))).status == 200
        stage.vendor.forget()
        provider.rotate()
        heard = await ask(stage, provider.issuer.token())
        refused(stage, heard, 503, "keys_unavailable")


async def test_two_issuers_may_call_their_keys_alike(tmp_path: Path) -> None:
    """Row K-12."""
    with Provider() as one, Provider() as two:
        assert one.issuer.kid() == two.issuer.kid()
        async with trusting(tmp_path, one, two) as stage:
            for honest in (one, two):
                assert (await ask(stage, honest.issuer.token("alice"))).status == 200
            only(stage, "alice", "bob")
            stage.vendor.forget()
            for forger, victim in ((one, two), (two, one)):
                token = forger.issuer.token("bob", iss=victim.url)
                refused(stage, await ask(stage, token), 401)


async def test_two_tokens_and_no_keys_are_no_crash(provider: Provider, tmp_path: Path) -> None:
    """Row K-13, Envoy's CVE-2025-64527."""
    provider.script(JWKS, status(500))
    places = ["authorization", "field:x-api-key"]
    async with trusting(tmp_path, provider, **{"from": places}) as stage:
        fields = [bearer(provider.issuer.token("alice")), ("X-Api-Key", provider.issuer.token("b"))]
        answers = await asyncio.gather(
            *(stage.ask(None, "POST", "/chat", HI, fields) for _ in range(20))
        )
        for heard in answers:
            refused(stage, heard, 503, "keys_unavailable")


async def test_a_token_nobody_could_verify_is_good_once_the_issuer_is_back(
    provider: Provider, tmp_path: Path
) -> None:
    """Row A-15: the very same token; that keys were away is no verdict on it, good or bad."""
    token = provider.issuer.token("alice")
    provider.script(JWKS, status(500))
    async with trusting(tmp_path, provider) as stage:
        for _ in range(3):
            refused(stage, await ask(stage, token), 503, "keys_unavailable")
        provider.script(JWKS, None)
        async with asyncio.timeout(10):
            while (heard := await ask(stage, token)).status == 503:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert heard.status == 200, heard.body
        only(stage, "alice")


async def test_asking_for_keys_takes_nothing_of_the_request_along(
    provider: Provider, tmp_path: Path
) -> None:
    """Rows G-09, K-18: the issuer hears that keys are wanted, and not for whom."""
    async with trusting(tmp_path, provider, discover=True) as stage:
        fields = [
            bearer(provider.issuer.token("alice")),
            ("Cookie", "session=alice"),
            ("User-Agent", "alice's"),
            ("X-Request-Id", "alice-1"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ]
        assert (await stage.ask(None, "POST", "/chat", HI, fields)).status == 200
    assert [path for path, _ in provider.requests] == [DISCOVERY, JWKS]
    for _, heard in provider.requests:
        assert set(heard) <= {"host", "accept", "accept-encoding", "connection", "user-agent"}
        assert not any("alice" in value or "eyJ" in value for value in heard.values())
