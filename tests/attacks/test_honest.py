"""The other side of every guard: what honest clients send is answered, and as the vendor would.

Heads are as the clients write them, recorded byte for byte, with the token, the path and the length
left open. Chromium is in tests/demo/test_page.py.
"""

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.attacks.both_ends import HI, OWN_ORIGIN, STREAM, only
from tests.support.chatbase import Chatbase
from tests.support.docbit import DocBit
from tests.support.stage import Stage, adding, chatbase_stage, events
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio

CHROME = """{method} {target} HTTP/1.1
Host: gateway.test
Connection: keep-alive
Content-Length: {length}
sec-ch-ua-platform: "Linux"
Authorization: Bearer {token}
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36
sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24", "Google Chrome";v="131"
Content-Type: application/json
sec-ch-ua-mobile: ?0
Accept: */*
Origin: http://gateway.test
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: cors
Sec-Fetch-Dest: empty
Referer: http://gateway.test/chat?tab=1
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en;q=0.9,de;q=0.8
Cookie: _ga=GA1.1.1.1; theme={{"dark":true}}; quoted="a b"; empty=; PHPSESSID=x; a=1=2; \xe4=\xf6
Priority: u=1, i
DNT: 1
Sec-GPC: 1

"""  # noqa: E501
FIREFOX = """{method} {target} HTTP/1.1
Host: gateway.test
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0
Accept: text/event-stream
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate
Referer: https://elsewhere.example/
Content-Type: application/json;charset=UTF-8
Authorization: Bearer {token}
Content-Length: {length}
Origin: https://elsewhere.example
Connection: keep-alive
Sec-Fetch-Dest: empty
Sec-Fetch-Mode: cors
Sec-Fetch-Site: cross-site
Priority: u=0
Pragma: no-cache
Cache-Control: no-cache
TE: trailers

"""
CURL = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
User-Agent: curl/7.88.1
Accept: */*
Authorization: Bearer {token}
Content-Type: application/json
Content-Length: {length}

"""
CURL_10 = CURL.replace("HTTP/1.1", "HTTP/1.0")
CURL_WAITING = CURL.replace("\n\n", "\nExpect: 100-continue\n\n")
NODE = """{method} {target} HTTP/1.1
host: 127.0.0.1:9911
connection: keep-alive
authorization: Bearer {token}
content-type: application/json
accept: */*
accept-language: *
sec-fetch-mode: cors
user-agent: node
accept-encoding: gzip, deflate
content-length: {length}

"""
HTTPX = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
Accept: */*
Accept-Encoding: gzip, deflate
Connection: keep-alive
User-Agent: python-httpx/0.28.1
Authorization: Bearer {token}
Content-Length: {length}
Content-Type: application/json

"""
REQUESTS = HTTPX.replace("python-httpx/0.28.1", "python-requests/2.32.3")
URLLIB = """{method} {target} HTTP/1.1
Accept-Encoding: identity
Content-Length: {length}
Host: 127.0.0.1:9911
User-Agent: Python-urllib/3.11
Content-Type: application/json
Authorization: Bearer {token}
Connection: close

"""
SDK = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
Accept-Encoding: gzip, deflate
Connection: keep-alive
Accept: application/json
Content-Type: application/json
User-Agent: OpenAI/Python 1.58.1
X-Stainless-Lang: python
X-Stainless-Package-Version: 1.58.1
X-Stainless-OS: Linux
X-Stainless-Arch: x64
X-Stainless-Runtime: CPython
X-Stainless-Runtime-Version: 3.11.7
X-Stainless-Retry-Count: 0
X-Stainless-Read-Timeout: 600
X-Stainless-Async: false
X-Stainless-Raw-Response: true
Authorization: Bearer {token}
Idempotency-Key: stainless-python-retry-0b6f
Content-Length: {length}

"""
JAVA = """{method} {target} HTTP/1.1
Connection: Upgrade, HTTP2-Settings
Content-Length: {length}
Host: 127.0.0.1:9911
HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA
Upgrade: h2c
User-Agent: Java-http-client/21.0.1
Authorization: Bearer {token}
Content-Type: application/json; charset=utf-8

