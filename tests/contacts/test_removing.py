"""Contacts of people who are erased, removed at the vendor by the command."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.assemble.contacts import may_remove, remove
from gateway.core.errors import GatewayError
from gateway.store.people import erasing
from tests.cli.looked import look
from tests.contacts.stage import bookbag, chat, chatbase, settled
from tests.support.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing.erase, "__kwdefaults__", {"settled": 0.0, "pause": 0.0})


async def erase(stage: Stage[Any], folder: Path, *words: str) -> tuple[int, str]:
    command = ("users", "erase", "--subject", "alice", *words)
    done = await asyncio.to_thread(look, folder / "gateway.toml", *command)
    return done.exit_code, done.output


async def test_the_contact_goes_with_its_person_and_nobody_elses(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        for who in ("alice", "bob"):
            await chat(stage, who, email=f"{who}@x.example")
        await settled(stage)
        contacts = stage.vendor.contacts.of("agent_1")
        assert set(contacts) == {"alice", "bob"}
        assert "At support the contact alice is removed." in (await erase(stage, tmp_path))[1]
        assert set(contacts) == {"alice", "bob"}, "a dry run"
        code, told = await erase(stage, tmp_path, "--yes")
        assert code == 0, told
        assert set(contacts) == {"bob"}
        (request,) = [one for one in stage.vendor.requests if one.method == "DELETE"]
        assert request.target == "/api/v1/chatbots/agent_1/contacts/alice"
        assert request.values("x-external-user-id") == []


async def test_one_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    async with chatbase(tmp_path) as stage:
        await chat(stage, "alice", email="alice@x.example")
        await settled(stage)
        stage.vendor.contacts.away = True
        code, told = await erase(stage, tmp_path, "--yes")
        assert code == 1
        assert "At support the contact alice may still be there" in told
        assert "1 conversations are closed for good" in told


async def test_one_that_is_not_there_is_removed(tmp_path: Path) -> None:
    async with bookbag(tmp_path) as stage:
        (org,) = stage.gateway.settings.orgs.values()  # type: ignore[union-attr]
        assert may_remove(org.upstreams["shop"])
        await remove(org, org.upstreams["shop"], "nobody")
        for odd in ("a/b", "..", "a%2Fb", "a b", "", "é"):
            with pytest.raises(GatewayError):
                await remove(org, org.upstreams["shop"], odd)
        deleted = [one.target for one in stage.vendor.requests if one.method == "DELETE"]
        assert deleted == ["/api/v1/chatbots/12/contacts/nobody"]
