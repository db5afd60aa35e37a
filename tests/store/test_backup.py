import asyncio
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from gateway.core.people.identity import Person
from gateway.store.backup import backup
from gateway.store.errors import StoreError
from gateway.store.location import files
from gateway.store.store import Store
from tests.store.conftest import process, said

pytestmark = pytest.mark.anyio

ALICE = Person("acme", "alice")


def silent(remaining: int, total: int) -> None:
    assert 0 <= remaining <= total


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder / "copy.db"


async def test_a_copy_is_restored_by_putting_it_in_place(
    store: Store, url: str, path: Path, copy: Path
) -> None:
    """As docs/storage.md says it."""
    secret = await store.identity_secret()
    await store.ledger.claim("support", "before", ALICE)
    await store.ledger.user_id("support", ALICE, "alice")
    backup(path, copy, silent)
    await store.ledger.claim("support", "after", ALICE)
    await store.aclose()
    for file in files(path):
        file.unlink(missing_ok=True)
    shutil.copy(copy, path)
    again = await Store.open(url)
    assert await again.identity_secret() == secret
    assert await again.ledger.owner("acme", "support", "before") == ALICE
    assert await again.ledger.owner("acme", "support", "after") is None
    assert await again.ledger.user_id("support", ALICE, "other") == "alice"
    assert await again.ledger.claim("support", "new", ALICE)
    await again.aclose()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
async def test_it_is_one_file_and_its_owners_alone(
    store: Store, path: Path, copy: Path, umask: int
) -> None:
    await store.ledger.claim("support", "c-1", ALICE)
    before = os.umask(umask)
    try:
        backup(path, copy, silent)
    finally:
        os.umask(before)
    assert [file.name for file in copy.parent.iterdir()] == [copy.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


async def test_it_is_one_moment_of_a_store_that_is_written_to(
    url: str, path: Path, copy: Path
) -> None:
    await (await Store.open(url)).aclose()
    with process("-m", "tests.store.worker", url, "claims_for_ever", "0") as running:
        told = {said(running) for _ in range(300)}
        for number in range(5):
            one = copy.with_name(f"{number}.db")
            await asyncio.to_thread(backup, path, one, silent)
            with closing(sqlite3.connect(f"file:{one}?mode=ro", uri=True)) as opened:
                assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                found = {
                    name for (name,) in opened.execute("SELECT conversation FROM conversations")
                }
            assert told <= found
            told |= {said(running) for _ in range(50)}


async def test_a_large_one_tells_how_far_it_is(store: Store, path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
            "INSERT INTO conversations SELECT 'acme', 'support', i, 'alice', 0 FROM n"
        )
    told: list[tuple[int, int]] = []
    backup(path, copy, lambda remaining, total: told.append((remaining, total)))
    assert len(told) > 1
    assert [remaining for remaining, _ in told] == sorted((one for one, _ in told), reverse=True)
    assert told[-1][0] == 0


async def test_replaces_nothing(store: Store, path: Path, copy: Path) -> None:
    copy.write_bytes(b"mine")
    with pytest.raises(StoreError, match="is there already"):
        backup(path, copy, silent)
    with pytest.raises(StoreError, match="is there already"):
        backup(path, path, silent)
    assert copy.read_bytes() == b"mine"


def corrupt(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-8192:] = b"\xaa" * 8192
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil", [corrupt, Path.unlink, lambda path: path.write_bytes(b"x" * 9999)]
)
async def test_what_is_not_whole_leaves_no_copy(
    url: str, path: Path, copy: Path, spoil: object
) -> None:
    store = await Store.open(url)
    await asyncio.gather(*(store.ledger.claim("s", f"c-{each}", ALICE) for each in range(1000)))
    await store.aclose()
    assert callable(spoil)
    spoil(path)
    with pytest.raises(StoreError):
        backup(path, copy, silent)
    assert list(copy.parent.iterdir()) == []


async def test_a_folder_that_is_not_there_is_said(store: Store, path: Path, copy: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be copied to .*: No such file or directory$"):
        backup(path, copy.parent / "nowhere" / "copy.db", silent)
