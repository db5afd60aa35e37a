import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.store.errors import StoreError
from gateway.store.location import ensure, locate


@contextmanager
def not_root(directory: str) -> Iterator[None]:
    """As a user whom modes stop; `directory` becomes theirs."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    os.chown(directory, nobody, nobody)
    os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_url_with_three_slashes_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate("sqlite:///gateway.db") == tmp_path / "gateway.db"


def test_a_url_with_four_slashes_is_absolute() -> None:
    assert locate("sqlite:////var/lib/gateway.db") == Path("/var/lib/gateway.db")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("gateway.db", "is not a URL", id="no scheme"),
        pytest.param("", "is not a URL", id="empty"),
        pytest.param("postgresql://u:hunter2@db/x", "postgresql", id="another database"),
        pytest.param("sqlite+pysqlite:///x.db", "pysqlite", id="another driver"),
        pytest.param("sqlite://", "names no file", id="no file"),
        pytest.param("sqlite:///", "names no file", id="an empty file name"),
        pytest.param("sqlite:///:memory:", "names no file", id="memory"),
        pytest.param("sqlite:///file::memory:", "names no file", id="a URI of SQLite's own"),
        pytest.param("sqlite:///x.db?mode=memory", "names no file", id="a query"),
        pytest.param("sqlite://var/lib/x.db", "names no file", id="two slashes"),
        pytest.param("sqlite:///x\0.db", "names no file", id="NUL"),
    ],
)
def test_refuses_a_url_that_names_no_file_of_sqlite(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as refusal:
        locate(url)
    assert "sqlite:///" in str(refusal.value)  # what to write instead
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_new_file_is_its_owners_alone_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        ensure(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_leaves_a_file_that_is_there_alone(path: Path) -> None:
    path.write_bytes(b"content")
    path.chmod(0o640)
    ensure(path)
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_refuses_a_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a directory"):
        ensure(tmp_path)


def test_refuses_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere is not a directory: make it"):
        ensure(tmp_path / "nowhere" / "gateway.db")


def test_refuses_what_the_file_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can be neither found nor made"):
        ensure(tmp_path / ("x" * 300))


@pytest.mark.parametrize("name", ["gateway.db", "."])
def test_refuses_what_its_user_may_not_write(name: str) -> None:
    with tempfile.TemporaryDirectory() as directory, not_root(directory):
        path = Path(directory, "gateway.db")
        ensure(path)
        (path.parent / name).chmod(0o500)
        try:
            with pytest.raises(StoreError, match="is not writable for the user"):
                ensure(path)
        finally:
            (path.parent / name).chmod(0o700)


def test_refuses_to_replace_a_file_that_was_lost(path: Path) -> None:
    path.with_name("gateway.db-wal").write_bytes(b"")
    with pytest.raises(StoreError, match=r"is gone but gateway\.db-wal is still there"):
        ensure(path)
    assert not path.exists()
