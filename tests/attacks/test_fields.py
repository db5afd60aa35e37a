"""H: fields that say who asks, where to, or what a proxy on the way should do with other fields."""

import json
import re
from typing import Any

import pytest

from gateway.core.profile.vendor import Operation
from gateway.vendors import VENDORS
from tests.attacks.both_ends import HI, TO_VENDORS, only, refused
from tests.support.chatbase import Chatbase
from tests.support.docbit import DocBit
from tests.support.reply import Reply
from tests.support.spellings import PEOPLE, disguised, joined
from tests.support.stage import Stage
from tests.support.vendor import Request
from tests.support.wire import Answer, connected, raw_request, wire

pytestmark = pytest.mark.anyio

TOKEN_CHARACTERS = set("!#$%&'*+.^`|~-") | set("0123456789abcdefghijklmnopqrstuvwxyz")


async def ask(stage: Stage[DocBit], *lines: bytes | tuple[str, str]) -> Answer:
    return await stage.ask("alice", "POST", "/chat", {"message": "hi"}, lines)


def is_field_name(name: str) -> bool:
    return bool(name) and set(name.lower()) <= TOKEN_CHARACTERS


async def test_no_spelling_of_any_name_of_people_reaches_the_vendor(
    docbit: Stage[DocBit], subtests: pytest.Subtests
) -> None:
    """Rows H-01, H-02, H-07, H-08, H-10: one name at a time, on one connection, in its every
    spelling; those that are no field names are 400."""
    for words in PEOPLE:
        names = list(dict.fromkeys([*joined(words), *disguised("-".join(words))]))
        with subtests.test("H-02 " + "-".join(words)):
            async with connected(docbit.url) as peer:
                for name in filter(is_field_name, names):
                    docbit.vendor.forget()
                    line = f"{name}: victim".encode()
                    await peer.send(docbit.request("alice", "GET", "/conversations", None, [line]))
                    answer = await peer.answer()
                    assert answer.status == 200, (name, answer.body)
                    only(docbit, "alice", "victim")
                    (request,) = docbit.vendor.requests
                    assert request.values("x-external-org-id") == ["default"]
                    assert request.values("x-external-roles") == ['["employee"]']


async def test_a_name_that_is_none_is_refused(
    docbit: Stage[DocBit], subtests: pytest.Subtests
) -> None:
    """Row H-02: `_`, blanks, and whatever else becomes another name on the way."""
    names = [*joined(("x", "external", "user", "id")), *disguised("x-external-user-id")]
    for name in dict.fromkeys(names):
        if is_field_name(name) or ":" in name:  # the rest would be the value of a shorter name
            continue
        for encoding in ("latin-1", "utf-8"):
            try:
                line = f"{name}: victim".encode(encoding)
            except UnicodeEncodeError:
                continue
            if line.startswith((b" ", b"\t", b"\n")):
                line = b"X-A: b\r\n" + line  # a folded line, then
            with subtests.test(f"H-02 {line!r}"):
                refused(docbit, await ask(docbit, line), 400)


HOP_BY_HOP = [
    b"Connection: X-External-User-Id",
    b"Connection: close, X-External-User-Id",
    b"connection:x-external-user-id",
    b"Connection: \tX-External-User-Id\t",
    b'Connection: "X-External-User-Id"',
    b"Connection: ,, X-External-User-Id ,,",
    b"Connection: X-External-User-Id\r\nConnection: Authorization",
    b"Connection: Authorization",
    b"Connection: Content-Length, Host",
    b"Connection: Transfer-Encoding",
    b"Connection: keep-alive, x-external-org-id, x-external-roles, x-external-user-id",
    b"Connection: via, accept, content-type, x-request-id",
    b"Connection: *",
]


@pytest.mark.parametrize(
    "line",
    [pytest.param(one, id=f"H-{3 + (n > 1):02} {one!r}") for n, one in enumerate(HOP_BY_HOP)],
)
async def test_a_client_takes_no_field_of_ours_away(docbit: Stage[DocBit], line: bytes) -> None:
    """Rows H-03 and H-04: identity, org, roles and credential arrive, and the framing is ours."""
    answer = await ask(docbit, line, ("X-External-User-Id", "victim"))
    assert answer.status == 200, answer.body
    only(docbit, "alice", "victim")
    (request,) = docbit.vendor.requests
    assert set(dict(request.fields)) == TO_VENDORS
    assert request.values("authorization") == ["ApiKey sk_partner_1"]
    assert request.values("content-length") == [str(len(request.body))]
    assert request.json() == {"message": "hi"}


