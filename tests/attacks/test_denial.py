"""N: what costs a client little and a gateway much, as far as one machine can show it.

Slow senders, connection floods and memory are in tests/net; ten thousand cancels in
tests/test_cancels.py. No row here measures a clock: each counts, or waits for an end.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.attacks.both_ends import HI, STREAM, refused
from tests.support.chatbase import Chatbase
from tests.support.docbit import DocBit
from tests.support.reply import Reply
from tests.support.stage import Stage, chatbase_stage
from tests.support.vendor import Request
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio
WITHOUT_END = pytest.mark.over_http1("a front sends a head that is whole")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param([b"X-A: " + b"x" * 33_000], 431, id="N-04 33 KB in one"),
        pytest.param([b"X-%d: %s" % (n, b"x" * 400) for n in range(99)], 431, id="N-04 in many"),
        pytest.param([b"X-%d: x" % n for n in range(101)], 431, id="N-14 101 fields, H-20"),
        pytest.param([b"X-A: x"] * 101, 431, id="N-14 one name, 101 times"),
        pytest.param(
            [b"Cookie: " + b";".join(b"c%d" % n for n in range(101))], 200, id="N-14 kept"
        ),
    ],
)
async def test_a_head_has_a_size_and_a_count(
    stage: Stage[Chatbase], lines: list[bytes], status: int
) -> None:
    answer = await stage.ask("alice", "POST", "/chat", HI, lines)
    assert answer.status == status
    if status != 200:
        refused(stage, answer, status, "fields_too_large")


async def test_a_head_without_an_end_is_cut_off_at_its_size(stage: Stage[Chatbase]) -> None:
    """Row N-04: not when it is whole, but when it is too much."""
    for start in (b"GET /" + b"x" * 100, b"GET / HTTP/1.1\r\nHost: x\r\nA: "):
        async with connected(stage.url) as peer:
            await peer.send(start)
            for _ in range(10):
                if peer.closed or peer.received:
                    break
                await peer.send(b"x" * 8192)
                await asyncio.sleep(0)
            assert (await peer.answer()).status in {414, 431}
    assert stage.vendor.saw_nothing()


HOSTILE_NAMES = [
    "id" * 64,
    "user" * 32,
    "x" * 127 + "!",
    "idids" * 25,
    "externalinternal" * 8,
    "-_" * 64,
    "[" * 128,
    "." * 128,
    "\ufdfa" * 128,  # one character that NFKC makes eighteen of
    "a\u0300" * 64,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda name: f"N-09 {name[:12]!a}")
async def test_a_thousand_hostile_names_are_judged_in_passing(
    stage: Stage[Chatbase], name: str
) -> None:
    """Every parser and table is linear: a quadratic or exponential one would not end here."""
    members = {f"{name}{n:x}"[-128:]: n for n in range(990)}
    async with asyncio.timeout(5):
        answer = await stage.ask("alice", "POST", "/chat", {**HI, **members})
    assert answer.status in {200, 400}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"Bearer " + b"." * 16_000, id="N-09 dots"),
        pytest.param(b"Bearer " + b"a." * 8000, id="N-09 parts"),
        pytest.param(b" " * 16_000 + b"x", id="N-09 blanks"),
        pytest.param(b"Bearer" + b" " * 16_000 + b"x", id="N-09 blanks between"),
    ],
)
@pytest.mark.parametrize(
    "name", [b"Authorization", b"Cookie", b"Content-Type", b"Via", b"Forwarded"]
)
async def test_a_hostile_value_is_read_once(
    stage: Stage[Chatbase], name: bytes, value: bytes
) -> None:
    async with asyncio.timeout(5):
        answer = await stage.ask("alice", "POST", "/chat", HI, [name + b": " + value])
    assert answer.status in {200, 400, 401, 415}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param([{}] * 250_000, id="N-14 250,000 objects"),
        pytest.param([[]] * 250_000, id="N-14 250,000 lists"),
        pytest.param({str(n): n for n in range(60_000)}, id="N-14 60,000 members within"),
        pytest.param({f"{n * (2**61 - 1)}": n for n in range(30_000)}, id="N-14 alike to a hash"),
        pytest.param("\\u0041" * 100_000, id="N-09 escapes"),
    ],
)
async def test_a_body_at_its_limit_is_read_and_goes_on(
    stage: Stage[Chatbase], message: object
) -> None:
    async with asyncio.timeout(20):  # the collector looks through all other tests' objects
        answer = await stage.ask("alice", "POST", "/chat", {**HI, "message": message})
    assert answer.status in {200, 400, 413}


async def test_a_thousand_members_are_enough(stage: Stage[Chatbase]) -> None:
    """Row N-14, B-10."""
    members = {str(n): 0 for n in range(1001)}
    refused(stage, await stage.ask("alice", "POST", "/chat", members), 400, "bad_request")


# A vendor that hangs ------------------------------------------------------------------------------


@asynccontextmanager
async def two_upstreams(folder: Path) -> AsyncIterator[tuple[Stage[Chatbase], DocBit]]:
    """Chatbase, to which four connections may be open, and DocBit beside it."""
    async with DocBit() as docs:

        def edit(text: str) -> str:
            text = text.replace('agent = "agent_1"', 'agent = "agent_1"\nmax_connections = 4')
            return text + (
                f'\n[upstreams.docs]\nvendor = "external-user-id"\nbase_url = "{docs.url}"\n'
                'key = "sk_partner_1"\ndefault_roles = ["employee"]\n'
            )

        async with chatbase_stage(folder, edit) as stage:
            yield stage, docs


async def ask_docs(stage: Stage[Chatbase]) -> Answer:
    fields = [("Authorization", f"Bearer {stage.token('alice')}")]
    return await wire(stage.url, raw_request("GET", "/docs/api/ai/conversations", fields))


@pytest.mark.one_process("each has connections of its own")
async def test_a_vendor_that_hangs_fills_its_own_queue_alone(tmp_path: Path) -> None:
    """Row N-11: who is too many is told so; the other vendor answers; later all is as before."""
    crowd = 300
    async with two_upstreams(tmp_path) as (stage, _docs):
        release = asyncio.Event()

        async def hang(request: Request, reply: Reply) -> None:
            await release.wait()
            await reply.json(200, {"data": {}})

        # Else all of them would ask the ledger for her name: that is another queue.
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
        stage.vendor.forget()
        stage.vendor.handler = hang
        asked = [asyncio.create_task(stage.ask("alice", "POST", "/chat", HI)) for _ in range(crowd)]
        await stage.vendor.request_arrived(4)
        for _ in range(5):
            assert (await ask_docs(stage)).status == 200
        done, waiting = set(), set(asked)
        async with asyncio.timeout(20):
            while len(done) < crowd - 4:
                some, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                done |= some
        for task in done:
            answer = task.result()
            assert answer.status == 503
            assert answer.values("x-gateway-error") == ["overloaded"]
            assert answer.values("retry-after")
        assert len(stage.vendor.requests) == 4
        release.set()
        for task in waiting:
            assert (await task).status == 200
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200


async def test_who_leaves_the_queue_makes_room(tmp_path: Path) -> None:
    """Rows N-20, N-21: clients that give up while they wait, and while they are served."""
    async with two_upstreams(tmp_path) as (stage, _docs):

        async def hang(request: Request, reply: Reply) -> None:
            await reply.hang()

        stage.vendor.handler = hang
        peers = [await _sent(stage) for _ in range(40)]
        await stage.vendor.request_arrived(4)
        for peer in peers:
            peer.transport.abort()
        for number in range(1, 5):
            await stage.vendor.connection_closed(number)
        stage.vendor.handler = stage.vendor.answer
        answers = await asyncio.gather(*(stage.ask("bob", "POST", "/chat", HI) for _ in range(8)))
        assert {one.status for one in answers} == {200}


async def _sent(stage: Stage[Chatbase]):  # type: ignore[no-untyped-def]
    from urllib.parse import urlsplit

    from tests.support.wire import Peer

    parts = urlsplit(stage.url)
    loop = asyncio.get_running_loop()
    _, peer = await loop.create_connection(Peer, parts.hostname, parts.port)
    await peer.send(stage.request("alice", "POST", "/chat", HI))
    return peer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 103 E\r\n\r\n" * 1000, id="N-13 interim answers"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000 + b"\r\n", id="N-13 fields"),
        pytest.param(b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n", id="N-13 one field"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
            id="N-13 fields without end",
            marks=WITHOUT_END,
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\na: " + b"b" * 500_000,
            id="N-13 one field without end",
            marks=WITHOUT_END,
        ),
        pytest.param(b"HTTP/1.1 200 " + b"O" * 500_000, id="N-13 reason", marks=WITHOUT_END),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[" + b"0," * 3_000_000,
            id="N-13 a body to be held",
        ),
        pytest.param(
            b"HTTP/1.1 500 E\r\ncontent-type: text/plain\r\n\r\n" + b"0" * 6_000_000,
            id="N-13 an error to be held",
        ),
    ],
)
async def test_a_hostile_vendor_has_its_measure(stage: Stage[Chatbase], answer: bytes) -> None:
    async def hostile(request: Request, reply: Reply) -> None:
        await reply.raw(answer)
        await reply.hang()

    stage.vendor.handler = hostile
    async with asyncio.timeout(10):
        heard = await stage.ask("alice", "POST", "/chat", HI)
    assert heard.status == 502
    assert heard.values("x-gateway-error") == ["upstream_malformed"]


@pytest.mark.one_process("its log is in the test's own")
async def test_what_a_vendor_says_it_cost_has_a_measure(
    stage: Stage[Chatbase], caplog: pytest.LogCaptureFixture
) -> None:
    """Rows N-13, G-06: a thousand kinds of cost make no line of a thousand."""

    async def dear(request: Request, reply: Reply) -> None:
        usage = {f"kind-{n}": n for n in range(1000)}
        await reply.json(200, {"data": {"metadata": {"userId": "alice", "usage": usage}}})

    stage.vendor.handler = dear
    caplog.set_level(logging.INFO, "gateway")
    assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
    said = "".join(one.getMessage() for one in caplog.records if one.name == "gateway")
    assert "kind-0" in said
    assert said.count("kind-") <= 32


# A store that is busy -----------------------------------------------------------------------------


@pytest.mark.one_process("its store is a file")
async def test_a_store_that_cannot_be_written_is_503_and_no_id_leaves(tmp_path: Path) -> None:
    """Row N-18: another process holds the lock; then it lets go, and all is as before."""
    async with chatbase_stage(tmp_path) as stage:
        own = (await stage.ask("alice", "POST", "/chat", HI)).json()["data"]["metadata"]
        own = own["conversationId"]
        with closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(10):
                answers = await asyncio.gather(
                    *(stage.ask("alice", "POST", "/chat", HI) for _ in range(20)),
                    *(stage.ask("alice", "POST", "/chat", STREAM) for _ in range(5)),
                )
            opened = {one.id for one in stage.vendor.memory.of_all("agent_1")} - {own}
            assert opened
            for answer in answers:
                assert answer.status == 503 or not answer.complete
                assert not any(one.encode() in answer.raw for one in opened)
            unary = answers[0]
            assert unary.values("x-gateway-error") == ["ledger_unavailable"]
            assert unary.values("retry-after")
            # Readers wait for no writer: what is known goes on.
            body = {**HI, "conversationId": own}
            assert (await stage.ask("alice", "POST", "/chat", body)).status == 200
            other.execute("ROLLBACK")
        answer = await stage.ask("alice", "POST", "/chat", HI)
        assert answer.status == 200, answer.body
        assert json.loads(answer.body)["data"]["metadata"]["userId"] == "alice"
