from pathlib import Path

import pytest

from gateway.assemble.watched import State
from gateway.store import writing
from tests.admin.stage import operators

pytestmark = pytest.mark.anyio


async def test_shows_each_dependency_and_how_old_it_is(tmp_path: Path) -> None:
    async with operators(tmp_path) as there:
        assembled = there.stage.gateway.assembled
        assert assembled is not None
        assembled.process.watched.add(
            "keys of https://id.example/", lambda: State(ok=True, age=12.34)
        )
        answer = await there.ask("/readyz?verbose")
        said = answer.json()
        assert (answer.status, said["status"], said["draining"]) == (200, "ready", False)
        store, blocks, writes, keys = said["dependencies"]
        assert (store["name"], store["ok"]) == ("store", True)
        assert (blocks["name"], blocks["ok"]) == ("blocks", True)
        assert (writes["name"], writes["ok"]) == ("writes to the store", True)
        assert keys == {
            "name": "keys of https://id.example/",
            "ok": True,
            "age_seconds": 12.3,
            "says": "",
        }
        assert [(one["name"], one["lost_rows"]) for one in said["queues"]] == [
            ("usage", 0),
            ("audit", 0),
        ]


@pytest.mark.one_process("its store is a file")
async def test_says_which_one_is_away(tmp_path: Path) -> None:
    async with operators(tmp_path) as there:
        (tmp_path / "gateway.db").rename(tmp_path / "elsewhere.db")
        answer = await there.ask("/readyz?verbose")
        assert (answer.status, answer.json()["status"]) == (503, "unavailable")
        store, *_ = answer.json()["dependencies"]
        assert not store["ok"]
        assert (await there.ask("/readyz", token=None)).status == 503


async def test_says_that_the_store_is_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SURE", 0.0)
    async with operators(tmp_path) as there:
        assembled = there.stage.gateway.assembled
        assert assembled is not None
        assembled.process.store.database.writing.failed("SQLITE_FULL")
        answer = await there.ask("/readyz?verbose")
        assert (answer.status, answer.json()["status"]) == (200, "degraded")
        *_, writes = answer.json()["dependencies"]
        assert (writes["name"], writes["says"]) == ("writes to the store", "SQLITE_FULL")
        assert (await there.ask("/readyz", token=None)).json() == {"status": "degraded"}


async def test_a_gateway_that_drains_says_so(tmp_path: Path) -> None:
    async with operators(tmp_path) as there:
        there.stage.gateway.drain()
        answer = await there.ask("/readyz?verbose")
        assert (answer.status, answer.json()["draining"]) == (503, True)
