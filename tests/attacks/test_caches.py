"""A: what one credential's verdict, or one person's answer, is remembered as."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.both_ends import HI, bearer, only, refused
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, chatbase_stage
from tests.support.stores import BOTH, AStore
from tests.support.tokens import Issuer
from tests.support.vendor import Request
from tests.support.wire import Answer, wire

pytestmark = pytest.mark.anyio
STORES = BOTH


async def ask(stage: Stage[Chatbase], token: str) -> Answer:
    return await stage.ask(None, "POST", "/chat", HI, [bearer(token)])


def twins(token: str) -> dict[str, str]:
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    return {
        "A-01 other in the middle": token[:middle] + other + token[middle + 1 :],
        "A-01 other at the end": token[:-1] + ("A" if token[-1] != "A" else "E"),
        "A-01 other at the beginning": "f" + token[1:],
        "A-02 extended": token + "A",
        "A-02 dot": token + ".",
        "A-02 padded": token + "=",
        "A-02 truncated": token[:-1],
        "A-02 first half": token[:middle],
        "A-02 another case": token.swapcase(),
        "A-05 quoted": f'"{token}"',
    }


@pytest.mark.parametrize("name", twins(Issuer().token(algorithm="HS256")))
async def test_a_remembered_token_answers_for_no_other(stage: Stage[Chatbase], name: str) -> None:
    token = stage.token("alice")
    assert (await ask(stage, token)).status == 200
    stage.vendor.forget()
    for _ in range(2):
        refused(stage, await ask(stage, twins(token)[name]), 401)
    assert (await ask(stage, token)).status == 200


async def test_tokens_that_begin_and_end_alike_are_two_people(stage: Stage[Chatbase]) -> None:
    """Row A-01, both in memory at once."""
    pad = "x" * 4000
    for who in ("alice", "bobby", "alice", "bobby"):
        stage.vendor.forget()
        claims = {"a": pad} | stage.issuer.claims(who) | {"z": pad}
        assert (await ask(stage, stage.issuer.seal(claims, algorithm="HS256"))).status == 200
        only(stage, who)


async def test_a_remembered_token_expires_all_the_same(tmp_path: Path, own_store: AStore) -> None:
    """Row A-08."""
    async with chatbase_stage(
        tmp_path, adding("sign_in", 'leeway = "0s"'), store=own_store()
    ) as stage:
        expires = int(stage.issuer.clock()) + 2
        token = stage.token("alice", exp=expires)
        assert (await ask(stage, token)).status == 200
        await asyncio.sleep(expires - stage.issuer.clock() + 0.01)
        stage.vendor.forget()
        refused(stage, await ask(stage, token), 401, "credentials_expired")


async def test_who_signs_in_after_a_refusal_comes_in(stage: Stage[Chatbase]) -> None:
    """Row A-12: no refusal is remembered for another token."""
    token = stage.token("carol")
    for _ in range(3):
        assert (await ask(stage, token[:-4] + "AAAA")).status == 401
        assert (await ask(stage, token)).status == 200


async def test_a_token_that_was_refused_is_taken_as_soon_as_it_is_good(
    stage: Stage[Chatbase],
) -> None:
    """Row A-12: the very same token, refused while it was not valid yet."""
    leeway = 30
    begins = int(stage.issuer.clock()) + leeway + 2
    token = stage.token("dave", nbf=begins)
    refused(stage, await ask(stage, token), 401, "credentials_invalid")
    await asyncio.sleep(begins - leeway - stage.issuer.clock() + 0.01)
    assert (await ask(stage, token)).status == 200
    only(stage, "dave")


async def test_junk_pushes_nobody_out(stage: Stage[Chatbase]) -> None:
    """Row A-07."""
    token = stage.token("alice")
    assert (await ask(stage, token)).status == 200
    stage.vendor.forget()
    message, _, signature = token.rpartition(".")
    junk = [f"{message}{n}.{signature}" for n in range(200)]
    answers = await asyncio.gather(*(ask(stage, one) for one in junk))
    assert {one.status for one in answers} == {401}
    assert stage.vendor.saw_nothing()
    assert (await ask(stage, token)).status == 200


async def test_people_who_come_at_once_are_not_mixed_up(stage: Stage[Chatbase]) -> None:
    """Row A-06, each with a token nobody has seen, and the same again."""
    for number in range(15):
        people = [f"person-{number}-{n}" for n in range(10)]
        tokens = [stage.token(who) for who in people]
        for _ in range(2):
            answers = await asyncio.gather(*(ask(stage, token) for token in tokens))
            for who, answer in zip(people, answers, strict=True):
                assert answer.json()["data"]["metadata"]["userId"] == who


@pytest.fixture(scope="module")
async def two_audiences(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str, a_store: AStore
) -> AsyncIterator[Stage[Chatbase]]:
    """Two orgs on two paths, told apart by nothing but the audience of one issuer's tokens."""
    issuer = Issuer()

    def two(text: str) -> str:
        upstream = text[text.index("[upstreams.support]") :].strip()
        head = text[: text.index("[sign_in]")]
        for org in ("one", "two"):
            head += f'[orgs.{org}]\npath = "/{org}"\n'
            head += (
                f'[[orgs.{org}.sign_in]]\nissuer = "{issuer.url}"\naudience = "{org}"\n'
                f'secret = "{issuer.secret}"\nalgorithms = ["HS256"]\norg_claim = "org"\n'
            )
            head += upstream.replace("[upstreams", f"[orgs.{org}.upstreams") + "\n"
        return head

    async with chatbase_stage(tmp_path_factory.mktemp("audiences"), two, store=a_store()) as stage:
        yield stage


