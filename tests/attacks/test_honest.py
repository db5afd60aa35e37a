"""The other side of every guard: what honest clients send is answered.

As the vendor would itself: tests/systems/test_recorded_flows.py. Chromium is in
tests/demo/test_page.py.
"""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.attacks.both_ends import HI, OWN_ORIGIN, STREAM, only
from tests.support.chatbase import Chatbase
from tests.support.clients import CLIENTS, CURL_WAITING, written
from tests.support.docbit import DocBit
from tests.support.stage import Stage, adding, chatbase_stage, events
from tests.support.wire import Answer, connected, wire

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_person_chats_with_any_client(stage: Stage[Chatbase], client: str) -> None:
    """Opens, streams, continues, lists and reads, as the first requests of each client show it."""

    async def ask(method: str, path: str, body: object = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        token = stage.token("alice")
        request = written(CLIENTS[client], method, stage.base + path, token, content)
        return await wire(stage.url, request)

    opened = await ask("POST", "/chat", HI)
    assert opened.status == 200, opened.body
    conversation = opened.json()["data"]["metadata"]["conversationId"]
    streamed = await ask("POST", "/chat", {**STREAM, "conversationId": conversation})
    assert streamed.status == 200, streamed.body
    assert [one["type"] for one in events(streamed)][-1] == "finish"
    listed = await ask("GET", "/users/me/conversations?limit=100")
    assert conversation in {one["id"] for one in listed.json()["data"]}
    read = await ask("GET", f"/conversations/{conversation}/messages?")
    assert len(read.json()["data"]) == 4
    only(stage, "alice", "eyJ")
    for answer in (opened, streamed, listed, read):
        assert answer.complete


BODIES = {
    "emoji in escapes": json.dumps({**HI, "message": "\U0001f600 \U0001f44d\U0001f3fd"}).encode(),
    "emoji as they are": json.dumps({**HI, "message": "\U0001f600"}, ensure_ascii=False).encode(),
    "many languages": json.dumps(
        {**HI, "message": "Übung 漢字 עברית हिन्दी"}, ensure_ascii=False
    ).encode(),
    "a newline behind": json.dumps(HI).encode() + b"\n",
    "CRLF and blanks around": b"\r\n\t " + json.dumps(HI).encode() + b" \r\n\r\n",
    "indented": json.dumps(HI, indent=4).encode(),
    "slashes escaped": json.dumps({**HI, "message": "a/b"}).replace("/", "\\/").encode(),
    "a long message": json.dumps({**HI, "message": "word " * 180_000}).encode(),
    "code in a message": json.dumps({**HI, "message": '{"userId": "bob", "a": [1, 2'}).encode(),
    "SQL in a message": json.dumps({**HI, "message": "'; DROP TABLE users; --"}).encode(),
    "HTML in a message": json.dumps({**HI, "message": "<script>alert(1)</script>"}).encode(),
    "control characters in escapes": json.dumps({**HI, "message": "a\tb\nc\x07\u2028"}).encode(),
    "a NUL in escapes": json.dumps({**HI, "message": "a\0b"}).encode(),
    "members nobody knows": json.dumps({**HI, "temperature": 0.7, "tools": [{"a": 1}]}).encode(),
    "who they are": json.dumps({**HI, "userId": "alice"}).encode(),
    "nothing but a message": b'{"message":"hi"}',
}


@pytest.mark.parametrize("name", BODIES)
async def test_what_people_say_arrives(stage: Stage[Chatbase], name: str) -> None:
    answer = await stage.ask("alice", "POST", "/chat", BODIES[name])
    assert answer.status == 200, answer.body
    (request,) = stage.vendor.requests
    assert request.json()["message"] == json.loads(BODIES[name])["message"]
    assert request.json()["userId"] == "alice"


@pytest.mark.parametrize(
    "written",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json ; charset=utf-8",
        "Application/JSON",
        "application/json;",
    ],
)
async def test_a_content_type_as_clients_write_it(stage: Stage[Chatbase], written: str) -> None:
    answer = await stage.ask("alice", "POST", "/chat", HI, [("Content-Type", written)])
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    "query",
    [
        "?",
        "?limit=5",
        "?limit=5&cursor=",
        "?cursor=a%3D%3D",
        "?cursor=a+b",
        "?_=1732250000",
        "?limit=5&",
    ],
)
async def test_a_query_as_clients_write_it(stage: Stage[Chatbase], query: str) -> None:
    answer = await stage.ask("alice", "GET", f"/users/me/conversations{query}")
    assert answer.values("x-gateway-error") == []


@pytest.mark.parametrize("sizes", [[1], [7, 1, 3], [10_000], [1] * 30])
async def test_a_chunked_body_arrives_whole(stage: Stage[Chatbase], sizes: list[int]) -> None:
    content = json.dumps({**HI, "message": "in chunks " * 20}).encode()
    pieces, at = [], 0
    while at < len(content):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(content[at : at + size])
        at += size
    head = stage.request("alice", "POST", "/chat", None, [b"Transfer-Encoding: chunked"])
    head = head.removesuffix(b"\r\n\r\n") + b"\r\nContent-Type: application/json\r\n\r\n"
    async with connected(stage.url) as peer:
        await peer.send(head)
        for piece in pieces:
            await peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await peer.send(b"0\r\n\r\n")
        answer = await peer.answer()
    assert answer.status == 200, answer.body
    assert stage.vendor.requests[0].json() == {**json.loads(content), "userId": "alice"}
    assert stage.vendor.requests[0].values("transfer-encoding") == []


