"""Bodies that two parsers could read differently, behind each proxy (SECURITY.md's B rows)."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.proxies.behind import Behind, attack
from tests.support.wire import raw_request
from tests.systems.spoofs import NAMES, escaped, with_member

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PLAIN = b'{"message":"hi","stream":false,"userId":"victim"}'
JSON = b"Content-Type: application/json"


def chat(behind: Behind, body: bytes, *lines: bytes, chunked: bool = False) -> bytes:
    """alice's message with this body and these lines, of which one says the type."""
    token = ("Authorization", f"Bearer {behind.stage.token('alice')}")
    path = behind.stage.base + "/chat"
    if not chunked:
        return raw_request("POST", path, [token, *lines], body)
    head = raw_request("POST", path, [token, *lines, b"Transfer-Encoding: chunked"])
    parts = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"".join([head, *chunks, b"0\r\n\r\n"])


def bodies() -> Iterator[Any]:
    def row(identifier: str, body: bytes | str) -> Any:
        return pytest.param(body.encode() if isinstance(body, str) else body, id=identifier)

    for name in ("userId", "message", "stream", "conversationId"):
        for twin in (name, escaped(name)[1:-1], name[0] + f"\\u{ord(name[1]):04x}" + name[2:]):
            for one, two in (("alice", "victim"), ("victim", "alice")):
                text = f'{{"message":"x","{name}":"{one}","{twin}":"{two}"}}'
                yield row(f"B-02 {name}, {twin[:9]}, {two} last", text)
    for coding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-7"):
        yield row(f"B-06 {coding}", PLAIN.decode().replace("hi", "hi+").encode(coding))
    for junk in (b"\xff", b"\xc0\xa2", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00", b"\n"):
        yield row(f"B-06 {junk!r}", PLAIN.replace(b"hi", junk))
    for number in (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "1" * 5000,
        "9007199254740993",
        "01",
        "1.",
    ):
        yield row(f"B-08 {number[:9]}", f'{{"message":"x","temperature":{number}}}')
    for depth in (100, 1000, 100_000):
        yield row(f"B-09 {depth} lists", b'{"message":' + b"[" * depth + b"]" * depth + b"}")
        yield row(f"B-09 {depth} objects", b'{"a":' * depth + b"1" + b"}" * depth)
    yield row("B-10 members", json.dumps({f"member{i}": i for i in range(20_000)}))
    for rest in (
        "{}",
        "]",
        "\x00",
        "//",
        "/**/",
        ",",
        '{"userId":"victim"}',
        "\n" + PLAIN.decode(),
    ):
        yield row(f"B-11 {rest[:12]!r}", PLAIN.decode() + rest)
    for whole in (
        "[]",
        "[" + PLAIN.decode() + "]",
        '"victim"',
        "1",
        "null",
        "",
        " ",
        "userId=victim",
    ):
        yield row(f"B-13 {whole[:12]!r}", whole)
    for value in ('["victim"]', '{"id":"victim"}', "null", '""', "true", '"a\\u0000"', '"\\ud800"'):
        yield row(f"B-20 {value}", f'{{"message":"x","conversationId":{value}}}')
        yield row(f"B-12 {value}", f'{{"message":{value},"conversation_id":"victim"}}')
    for name in ("conversation_id", "thread_id", "previous_response_id", "ConversationId"):
        yield row(f"B-21 {name}", f'{{"message":"x","{name}":"victim"}}')
    for name in (
        "__proto__",
        "constructor",
        "prototype",
        "metadata",
        "extra_body",
        "extra_headers",
    ):
        text = f'{{"message":"x","stream":false,"{name}":{{"userId":"victim","user":"victim"}}}}'
        yield row(f"B-17 {name}", text)
    for name in ("api_base", "base_url", "endpoint", "callback_url", "webhook", "custom_host"):
        yield row(f"B-19 {name}", f'{{"message":"x","stream":false,"{name}":"http://victim/"}}')


@pytest.mark.parametrize("body", [*bodies()])
async def test_a_body_that_can_be_read_in_two_ways(behind: Behind, body: bytes) -> None:
    await attack(behind, chat(behind, body, JSON))


# No proxy reads JSON: in chunks, one of each kind shows what all of them would.
KINDS = {row.id.split(" ")[0]: row for row in reversed([*bodies()])}


@pytest.mark.parametrize("body", KINDS.values())
async def test_such_a_body_in_chunks(behind: Behind, body: bytes) -> None:
    await attack(behind, chat(behind, body, JSON, chunked=True))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_a_member_that_names_somebody_else(behind: Behind, name: str) -> None:
    """B-01, B-04."""
    body = {"message": "hi", "stream": False}
    for written in (json.dumps(name), escaped(name)):
        outcome = await attack(behind, chat(behind, with_member(body, written, "victim"), JSON))
        assert [request.json() for request in outcome.requests] == [{**body, "userId": "alice"}]


TYPES = (
    *(
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "*/*",
        "",
    ),
    *("application/json, text/html", "text/html, application/json", "application/json; boundary=x"),
    *("application/json; charset=utf-16", "application/json;charset=utf-7", "application/json\x0b"),
    *("application/vnd.api+json", "application/jsonp", "application/json\r\n ;a=b", "json"),
)


@pytest.mark.parametrize(
    "types", [*((one,) for one in TYPES), (), ("application/json", "text/plain")]
)
async def test_a_type_that_is_not_plain_json(behind: Behind, types: tuple[str, ...]) -> None:
    """B-14."""
    lines = [f"Content-Type: {one}".encode() for one in types]
    outcome = await attack(behind, chat(behind, PLAIN, *lines))
    assert outcome.requests == []


def coded() -> Iterator[object]:
    deflated = {
        "gzip": gzip.compress(PLAIN),
        "x-gzip": gzip.compress(PLAIN),
        "deflate": zlib.compress(PLAIN),
        "gzip, gzip": gzip.compress(gzip.compress(PLAIN)),
        "identity": PLAIN,
        "gzip, identity": gzip.compress(PLAIN),
        "GZIP": gzip.compress(PLAIN),
        "": PLAIN,
        "br": PLAIN,
        "aws-chunked": PLAIN,
    }
    for coding, body in deflated.items():
        yield pytest.param(body, [f"Content-Encoding: {coding}".encode()], id=f"B-15 {coding!r}")
        two = [b"Content-Encoding: identity", f"Content-Encoding: {coding}".encode()]
        yield pytest.param(body, two, id=f"B-15 identity, and {coding!r}")
    yield pytest.param(gzip.compress(PLAIN), [], id="B-15 gzip unsaid")
    yield pytest.param(PLAIN, [b"Content-Encoding: gzip"], id="B-15 gzip said of plain text")
    bomb = gzip.compress(b'{"message":"' + b"x" * 50_000_000 + b'"}', 9)
    yield pytest.param(bomb, [b"Content-Encoding: gzip"], id="B-16 bomb")
    yield pytest.param(PLAIN, [b"Transfer-Encoding: gzip"], id="B-15 as a transfer coding")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize(("body", "lines"), [*coded()])
async def test_a_coded_body_is_not_opened(
    behind: Behind, body: bytes, lines: list[bytes], chunked: bool
) -> None:
    outcome = await attack(behind, chat(behind, body, JSON, *lines, chunked=chunked))
    assert outcome.requests == []


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
async def test_a_body_that_is_too_large(behind: Behind, chunked: bool) -> None:
    body = b'{"message":"' + b"x" * 1_200_000 + b'"}'
    outcome = await attack(behind, chat(behind, body, JSON, chunked=chunked))
    assert outcome.requests == []
