import os
import resource
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway.store.spool import SEGMENT_BYTES, Spool, held
from tests.store.conftest import process, said


def replayed(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    for path in spool.left():
        with held(path) as lines:
            found += lines or []
            if lines is not None:
                spool.remove(path)
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path / "gateway.db.spool", "usage")) as spool:
        yield spool


def test_gives_back_what_was_put_in_its_order_and_once(spool: Spool) -> None:
    assert spool.put(b"1\n2\n")
    assert spool.put(b"3\n")
    assert spool.bytes == 6
    assert replayed(spool) == [b"1", b"2", b"3"]
    assert spool.bytes == 0
    assert replayed(spool) == []


def test_makes_no_folder_until_one_is_needed(tmp_path: Path, spool: Spool) -> None:
    assert spool.left() == []
    assert list(tmp_path.iterdir()) == []


def test_is_for_its_owner_alone(tmp_path: Path, spool: Spool) -> None:
    spool.put(b"1\n")
    (folder,) = tmp_path.iterdir()
    (segment,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, segment.stat().st_mode & 0o777) == (0o700, 0o600)


def test_one_kind_of_row_is_not_the_others(tmp_path: Path) -> None:
    usage, audit = Spool(tmp_path, "usage"), Spool(tmp_path, "audit")
    usage.put(b"1\n")
    audit.put(b"2\n")
    assert (replayed(usage), replayed(audit)) == ([b"1"], [b"2"])


def test_a_full_segment_is_followed_by_another(spool: Spool) -> None:
    line = b"x" * (SEGMENT_BYTES // 2) + b"\n"
    assert [spool.put(line) for _ in range(5)] == [True] * 5
    assert len(spool.left()) == 3
    assert len(replayed(spool)) == 5


def test_refuses_what_is_beyond_its_bound_and_takes_it_once_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "usage", most=10)
    assert spool.put(b"12345678\n")
    assert not spool.put(b"9\n")
    assert replayed(spool) == [b"12345678"]
    assert spool.put(b"9\n")
    spool.close()


def test_a_new_process_finds_what_an_earlier_one_left(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gateway.store.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 'usage'); spool.put(b'1\\n'); print('put', flush=True)\n"
        "sys.stdin.read()"
    )
    with process("-c", code, str(tmp_path / "spool")) as other:
        assert said(other) == "put"
        spool = Spool(tmp_path / "spool", "usage")
        assert spool.bytes == 2
        assert replayed(spool) == []  # it is at it still
        other.kill()
        other.wait()
        assert replayed(spool) == [b"1"]


def test_a_line_that_a_crash_cut_is_none(spool: Spool) -> None:
    spool.put(b"1\n")
    (path,) = spool.left()
    path.write_bytes(b"1\n2\n3")
    assert replayed(spool) == [b"1", b"2"]


def test_what_another_process_replayed_meanwhile_is_gone(spool: Spool) -> None:
    spool.put(b"1\n")
    (path,) = spool.left()
    path.unlink()
    with held(path) as lines:
        assert lines is None


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    soft, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, most))
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_is_said_and_spoils_nothing_that_comes_later_rf_44(spool: Spool) -> None:
    with no_file_larger_than(8):
        assert spool.put(b"123456\n")
        assert not spool.put(b"7890\n")
    assert spool.put(b"abc\n")
    assert {b"123456", b"abc"} <= set(replayed(spool))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not Spool(tmp_path / "file" / "spool", "usage").put(b"1\n")


def test_an_empty_segment_that_was_removed_while_it_was_made_is_made_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, removed = os.open, []

    def steal(path: str | Path, *rest: int) -> int:
        descriptor = opened(path, *rest)
        if str(path).endswith(".ndjson") and not removed:
            Path(path).unlink()
            removed.append(path)
        return descriptor

    monkeypatch.setattr(os, "open", steal)
    assert spool.put(b"1\n")
    monkeypatch.undo()
    assert replayed(spool) == [b"1"]
