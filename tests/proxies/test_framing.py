"""Smuggling, framing and trailers, behind each proxy (SECURITY.md's S rows).

Every request here is alice's, or nobody's and says it is the victim's.
"""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.proxies.behind import Behind, attack
from tests.support.wire import raw_request

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BODY = b'{"message":"hi","stream":false}'
CHUNKED = b"Transfer-Encoding: chunked"
LENGTH = b"Content-Length: %d" % len(BODY)
# What an attacker wants to have read as a request: nobody's, and it names the victim.
HIDDEN = (
    b"POST /support/api/v2/agents/agent_1/chat HTTP/1.1\r\nHost: chat.example.com\r\n"
    b"X-External-User-Id: victim\r\nContent-Type: application/json\r\n"
    b'Content-Length: 45\r\n\r\n{"message":"hi","userId":"victim","stream":0}'
)
# The same, without an end: what comes next on the connection would become a part of it.
PREFIX = HIDDEN[: HIDDEN.index(b"Content-Type")] + b"X-Swallow: "


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


LAST = b"0\r\n\r\n"


def head(behind: Behind, *lines: bytes, end: bytes = b"\r\n\r\n") -> bytes:
    """The head of alice's message with these lines."""
    token = b"Authorization: Bearer " + behind.stage.token("alice").encode()
    common = [token, b"Content-Type: application/json"]
    raw = raw_request("POST", behind.stage.base + "/chat", [*common, *lines])
    return raw.removesuffix(b"\r\n\r\n") + end


def row(identifier: str, *values: object) -> object:
    return pytest.param(*values, id=identifier.encode("unicode_escape").decode())


# Which length counts

BLANKS = ("\t", "\x0b", "\x0c", "\x00", "\xa0", "\x85", " ", "\r")


def spelt(value: str) -> Iterator[str]:
    """A value in spellings that one parser takes for it and another does not."""
    for mark in (*BLANKS, ",", ";", '"', "+", "-", "0x", "_"):
        yield from (mark + value, value + mark)
    for joined in (", ", ",", " ", ";", "\t"):
        yield value + joined + value
    yield from (f'"{value}"', f"'{value}'", value + ";a=b", "")


def lengths() -> Iterator[object]:
    size = str(len(BODY))
    odd = ["0" + size, f"{len(BODY):o}", size + ".0", f"{len(BODY) + 2**64}", "٣" + size, "0"]
    for value in dict.fromkeys([*spelt(size), *odd]):
        line = b"Content-Length: " + value.encode("utf-8" if "٣" in value else "latin-1")
        yield row(f"S-03 {value!r}", [line])
    for first, second in itertools.product((size, "0", str(len(BODY) + len(PREFIX))), repeat=2):
        lines = [f"Content-Length: {value}".encode() for value in (first, second)]
        yield row(f"S-03 twice: {first}, {second}", lines)
    for name in ("Content_Length", "Content-Length ", "\tContent-Length", "Content-Length\x00"):
        yield row(f"S-05 {name!r}", [f"{name}: {size}".encode()])


@pytest.mark.parametrize("lines", [*lengths()])
async def test_a_length_that_can_be_read_in_two_ways(behind: Behind, lines: list[bytes]) -> None:
    await attack(behind, head(behind, *lines) + BODY + PREFIX)


# Length or coding

CODING_NAMES = (
    *("Transfer-Encoding", "transfer-encoding", "Transfer_Encoding", "Transfer-Encoding "),
    *(
        " Transfer-Encoding",
        "Transfer-Encoding\t",
        "Transfer-Encoding\x00",
        "X: y\nTransfer-Encoding",
    ),
    *("X: y\rTransfer-Encoding", "Foo\r\n Transfer-Encoding"),
)
CODINGS = (
    *(
        "chunked, identity",
        "identity, chunked",
        "gzip, chunked",
        "identity",
        "xchunked",
        "chunkedx",
    ),
    *("Chunked", "CHUNKED", "chunked\r\nTransfer-Encoding: identity", "\r\n chunked", "\n chunked"),
    "identity\r\nTransfer-Encoding: chunked",
)