"""
BEHIND_A_PROXY = """{method} {target} HTTP/1.1
Host: gateway.test
X-Forwarded-For: 203.0.113.7, 10.0.0.1
X-Forwarded-Proto: https
X-Forwarded-Host: chat.acme.example
X-Forwarded-Port: 443
X-Real-IP: 203.0.113.7
X-Request-Id: 8d0c2b0e5f1f4f9a8a1b2c3d4e5f6071
X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678
X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
tracestate: rojo=00f067aa0ba902b7
baggage: sentry-environment=production
sentry-trace: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1
CF-Ray: 230b030023ae2822-SJC
CF-IPCountry: RO
CDN-Loop: cloudflare
Via: 2 cloudfront.example, 1.1 varnish
Forwarded: for=203.0.113.7;proto=https
Authorization: bearer {token}
Content-Type: application/json
Content-Length: {length}

"""
CLIENTS = {
    "Chrome": CHROME,
    "Firefox, from elsewhere": FIREFOX,
    "curl": CURL,
    "curl --http1.0": CURL_10,
    "curl that waits": CURL_WAITING,
    "Node": NODE,
    "httpx": HTTPX,
    "requests": REQUESTS,
    "urllib": URLLIB,
    "an SDK": SDK,
    "Java": JAVA,
    "behind proxies": BEHIND_A_PROXY,
}


def written(head: str, method: str, target: str, token: str, body: bytes | None) -> bytes:
    """A request as this client writes it; one without a body says nothing of one."""
    text = head.format(method=method, target=target, token=token, length=len(body or b""))
    if body is None:
        text = re.sub(r"(?im)^(content-length|content-type|expect):.*\n", "", text)
    return text.replace("\n", "\r\n").encode("latin-1") + (body or b"")


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


async def test_answers_are_those_of_the_vendor(stage: Stage[Chatbase]) -> None:
    """A whole conversation, direct and through the gateway: alike but for what names it."""
    direct_fields = [("Authorization", f"Bearer {stage.vendor.key}")]

    async def direct(method: str, path: str, body: dict[str, object] | None = None) -> Answer:
        target = "/api/v2/agents/agent_1" + path.replace("/me/", "/alice-direct/")
        content = None if body is None else json.dumps({**body, "userId": "alice-direct"}).encode()
        fields = [*direct_fields, *([("Content-Type", "application/json")] if content else [])]
        return await wire(stage.vendor.url, raw_request(method, target, fields, content))

    async def through(method: str, path: str, body: dict[str, object] | None = None) -> Answer:
        return await stage.ask("alice-through", method, path, body)

    heard = []
    for ask in (direct, through):
        opened = await ask("POST", "/chat", HI)
        named = opened.json()["data"]["metadata"]["conversationId"]
        base = f"/conversations/{named}"
        messages = await ask("GET", base + "/messages")
        last = messages.json()["data"][-1]["id"]
        heard.append(
            [
                opened,
                messages,
                await ask("POST", "/chat", {**STREAM, "conversationId": named}),
                await ask("GET", base),
                await ask("GET", base + "/messages?limit=1"),
                await ask("PATCH", f"{base}/messages/{last}/feedback", {"feedback": "positive"}),
                await ask("POST", base + "/retry", {"messageId": last, "stream": False}),
                await ask("GET", "/users/me/conversations"),
                await ask("POST", "/chat", {"stream": False}),
                await ask("GET", base + "/messages?limit=no-number"),
            ]
        )
    for one, other in zip(*heard, strict=True):
        assert one.status == other.status
        assert _anonymous(one.body) == _anonymous(other.body)
        assert one.values("content-type") == other.values("content-type")


def _anonymous(body: bytes) -> bytes:
    """Without what differs from one conversation to the next: ids, numbers, cursors, people."""
    text = re.sub(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|alice-(direct|through)", b"ID", body)
    return re.sub(rb"[0-9]+|\"cursor\": \"[^\"]*\"", b"N", text)


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
