"""What uvicorn's protocol lacks; its frames are tried in tests/attacks/test_sockets.py."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from gateway.app import Gateway
from gateway.core.errors import Blocked
from gateway.net.server.protocol import guarded_protocol
from gateway.net.server.slices import SLICE
from gateway.net.server.tally import ServerLimits
from tests.net.recorder import until
from tests.support import config
from tests.support.serve import running, serving
from tests.support.sockets import KEY, SocketStage, Vendor, serving_vendor
from tests.support.tokens import Issuer
from tests.support.wire import connected, raw_request

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """What is relied upon of transports holds in both loops."""
    return "asyncio", {"use_uvloop": request.param}


async def test_a_server_that_stops_closes_it_at_once_and_nothing_of_it_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    issuer = Issuer()
    async with serving_vendor(Vendor()) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        guarded = guarded_protocol(ServerLimits())
        async with running(Gateway.from_file(file), http=guarded) as (server, url):
            stage = SocketStage(vendor, None, issuer, url)
            async with stage.connect("alice", logger=logging.getLogger("test")) as alice:
                await alice.send(json.dumps({"type": "response.create"}))
                await alice.recv()
                for connection in list(server.server_state.connections):
                    connection.shutdown()
                with pytest.raises(ConnectionClosed) as closed:
                    await asyncio.wait_for(alice.recv(), 10)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1001
            await vendor.until(lambda: bool(vendor.closed))
    assert vendor.closed == [(1001, "")]
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("gateway")]
    assert not any(KEY in line or "gpt-realtime" in line for line in ours)


async def test_a_client_that_only_pings_and_never_reads_is_not_read_from(tmp_path: Path) -> None:
    issuer = Issuer()
    async with serving_vendor(Vendor()) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        guarded = guarded_protocol(ServerLimits())
        async with running(Gateway.from_file(file), http=guarded) as (server, url):
            stage = SocketStage(vendor, None, issuer, url)
            async with stage.connect("alice") as alice:
                (connection,) = server.server_state.connections
                alice.transport.pause_reading()
                ping = b"\x89\xfd" + bytes(4) + b"x" * 125
                for _ in range(40):
                    alice.transport.write(ping * 8_000)  # a megabyte
                    await asyncio.sleep(0.02)
                seen, left = -1, alice.transport.get_write_buffer_size()
                while seen != left:  # until it stands still
                    seen = left
                    await asyncio.sleep(0.3)
                    left = alice.transport.get_write_buffer_size()
                assert left > 0  # not all is taken
                assert connection.transport.get_write_buffer_size() < 2**20
                alice.transport.abort()


def masked(opcode: int, payload: bytes = b"") -> bytes:
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


@pytest.mark.parametrize("opcode", [9, 10], ids=["X-09 pings", "X-09 pongs"])
async def test_others_have_their_turn_while_one_floods(tmp_path: Path, opcode: int) -> None:
    """N-22: 256 KiB of pings in one segment held everybody up for 400 ms."""
    issuer = Issuer()
    async with serving_vendor(Vendor()) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        async with running(Gateway.from_file(file), http=guarded_protocol(ServerLimits())) as run:
            server, url = run
            async with SocketStage(vendor, None, issuer, url).connect("alice") as alice:
                (connection,) = server.server_state.connections
                parsed, at_once = 0, 0
                receive = connection.conn.receive_data

                def counted(data: bytes) -> None:
                    nonlocal parsed, at_once
                    parsed, at_once = parsed + len(data), max(at_once, len(data))
                    receive(data)

                connection.conn.receive_data = counted
                flood = masked(opcode) * 40_000
                alice.transport.write(flood)
                await until(lambda: parsed >= len(flood))
                assert at_once <= SLICE
                await alice.send(json.dumps({"type": "response.create"}))
                assert json.loads(await alice.recv())["type"] == "said"


async def test_messages_in_one_segment_wait_on_the_wire_for_those_before_them(
    tmp_path: Path,
) -> None:
    """X-08, X-09: all of them stood in memory, and are said one after the other."""
    issuer = Issuer()
    said = [json.dumps({"type": "response.create", "event_id": f"e{n}"}) for n in range(3000)]
    async with serving_vendor(Vendor()) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        async with running(Gateway.from_file(file), http=guarded_protocol(ServerLimits())) as run:
            server, url = run
            async with SocketStage(vendor, None, issuer, url).connect("alice") as alice:
                (connection,) = server.server_state.connections
                most, put = 0, connection.queue.put_nowait

                def counted(message: object) -> None:
                    nonlocal most
                    put(message)
                    most = max(most, connection.queue.qsize())

                connection.queue.put_nowait = counted
                alice.transport.write(b"".join(masked(1, one.encode()) for one in said))
                for one in said:
                    assert json.loads(await alice.recv())["what"] == json.loads(one)
                assert most <= SLICE // len(said[0])


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param("the vendor talks", id="X-09 while the vendor talks"),
        pytest.param("blocked", id="X-09 while it is told that it may not go on"),
        pytest.param("no pong", id="X-09 and answers no ping"),
    ],
)
async def test_a_client_that_never_reads_is_given_up_and_keeps_no_vendor(
    tmp_path: Path, ends: str
) -> None:
    async def talks(socket: ServerConnection, vendor: Vendor) -> None:
        with suppress(ConnectionClosed):
            for _ in range(2000):  # 100 MB: no kernel holds it
                await socket.send(json.dumps({"type": "x", "pad": "x" * 50_000}))

    issuer = Issuer()
    async with serving_vendor(Vendor(handler=talks)) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        gateway = Gateway.from_file(file)
        guarded = guarded_protocol(ServerLimits(write_timeout=0.5), gateway)
        pings = 0.2 if ends == "no pong" else None
        async with running(
            gateway, http=guarded, ws_ping_interval=pings, ws_ping_timeout=pings
        ) as (server, url):
            stage = SocketStage(vendor, None, issuer, url)
            async with stage.connect("alice") as alice:
                (connection,) = server.server_state.connections
                alice.transport.pause_reading()
                # Without a pong it may be given up before so much has come that it blocks.
                await until(lambda: not connection.writable.is_set() or vendor.closed)
                if ends == "blocked":
                    house = (await gateway.open()).house
                    (interrupt,) = house.running._interrupts
                    interrupt.fire(Blocked())  # as `Running.recheck` does
                await vendor.until(lambda: bool(vendor.closed))
                await until(lambda: not server.server_state.connections)
                alice.transport.abort()


@pytest.mark.parametrize("token", [True, False], ids=["somebody", "a stranger"])
@pytest.mark.parametrize(
    "where",
    [
        pytest.param(lambda raw, x: raw.replace(b"model=", b"x=" + x + b"&model="), id="target"),
        pytest.param(
            lambda raw, x: raw.replace(b"\r\n", b"\r\nX-A: " + x + b"\r\n", 1), id="value"
        ),
        pytest.param(lambda raw, x: raw.replace(b"\r\n", b"\r\n" + x + b": a\r\n", 1), id="name"),
        pytest.param(
            lambda raw, x: raw.replace(b"\r\n", b"\r\nCookie: " + x + b"\r\n", 1), id="cookie"
        ),
    ],
)
async def test_a_handshake_of_any_size_is_answered(
    tmp_path: Path, where: Callable[[bytes, bytes], bytes], token: bool
) -> None:
    """X-02, N-01: the library under it reads lines of 8 KiB, and says nothing to a longer one."""
    issuer = Issuer()
    async with serving_vendor(Vendor()) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        gateway = Gateway.from_file(file)
        guarded = guarded_protocol(ServerLimits(), gateway)
        async with serving(gateway, http=guarded) as url:
            stage = SocketStage(vendor, None, issuer, url)
            asked = raw_request(
                "GET",
                stage.path,
                [
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Version", "13"),
                    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                    *([("Authorization", f"Bearer {stage.token('alice')}")] if token else []),
                ],
            )
            for size in (7000, *range(8150, 8250, 7), 9000, 12_000, 30_000):
                async with connected(url) as peer:
                    await peer.send(where(asked, b"x" * size))
                    head = await peer.until(b"\r\n\r\n")
                    if size > 8192:
                        assert head.split(b" ")[1] in {b"400", b"414", b"431"}
                        await peer.until_closed()
                    else:
                        assert head.split(b" ")[1] in {b"101", b"400", b"401", b"431"}
                    if not token:
                        assert b" 101 " not in head
            assert bool(vendor.handshakes) is token  # of those that fit
