"""Backup and restore as docs/storage.md has them: its commands, run."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.core.people.identity import Person
from gateway.ports import Whose
from gateway.store.people.blocking import block, unblock
from gateway.store.store import Store
from tests.support import config
from tests.support.tokens import Issuer

PAGE = Path(__file__).parents[2] / "docs" / "storage.md"
ROOT = "operator:root"
ALICE, BOB, EVE = (Person("default", name) for name in ("alice", "bob", "eve"))


def commands() -> list[str]:
    """The shell of the section: make a copy, put it in place, say who is blocked, block them."""
    section = PAGE.read_text().split("## Backup and restore")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def shell(folder: Path, script: str) -> str:
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": search},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def within(folder: Path, work: Callable[[Store], Awaitable[object]]) -> object:
    async def opened() -> object:
        store = await Store.open(f"sqlite:///{folder}/gateway.db")
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(opened())


def test_a_store_comes_back_and_with_it_who_is_blocked(tmp_path: Path) -> None:
    """Row Z-13: what was revoked after the backup was made is said again."""
    text = config.chatbase("http://127.0.0.1:9", Issuer(), store=tmp_path / "gateway.db")
    (tmp_path / "gateway.toml").write_text(text)
    save, restore, take_along, again = commands()

    async def before(store: Store) -> None:
        await store.ledger.claim("support", "before", ALICE)
        await store.ledger.user_id("support", ALICE, "alice")
        await block(store.database, "default", "eve", by=ROOT)
        await block(store.database, "default", "carol", by=ROOT)

    async def after(store: Store) -> None:
        await store.ledger.claim("support", "after", ALICE)
        await block(store.database, "default", "bob", by=ROOT)
        await block(store.database, "default", None, by=ROOT)
        await unblock(store.database, "default", "carol", by=ROOT)

    async def found(store: Store) -> list[object]:
        await store.cutoffs.look()
        cut = [store.cutoffs.before("person", "default", one.subject) > 0 for one in (BOB, EVE)]
        everybody = store.cutoffs.before("org", "default", "") > 0
        theirs = [
            await store.ledger.whose("support", conversation, ALICE)
            for conversation in ("before", "after")
        ]
        return [*cut, everybody, *theirs, await store.ledger.known_user_id("support", ALICE)]

    within(tmp_path, before)
    shell(tmp_path, save)
    within(tmp_path, after)
    shell(tmp_path, take_along)
    shell(tmp_path, restore)
    kept = [Whose.THEIRS, Whose.NOBODYS, "alice"]
    assert within(tmp_path, found) == [False, True, False, *kept]
    assert "3 are blocked" in shell(tmp_path, again)
    assert within(tmp_path, found) == [True, True, True, *kept]
