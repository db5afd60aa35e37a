"""Fields that say who is asking, or what, behind each proxy (SECURITY.md's H rows)."""

from collections.abc import Iterator

import pytest

from tests.proxies.behind import Behind, attack
from tests.support.reply import Reply
from tests.support.spellings import PEOPLE, disguised, joined, spellings
from tests.support.vendor import Request
from tests.support.wire import raw_request

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MINE = "/users/me/conversations"
CHAT = {"message": "hi", "stream": False}
IDENTITY = ("x", "external", "user", "id")


def field(name: str, value: str = "victim") -> bytes:
    return f"{name}: {value}".encode()


def mine(behind: Behind, *lines: bytes) -> bytes:
    return behind.stage.request("alice", "GET", MINE, None, lines)


def chat(behind: Behind, *lines: bytes) -> bytes:
    return behind.stage.request("alice", "POST", "/chat", CHAT, lines)


# Names


@pytest.mark.parametrize("name", [*spellings(IDENTITY)], ids=ascii)
async def test_a_spelling_of_the_identity_field(behind: Behind, name: str) -> None:
    """H-01, H-02: it says nothing, or the request is refused."""
    await attack(behind, mine(behind, field(name)))


@pytest.mark.parametrize("words", PEOPLE, ids="-".join)
async def test_a_field_that_names_people(behind: Behind, words: tuple[str, ...]) -> None:
    """H-08, H-10: in the way each language's servers write it."""
    for name in ("-".join(words), "_".join(words), "-".join(words).upper()):
        outcome = await attack(behind, mine(behind, field(name)))
        if "_" not in name:
            assert len(outcome.requests) == 1


@pytest.mark.parametrize("name", [*disguised("authorization"), *joined(("x", "api", "key"))])
async def test_a_spelling_of_a_credential(behind: Behind, name: str) -> None:
    """H-18."""
    await attack(behind, mine(behind, field(name, "Bearer victim")))


# Fields of a connection

NAMED = (
    *("X-External-User-Id", "Authorization", "Content-Length", "Host", "Content-Type", "Cookie"),
    *("X-Forwarded-Proto", "X-Forwarded-For", "X-Request-Id", "Via"),
)


def connections(name: str) -> Iterator[list[bytes]]:
    """Ways to declare a field one of this connection's."""
    for value in (name, name.lower(), f"close, {name}", f"keep-alive,\t{name}", f",, {name} ,"):
        yield [field("Connection", value)]
    yield [field("Connection", f'"{name}"')]
    yield [field("Connection", "keep-alive"), field("Connection", name)]
    yield [field("connection", name), field("Keep-Alive", "timeout=5")]
    yield [field("Proxy-Connection", name)]
    yield [field("Connection", f"{name}, TE"), field("TE", "trailers")]


@pytest.mark.parametrize("name", NAMED)
async def test_a_field_declared_to_be_the_connections(behind: Behind, name: str) -> None:
    """H-03, H-04: whoever takes it off, identity and credential are written all the same."""
    for lines in connections(name):
        await attack(behind, chat(behind, *lines))
        await attack(behind, chat(behind, field("X-External-User-Id"), *lines))


@pytest.mark.parametrize(
    "line",
    [
        b"TE: trailers, gzip",
        b"Trailer: X-External-User-Id",
        b"Keep-Alive: timeout=1, max=1",
        b"Proxy-Connection: close",
        b"Proxy-Authorization: Bearer victim",
        b"Proxy-Authenticate: Basic",
        b"Upgrade: h2c",
        b"Max-Forwards: 0",
        b"Expect: 100-continue",
        b"Expect: victim",
        b"Via: 1.1 victim",
        b"Range: bytes=0-1",
        b"If-None-Match: *",
        b"Cache-Control: only-if-cached",
        b"Accept-Encoding: gzip, br",
        b"X-Accel-Redirect: /victim",
        b"X-Accel-Buffering: yes",
        b"X-Accel-Limit-Rate: 1",
    ],
)
async def test_a_field_for_the_way_does_not_reach_the_vendor(behind: Behind, line: bytes) -> None:
    """H-05, H-21 to H-23."""
    await attack(behind, chat(behind, line))


# Twice


def twice() -> Iterator[object]:
    forged = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ2aWN0aW0ifQ."
    for first, second in (("ALICE", forged), (forged, "ALICE")):
        order = "hers first" if first == "ALICE" else "hers last"
        yield pytest.param(
            [field("Authorization", first), field("Authorization", second)], id=f"two, {order}"
        )
        yield pytest.param(
            [field("Authorization", first), field("authorization", second)], id=f"cases, {order}"
        )
        yield pytest.param([field("Authorization", f"{first}, {second}")], id=f"a list, {order}")
        yield pytest.param([field("Authorization", f"{first}\r\n {second}")], id=f"folded, {order}")
    for cookies in (
        ["__session=ALICE; __session=victim"],
        ["__session=victim; __session=ALICE"],
        ["__session=ALICE", "__session=victim"],
        ["__session=victim", "__session=ALICE"],
        ["\xa0__session=victim; __session=ALICE"],
        ['$Version=1; __session="victim"; __session=ALICE'],
        ["__session=victim, __session=ALICE"],
    ):
        lines = [field("Cookie", one.replace("Bearer ", "")) for one in cookies]
        yield pytest.param([*lines, b"Sec-Fetch-Site: same-origin"], id=f"C-01 {cookies!a}")


