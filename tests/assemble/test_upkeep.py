import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.assemble import upkeep as module
from gateway.assemble.upkeep import Upkeep, line
from gateway.authn.visitors import Visitors
from gateway.store.store import Store
from gateway.store.verify import Head, verify
from tests.store.conftest import locked
from tests.store.trails import DAY, NOON, event, put

pytestmark = pytest.mark.anyio

LOG = logging.getLogger("gateway.store")


async def test_tells_heads_and_lets_old_rows_go(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
    heads = tmp_path / "heads.ndjson"
    upkeep = Upkeep(database=store.database, retention=86_400 * 10, outside=str(heads))
    await put(store.database, event(1), event(2), event(3, day=DAY + 20))
    await upkeep.do(NOON + 20 * 86_400)
    (told,) = [json.loads(one) for one in heads.read_text().splitlines()]
    assert (told["org"], told["day"], told["number"]) == ("acme", "2024-10-04", 2)
    assert (await verify(store.database)).rows == 1
    await upkeep.do(NOON + 20 * 86_400)
    assert len(heads.read_text().splitlines()) == 1
    await store.aclose()


async def test_what_cannot_be_done_now_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
    upkeep = Upkeep(
        database=store.database, retention=86_400, outside=str(tmp_path / "no" / "heads")
    )
    await put(store.database, event(1))
    await upkeep.do(NOON + 86_400)
    assert "could not be told" in caplog.text
    with locked(tmp_path / "gateway.db"):
        await Upkeep(database=store.database, retention=86_400, outside=None).do(NOON + 86_400)
    assert "the store is away" in caplog.text
    await store.aclose()


async def test_rows_go_though_heads_cannot_be_told(tmp_path: Path) -> None:
    """An address outside that is gone for years would keep every row for as long."""
    store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
    upkeep = Upkeep(database=store.database, retention=86_400, outside=str(tmp_path / "no" / "it"))
    await put(store.database, event(1), event(2))
    await upkeep.do(NOON + 20 * 86_400)
    assert (await verify(store.database)).rows == 1
    await store.aclose()


async def test_visitors_go_whose_time_is_over(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
    visitor, _ = Visitors("acme", b"key").new()
    await store.ledger.user_id("support", visitor.person, "u")
    upkeep = Upkeep(database=store.database, retention=86_400, outside=None)
    for days, known in ((364, "u"), (366, None)):
        await upkeep.do(time.time() + days * 86_400)
        assert await store.ledger.known_user_id("support", visitor.person) == known
    await store.aclose()


async def test_it_goes_on_until_the_gateway_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST", 0.0)
    store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
    async with AsyncExitStack() as stack:
        Upkeep(database=store.database, retention=86_400, outside=None).begin(stack)
    await store.aclose()


class Counted(Upkeep):
    async def do(self, now: float) -> None:
        LOG.info("done")


async def test_nothing_goes_by_a_clock_that_was_just_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FIRST", 0.0)
    monkeypatch.setattr(module, "EVERY", 0.01)
    caplog.set_level(logging.INFO, "gateway.store")
    real, ahead = time.time, [0.0]
    monkeypatch.setattr("time.time", lambda: real() + ahead[0])
    store = await Store.open(f"sqlite:///{tmp_path}/gateway.db")
    async with AsyncExitStack() as stack:
        Counted(database=store.database, retention=86_400, outside=None).begin(stack)
        await until(lambda: "done" in caplog.messages)
        caplog.clear()
        ahead[0] = 86_400.0
        await until(lambda: "done" in caplog.messages)
    await store.aclose()
    after = caplog.messages.index("the clock was set by +86400 s: old rows wait")
    assert "done" not in caplog.messages[:after]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the log says so, and wakes nobody
            await asyncio.sleep(0.001)


def test_a_head_is_written_for_people() -> None:
    assert line(Head("acme", DAY, 7, b"\x01\xff")) == {
        "org": "acme",
        "day": "2024-10-04",
        "number": 7,
        "hash": "01ff",
    }