def codings() -> Iterator[object]:
    for value in dict.fromkeys(["chunked", *spelt("chunked"), *CODINGS]):
        yield row(f"S-04 {value!r}", f"Transfer-Encoding: {value}".encode("latin-1"))
    for name in CODING_NAMES[1:]:
        yield row(f"S-05 {name!r}", f"{name}: chunked".encode("latin-1"))


@pytest.mark.parametrize("coding", [*codings()])
@pytest.mark.parametrize("length", ["before it", "behind it", "none"])
async def test_a_body_with_a_length_and_a_coding(
    behind: Behind, coding: bytes, length: str
) -> None:
    """S-01: read by its coding the body ends early, and what follows is another request."""
    content = chunk(BODY) + LAST + PREFIX
    said = b"Content-Length: %d" % len(content)
    lines = {"before it": [said, coding], "behind it": [coding, said], "none": [coding]}
    await attack(behind, head(behind, *lines[length]) + content)


@pytest.mark.parametrize("coding", [*codings()])
async def test_a_coding_that_hides_a_request_in_a_chunk(behind: Behind, coding: bytes) -> None:
    """S-01, the other way: read by its length the body ends in the middle of a chunk."""
    content = chunk(HIDDEN) + LAST
    length = b"Content-Length: %d" % content.index(b"POST")
    await attack(behind, head(behind, length, coding) + content)


# Lines

FOLDS = ("\r\n ", "\r\n\t", "\n ", "\n\t", "\r ", "\r\n \r\n ")


def folds() -> Iterator[object]:
    for fold in FOLDS:
        for line in (
            f"Content-Length:{fold}{len(BODY)}",
            f"Content-Length: {len(BODY)}{fold}",
            f"Content-Length: {len(BODY)}\r\nX-A: b{fold}X-External-User-Id: victim",
            f"Content-Length: {len(BODY)}\r\nX-External-User-Id:{fold}victim",
            f"Content-Length: {len(BODY)}\r\nHost:{fold}victim.example",
            f"Transfer-Encoding:{fold}chunked",
        ):
            yield row(f"S-06 {line!r}", line.encode())


@pytest.mark.parametrize("line", [*folds()])
async def test_a_folded_line(behind: Behind, line: bytes) -> None:
    body = chunk(BODY) + LAST if b"chunked" in line else BODY
    await attack(behind, head(behind, line) + body + PREFIX)


ENDS = ("\n", "\r", "\n\r", "\r\r\n", "\x85", "\u2028", "\r\n\x00")


def line_ends() -> Iterator[object]:
    for end in ENDS:
        written = end.encode("utf-8" if ord(max(end)) > 255 else "latin-1")
        yield row(f"S-07 all by {end!r}", lambda raw, e=written: raw.replace(b"\r\n", e))
        yield row(f"S-07 the last by {end!r}", lambda raw, e=written: raw[:-2] + e)
        yield row(
            f"S-07 one by {end!r}",
            lambda raw, e=written: raw[:-2] + b"X-A: b" + e + b"X-External-User-Id: victim\r\n\r\n",
        )
        yield row(
            f"S-07 two by {end!r}", lambda raw, e=written: raw[:-2] + b"X-A: b" + e + e + PREFIX
        )


@pytest.mark.parametrize("write", [*line_ends()])
async def test_a_line_that_ends_otherwise(behind: Behind, write) -> None:
    await attack(behind, write(head(behind, LENGTH)) + BODY)


# Chunks


def chunks() -> Iterator[object]:
    size = f"{len(BODY):x}"
    sizes = [*spelt(size), "0" + size, "0" * 1000 + size, "1" + "0" * 16 + size, size.upper()]
    for written in dict.fromkeys(sizes):
        content = written.encode("latin-1") + b"\r\n" + BODY + b"\r\n" + LAST
        yield row(f"S-08 {written[:20]!r}", content)
    plain = chunk(BODY)
    for end in ("\n", "\r", "", "X", "\n\r", "\r\r\n"):
        yield row(f"S-07 {end!r} behind the size", plain.replace(b"\r\n", end.encode(), 1) + LAST)
        yield row(f"S-09 {end!r} behind the data", plain[:-2] + end.encode() + LAST)
        yield row(f"S-09 {end!r} behind the last", plain + b"0" + end.encode() + b"\r\n")
    yield row("S-09 no last chunk", plain)
    yield row("S-09 junk behind the last chunk", plain + LAST + b"JUNK\r\n\r\n")
    for extension in (
        "a",
        "a=b",
        'a="\n"',
        'a="\r\n0\r\n\r\n"',
        "a\nb",
        "a\rb",
        "a=" + "x" * 70_000,
    ):
        line = f"{size};{extension}\r\n".encode()
        yield row(f"S-10 {extension[:20]!r}", line + BODY + b"\r\n" + LAST)
        yield row(f"S-10 {extension[:20]!r} at the end", plain + f"0;{extension}\r\n\r\n".encode())


