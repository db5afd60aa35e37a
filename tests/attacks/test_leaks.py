"""L: what a vendor says that no client may hear, and whose answer an answer is."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.both_ends import HI, STREAM
from tests.support.chatbase import Chatbase
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, chatbase_stage, dify_stage, events
from tests.support.vendor import Request
from tests.support.wire import connected

pytestmark = pytest.mark.anyio

KEY = "sk-live-CANARY-0123456789abcdef"
NEXT_KEY = "sk-next-CANARY-fedcba9876543210"


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    """A vendor behind a name, for cookie jars that skip bare addresses; and two keys to leak."""

    def edit(text: str) -> str:
        text = text.replace('"cb-key"', json.dumps([KEY, NEXT_KEY]))
        return text.replace("http://127.0.0.1", "http://localhost")

    async with chatbase_stage(tmp_path_factory.mktemp("leaks"), edit) as built:
        yield built


@pytest.fixture
def stage(shared: Stage[Chatbase]) -> Stage[Chatbase]:
    vendor = shared.vendor
    vendor.key, vendor.handler, vendor.memory.reports_user = KEY, vendor.answer, None
    vendor.forget()
    return shared


OPERATIONS = [
    ("POST", "/chat", HI),
    ("POST", "/chat", STREAM),
    ("GET", "/users/me/conversations", None),
]

SECRET_FIELDS = [
    ("set-cookie", "a=CANARY; Path=/"),
    ("set-cookie2", "a=CANARY"),
    ("server", "CANARY/1.0"),
    ("x-powered-by", "CANARY"),
    ("via", "1.1 CANARY"),
    ("openai-organization", "CANARY"),
    ("x-amzn-requestid", "CANARY"),
    ("cf-ray", "CANARY"),
    ("service-worker-allowed", "/CANARY"),
    ("clear-site-data", '"CANARY"'),
    ("strict-transport-security", "max-age=1; CANARY"),
    ("refresh", "0; url=https://CANARY"),
    ("link", "<https://CANARY>; rel=preload"),
    ("location", "https://CANARY"),
    ("content-location", "/CANARY"),
    ("www-authenticate", "Bearer CANARY"),
    ("proxy-authenticate", "Basic CANARY"),
    ("authorization", f"Bearer {KEY}"),
    ("x-external-user-id", "CANARY"),
    ("access-control-allow-origin", "https://CANARY"),
    ("access-control-allow-credentials", "CANARY"),
    ("content-disposition", "attachment; filename=CANARY.html"),
    ("content-security-policy", "CANARY"),
    ("etag", "CANARY"),
    ("alt-svc", 'h3="CANARY:443"'),
    ("nel", "CANARY"),
    ("report-to", "CANARY"),
    ("x-accel-redirect", "/CANARY"),
    ("x-sendfile", "/CANARY"),
    ("x-gateway-error", "CANARY"),
    ("proxy-status", "CANARY"),
    ("sourcemap", "CANARY"),
]


@pytest.mark.parametrize("status", [200, 400, 404, 429, 500, 503])
async def test_only_listed_fields_pass_whatever_the_status(
    stage: Stage[Chatbase], status: int
) -> None:
    """Rows L-01, L-03, L-09, D-04."""

    async def leaky(request: Request, reply: Reply) -> None:
        await reply.json(status, {"data": []}, SECRET_FIELDS)

    stage.vendor.handler = leaky
    for method, path, body in OPERATIONS:
        answer = await stage.ask("alice", method, path, body)
        assert answer.status == status
        assert b"CANARY" not in answer.raw


ECHOES = {
    "L-02 the request in a body": lambda r: json.dumps({"headers": r.fields}).encode(),
    "L-02 the credential alone": lambda r: json.dumps(r.values("authorization")).encode(),
    "L-02 in a message": lambda r: json.dumps({"error": {"message": f"key {KEY} is bad"}}).encode(),
    "L-02 the next key": lambda r: json.dumps({"error": f"try {NEXT_KEY}"}).encode(),
    "L-02 raw bytes": lambda r: r.raw,
    "L-02 far in": lambda r: b'"' + b" " * 100_000 + KEY.encode() + b'"',
    "L-04 with internal addresses": lambda r: json.dumps({"at": r.head.decode()}).encode(),
}


@pytest.mark.parametrize("media", ["application/json", "text/plain", "application/octet-stream"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
@pytest.mark.parametrize("name", ECHOES)
async def test_an_answer_that_quotes_our_key_does_not_pass(
    stage: Stage[Chatbase], name: str, status: int, media: str
) -> None:
    """A debug page, an error that shows the request: in one write, and cut in the key's middle."""
    for cut in (False, True):

        async def echo(request: Request, reply: Reply, cut: bool = cut) -> None:
            content = ECHOES[name](request)
            middle = content.find(KEY.encode()[8:]) if cut else len(content)
            await reply.head(status, [("content-type", media), ("transfer-encoding", "chunked")])
            for part in (content[:middle], content[middle:]):
                if part:
                    await reply.chunk(part)
                    await asyncio.sleep(0.001)
            await reply.end()

        stage.vendor.handler = echo
        for method, path, body in OPERATIONS[::2]:
            answer = await stage.ask("alice", method, path, body)
            assert KEY.encode() not in answer.raw
            assert NEXT_KEY.encode() not in answer.raw
            assert answer.status == 502


