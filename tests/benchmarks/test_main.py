"""`python -m benchmarks` runs, with every peer that is installed, and writes what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_scene_is_played(tmp_path: Path) -> None:
    told = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tiny", "--json", str(told)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(told.read_text())["found"]
    assert {"gateway", "uvicorn alone", "FastAPI + httpx", "Envoy", "HAProxy"} == {
        one["peer"] for one in found["unary"]
    }
    assert {one["peer"] for one in found["streams"]} >= {"gateway", "Envoy", "HAProxy"}
    assert all(rate > 0 for one in found["unary"] for rate in one["rate"])
    assert all(delay > 0 for one in found["streams"] for delay in one["delay"])
    assert [one["peer"] for one in found["keeping"]] == ["all on", "all off"]
    assert "of CPU a request that opens no conversation" in done.stdout
