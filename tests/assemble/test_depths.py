"""How much is to be delivered, as metrics show it."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.assemble import depths as depths_module
from gateway.assemble.depths import Depths
from gateway.ports import NotDelivered
from gateway.store.inbox import EventInbox
from gateway.store.outbox import EventOutbox
from gateway.store.store import Store
from gateway.telemetry.metrics import Metrics
from tests.events.test_envelope import EVENT

pytestmark = pytest.mark.anyio


async def test_shows_what_waits_for_how_long_and_what_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depths_module, "EVERY", 0.01)
    store, metrics = await Store.open(f"sqlite:///{tmp_path}/gateway.db"), Metrics()
    depths = Depths(store.database)
    depths.show(metrics)
    assert depths.age == 0
    began = time.time()
    inbox, outbox = EventInbox(store.database, lambda: None), EventOutbox(store.database)
    for number in range(3):
        await inbox.put(replace(EVENT, id=f"e{number}", source=f"id:{number}"), ("webhook a",))
    (lane,) = await outbox.hold(await outbox.due((), 1))
    (first, *_) = await outbox.next(lane, 10)
    await outbox.failed(first, NotDelivered("answered 422", is_away=False), dies=True)
    async with AsyncExitStack() as stack:
        depths.begin(stack)
        async with asyncio.timeout(10):
            while True:
                if depths.seen.waiting == 2:
                    break
                await asyncio.sleep(0.01)
    text = metrics.text().decode()
    assert "gateway_events_waiting 2.0" in text
    assert "gateway_events_dead 1.0" in text
    assert 0 <= depths.age <= time.time() - began + 1
    await store.aclose()
