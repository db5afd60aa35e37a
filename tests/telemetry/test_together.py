"""What several processes write together, each in a process that begins as a worker does."""

import os
import subprocess
import sys
from pathlib import Path

from gateway.telemetry.together import FOLDER, has_room

BEGIN = """
import pathlib, sys
from gateway.telemetry import together
NO_ROOM, ROOM = 2**62, together.ROOM
FILES = lambda: [one.name for one in pathlib.Path(FOLDER).iterdir()]
from gateway.ports import Record
def count(metrics):
    record = Record(request_id="r", method="GET", started=0.0)
    record.org, record.status, record.code = "acme", 401, "credentials_missing"
    metrics.record(record)
    metrics.note("identity_overridden", record)
    metrics.delivered("acme", "support", "failed")
    metrics.look()
"""
FULL_LATER = """
from gateway.telemetry.metrics import Metrics
metrics = Metrics()
count(metrics)
assert any(name.startswith("counter_") for name in FILES())
before = metrics.text()
together.ROOM = NO_ROOM
metrics.look()
count(metrics)
assert metrics.text() == before
assert b'gateway_requests_total{' in before and b'} 2.0' not in before
together.ROOM = ROOM
assert b'code="credentials_missing",operation="",org="acme",upstream=""} 2.0' in metrics.text()
"""
FULL_AT_ONCE = """
import prometheus_client.multiprocess  # as the parent of workers has, when one has ended
together.ROOM = NO_ROOM
from gateway.telemetry.metrics import Metrics
metrics = Metrics()
assert not metrics.is_of_several
count(metrics)
assert b'gateway_auth_failures_total{reason="credentials_missing"} 1.0' in metrics.text()
assert not FILES()
"""


def run(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.replace("FOLDER", repr(str(folder))) + script],
        env={**os.environ, FOLDER: str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_without_room_nothing_is_written_and_what_was_carried_is_told_later(tmp_path: Path) -> None:
    """RF-37: a page without a block on the disk would end the process."""
    run(FULL_LATER, tmp_path)


def test_one_that_begins_without_room_counts_by_itself(tmp_path: Path) -> None:
    assert "this process has metrics of its own" in run(FULL_AT_ONCE, tmp_path)


def test_a_folder_that_is_gone_has_no_room(tmp_path: Path) -> None:
    assert has_room(str(tmp_path))
    assert not has_room(str(tmp_path / "gone"))
