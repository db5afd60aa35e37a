"""What was pushed and the vendor lacks: taken up by whoever runs, and by nobody who only looks."""

from pathlib import Path

import pytest

from gateway.cli.looking import looking
from gateway.config.load import load
from gateway.contacts import recall as module
from gateway.contacts.recall import Recalls
from gateway.core.errors import LedgerUnavailable
from gateway.core.people.identity import Person
from tests.contacts.stage import chatbase, eventually, push, settled, syncs

pytestmark = pytest.mark.anyio


async def test_another_process_takes_up_what_one_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gateways on one store: what the first accepted and never wrote, the second writes."""
    monkeypatch.setattr(module, "EVERY", 0.05)
    async with chatbase(tmp_path) as second:
        (waits,) = syncs(second)
        assert waits.waiting == 0
        (tmp_path / "first").mkdir()
        store = f"sqlite:///{tmp_path}/gateway.db"
        async with chatbase(tmp_path / "first", store=store) as first:
            first.vendor.contacts.away = True
            assert (await push(first, "alice", {"plan": "pro"})).status == 202
        await eventually(lambda: "alice" in second.vendor.contacts.of("agent_1"))
        await settled(second)
        assert first.vendor.contacts.of("agent_1") == {}


async def test_what_was_pushed_just_now_is_left_to_whoever_took_it(tmp_path: Path) -> None:
    """They have heard what the sign-in says; another process would write without it."""
    async with chatbase(tmp_path) as stage:
        (sync,) = syncs(stage)
        assert stage.gateway is not None
        assert stage.gateway.assembled is not None
        desks = stage.gateway.assembled.house.contacts
        recalls = Recalls(sync.notes, lambda: desks)
        await recalls.look()
        await sync.notes.push("support", Person("default", "alice"), {"plan": "pro"})
        await recalls.look()
        assert sync.waiting == 0
        await recalls.look()
        assert sync.waiting == 1


async def test_who_only_looks_writes_nothing(tmp_path: Path) -> None:
    """`gateway explain` and `replay` send nothing: nor what is owed."""
    async with chatbase(tmp_path) as stage:
        stage.vendor.contacts.away = True
        await push(stage, "alice", {"plan": "pro"})
        await eventually(lambda: syncs(stage)[0].failures)
    async with looking(load(tmp_path / "gateway.toml").settings) as house:
        (desk,) = house.contacts.values()
        assert desk.contacts.waiting == 0  # type: ignore[attr-defined]


async def test_a_store_that_is_away_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)
    async with chatbase(tmp_path) as stage:
        assert stage.gateway is not None
        assert stage.gateway.assembled is not None
        asked = 0

        class Away:
            async def owed(self) -> dict[tuple[str, str], list[str]]:
                nonlocal asked
                asked += 1
                raise LedgerUnavailable

        desks = stage.gateway.assembled.house.contacts
        recalls = Recalls(Away(), lambda: desks)  # type: ignore[arg-type]
        recalls.begin()
        await eventually(lambda: asked > 2)
        await recalls.aclose()


async def test_where_there_are_no_contacts_the_store_is_not_asked() -> None:
    await Recalls(None, dict).look()  # type: ignore[arg-type]
