"""The request line, Host and Expect, as raw bytes."""

from typing import Any

import pytest

from tests.net.recorder import BODY, ask, assert_refused, chunked, recording
from tests.support.wire import connected, raw_request, wire

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("either_entry")]


@pytest.mark.parametrize(
    ("version", "status"),
    [
        *((version, 400) for version in ("", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0")),
        *((version, 400) for version in ("HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/01.1")),
        *((version, 400) for version in ("http/1.1", "HTTPS/1.1", "ICE/1.0", "HTTP/1.1 ")),
    ],
)
async def test_speaks_http_1_only(version: str, status: int) -> None:
    async with recording() as (app, url):
        line = f"GET /a {version}".rstrip(" ") if not version else f"GET /a {version}"
        assert_refused(await ask(url, line.encode() + b"\r\nHost: a\r\n\r\n"), status)
    assert app.started == []


async def test_refuses_the_preface_of_http_2() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400)
    assert app.started == []


async def test_a_request_of_http_1_0_is_the_last_of_its_connection() -> None:
    head = b"GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
    async with recording() as (app, url), connected(url) as peer:
        await peer.send(head + head)
        answer = await peer.answer()
        assert answer.values("connection") == ["close"]
        await peer.until_closed()
        assert peer.received == b""
    assert len(app.seen) == 1


async def test_refuses_chunks_in_http_1_0() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, chunked().replace(b"HTTP/1.1", b"HTTP/1.0")), 400)
    assert app.started == []


def bad_targets() -> Any:
    for target in ("a", "@evil", ":80", "?", "?a=b", "*", "http://evil/x", "//evil/x", "///"):
        yield pytest.param(target.encode(), id=f"P-12 {target}")
    for target in ("/a#b", "#/public", "/#", "/a?b#c"):
        yield pytest.param(target.encode(), id=f"P-13 {target}")
    for target in ("/a b", "/a\\b", "\\\\evil", "/\\evil", "/a?b c"):
        yield pytest.param(target.encode(), id=f"S-19 {target!r}")
    for code in (*range(33), 127, 128, 195, 255):
        yield pytest.param(b"/a%cb" % code, id=f"S-19 byte {code} in the path")
        yield pytest.param(b"/a?b=%cb" % code, id=f"S-19 byte {code} in the query")


@pytest.mark.parametrize("target", [*bad_targets()])
async def test_refuses_a_target_that_is_no_path(target: bytes) -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"), 400)
    assert app.started == []


async def test_takes_the_whole_server_as_target_of_options() -> None:
    async with recording() as (app, url):
        answer = await wire(url, raw_request("OPTIONS", "*"))
    assert (answer.status, app.seen[0].path) == (200, "*")


@pytest.mark.parametrize(
    "method",
    [
        "CONNECT",
        "TRACE",
        "TRACK",
        "DEBUG",
        "get",
        "Get",
        "__class__",
        "PROPFIND",
        "PURGE",
        "X" * 50,
    ],
)
async def test_refuses_methods_nobody_has_here(method: str) -> None:
    target = "evil:80" if method == "CONNECT" else "/a"
    async with recording() as (app, url):
        answer = await ask(url, raw_request(method, target))
    assert_refused(answer, 405)
    assert "POST" in answer.values("allow")[0]
    assert app.started == []


async def test_refuses_a_method_of_a_megabyte() -> None:
    async with recording() as (app, url):
        assert_refused(await ask(url, b"G" * 1_000_000), 405)
    assert app.started == []


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("hosts", [[], ["a", "a"], ["a", "b"]])
async def test_wants_exactly_one_host(version: str, hosts: list[str]) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    async with recording() as (app, url):
        raw = f"GET /a HTTP/{version}\r\n{lines}\r\n"
        assert_refused(await ask(url, raw.encode()), 400)
    assert app.started == []


@pytest.mark.parametrize("value", ["100-continue, x", "200-ok", "", "100-continue;q=1"])
async def test_can_be_expected_to_continue_and_nothing_else(value: str) -> None:
    async with recording() as (app, url):
        raw = raw_request("POST", "/a", [("Expect", value)], BODY)
        assert_refused(await ask(url, raw), 417)
    assert app.started == []


async def test_says_continue_when_the_application_reads() -> None:
    async with recording() as (app, url), connected(url) as peer:
        head = raw_request("POST", "/a", [("Expect", "100-continue"), ("Content-Length", "5")])
        await peer.send(head)
        await peer.until(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.send(BODY)
        assert (await peer.answer()).status == 200
    assert app.seen[0].body == BODY


async def test_does_not_ask_for_a_body_it_will_not_read() -> None:
    async with recording() as (_, url), connected(url) as peer:
        fields = [("Expect", "100-continue"), ("Content-Length", "5")]
        await peer.send(raw_request("POST", "/early", fields))
        answer = await peer.answer()
        await peer.until_closed()
    assert answer.status == 401
    assert b"100 Continue" not in answer.raw