async def test_a_client_that_waits_is_told_to_go_on(stage: Stage[Chatbase]) -> None:
    """curl's `Expect: 100-continue` for a large body; without a sign-in it is not."""
    body = json.dumps({**HI, "message": "x" * 100_000}).encode()
    for token, begins in ((stage.token("alice"), b"HTTP/1.1 100 "), ("no-token", b"HTTP/1.1 401 ")):
        request = written(CURL_WAITING, "POST", stage.base + "/chat", token, body)
        head, _, content = request.partition(b"\r\n\r\n")
        async with connected(stage.url) as peer:
            await peer.send(head + b"\r\n\r\n")
            await peer.until(b"\r\n\r\n")
            assert peer.received.startswith(begins)
            if b"100" in begins:
                await peer.send(content)
                assert (await peer.answer()).status == 200


async def test_one_connection_serves_a_whole_visit(stage: Stage[Chatbase]) -> None:
    async with connected(stage.url) as peer:
        for _ in range(3):
            await peer.send(stage.request("alice", "POST", "/chat", HI))
            assert (await peer.answer()).status == 200
            await peer.send(stage.request("alice", "POST", "/chat", STREAM))
            assert (await peer.answer()).complete
            await peer.send(stage.request("alice", "GET", "/users/me/conversations"))
            assert (await peer.answer()).status == 200
            await peer.send(stage.request("alice", "GET", "/nowhere"))
            assert (await peer.answer()).status == 404


@pytest.fixture(scope="module")
async def with_cookies(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    edit = adding("sign_in", 'from = ["authorization", "cookie:__session"]')
    async with chatbase_stage(tmp_path_factory.mktemp("cookies"), edit) as built:
        yield built


@pytest.mark.parametrize(
    ("cookie", "fields"),
    [
        pytest.param("__session=GOOD", [("Sec-Fetch-Site", "same-origin")], id="a page of ours"),
        pytest.param("__session=GOOD", [("Origin", OWN_ORIGIN)], id="an older browser"),
        pytest.param(
            'a=1; __session=GOOD; b=2; b=3; c={"x":1}; d="q"; session=x; __session2=y',
            [("Origin", OWN_ORIGIN)],
            id="cookies of other apps beside",
        ),
        pytest.param(
            "__session=EXPIRED",
            [("Authorization", "Bearer GOOD"), ("Origin", OWN_ORIGIN)],
            id="a stale cookie beside a token",
        ),
        pytest.param(
            "__session=",
            [("Authorization", "Bearer GOOD"), ("Origin", OWN_ORIGIN)],
            id="a cookie that was taken back",
        ),
        pytest.param(
            '__session=""',
            [("Authorization", "Bearer GOOD"), ("Origin", OWN_ORIGIN)],
            id="a cookie that was taken back, as Python does",
        ),
        pytest.param(
            "__session=OTHERS",
            [("Authorization", "Bearer GOOD"), ("Sec-Fetch-Site", "cross-site")],
            id="from another page, by token",
        ),
    ],
)
async def test_a_browser_comes_with_its_cookies(
    with_cookies: Stage[Chatbase], cookie: str, fields: list[tuple[str, str]]
) -> None:
    stage = with_cookies
    stage.vendor.forget()
    tokens = {
        "GOOD": stage.token("alice"),
        "EXPIRED": stage.token("alice", exp=1_700_000_000),
        "OTHERS": stage.token("bob"),
    }
    lines = [("Cookie", cookie), *fields]
    for name, token in tokens.items():
        lines = [(field, value.replace(name, token)) for field, value in lines]
    answer = await stage.ask(None, "POST", "/chat", HI, lines)
    assert answer.status == 200, answer.body
    only(stage, "alice", "bob")


async def test_pythons_own_client_reads_every_answer(docbit: Stage[DocBit]) -> None:
    """A client that is strict about what it reads, on one connection, to the end of a stream."""
    headers = {"Authorization": f"Bearer {docbit.token('alice')}"}
    base = docbit.url + docbit.base
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        opened = await client.post(f"{base}/chat", json={"message": "hi", "documentIds": ["d"]})
        assert opened.status_code == 200, opened.text
        named = opened.json()["conversationId"]
        async with client.stream(
            "POST", f"{base}/chat/stream", json={"message": "and?", "conversationId": named}
        ) as stream:
            text = (await stream.aread()).decode()
        assert text.endswith('data: {"type": "done"}\n\n')
        listed = await client.get(f"{base}/conversations", params={"limit": 5, "offset": 0})
        assert named in listed.text
        assert (await client.get(f"{base}/conversations/{named}")).status_code == 200
        assert (await client.get(f"{base}/conversations/none")).status_code == 404