@pytest.mark.parametrize("content", [*chunks()])
async def test_a_chunk_that_can_be_read_in_two_ways(behind: Behind, content: bytes) -> None:
    await attack(behind, head(behind, CHUNKED) + content + PREFIX)


# Trailers

TRAILERS = {
    "X-External-User-Id": "victim",
    "x_external_user_id": "victim",
    "Host": "victim.example",
    "Cookie": "__session=victim",
    "Authorization": "Bearer victim",
    "X-Forwarded-For": "victim",
    "X-Forwarded-Proto": "http",
    "Forwarded": "for=victim;proto=http",
    "Content-Length": "5",
    "Transfer-Encoding": "chunked",
    "Connection": "X-External-User-Id",
    "X-Request-Id": "victim",
    "X-Other": "1",
    "": "victim",
}


@pytest.mark.parametrize("announced", [False, True], ids=["unannounced", "announced"])
@pytest.mark.parametrize("cut", ["together", "apart"])
@pytest.mark.parametrize("name", TRAILERS)
async def test_trailers_say_nothing(behind: Behind, name: str, cut: str, announced: bool) -> None:
    """S-24, ME-1: in the segment of the head, or when the body has been passed on already."""
    lines = [CHUNKED, *([b"TE: trailers", f"Trailer: {name}".encode()] if announced else [])]
    trailer = f"{name}: {TRAILERS[name]}\r\n\r\n".encode()
    message = head(behind, *lines) + chunk(BODY) + b"0\r\n"
    await attack(behind, *([message + trailer] if cut == "together" else [message, trailer]))


# More than one request


@pytest.mark.parametrize("cut", ["together", "apart"])
@pytest.mark.parametrize("hidden", [HIDDEN, PREFIX, b"\r\n" + HIDDEN, b"\r\n\r\n" + HIDDEN])
async def test_a_request_behind_another_is_judged_alone(
    behind: Behind, hidden: bytes, cut: str
) -> None:
    """S-11, S-13: alice's sign-in does not carry over."""
    first = head(behind, LENGTH) + BODY
    outcome = await attack(behind, *([first, hidden] if cut == "apart" else [first + hidden]))
    assert outcome.statuses[0] == 200
    assert len(outcome.requests) == 1


async def test_many_requests_in_one_segment_are_answered_in_turn(behind: Behind) -> None:
    people = ["alice", "bob", "alice", "carol"] * 10
    raw = b"".join(
        raw_request(
            "GET", "/_gateway/whoami", [("Authorization", f"Bearer {behind.stage.token(who)}")]
        )
        for who in people
    )
    async with behind.connected() as peer:
        await peer.send(raw)
        for who in people:
            assert (await peer.answer()).json()["subject"] == who