DROPPED = {
    "H-05": [
        "Proxy-Connection: keep-alive",
        "Keep-Alive: timeout=600",
        "TE: trailers, deflate",
        "Trailer: X-External-User-Id",
        "Proxy-Authorization: Basic dmljdGlt",
        "Proxy-Authenticate: Basic",
        "Upgrade: foo/2",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13",
    ],
    "H-11": [
        "Forwarded: for=victim;by=victim;host=victim",
        "X-Forwarded-For: " + ", ".join(["victim"] * 1000),
        'X-Forwarded-For: "victim", \xff\xfe',
        "X-Real-IP: victim",
        "True-Client-IP: victim",
        "CF-Connecting-IP: victim",
    ],
    "H-12": [
        "X-Original-URL: /api/ai/conversations/victim",
        "X-Rewrite-URL: /livez",
        "X-Forwarded-Uri: /api/ai/victim",
        "X-Envoy-Original-Path: /api/ai/victim",
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: GET",
    ],
    "H-13": ["X-Forwarded-Proto: https", "X-Forwarded-Host: victim", "X-Forwarded-Port: 1"],
    "H-14": ["x-middleware-subrequest: 1", "x-internal: 1", "router-key: 1", "X-Gateway-Secret: 1"],
    "H-18": ["X-Api-Key: victim", "api-key: victim", "anthropic-api-key: victim", "apikey: victim"],
    "H-19": [
        "OpenAI-Organization: victim",
        "OpenAI-Project: victim",
        "anthropic-beta: victim",
        "x-goog-user-project: victim",
        "X-Amz-Security-Token: victim",
    ],
    "H-21": ["Max-Forwards: 0", "Via: 1.1 victim", "Via: 1.1 a, 1.1 b"],
    "H-22": [
        "Range: bytes=0-1",
        "If-Match: victim",
        "If-None-Match: *",
        "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
        "If-Range: victim",
        "Cache-Control: only-if-cached",
    ],
    "H-23": ["Accept-Encoding: gzip, br, zstd", "Accept-Encoding: *;q=1, identity;q=0"],
    "G-08": ["traceparent: 00-victim-01", "baggage: key=victim", "tracestate: v=" + "t" * 8000],
    "E-07": ["Last-Event-ID: victim"],
    "R-02": ["x-portkey-custom-host: http://victim", "X-Upstream: victim", "Destination: victim"],
}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, id=f"{row} {line[:50]!r}")
        for row, all_ in DROPPED.items()
        for line in all_
    ],
)
async def test_a_field_the_profile_does_not_list_stays_here(
    docbit: Stage[DocBit], line: str
) -> None:
    answer = await ask(docbit, line.encode("latin-1"))
    assert answer.status == 200, answer.body
    only(docbit, "alice", "victim")
    (request,) = docbit.vendor.requests
    assert request.start_line == "POST /api/ai/chat HTTP/1.1"
    assert request.values("accept-encoding") == ["identity"]
    assert not answer.values("content-encoding")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"X-External-User-Id: alice", b"X-External-User-Id: bob"], id="H-09 two"),
        pytest.param([b"X-External-User-Id: alice, bob"], id="H-09 joined"),
        pytest.param([b"X-External-User-Id: bob"] * 50, id="H-09 fifty"),
        pytest.param([b"X-External-User-Id: "], id="H-09 empty"),
        pytest.param([b'X-External-Roles: ["admin"]', b"X-Org-Ids: admin"], id="H-07 roles"),
        pytest.param([b"X-User-Email: ceo@bob.example"], id="H-08 what the sign-in did not say"),
    ],
)
async def test_identity_is_written_once_whatever_was_there(
    docbit: Stage[DocBit], lines: list[bytes]
) -> None:
    answer = await ask(docbit, *lines)
    assert answer.status == 200, answer.body
    only(docbit, "alice", "bob", "admin", "ceo")


@pytest.mark.parametrize("fold", [b"\r\n ", b"\r\n\t", b"\n ", b"\r "])
async def test_a_folded_field_is_refused(docbit: Stage[DocBit], fold: bytes) -> None:
    """Row H-09."""
    refused(docbit, await ask(docbit, b"X-External-User-Id: alice," + fold + b"bob"), 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
        ("OPTIONS", "/docs/api/ai/chat", 405),
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/_gateway/whoami", 401),
    ],
)
async def test_where_nobody_signs_in_nothing_reaches_a_vendor(
    docbit: Stage[DocBit], method: str, path: str, status: int
) -> None:
    """Rows H-06, Z-08."""
    spoof = [("X-External-User-Id", "bob"), ("X-Original-URL", "/docs/api/ai/conversations")]
    answer = await wire(docbit.url, raw_request(method, path, spoof))
    assert answer.status == status
    assert docbit.vendor.saw_nothing()


@pytest.mark.parametrize("name", VENDORS["external-user-id"].operations)
async def test_no_operation_is_open_to_strangers(docbit: Stage[DocBit], name: str) -> None:
    """Row Z-09, for all there is to ask of this vendor; and the same for Chatbase below."""
    operation = VENDORS["external-user-id"].operations[name]
    await _ask_as_a_stranger(docbit, "/docs", operation)