async def test_a_token_primed_in_one_place_is_judged_anew_in_the_next(
    two_audiences: Stage[Chatbase],
) -> None:
    """Rows A-03, A-04: another audience, and another org's claim."""
    stage = two_audiences
    for (aud, org), (here, there) in itertools.product(
        (("one", "one"), ("one", "two")), (("one", "two"), ("two", "one"))
    ):
        token = stage.issuer.token("alice", algorithm="HS256", aud=aud, org=org)
        for place in (here, there, here, there):
            request = stage.request(None, "POST", "/chat", HI, [bearer(token)])
            stage.vendor.forget()
            answer = await wire(stage.url, request.replace(b"POST /", f"POST /{place}/".encode()))
            if place == aud == org:
                assert answer.status == 200, answer.body
            else:
                assert answer.status in {401, 403}
                refused(stage, answer, answer.status)


async def test_a_bearer_token_is_no_cookie_and_a_cookie_no_token(
    tmp_path: Path, own_store: AStore
) -> None:
    """Row A-05."""
    async with chatbase_stage(
        tmp_path, adding("sign_in", 'from = ["cookie:s"]'), store=own_store()
    ) as stage:
        token = stage.token("alice")
        fields = [("Cookie", f"s={token}"), ("Sec-Fetch-Site", "same-origin")]
        assert (await stage.ask(None, "POST", "/chat", HI, fields)).status == 200
        stage.vendor.forget()
        answer = await ask(stage, token)
        refused(stage, answer, 401, "credentials_invalid")


# Answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/chat", HI), ("GET", "/users/me/conversations", None), ("GET", "/x", None)],
)
async def test_no_answer_may_be_kept_by_whoever_stands_between(
    stage: Stage[Chatbase], method: str, path: str, body: object
) -> None:
    """Row A-13."""

    async def cacheable(request: Request, reply: Reply) -> None:
        fields = [
            ("cache-control", "public, max-age=600"),
            ("expires", "Fri, 31 Dec 2100"),
            ("etag", "x"),
        ]
        await reply.json(200, {"data": []}, fields)

    stage.vendor.handler = cacheable
    for who in ("alice", None):
        answer = await stage.ask(who, method, path, body)
        assert answer.values("cache-control") == ["no-store, no-transform"]
        assert answer.values("vary") == ["authorization, cookie, origin"]
        for name in ("etag", "expires", "age", "last-modified"):
            assert not answer.values(name)


async def test_a_304_for_somebody_elses_copy_does_not_come_back(stage: Stage[Chatbase]) -> None:
    """Row A-14."""

    async def unchanged(request: Request, reply: Reply) -> None:
        assert not request.values("if-none-match")
        await reply.head(304, [("etag", "bobs")])

    stage.vendor.handler = unchanged
    fields = [("If-None-Match", "bobs"), ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")]
    answer = await stage.ask("alice", "GET", "/users/me/conversations", None, fields)
    assert answer.status == 502
    assert not answer.values("etag")