@pytest.mark.parametrize("cut", range(1, len(KEY), 3))
@pytest.mark.parametrize("known", [False, True], ids=["held back", "passing"])
async def test_a_stream_that_quotes_our_key_ends_before_it(
    stage: Stage[Chatbase], cut: int, known: bool
) -> None:
    """Row L-02: wherever the chunks are cut, not even the beginning of the key is out."""
    body = dict(STREAM)
    if known:
        opened = await stage.ask("alice", "POST", "/chat", HI)
        body["conversationId"] = opened.json()["data"]["metadata"]["conversationId"]

    async def quoting(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.event({"type": "text-delta", "delta": "before"})
        await reply.chunk(b'data: {"delta":"' + KEY.encode()[:cut])
        await asyncio.sleep(0.002)
        await reply.chunk(KEY.encode()[cut:] + b'"}\n\n')
        await reply.end()

    stage.vendor.handler = quoting
    answer = await stage.ask("alice", "POST", "/chat", body)
    assert not answer.complete
    assert b"before" in answer.body
    assert b'delta":"' + KEY.encode()[:1] not in answer.body


@pytest.mark.parametrize("streams", [False, True])
async def test_a_secret_among_the_fields_does_not_pass_either(
    tmp_path: Path, streams: bool
) -> None:
    """Row L-02: what the configuration writes out beside the key, for a proxy before the vendor."""
    secret = "dXNlcjpDQU5BUlktMDEyMzQ1Njc4OQ=="
    fields = f'fields = {{ x-edge-authorization = "Basic {secret}", x-plan = "professional-2026" }}'

    async def echo(request: Request, reply: Reply) -> None:
        told = dict(request.fields)
        body = json.dumps(told if b"fail" in request.body else told["x-plan"])
        if streams:
            await reply.start_stream()
            await reply.event({"delta": body})
            await reply.end()
        else:
            await reply.json(500 if b"fail" in request.body else 404, {"error": body})

    async with chatbase_stage(tmp_path, adding("upstreams.support", fields)) as stage:
        stage.vendor.handler = echo
        said = await stage.ask("alice", "POST", "/chat", {**HI, "stream": streams})
        assert b"professional-2026" in said.body
        told = await stage.ask("alice", "POST", "/chat", {"message": "fail", "stream": streams})
        assert stage.vendor.requests[-1].values("x-edge-authorization") == [f"Basic {secret}"]
        assert secret.encode() not in told.raw
        assert not told.complete or told.status == 502


async def test_nor_does_one_that_the_server_writes_into_the_body(tmp_path: Path) -> None:
    """Row L-02: vendors keep what they were given, and show it in lists."""
    secret = "CANARY-of-the-crm-0123456789"
    decided = f'set = {{ "/inputs/crm_token" = "{secret}", "/inputs/plan" = "professional-2026" }}'

    async def echo(request: Request, reply: Reply) -> None:
        inputs = request.json()["inputs"]
        if inputs.get("leave_out"):
            del inputs["crm_token"]
        said = {"conversation_id": "c-1", "message_id": "m-1", "answer": "", "inputs": inputs}
        await reply.json(200, said)

    async with dify_stage(tmp_path, adding("upstreams.app", decided)) as stage:
        stage.vendor.handler = echo
        body = {"query": "hi", "response_mode": "blocking", "inputs": {"leave_out": True}}
        said = await stage.ask("alice", "POST", "/chat-messages", body)
        assert b"professional-2026" in said.body
        told = await stage.ask("alice", "POST", "/chat-messages", {**body, "inputs": {}})
        assert stage.vendor.requests[-1].json()["inputs"]["crm_token"] == secret
        assert told.status == 502
        assert secret.encode() not in told.raw


@pytest.mark.parametrize("status", [401, 403])
async def test_what_a_vendor_says_of_our_own_credential_is_not_told(
    stage: Stage[Chatbase], status: int
) -> None:
    """Row L-04: half a key, an account, an address within."""

    async def refuse(request: Request, reply: Reply) -> None:
        text = "Incorrect API key sk-l****cdef for org-CANARY at http://CANARY.internal"
        await reply.json(status, {"error": {"message": text}}, SECRET_FIELDS)

    stage.vendor.handler = refuse
    for method, path, body in OPERATIONS:
        answer = await stage.ask("alice", method, path, body)
        assert answer.status == 502
        assert answer.values("x-gateway-error") == ["upstream_credentials_refused"]
        assert b"CANARY" not in answer.raw
        assert b"sk-l" not in answer.raw


@pytest.mark.parametrize("field", ["x-ratelimit-key", "x-request-id", "retry-after"])
async def test_a_listed_field_that_quotes_our_key_does_not_pass(
    stage: Stage[Chatbase], field: str
) -> None:
    """Row L-02."""

    async def echo(request: Request, reply: Reply) -> None:
        await reply.json(200, {"data": []}, [(field, f"for {KEY}")])

    stage.vendor.handler = echo
    for method, path, body in OPERATIONS:
        answer = await stage.ask("alice", method, path, body)
        assert KEY.encode() not in answer.raw


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([("content-type", "text/html")], id="L-08"),
        pytest.param([("content-type", "TEXT/HTML; charset=utf-8")], id="L-08 upper case"),
        pytest.param([("content-type", "application/xhtml+xml")], id="L-08 XHTML"),
        pytest.param([("content-type", "image/svg+xml")], id="L-08 SVG"),
        pytest.param([("content-type", "text/xml")], id="L-08 XML"),
        pytest.param([("content-type", "application/xml")], id="L-08 XML too"),
        pytest.param([("content-type", "application/rss+xml")], id="L-08 a kind of XML"),
        pytest.param([("content-type", "multipart/x-mixed-replace; boundary=x")], id="L-08 parts"),
        pytest.param(
            [("content-type", "application/json"), ("content-type", "text/html")], id="L-08 two"
        ),
        pytest.param([("content-type", "application/json, text/html")], id="L-08 a list"),
        pytest.param([("content-type", "text/html;x=application/json")], id="L-08 a parameter"),
        pytest.param([("content-type", "text / html")], id="L-08 spaces"),
        pytest.param([("content-type", "html")], id="L-08 no media type"),
        pytest.param([("content-type", "application/json; charset=utf-7")], id="L-08 UTF-7"),
        pytest.param([("content-type", "text/event-stream;x=1;Charset=UTF-16")], id="L-08 UTF-16"),
    ],
)
@pytest.mark.parametrize("status", [200, 404, 500])
async def test_what_a_browser_could_show_as_a_page_does_not_pass(
    stage: Stage[Chatbase], fields: list[tuple[str, str]], status: int
) -> None:
    async def page(request: Request, reply: Reply) -> None:
        content = b'{"a":"<script>alert(1)</script>"}'
        await reply.head(status, [*fields, ("content-length", str(len(content)))])
        await reply.raw(content)

    stage.vendor.handler = page
    for method, path, body in OPERATIONS:
        answer = await stage.ask("alice", method, path, body)
        assert answer.status == 502
        assert b"script" not in answer.raw
        assert answer.values("x-content-type-options") == ["nosniff"]
        assert "sandbox" in answer.values("content-security-policy")[0]
        assert len(answer.values("content-type")) == 1


