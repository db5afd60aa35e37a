"""The twelve promises of the gateway, each over sockets. Their details have tests of their own."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chatbase import Chatbase
from tests.support.clock import OwnTime
from tests.support.hosts import HOSTED, How
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, chatbase_stage, docbit_stage
from tests.support.stores import BOTH, AStore
from tests.support.vendor import Request
from tests.support.wire import Answer, connected

pytestmark = pytest.mark.anyio
STORES = BOTH
HI = {"message": "hi", "stream": False}
DELTA = {"type": "text-delta", "delta": "x"}


def finish(conversation: str) -> dict[str, object]:
    return {"type": "finish", "metadata": {"conversationId": conversation}}


@pytest.fixture(params=[None, *HOSTED], ids=lambda how: how or "alone")
def how(request: pytest.FixtureRequest) -> How | None:
    """How the gateway stands: alone, in an application, or in front of the one it stands in."""
    found: How | None = request.param
    return found


@pytest.fixture
async def stage(
    tmp_path: Path, how: How | None, own_store: AStore
) -> AsyncIterator[Stage[Chatbase]]:
    async with chatbase_stage(tmp_path, how=how, store=own_store()) as built:
        yield built


def conversation_of(answer: Answer) -> str:
    return str(answer.json()["data"]["metadata"]["conversationId"])


async def test_1_no_identity_the_client_sends_reaches_the_vendor(
    tmp_path: Path, how: How | None, own_store: AStore
) -> None:
    async with docbit_stage(tmp_path, how=how, store=own_store()) as stage:
        answer = await stage.ask(
            "alice",
            "POST",
            "/chat?userId=victim&user=victim",
            b'{"message":"hi","userId":"victim","user_\\u0069d":"victim","externalUserId":"victim"}',
            [("X-External-User-Id", "victim"), ("x-external-org-id", "victim"), ("Via", "victim")],
        )
        assert answer.status == 200, answer.body
        (request,) = stage.vendor.requests
        assert b"victim" not in request.raw
        assert request.values("x-external-user-id") == ["alice"]


@pytest.mark.parametrize("status", [401, 403])
async def test_2_nothing_about_our_credentials_reaches_the_client(
    stage: Stage[Chatbase], status: int
) -> None:
    async def refuse(request: Request, reply: Reply) -> None:
        fields = [("set-cookie", "v=1"), ("www-authenticate", "Bearer"), ("x-debug", "cb-key")]
        await reply.json(status, {"error": f"bad key {request.values('authorization')}"}, fields)

    stage.vendor.handler = refuse
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == 502
    assert answer.values("x-gateway-error") == ["upstream_credentials_refused"]
    assert b"cb-key" not in answer.raw
    assert not answer.values("set-cookie")
    assert not answer.values("www-authenticate")


async def test_3_anothers_conversation_and_none_are_answered_alike(
    stage: Stage[Chatbase], how: How | None
) -> None:
    theirs = conversation_of(await stage.ask("alice", "POST", "/chat", HI))
    await stage.ask("bob", "GET", "/users/me/conversations")
    stage.vendor.forget()
    spans: dict[str, list[float]] = {theirs: [], "0" * len(theirs): []}
    bodies = set()
    for _ in range(60 if how is None else 5):
        for conversation, taken in spans.items():
            began = time.perf_counter()
            answer = await stage.ask("bob", "GET", f"/conversations/{conversation}")
            taken.append(time.perf_counter() - began)
            bodies.add((answer.status, answer.body))
    assert len(bodies) == 1
    assert stage.vendor.saw_nothing()
    if how is None:  # who looks them up is the same wherever it stands
        # Both are looked up: one of them answered from memory would be told in half the time.
        medians = [statistics.median(taken) for taken in spans.values()]
        assert max(medians) < 2 * min(medians)


@pytest.mark.parametrize("path", ["/conversations", "/sources", "/chat/x", "/conversations/export"])
async def test_4_what_a_profile_does_not_declare_is_not_found(
    stage: Stage[Chatbase], how: How | None, path: str
) -> None:
    answer = await stage.ask("alice", "GET", path, fields=[("X-External-User-Id", "victim")])
    if how == "app" and path != "/conversations/export":
        # What an application has beside its operations is its own, and never in anybody's name.
        (request,) = stage.vendor.requests
        assert b"cb-key" not in request.raw
        assert b"victim" not in request.raw
        return
    assert answer.status == 404
    assert stage.vendor.saw_nothing()


async def test_5_a_bad_credential_is_refused_beside_a_good_one(
    tmp_path: Path, how: How | None, own_store: AStore
) -> None:
    edit = adding("sign_in", 'from = ["authorization", "cookie:__session"]')
    async with chatbase_stage(tmp_path, edit, how, store=own_store()) as stage:
        good, forged = stage.token("alice"), stage.token("alice")[:-4] + "AAAA"
        for cookie, status in ((forged, 401), (good, 200)):
            fields = [("Cookie", f"__session={cookie}"), ("Sec-Fetch-Site", "same-origin")]
            answer = await stage.ask("alice", "POST", "/chat", HI, fields)
            assert answer.status == status
            assert stage.vendor.saw_nothing() == (status == 401)


async def test_6_a_cookie_is_worth_nothing_from_another_origin(
    tmp_path: Path, how: How | None, own_store: AStore
) -> None:
    edit = adding("sign_in", 'from = ["cookie:__session"]')
    async with chatbase_stage(tmp_path, edit, how, store=own_store()) as stage:
        cookie = ("Cookie", f"__session={stage.token('alice')}")
        for fields in (
            [("Sec-Fetch-Site", "cross-site")],
            [("Sec-Fetch-Site", "same-site")],
            [("Origin", "https://evil.example")],
            [("Origin", "null")],
            [("Origin", "https://gateway.test")],  # we are http here
            [],
        ):
            answer = await stage.ask(None, "POST", "/chat", HI, [cookie, *fields])
            assert answer.status == 403, fields
            assert answer.values("x-gateway-error") == ["origin_refused"]
        assert stage.vendor.saw_nothing()
        for fields in ([("Sec-Fetch-Site", "same-origin")], [("Origin", "http://gateway.test")]):
            answer = await stage.ask(None, "POST", "/chat", HI, [cookie, *fields])
            assert answer.status == 200, fields


async def test_7_the_first_chunk_leaves_before_the_vendor_has_sent_the_second(
    stage: Stage[Chatbase],
) -> None:
    arrived = asyncio.Event()

    async def slow(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event(DELTA)
        await arrived.wait()
        await reply.event(finish("c-1"))
        await reply.end()

    stage.vendor.handler = slow
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await peer.until(b"text-delta")
        arrived.set()
        answer = await peer.answer()
        assert answer.complete


class Stages:
    """Where an exchange can be when its client leaves."""

    @staticmethod
    async def before_the_head(request: Request, reply: Reply) -> None:
        await reply.hang()

    @staticmethod
    async def before_the_first_event(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.hang()

    @staticmethod
    async def between_events(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event(DELTA)
        await reply.hang()

    @staticmethod
    async def inside_an_event(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.chunk(b'data: {"type":')
        await reply.hang()

    @staticmethod
    async def in_a_held_answer(request: Request, reply: Reply) -> None:
        await reply.head(200, [("content-type", "application/json"), ("content-length", "99")])
        await reply.raw(b'{"data":')
        await reply.hang()


@pytest.mark.parametrize(
    "where", [name for name in vars(Stages) if not name.startswith("_")], ids=lambda name: name
)
@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_8_when_the_client_leaves_the_vendors_connection_closes(
    stage: Stage[Chatbase], where: str, leave: str
) -> None:
    stage.vendor.handler = getattr(Stages, where)
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await stage.vendor.request_arrived(1)
        watch = OwnTime()
        getattr(peer, leave)()
        await stage.vendor.connection_closed(1)
        assert watch() < 1.0


async def test_9_a_conversation_can_be_continued_once_its_id_is_read(
    stage: Stage[Chatbase],
) -> None:
    hold = asyncio.Event()

    async def slow_end(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event(finish("c-new"))
        await hold.wait()
        await reply.end()

    stage.vendor.handler = slow_end
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "POST", "/chat", {"message": "hi"}))
        await peer.until(b"c-new")  # the stream has not ended yet
        stage.vendor.handler = stage.vendor.answer
        other = await stage.ask("bob", "GET", "/conversations/c-new")
        assert other.values("x-gateway-error") == ["conversation_not_found"]
        own = await stage.ask("alice", "GET", "/conversations/c-new")
        assert own.values("x-gateway-error") == []  # it is the vendor that does not know it
        hold.set()
        assert (await peer.answer()).complete


@pytest.mark.parametrize("broken_by", ["close", "reset"])
async def test_10_a_cut_answer_looks_cut(stage: Stage[Chatbase], broken_by: str) -> None:
    async def broken(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event(DELTA)
        getattr(reply, broken_by)()

    stage.vendor.handler = broken
    answer = await stage.ask("alice", "POST", "/chat", {"message": "hi"})
    assert not answer.complete
    assert b"text-delta" in answer.body
    assert b'"type":"error"' in answer.body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"message":"a","message":"b"}', id="duplicate"),
        pytest.param('{"message":"a"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"message":"a"}', id="byte order mark"),
        pytest.param(b'{"message":NaN}', id="NaN"),
        pytest.param(b'{"message":' + b"[" * 100_000, id="nesting bomb"),
        pytest.param(b'{"message":' + b"9" * 5000 + b"}", id="5,000 digits"),
        pytest.param(b'{"message":9007199254740993}', id="2**53 + 1"),
        pytest.param(b'{"message":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"message":"a"}{"message":"b"}', id="two texts"),
        pytest.param(b'{"message":"\xc0\xae"}', id="overlong UTF-8"),
    ],
)
async def test_11_two_parsers_cannot_read_one_body_differently(
    stage: Stage[Chatbase], body: bytes
) -> None:
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert answer.status == 400
    assert answer.values("x-gateway-error") == ["ambiguous_json"]
    assert stage.vendor.saw_nothing()


UPSTREAM = '[upstreams.support]\nvendor = "chatbase"\nkey = "k"\nagent = "a"\n'
SIGN_IN = '[sign_in]\nissuer = "https://id.example/"\naudience = "chat"\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param(UPSTREAM, "sign_in", id="no sign-in"),
        pytest.param(SIGN_IN + UPSTREAM.replace('"k"', '""'), "upstreams.support.key", id="no key"),
        pytest.param(
            SIGN_IN + UPSTREAM.replace('"k"', '"${env:NOT_SET_ANYWHERE}"'),
            "NOT_SET_ANYWHERE",
            id="a missing secret",
        ),
        pytest.param(
            SIGN_IN + 'algorithms = ["none"]\n' + UPSTREAM, "sign_in.algorithms", id="none"
        ),
        pytest.param(
            SIGN_IN + 'algorithms = ["HS256"]\n' + UPSTREAM,
            "sign_in.algorithms",
            id="symmetric with a JWK Set",
        ),
        pytest.param(SIGN_IN + "audiense = 1\n" + UPSTREAM, "audience", id="unknown setting"),
        pytest.param(SIGN_IN + UPSTREAM + "[admin]\nlisten = 'x'\n", "admin", id="not there yet"),
    ],
)
def test_12_nothing_starts_half_configured(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    for command in ("check", "serve"):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", command, "--config", str(file)],
            capture_output=True,
            text=True,
            timeout=30,
            cwd=tmp_path,
        )
        assert done.returncode == 78, done.stderr
        assert named in done.stdout + done.stderr
        assert not (tmp_path / "gateway.db").exists()
