"""TLS is verified or there is no connection; each way of failing has its name."""

import asyncio
import datetime
import errno
import socket
import ssl
from contextlib import closing

import pytest
import trustme

from gateway.core.errors import UpstreamBrokeOff, UpstreamTimeout, UpstreamUnreachable
from gateway.net.upstream.clocks import Clocks
from gateway.net.upstream.connection import Connection
from gateway.net.upstream.dial import Dialer, Origin, proxy_error_of, verifying_context
from tests.net.scripted_upstream import (
    CHUNKED,
    LENGTH,
    OK,
    POST,
    Peer,
    Upstream,
    answering,
    ask,
    settled,
)
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority) -> ssl.SSLContext:
    """What the product uses, with the test's authority in place of the system's."""
    context = verifying_context.__wrapped__()
    authority.configure_trust(context)
    return context


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


# Origins


@pytest.mark.parametrize(
    ("written", "scheme", "host", "port", "authority_"),
    [
        ("https://vendor.example", "https", "vendor.example", 443, "vendor.example"),
        ("https://vendor.example:443", "https", "vendor.example", 443, "vendor.example"),
        ("HTTPS://Vendor.Example:8443", "https", "vendor.example", 8443, "vendor.example:8443"),
        ("http://127.0.0.1", "http", "127.0.0.1", 80, "127.0.0.1"),
        ("http://vendor:443", "http", "vendor", 443, "vendor:443"),
        ("https://[::1]", "https", "::1", 443, "[::1]"),
        ("https://[::1]:8443", "https", "::1", 8443, "[::1]:8443"),
    ],
)
def test_reads_an_origin(written, scheme, host, port, authority_):
    origin = Origin.parse(written)
    assert origin == Origin(scheme, host, port)
    assert origin.authority == authority_


@pytest.mark.parametrize(
    "written",
    [
        "",
        "vendor.example",
        "//vendor.example",
        "ftp://vendor.example",
        "https://",
        "https://:443",
        "https://vendor.example/",
        "https://vendor.example/path",
        "https://vendor.example?q",
        "https://vendor.example#f",
        "https://user@vendor.example",
        "https://user:password@vendor.example",
        "https://vendor.example:",
        "https://vendor.example:0",
        "https://vendor.example:65536",
        "https://vendor.example:08",
        "https://vendor.example:x",
        "https://ven dor",
        "https://vendor.example\n",
        "https://vendor.example\r\nx: y",
        "https://vend\u00f6r.example",
        "https://[::1",
        "https://::1",
        "https://[fe80::1%25eth0]",
        "https://vendor\\@evil",
    ],
)
def test_refuses_what_is_no_origin_or_more_than_one(written):
    with pytest.raises(ValueError):  # noqa: PT011 - any of ours
        Origin.parse(written)


# TLS


