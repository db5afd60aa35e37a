"""The way to an upstream: the quickest of its addresses, or through a real egress proxy."""

import asyncio
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from gateway.core.errors import UpstreamTimeout, UpstreamUnreachable
from gateway.net.upstream import reach as module
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.reach import MAX_HEAD, EgressProxy, reach
from tests.net.scripted_upstream import LENGTH, POST, Peer, Upstream, ask
from tests.net.wires import Wire
from tests.net.wires import answering as answers_abc
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio

CREDENTIALS = "gateway:pass word"
ANSWER = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


@dataclass
class Running:
    """proxy.py as a process."""

    port: int

    def through(self, credentials: str = "") -> EgressProxy:
        return EgressProxy("127.0.0.1", self.port, credentials)


@contextmanager
def proxy_of_its_own(folder: Path, *options: str) -> Iterator[Running]:
    port_file = folder / "port"
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0"]
    command += ["--port-file", str(port_file), "--num-workers", "1", "--num-acceptors", "1"]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        end = time.monotonic() + 30
        while not port_file.exists() or not port_file.read_text().strip():
            assert process.poll() is None
            assert time.monotonic() < end, "the proxy did not start"
            time.sleep(0.05)
        yield Running(int(port_file.read_text().split()[0]))
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("proxy")
    with proxy_of_its_own(folder, "--basic-auth", CREDENTIALS) as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    authority.configure_trust(context)
    return context


def serving(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def says_abc(peer: Peer) -> None:
    while True:
        await peer.request()
        peer.send(LENGTH + b"abc")


async def left_alone(port: int) -> None:
    """Wait until the proxy has let go of an upstream, which it does after us."""
    established = f":{port:04X} "

    def is_connected() -> bool:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return any(established in line and line.split()[3] == "01" for line in lines)

    async with asyncio.timeout(10):
        while is_connected():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.02)
    await asyncio.sleep(0)  # and the loop has seen it


# Through a proxy


async def test_an_upstream_is_asked_through_the_proxy(proxy, authority, trusting):
    async with Upstream(says_abc, ssl=serving(authority)) as upstream:
        transport = upstream.transport(
            origin=f"https://localhost:{upstream.port}",
            ssl_context=trusting,
            through=proxy.through(CREDENTIALS),
        )
        assert [await ask(transport, POST) for _ in range(3)] == [b"abc"] * 3
        assert len(upstream.peers) == 1
        await transport.aclose()
        await left_alone(upstream.port)
        assert b"proxy-authorization" not in b"".join(upstream.requests).lower()


async def test_http_2_goes_through_the_proxy_as_well(proxy):
    async with Wire(answers_abc(), "h2") as wire:
        transport = wire.transport(through=proxy.through(CREDENTIALS))
        assert [await ask(transport, POST) for _ in range(3)] == [b"abc"] * 3
        assert wire.connections == 1
        await transport.aclose()
        await left_alone(wire.port)
        fields = dict(wire.asked[0].fields)
        assert b"proxy-authorization" not in fields


async def test_the_certificate_is_the_upstream_s_own(proxy, authority, trusting):
    async with Upstream(says_abc, ssl=serving(authority, "other.test")) as upstream:
        transport = upstream.transport(
            origin=f"https://localhost:{upstream.port}",
            ssl_context=trusting,
            through=proxy.through(CREDENTIALS),
        )
        with pytest.raises(UpstreamUnreachable) as refused:
            await ask(transport, POST)
        await left_alone(upstream.port)
    assert refused.value.error_type == "tls_certificate_error"


@pytest.mark.parametrize("credentials", ["", "gateway:other", "other:pass word"])
async def test_a_proxy_that_lets_nobody_through_is_said(credentials, proxy, authority, trusting):
    async with Upstream(says_abc, ssl=serving(authority)) as upstream:
        transport = upstream.transport(
            origin=f"https://localhost:{upstream.port}",
            ssl_context=trusting,
            through=proxy.through(credentials),
        )
        with pytest.raises(UpstreamUnreachable) as refused:
            await ask(transport, POST)
        assert refused.value.error_type == "proxy_configuration_error"
        assert upstream.peers == []


async def test_an_upstream_behind_the_proxy_that_is_away_is_said(proxy, trusting):
    port = free_port()
    async with Upstream(says_abc) as upstream:
        transport = upstream.transport(
            origin=f"https://127.0.0.1:{port}",
            ssl_context=trusting,
            through=proxy.through(CREDENTIALS),
        )
        with pytest.raises(UpstreamUnreachable):
            await ask(transport, POST)