def early() -> Iterator[object]:
    for name, path, token in (
        ("a bad token", "/support/api/v2/agents/agent_1/chat", "x.y.z"),
        ("no such path", "/support/nothing", None),
        ("a bad path", "/support/%2e%2e/chat", None),
    ):
        for expect in (False, True):
            identifier = f"{name}{', and 100 expected' if expect else ''}"
            yield row(f"S-14 {identifier}", path, token, expect)


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize(("path", "token", "expect"), [*early()])
async def test_the_rest_of_a_refused_body_is_no_request(
    behind: Behind, path: str, token: str | None, expect: bool, framing: str
) -> None:
    size = 64 * 1024 * 2
    lines: list[bytes] = [b"Content-Type: application/json"]
    lines += [b"Authorization: Bearer " + token.encode()] if token else []
    lines += [b"Expect: 100-continue"] if expect else []
    lines += [CHUNKED] if framing == "chunks" else [b"Content-Length: %d" % size]
    body = HIDDEN * (size // len(HIDDEN))
    start = b"%x\r\n" % size if framing == "chunks" else b""
    outcome = await attack(behind, raw_request("POST", path, lines), start + body[:1000], body)
    assert outcome.requests == []


@pytest.mark.parametrize("version", ["1.0", "1.2", "2.0", "0.9", "1.1 ", "1", "11", ""])
async def test_another_version_of_http(behind: Behind, version: str) -> None:
    """S-16."""
    for lines in ([LENGTH], [CHUNKED], [LENGTH, b"Connection: keep-alive"], [LENGTH, CHUNKED]):
        content = (chunk(BODY) + LAST if CHUNKED in lines else BODY) + HIDDEN
        written = head(behind, *lines).replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1)
        await attack(behind, written + content)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"GET /support/api/v2/agents/agent_1/users/me/conversations\r\n", id="0.9"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="the preface of HTTP/2"),
        pytest.param(b"\x16\x03\x01\x00\xa5\x01\x00\x00", id="TLS in TLS"),
        pytest.param(b"\x00" * 100, id="zeros"),
    ],
)
async def test_what_is_no_http_1(behind: Behind, raw: bytes) -> None:
    async with behind.connected() as peer:
        await peer.send(raw)
        with suppress(ConnectionError):
            await peer.until(lambda raw: raw != b"")  # Envoy and HAProxy begin to speak HTTP/2
    assert behind.taken() == []


UPGRADES = [
    [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"],
    [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"],
    [b"Connection: upgrade", b"Upgrade: TLS/1.0"],
    [b"Upgrade: h2c"],
    [b"Connection: Upgrade"],
]


@pytest.mark.parametrize("framing", ["length", "chunks", "none"])
@pytest.mark.parametrize("lines", UPGRADES, ids=lambda lines: b", ".join(lines).decode())
async def test_what_follows_an_upgrade(behind: Behind, lines: list[bytes], framing: str) -> None:
    """S-17."""
    framed = {"length": ([LENGTH], BODY), "chunks": ([CHUNKED], chunk(BODY) + LAST)}
    more, body = framed.get(framing, ([], b""))
    await attack(behind, head(behind, *lines, *more) + body + HIDDEN)


METHODS = ("CONNECT", "TRACE", "TRACK", "DEBUG", "get", "__class__", "G\x00ET", "PROPFIND", "PURGE")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lines", [[], [LENGTH], [CHUNKED]], ids=["bare", "length", "chunks"])
async def test_a_method_nobody_has_here(behind: Behind, method: str, lines: list[bytes]) -> None:
    """S-20, S-21."""
    raw = head(behind, *lines).replace(b"POST", method.encode(), 1)
    body = {1: BODY}.get(len(lines), b"") if lines != [CHUNKED] else chunk(BODY) + LAST
    outcome = await attack(behind, raw + body + HIDDEN)
    assert outcome.requests == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PUT", "PATCH"])
@pytest.mark.parametrize("lines", [[LENGTH], [CHUNKED]], ids=["length", "chunks"])
async def test_a_body_where_none_is_due(behind: Behind, method: str, lines: list[bytes]) -> None:
    body = HIDDEN if lines == [LENGTH] else chunk(HIDDEN) + LAST
    raw = head(behind, *lines).replace(b"POST", method.encode(), 1)
    raw = raw.replace(LENGTH, b"Content-Length: %d" % len(HIDDEN))
    outcome = await attack(behind, raw.replace(b"/chat", b"/users/me/conversations", 1) + body)
    assert len(outcome.requests) == (method == "GET")


UNFINISHED = (
    (LENGTH, BODY[:-1]),
    (CHUNKED, chunk(BODY)[:-3]),
    (CHUNKED, chunk(BODY)),
    (CHUNKED, chunk(BODY) + b"0\r\n"),
    (CHUNKED, chunk(BODY) + b"0\r\nX-External-User-Id: vic"),
)


async def test_a_body_that_stops_is_not_passed_on(behind: Behind) -> None:
    """All at once: each is waited for as long as bodies are."""
    raw = [head(behind, framing) + content for framing, content in UNFINISHED]
    await asyncio.gather(*(attack(behind, one, reaches=0) for one in raw))