def test_verifies_by_default():
    context = verifying_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_speaks_verified_tls_names_the_host_and_offers_http_1_1(authority, trusting):
    named: list[str | None] = []
    chosen: list[str | None] = []
    context = serving(authority.issue_cert("localhost"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.sni_callback = lambda _, name, __: named.append(name)

    async def script(peer: Peer) -> None:
        chosen.append(peer.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        while True:
            await peer.request()
            peer.send(LENGTH + b"abc")

    async with Upstream(script, ssl=context) as upstream:
        origin = f"https://localhost:{upstream.port}"
        transport = upstream.transport(origin=origin, ssl_context=trusting)
        assert [await ask(transport, POST) for _ in range(3)] == [b"abc"] * 3
        assert upstream.requests[0].startswith(
            f"POST /a HTTP/1.1\r\nhost: localhost:{upstream.port}\r\n".encode()
        )
        assert len(upstream.peers) == 1
    assert named == ["localhost"]
    assert chosen == ["http/1.1"]


async def test_a_large_request_and_a_large_answer_pass_through_tls(authority, trusting):
    body = bytes(range(256)) * 20_000

    async def script(peer: Peer) -> None:
        while True:
            whole = await peer.request()
            peer.send(OK + b"content-length: %d\r\n\r\n" % len(body) + whole[-len(body) :])

    async with Upstream(script, ssl=serving(authority.issue_cert("127.0.0.1"))) as upstream:
        transport = upstream.transport(ssl_context=trusting)
        for _ in range(2):
            async with transport.open(
                type(POST)("POST", "/", ((b"x", b"y"),), body),
            ) as response:
                taken = bytearray()
                async for chunk in response.chunks():
                    taken += chunk
                    await asyncio.sleep(0)
            assert bytes(taken) == body
        assert len(upstream.peers) == 1


def good(authority):
    return serving(authority.issue_cert("127.0.0.1"))


def wrong_name(authority):
    return serving(authority.issue_cert("other.example"))


def unknown_authority(authority):
    return serving(trustme.CA().issue_cert("127.0.0.1"))


def expired(authority):
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    return serving(authority.issue_cert("127.0.0.1", not_after=long_ago))


@pytest.mark.parametrize("certificate", [wrong_name, unknown_authority, expired])
async def test_a_certificate_that_does_not_verify_ends_it(certificate, authority, trusting):
    """RF-13"""
    async with Upstream(answering(LENGTH + b"abc"), ssl=certificate(authority)) as upstream:
        transport = upstream.transport(ssl_context=trusting)
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(transport, POST)
        assert caught.value.error_type == "tls_certificate_error"
        assert upstream.requests == []
        assert transport.open_connections == 0


async def test_the_systems_authorities_are_the_default(authority):
    async with Upstream(answering(LENGTH + b"abc"), ssl=good(authority)) as upstream:
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(upstream.transport(), POST)
        assert caught.value.error_type == "tls_certificate_error"
        assert upstream.requests == []


async def test_a_plain_upstream_gets_no_request_in_place_of_tls(trusting):
    async def script(peer: Peer) -> None:
        heard.append(await peer.reader.read(65_536))
        peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    heard: list[bytes] = []
    async with Upstream(script) as upstream:
        origin = f"https://127.0.0.1:{upstream.port}"
        transport = upstream.transport(origin=origin, ssl_context=trusting)
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(transport, POST)
        assert caught.value.error_type == "tls_protocol_error"
        assert transport.open_connections == 0
    assert all(b"POST" not in one for one in heard)


async def test_an_upstream_that_leaves_in_the_handshake_is_unreachable(trusting):
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        peer.reset()

    async with Upstream(script) as upstream:
        origin = f"https://127.0.0.1:{upstream.port}"
        with pytest.raises(UpstreamUnreachable):
            await ask(upstream.transport(origin=origin, ssl_context=trusting), POST)


async def test_a_handshake_that_stalls_is_bounded_by_the_connect_clock(trusting):
    """RF-13"""

    async def script(peer: Peer) -> None:
        await peer.closed()

    async with Upstream(script) as upstream:
        origin = f"https://127.0.0.1:{upstream.port}"
        transport = upstream.transport(
            origin=origin, ssl_context=trusting, clocks=Clocks(connect=0.1)
        )
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(transport, POST)
        assert caught.value.error_type == "connection_timeout"
        assert transport.open_connections == 0
        await upstream.until(lambda: upstream.is_gone(1))


async def test_a_cancel_at_the_end_of_the_handshake_waits_for_no_goodbye(
    authority, trusting, monkeypatch
):
    """Closed in order, it would stay open until the upstream takes its leave, up to 30 s."""

    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()
        await done.wait()

    def cancelling(connection: Connection, transport: asyncio.BaseTransport) -> None:
        made(connection, transport)
        dialing.cancel()

    made = Connection.connection_made
    monkeypatch.setattr(Connection, "connection_made", cancelling)
    done = asyncio.Event()
    lost: list[Connection] = []
    clocks = Clocks(connect=5, write=15, first_byte=120, idle=120, keepalive=15, max_age=300)
    async with Upstream(script, ssl=good(authority)) as upstream:
        dialer = Dialer(Origin.parse(upstream.url), trusting, clocks)
        dialing = asyncio.create_task(dialer(lost.append))
        with pytest.raises(asyncio.CancelledError):
            await dialing
        await settled(lambda: len(lost) == 1)
        done.set()


@pytest.mark.parametrize("raw", [OK + b"\r\nabc", OK + b"content-length: 9\r\n\r\nabc"])
async def test_without_close_notify_the_end_of_tcp_is_a_cut(raw, authority, trusting):
    """RFC 8446 section 6.1"""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(raw)
        await gate.wait()
        peer.cut()

    gate = asyncio.Event()
    async with Upstream(script, ssl=good(authority)) as upstream:
        transport = upstream.transport(ssl_context=trusting)
        async with transport.open(POST) as response:
            chunks = response.chunks()
            assert await anext(chunks) == b"abc"
            gate.set()
            with pytest.raises(UpstreamBrokeOff):
                await anext(chunks)


async def test_with_close_notify_a_body_without_a_length_is_complete(authority, trusting):
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(OK + b"\r\nabc")

    async with Upstream(script, ssl=good(authority)) as upstream:
        transport = upstream.transport(ssl_context=trusting)
        assert [await ask(transport, POST) for _ in range(2)] == [b"abc", b"abc"]


async def test_leaving_early_closes_tls_at_once_too(authority, trusting):
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED + b"3\r\nabc\r\n")
        await peer.closed()

    async with Upstream(script, ssl=good(authority)) as upstream:
        transport = upstream.transport(ssl_context=trusting)
        async with transport.open(POST):
            pass
        await settled(lambda: transport.open_connections == 0)
        await upstream.until(lambda: upstream.is_gone(1))


async def test_bytes_nobody_asked_for_close_a_tls_connection_at_rest(authority, trusting):
    """S-29"""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(LENGTH + b"abc")
        await gate.wait()
        peer.send(LENGTH + b"xyz")
        await peer.closed()

    gate = asyncio.Event()
    async with Upstream(script, ssl=good(authority)) as upstream:
        transport = upstream.transport(ssl_context=trusting)
        assert await ask(transport, POST) == b"abc"
        assert transport.idle_connections == 1
        gate.set()
        await settled(lambda: transport.open_connections == 0)
        assert await ask(transport, POST) == b"abc"


# The network


async def test_a_plain_upstream_of_several_addresses_is_reached_at_one_that_answers(monkeypatch):
    port = free_port()

    async def addresses(host, _):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, upstream.port)),
        ]

    monkeypatch.setattr("gateway.net.upstream.dial.addresses", addresses)
    async with Upstream(answering(LENGTH + b"abc")) as upstream:
        assert await ask(upstream.transport()) == b"abc"


