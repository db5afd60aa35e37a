"""A store that is read, and takes no writes: on a real socket, as an operator sees it (RF-37)."""

import asyncio
import logging
from pathlib import Path

import pytest

from gateway.assemble import writing
from gateway.store import writing as store_writing
from tests.store.conftest import locked
from tests.support.stage import chatbase_stage
from tests.support.wire import raw_request, wire

pytestmark = [pytest.mark.anyio, pytest.mark.one_process("its store is a file")]

HI = {"message": "hi", "stream": False}


async def test_what_is_known_goes_on_and_nothing_new_is_paid_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writing, "EVERY", 0.05)
    monkeypatch.setattr(store_writing, "SURE", 0.1)
    monkeypatch.setattr(store_writing, "STEADY", 0.5)
    caplog.set_level(logging.INFO, "gateway.store")
    async with chatbase_stage(tmp_path) as stage:

        async def ready(word: str) -> None:
            async with asyncio.timeout(20):
                while True:
                    answer = await wire(stage.url, raw_request("GET", "/readyz"))
                    assert answer.status == 200
                    if answer.json() == {"status": word}:
                        return
                    await asyncio.sleep(0.05)

        opened = await stage.ask("alice", "POST", "/chat", HI)
        theirs = opened.json()["data"]["metadata"]["conversationId"]
        await ready("ready")
        with locked(tmp_path / "gateway.db"):
            assert (await stage.ask("alice", "POST", "/chat", HI)).status == 503
            await ready("degraded")
            asked = len(stage.vendor.requests)
            refused = await stage.ask("alice", "POST", "/chat", HI)
            assert refused.status == 503
            assert refused.values("x-gateway-error") == ["ledger_unavailable"]
            assert len(stage.vendor.requests) == asked
            answer = await stage.ask("alice", "POST", "/chat", {**HI, "conversationId": theirs})
            assert answer.status == 200
        await ready("ready")
        assert (await stage.ask("alice", "POST", "/chat", HI)).status == 200
        async with asyncio.timeout(20):
            while len(told(caplog)) < 2:  # noqa: ASYNC110 - a log tells nobody
                await asyncio.sleep(0.05)
    assert told(caplog) == ["the store takes no writes", "the store takes writes again"]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = (record.getMessage() for record in caplog.records)
    return [one.partition(" (")[0] for one in said if "takes" in one]