async def test_what_is_said_to_the_proxy_is_this_and_no_more():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(ANSWER)
        await peer.closed()

    async with Upstream(script) as egress:
        through = EgressProxy("127.0.0.1", egress.port, "u:p")
        (await reach("vendor.example", 443, through)).close()
        (await reach("::1", 8443, EgressProxy("127.0.0.1", egress.port))).close()
    assert egress.requests == [
        b"CONNECT vendor.example:443 HTTP/1.1\r\nHost: vendor.example:443\r\n"
        b"Proxy-Authorization: Basic dTpw\r\n\r\n",
        b"CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n",
    ]


@pytest.mark.parametrize(
    ("raw", "error_type"),
    [
        pytest.param(b"HTTP/1.1 407 Who\r\n\r\n", "proxy_configuration_error", id="407"),
        pytest.param(b"HTTP/1.1 302 Found\r\n\r\n", "proxy_configuration_error", id="302"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", "proxy_configuration_error", id="100"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", "proxy_configuration_error", id="2000"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", "proxy_configuration_error", id="no HTTP"),
        pytest.param(b"\r\n\r\n", "proxy_configuration_error", id="empty"),
        pytest.param(ANSWER + b"\x16", "connection_terminated", id="bytes after its head"),
        pytest.param(ANSWER[:-2], "connection_terminated", id="cut"),
        pytest.param(b"", "connection_terminated", id="nothing"),
        pytest.param(b"HTTP/1.1 200 " + b"y" * MAX_HEAD, "connection_terminated", id="huge"),
    ],
)  # fmt: skip
async def test_a_proxy_that_answers_otherwise_is_not_gone_through(raw, error_type):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(raw)

    async with Upstream(script) as egress:
        with pytest.raises(UpstreamUnreachable) as refused:
            await reach("vendor.example", 443, EgressProxy("127.0.0.1", egress.port))
    assert refused.value.error_type == error_type


async def test_any_cut_of_its_answer_is_the_same():
    async def script(peer: Peer) -> None:
        await peer.head()
        for byte in ANSWER:
            peer.send(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(0)
        await peer.closed()

    async with Upstream(script) as egress:
        (await reach("vendor.example", 443, EgressProxy("127.0.0.1", egress.port))).close()


async def test_a_proxy_that_does_not_answer_is_a_timeout(trusting):
    async def script(peer: Peer) -> None:
        await peer.closed()

    async with Upstream(script) as egress:
        transport = egress.transport(
            origin="https://vendor.example",
            ssl_context=trusting,
            clocks=Clocks(connect=0.2),
            through=EgressProxy("127.0.0.1", egress.port),
        )
        with pytest.raises(UpstreamTimeout):
            await ask(transport, POST)


def test_credentials_are_in_no_repr():
    assert "CANARY" not in repr(EgressProxy("egress", 3128, "u:CANARY"))


# By the quickest address


@contextmanager
def deaf() -> Iterator[int]:
    """A port whose connects are never answered: its queue is full."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listener:
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        try:
            yield port
        finally:
            for one in waiting:
                one.close()


def resolved_to(monkeypatch, *places: tuple[str, int]) -> None:
    """Let every name mean these places, in this order."""

    async def addresses(host, port):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

    monkeypatch.setattr(module, "addresses", addresses)


async def test_an_address_that_does_not_answer_holds_nobody_up(monkeypatch):
    """RFC 8305: the other is tried after a quarter of a second, not after the connect clock."""
    async with Upstream(says_abc) as upstream:
        with deaf() as port:
            resolved_to(monkeypatch, ("127.0.0.1", port), ("127.0.0.1", upstream.port))
            began = time.monotonic()
            connected = await reach("vendor.example", 80, None)
            took = time.monotonic() - began
        with closing(connected):
            assert connected.getpeername()[1] == upstream.port
            await upstream.until(lambda: bool(upstream.peers))
        assert took >= 0.2


async def test_an_address_that_refuses_is_passed_over(monkeypatch):
    port = free_port()
    async with Upstream(says_abc) as upstream:
        resolved_to(monkeypatch, ("127.0.0.1", port), ("127.0.0.1", upstream.port))
        with closing(await reach("vendor.example", 80, None)) as connected:
            assert connected.getpeername()[1] == upstream.port
            await upstream.until(lambda: bool(upstream.peers))


async def test_a_name_is_asked_for_again_for_every_connection(monkeypatch):
    """A vendor moves; connections that rest have an age at which they end."""
    async with Upstream(says_abc) as first, Upstream(says_abc) as second:
        for upstream in (first, second):
            resolved_to(monkeypatch, ("127.0.0.1", upstream.port))
            with closing(await reach("vendor.example", 80, None)) as connected:
                assert connected.getpeername()[1] == upstream.port
                await upstream.until(lambda one=upstream: bool(one.peers))