@pytest.mark.parametrize("scope", [0, 1])
async def test_the_scope_of_an_address_goes_along_with_it(monkeypatch, scope):
    """RFC 4007: which network `fe80::1` is in. The loop's own way would leave it out."""
    connecting = []

    async def addresses(host, port):
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", upstream.port, 0, scope))]

    async def quickest(found):
        connecting.extend(found[0][4])
        connected = socket.socket(socket.AF_INET6)
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, found[0][4])
        return connected

    monkeypatch.setattr("gateway.net.upstream.dial.addresses", addresses)
    monkeypatch.setattr("gateway.net.upstream.dial.quickest", quickest)
    async with Upstream(answering(LENGTH + b"abc"), host="::1") as upstream:
        assert (
            await ask(upstream.transport(origin=f"http://near.example:{upstream.port}")) == b"abc"
        )
        assert connecting == (["::1", upstream.port, 0, scope] if scope else [])


async def test_a_refused_connection_is_said_to_be_one():
    """RF-01"""
    port = free_port()
    async with Upstream(answering(LENGTH)) as upstream:
        transport = upstream.transport(origin=f"http://127.0.0.1:{port}")
        for _ in range(3):
            with pytest.raises(UpstreamUnreachable) as caught:
                await ask(transport)
            assert caught.value.error_type == "connection_refused"
            assert str(port) not in caught.value.detail
        assert transport.open_connections == 0


@pytest.mark.parametrize("host", ["name.invalid", "a..b", "x" * 64])
async def test_a_name_that_means_nothing_is_said_to_be_one(host):
    async with Upstream(answering(LENGTH)) as upstream:
        transport = upstream.transport(origin=f"http://{host}")
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(transport)
        assert caught.value.error_type == "dns_error"
        assert transport.open_connections == 0


@pytest.mark.parametrize(
    ("error", "proxy_error"),
    [
        (ssl.SSLCertVerificationError(), "tls_certificate_error"),
        (ssl.SSLError(), "tls_protocol_error"),
        (socket.gaierror(), "dns_error"),
        (ConnectionRefusedError(), "connection_refused"),
        (ConnectionResetError(), "connection_terminated"),
        (OSError(errno.ENETUNREACH, "no way"), None),
    ],
)
def test_names_what_the_network_says(error, proxy_error):
    assert proxy_error_of(error) == proxy_error


async def test_a_connection_that_is_not_made_in_time_is_a_timeout():
    """RF-03: a listener whose queue is full drops what comes, as a blackhole does."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        async with Upstream(answering(LENGTH)) as upstream:
            transport = upstream.transport(
                origin=f"http://127.0.0.1:{address[1]}", clocks=Clocks(connect=0.1)
            )
            with pytest.raises(UpstreamTimeout) as caught:
                await ask(transport)
            assert caught.value.error_type == "connection_timeout"
            assert transport.open_connections == 0
        for filler in fillers:
            filler.close()