@pytest.mark.parametrize("name", VENDORS["chatbase"].operations)
async def test_nor_is_any_of_chatbase(stage: Stage[Chatbase], name: str) -> None:
    """Row Z-09."""
    await _ask_as_a_stranger(stage, "/support", VENDORS["chatbase"].operations[name])


async def _ask_as_a_stranger(stage: Stage[Any], mount: str, operation: Operation) -> None:
    path = mount + operation.path.replace("{agent}", "agent_1")
    target = re.sub(r"\{[a-z_]+\}", "x", path)
    spoof = [("X-External-User-Id", "bob"), ("Content-Type", "application/json")]
    for method in operation.methods:
        answer = await wire(stage.url, raw_request(method, target, spoof, b"{}"))
        refused(stage, answer, 401, "credentials_missing")
        assert answer.values("www-authenticate") == ['Bearer realm="gateway"']


async def test_the_clients_own_credential_stays_here(docbit: Stage[DocBit]) -> None:
    """Row H-17."""
    assert (await ask(docbit, ("Cookie", "a=eyJ"), ("X-Access-Token", "eyJ"))).status == 200
    only(docbit, "alice", "eyJ", "Bearer")
    assert docbit.vendor.requests[0].values("authorization") == ["ApiKey sk_partner_1"]


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        pytest.param(
            [b"X-Filler-%d: x" % n for n in range(2000)], 431, "fields_too_large", id="H-20 2,000"
        ),
        pytest.param([b"X-Filler: " + b"x" * 1_000_000], 431, "fields_too_large", id="H-20 1 MB"),
        pytest.param([b"x" * 262_144 + b": x"], 431, "fields_too_large", id="H-20 a name"),
        pytest.param([b"Expect: 200-ok"], 417, "expectation_failed", id="H-21 Expect junk"),
        pytest.param(
            [b"Expect: 100-continue, x"], 417, "expectation_failed", id="H-21 Expect both"
        ),
    ],
)
async def test_a_head_that_will_not_do_is_refused_and_the_connection_closed(
    docbit: Stage[DocBit], lines: list[bytes], status: int, code: str
) -> None:
    async with connected(docbit.url) as peer:
        await peer.send(docbit.request("alice", "POST", "/chat", {"message": "hi"}, lines))
        refused(docbit, await peer.answer(), status, code)
        peer.close()
        await peer.until_closed()


@pytest.mark.parametrize("shape", ["{}", "1.1 other, {}", "{}, 1.1 other", "1.1 other,{}"])
async def test_a_request_that_went_through_us_goes_no_further(
    docbit: Stage[DocBit], shape: str
) -> None:
    """Row H-21: the gateway in front of itself."""
    await ask(docbit)
    (own,) = docbit.vendor.requests[0].values("via")
    docbit.vendor.forget()
    refused(docbit, await ask(docbit, ("Via", shape.format(own))), 508, "loop_detected")


async def test_no_coded_answer_is_asked_for_and_none_passed(stage: Stage[Chatbase]) -> None:
    """Row H-23."""

    async def coded(request: Request, reply: Reply) -> None:
        assert request.values("accept-encoding") == ["identity"]
        await reply.json(200, {}, [("content-encoding", "gzip")])

    stage.vendor.handler = coded
    answer = await stage.ask("alice", "POST", "/chat", HI, [("Accept-Encoding", "gzip")])
    assert answer.status == 502
    assert not answer.values("content-encoding")


IDS = {
    "1 character": "a",
    "128 characters": "a" * 128,
    "dot": "a.b",
    "dash": "a-b",
    "underscore": "a_b",
    "leading dash": "-a",
    "leading dot": ".a",
    "trailing dot": "a.",
    "three dots": "...",
}


@pytest.mark.parametrize("name", [f"H-24 {name}" for name in IDS])
async def test_an_id_at_the_limits_arrives_byte_for_byte(stage: Stage[Chatbase], name: str) -> None:
    user = IDS[name.removeprefix("H-24 ")]
    answer = await stage.ask(user, "POST", "/chat", HI)
    assert answer.status == 200, answer.body
    listed = await stage.ask(user, "GET", "/users/me/conversations")
    assert listed.status == 200, listed.body
    only(stage, user)
    said, asked = stage.vendor.requests
    assert said.json()["userId"] == user
    assert asked.target == f"/api/v2/agents/agent_1/users/{user}/conversations"


@pytest.mark.parametrize("user", ["a" * 129, "..", ".", "a b", "a/b", "a%2e"])
async def test_an_id_beyond_them_is_never_cut_to_fit(stage: Stage[Chatbase], user: str) -> None:
    """Row H-24."""
    assert (await stage.ask(user, "POST", "/chat", HI)).status == 200
    (request,) = stage.vendor.requests
    assert request.json()["userId"].startswith("u_")
    assert len(user) == 1 or user not in json.dumps(request.fields) + request.body.decode()
