"""A handshake from servers that are not ours, and what goes wrong in one that is open."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.app import Gateway
from gateway.middleware import GatewayMiddleware
from tests.support import config
from tests.support.serve import serving
from tests.support.sockets import KEY, SocketStage, Vendor, serving_vendor, socket_stage
from tests.support.tokens import Issuer

pytestmark = pytest.mark.anyio
ASK = json.dumps({"type": "response.create"})


@pytest.mark.parametrize("ws", ["websockets-sansio", "wsproto"])
@pytest.mark.parametrize("how", ["alone", "mounted", "middleware"])
async def test_any_server_will_do(tmp_path: Path, ws: str, how: str) -> None:
    issuer = Issuer()
    async with serving_vendor(Vendor()) as vendor:
        file = tmp_path / "gateway.toml"
        file.write_text(config.openai(vendor.url, issuer, store=tmp_path / "g.db", key=KEY))
        app: Any = Gateway.from_file(file)
        if how == "mounted":
            app = Starlette(routes=[Mount("/ai", app)], lifespan=app.lifespan)
        elif how == "middleware":
            app = GatewayMiddleware(Starlette(), config=file, prefix="/ai")
        prefix = "" if how == "alone" else "/ai"
        async with serving(app, ws=ws) as url:
            stage = SocketStage(vendor, None, issuer, url + prefix)
            async with stage.connect("alice") as alice:
                await alice.send(ASK)
                assert json.loads(await alice.recv())["type"] == "said"
                await alice.send("{}")
                with pytest.raises(ConnectionClosed) as closed:
                    await alice.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008
            with pytest.raises(InvalidStatus) as refused:
                async with stage.connect(None):
                    pass
            assert refused.value.response.status_code == 401
            assert len(vendor.handshakes) == 1


@pytest.mark.one_process("the fault is made in it")
async def test_a_fault_of_our_own_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async with socket_stage(tmp_path) as stage, stage.connect("alice") as alice:
        monkeypatch.setattr("gateway.core.websocket.spoken.read", fails)
        await alice.send(ASK)
        with pytest.raises(ConnectionClosed) as closed:
            await alice.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        await stage.vendor.until(lambda: bool(stage.vendor.closed))
        assert stage.vendor.messages == []


async def test_one_row_says_what_it_was(tmp_path: Path) -> None:
    async with socket_stage(tmp_path) as stage:
        rows: asyncio.Queue[Any] = asyncio.Queue()
        assert stage.gateway is not None
        usage = (await stage.gateway.open()).house.usage
        record, usage.record = usage.record, rows.put_nowait  # type: ignore[method-assign]
        async with stage.connect("alice") as alice:
            await alice.send(ASK)
            await alice.recv()
        await stage.vendor.until(lambda: bool(stage.vendor.closed))
        row = await asyncio.wait_for(rows.get(), 10)
        usage.record = record  # type: ignore[method-assign]
        assert rows.empty()
        assert (row.status, row.code, row.operation) == (101, "", "realtime")
        assert (row.subject, row.upstream) == ("alice", "llm")
        assert row.bytes_in == len(ASK)
        assert row.bytes_out > row.bytes_in
