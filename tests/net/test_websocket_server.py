"""What uvicorn's protocol lacks; its frames are tried in tests/attacks/test_sockets.py."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.app import Gateway
from gateway.net.protocol import guarded_protocol
from gateway.net.tally import ServerLimits
from tests.support import config
from tests.support.serve import running
from tests.support.sockets import KEY, SocketStage, Vendor, serving_vendor
from tests.support.tokens import Issuer

pytestmark = pytest.mark.anyio


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