@pytest.mark.parametrize(
    "coding", ["gzip", "br", "deflate", "gzip, gzip", "GZIP", "x", "identity, gzip"]
)
async def test_a_coded_answer_does_not_pass(stage: Stage[Chatbase], coding: str) -> None:
    """Row L-10: it cannot be looked into."""

    async def coded(request: Request, reply: Reply) -> None:
        # JSON all the same, so that nothing but its coding speaks against it.
        await reply.json(200, {"data": []}, [("content-encoding", coding)])

    stage.vendor.handler = coded
    for method, path, body in OPERATIONS:
        answer = await stage.ask("alice", method, path, body)
        assert answer.status == 502
        assert not answer.values("content-encoding")


@pytest.mark.parametrize("count", [1, 3])
async def test_interim_answers_stay_here(stage: Stage[Chatbase], count: int) -> None:
    """Row L-11."""

    async def early(request: Request, reply: Reply) -> None:
        for _ in range(count):
            await reply.head(103, [("link", "</CANARY>; rel=preload")])
        await reply.json(200, {"data": []})

    stage.vendor.handler = early
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "GET", "/users/me/conversations"))
        await peer.until(b'{"data": []}')
        assert peer.received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"CANARY" not in peer.received


BROKEN = {
    "L-12 short of its length": b'content-length: 99\r\n\r\n{"data":[]}',
    "L-12 no last chunk": b'transfer-encoding: chunked\r\n\r\nb\r\n{"data":[]}\r\n',
    "L-12 half a chunk": b'transfer-encoding: chunked\r\n\r\nff\r\n{"data":[]}',
    "S-26 a bad chunk": b'transfer-encoding: chunked\r\n\r\nb\r\n{"data":[]}\r\nxyz\r\n',
    "S-26 two lengths": b'content-length: 11\r\ncontent-length: 12\r\n\r\n{"data":[]}',
    "S-30 a field in two": b'x-ratelimit-a: b\r\n\tc: d\r\ncontent-length: 11\r\n\r\n{"data":[]}',
    "S-30 a bare CR": b'x-ratelimit-a: b\rset-cookie: c\r\ncontent-length: 11\r\n\r\n{"data":[]}',
    "S-30 a bare LF": b'x-ratelimit-a: b\n\n{"x":1}\r\ncontent-length: 11\r\n\r\n{"data":[]}',
    "S-30 NUL": b'x-ratelimit-a: b\0c\r\ncontent-length: 11\r\n\r\n{"data":[]}',
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("when", ["within an event", "between two", "before the end"])
@pytest.mark.parametrize("coding", ["chunked", "by length", "within a chunk"])
async def test_half_a_stream_never_looks_like_a_whole_one(
    stage: Stage[Chatbase], coding: str, when: str, how: str
) -> None:
    """Row L-12: one that has begun, so that its status is out already."""
    said = (
        b'data: {"type":"start"}\n\n'
        + {
            "within an event": b'data: {"type":"text-de',
            "between two": b'data: {"type":"text-delta","delta":"a"}\n\n',
            "before the end": b'data: {"type":"finish"}\n\ndata: [DONE]\n\n',
        }[when]
    )
    framed = {
        "chunked": b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(said), said),
        "within a chunk": b"transfer-encoding: chunked\r\n\r\n%x\r\n%b" % (len(said) + 9, said),
        "by length": b"content-length: %d\r\n\r\n%b" % (len(said) + 9, said),
    }[coding]

    async def broken(request: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" + framed)
        await asyncio.sleep(0.005)
        getattr(reply, how)()

    stage.vendor.handler = broken
    for body in (STREAM, {**STREAM, "stream": True}):
        answer = await stage.ask("alice", "POST", "/chat", body)
        assert not answer.complete
        assert answer.values("content-length") == []


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_half_an_answer_never_looks_like_a_whole_one(
    stage: Stage[Chatbase], name: str, how: str
) -> None:
    async def broken(request: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + BROKEN[name])
        await asyncio.sleep(0.005)
        getattr(reply, how)()

    stage.vendor.handler = broken
    for method, path, body in OPERATIONS:
        answer = await stage.ask("alice", method, path, body)
        assert answer.status == 502 or not answer.complete
        assert not answer.values("set-cookie")


@pytest.mark.parametrize("place", ["data", "metadata", "messageMetadata", "top"])
async def test_an_answer_about_somebody_else_is_not_passed_on(
    stage: Stage[Chatbase], place: str
) -> None:
    """Row L-13, with their name in escapes as well, and as a number."""
    shapes = {
        "data": lambda user: {"data": {"metadata": {"userId": user}}},
        "metadata": lambda user: {"metadata": {"userId": user}},
        "messageMetadata": lambda user: {"messageMetadata": {"userId": user}},
        "top": lambda user: {"userId": user},
    }
    for user in ("mallory", "Alice", "alice ", "", 7, None):
        text = json.dumps(shapes[place](user))
        for written in (text, text.replace("userId", "user\\u0049d")):

            async def lying(request: Request, reply: Reply, written: str = written) -> None:
                if request.json().get("stream") is False:
                    await reply.body(200, written.encode(), "application/json")
                else:
                    await reply.stream([{"type": "start"}, written, {"type": "end"}])

            stage.vendor.handler = lying
            unary = await stage.ask("alice", "POST", "/chat", HI)
            stream = await stage.ask("alice", "POST", "/chat", STREAM)
            names_nobody = user in {"", None}
            assert unary.status == (200 if names_nobody else 502)
            assert stream.complete == names_nobody
            if not names_nobody:
                assert events(stream)[-1]["type"] == "error"
                assert written.encode() not in stream.raw + unary.raw


async def test_a_vendors_cookie_goes_to_nobody(stage: Stage[Chatbase]) -> None:
    """Row L-05: by the vendor's host name."""
    for who in ("alice", "bob", "alice"):
        answer = await stage.ask(who, "POST", "/chat", HI)
        assert not answer.values("set-cookie")
    assert all(not request.values("cookie") for request in stage.vendor.requests)
    assert stage.vendor.requests[0].values("host")[0].startswith("localhost:")


async def test_under_load_every_answer_is_the_askers_own(tmp_path: Path) -> None:
    """Row L-06: tagged requests on few connections, a third of whose clients leave at any moment,
    before a vendor that is slow, cuts and resets."""
    chance = random.Random(20_261_122)  # noqa: S311 - moments, no secrets
    mixed: list[tuple[str, bytes]] = []
    whole = 0

    async def moody(request: Request, reply: Reply) -> None:
        body = request.json()
        tag = f"{body['userId']}/{body['message']}"
        mood = chance.random()
        if mood < 0.1:
            reply.reset() if mood < 0.05 else reply.close()
            return
        if mood < 0.3:
            await asyncio.sleep(chance.random() * 0.005)
        if body.get("stream") is False:
            await reply.json(200, {"tag": tag})
        elif mood < 0.4:
            await reply.start_stream()
            await reply.event({"tag": tag})
            reply.close()
        else:
            await reply.start_stream()
            for _ in range(chance.randrange(1, 4)):
                await reply.event({"tag": tag})
                await asyncio.sleep(0)
            await reply.end()

    def edit(text: str) -> str:
        return text.replace('agent = "agent_1"', 'agent = "agent_1"\nmax_connections = 12')

    async with chatbase_stage(tmp_path, edit) as stage:
        stage.vendor.handler = moody

        async def client(name: str, rounds: int) -> None:
            nonlocal whole
            for number in range(rounds):
                message = f"m{number}"
                body = {"message": message, "stream": chance.random() < 0.5}
                async with connected(stage.url) as peer:
                    await peer.send(stage.request(name, "POST", "/chat", body))
                    if chance.random() < 0.3:
                        await asyncio.sleep(chance.random() * 0.006)
                        peer.reset() if chance.random() < 0.5 else peer.close()
                        continue
                    answer = await peer.answer(within=20)
                    tags = {one["tag"] for one in _tagged(answer.body)}
                    if tags - {f"{name}/{message}"}:
                        mixed.append((f"{name}/{message}", answer.raw))
                    whole += answer.complete and answer.status == 200

        async with asyncio.TaskGroup() as group:
            for n in range(40):
                group.create_task(client(f"person-{n}", 60))
        assert not mixed, mixed[:3]
        assert whole > 400
        stage.vendor.handler = stage.vendor.answer
        for who in ("alice", "bob"):
            answer = await stage.ask(who, "POST", "/chat", HI)
            assert answer.json()["data"]["metadata"]["userId"] == who


def _tagged(body: bytes) -> list[dict[str, str]]:
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if b'"tag"' in line]
    return [json.loads(line) for line in lines if line.endswith(b"}")]
