import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.store import prepare_sqlite as module
from gateway.store.errors import StoreError
from gateway.store.prepare_sqlite import prepare
from gateway.store.schema import HEAD
from gateway.store.store import Store
from tests.store.conftest import locked, process, said

pytestmark = pytest.mark.anyio


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM gateway_schema").fetchone()[0])


def no_database(path: Path) -> None:
    path.write_bytes(b"a note, no database" * 500)


def overwritten_in_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5000:] = b"\xaa" * (len(content) - 5000)
    path.write_bytes(content)


def one_bad_page(path: Path) -> None:
    run(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
        "INSERT INTO conversations SELECT 'acme', 'support', i, 'alice', 0 FROM n",
    )
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = b"\xaa" * 4096
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def read_only(path: Path) -> None:
    # The "write version" of the file format: SQLite opens a higher one than it knows read-only,
    # for root too, whom no mode of the file stops.
    content = bytearray(path.read_bytes())
    content[18] = 3
    path.write_bytes(content)


def newer(path: Path) -> None:
    run(path, "UPDATE gateway_schema SET version_num = '9999'")


def another_applications(path: Path) -> None:
    path.unlink()
    run(path, "CREATE TABLE customers (name TEXT)", "CREATE TABLE alembic_version (n TEXT)")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(no_database, "is not a SQLite database: name another", id="no database"),
        pytest.param(overwritten_in_the_middle, "is corrupt: .* backup", id="RF-39 overwritten"),
        pytest.param(one_bad_page, "is corrupt: .* backup", id="RF-39 one bad page"),
        pytest.param(cut_off, "is corrupt: .* backup", id="RF-39 cut off"),
        pytest.param(read_only, "is read-only: make .* writable", id="RF-39 read-only"),
        pytest.param(newer, "newer gateway .*9999.*: run that version", id="RF-55 newer"),
        pytest.param(another_applications, "another application's database", id="another's"),
    ],
)
async def test_refuses_a_file_and_leaves_it_as_it_was(
    url: str, path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    await (await Store.open(url)).aclose()
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=reason) as refusal:
        await Store.open(url)
    assert str(path) in str(refusal.value)
    if spoil is not another_applications:  # SQLite notes in its header that WAL is on
        assert path.read_bytes() == before


async def test_says_so_when_another_process_holds_the_file(
    url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await Store.open(url)).aclose()
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    with locked(path), pytest.raises(StoreError, match="is locked by another process"):
        await Store.open(url)


async def test_all_files_of_a_store_are_their_owners_alone(store: Store, path: Path) -> None:
    await store.identity_secret()
    files = list(path.parent.iterdir())
    assert {file.name for file in files} == {"gateway.db", "gateway.db-wal", "gateway.db-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_store_outlives_its_process(url: str) -> None:
    store = await Store.open(url)
    secret = await store.identity_secret()
    await store.aclose()
    store = await Store.open(url)
    assert await store.identity_secret() == secret
    await store.aclose()


def test_starting_on_a_store_in_its_newest_form_does_not_load_alembic(url: str, path: Path) -> None:
    assert not path.exists()
    script = (
        "import asyncio, sys; from gateway.store.store import Store; "
        f"store = asyncio.run(Store.open({url!r})); print('alembic' in sys.modules)"
    )
    outputs = [subprocess.check_output([sys.executable, "-c", script]) for _ in range(2)]
    assert [output.strip() for output in outputs] == [b"True", b"False"]


@pytest.mark.parametrize("attempt", range(3))
def test_processes_that_start_at_once_make_one_store(url: str, path: Path, attempt: int) -> None:
    worker = ("-m", "tests.store.worker", url, "opens")
    with process(*worker) as one, process(*worker) as two, process(*worker) as three:
        secrets = {said(one), said(two), said(three)}
        assert (one.wait(), two.wait(), three.wait()) == (0, 0, 0)
    assert len(secrets) == 1
    assert len(secrets.pop()) == 64
    assert version(path) == HEAD


async def test_a_migration_that_dies_half_way_leaves_nothing(
    url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: Connection) -> None:
        upgrade(connection)
        raise KeyboardInterrupt

    upgrade = module.upgrade
    monkeypatch.setattr(module, "upgrade", half)
    with pytest.raises(KeyboardInterrupt):
        await Store.open(url)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    monkeypatch.undo()
    await prepare(path)
    assert version(path) == HEAD


async def test_who_begins_a_file_waits_for_whoever_does_already(tmp_path: Path) -> None:
    """To make a file WAL, SQLite itself waits for nobody: it says at once that it is locked."""
    path = tmp_path / "new.db"
    path.touch()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        preparing = asyncio.create_task(prepare(path))
        ended, _ = await asyncio.wait({preparing}, timeout=0.3)
        assert not ended
        other.rollback()
        await preparing
    assert version(path) == HEAD