@pytest.mark.parametrize("lines", [*twice()])
async def test_two_credentials(behind: Behind, lines: list[bytes]) -> None:
    """J-31: alice's own and a forged one; some proxies join lines, some keep one."""
    token = behind.stage.token("alice")
    written = [
        line.replace(b"ALICE", token.encode() if b"Cookie" in line else f"Bearer {token}".encode())
        for line in lines
    ]
    await attack(behind, raw_request("GET", behind.stage.base + MINE, written))


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [field("X-External-User-Id", "alice"), field("X-External-User-Id")], id="H-09"
        ),
        pytest.param([field("X-External-User-Id", "alice, victim")], id="H-09 a list"),
        pytest.param([field("X-External-User-Id", "alice\r\n victim")], id="H-09 folded"),
        pytest.param([field("Host", "victim.example")], id="Host"),
        pytest.param([field("host", "gateway.test")], id="Host, twice the same"),
        pytest.param([field("Content-Type", "text/plain")], id="Content-Type"),
        pytest.param([field("X-Request-Id", "a"), field("X-Request-Id", "b")], id="X-Request-Id"),
    ],
)
async def test_a_field_that_stands_twice(behind: Behind, lines: list[bytes]) -> None:
    await attack(behind, chat(behind, *lines))


# Fields that a server on the way might obey

OVERRIDES = (
    *("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Path", "X-Original-URI"),
    *("X-Envoy-Original-Path", "X-Envoy-Original-Host", "X-Forwarded-Prefix", "X-Script-Name"),
    *("X-Middleware-Subrequest", "X-Internal", "Router-Key", ":path", "SCRIPT_NAME", "Destination"),
)


@pytest.mark.parametrize("name", OVERRIDES)
@pytest.mark.parametrize(
    "value",
    ["/support/api/v2/agents/agent_1/conversations", "/readyz", "http://victim.example/", "1"],
)
async def test_a_field_that_names_another_target(behind: Behind, name: str, value: str) -> None:
    """H-12, H-14."""
    await attack(behind, mine(behind, field(name, value)))


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_a_field_that_names_another_method(behind: Behind, name: str) -> None:
    for method in ("DELETE", "GET", "PATCH"):
        outcome = await attack(behind, chat(behind, field(name, method)))
        assert [request.method for request in outcome.requests] == ["POST"]


RETRIES = (
    b"x-envoy-retry-on: 5xx,reset,connect-failure,retriable-4xx,gateway-error",
    b"x-envoy-max-retries: 5",
    b"x-envoy-hedge-on-per-try-timeout: true",
    b"x-envoy-upstream-rq-per-try-timeout-ms: 100",
    b"x-envoy-internal: true",
)


@pytest.mark.parametrize("how", ["refuses", "resets", "says nothing"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_vendor_that_fails_is_not_asked_again(
    behind: Behind, method: str, how: str
) -> None:
    """Neither by a proxy of itself, nor because a client would like it to."""

    async def fails(request: Request, reply: Reply) -> None:
        if how == "refuses":
            await reply.json(500, {})
        elif how == "resets":
            reply.reset()
        else:
            await reply.hang()

    behind.vendor.handler = fails
    try:
        write = chat if method == "POST" else mine
        async with behind.connected() as peer:
            await peer.send(write(behind, *RETRIES))
            if how == "says nothing":
                await behind.vendor.request_arrived()
            else:
                assert (await peer.answer()).status in {500, 502}
        again = method == "GET" and how == "resets"  # by the gateway, where nothing was heard yet
        assert 1 <= len(behind.taken()) <= (2 if again else 1)
    finally:
        behind.vendor.handler = behind.vendor.answer


# Too much


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"X-A: b"] * 2000, id="H-20 2,000 fields"),
        pytest.param([b"X-A: " + b"b" * 1_000_000], id="H-20 1 MB of a value"),
        pytest.param([b"X-" + b"a" * 256_000 + b": b"], id="H-20 256 KB of a name"),
        pytest.param([b"Cookie: " + b"a=b; " * 2000], id="C-14 2,000 cookies"),
        pytest.param([b"Authorization: Bearer " + b"." * 20_000], id="J-29 dots"),
        pytest.param([b"X-Forwarded-For: " + b"1, " * 20_000], id="H-11 20,000 addresses"),
    ],
)
async def test_a_head_that_is_too_large(behind: Behind, lines: list[bytes]) -> None:
    outcome = await attack(behind, mine(behind, *lines))
    assert outcome.requests == []
