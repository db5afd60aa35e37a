"""`python -m benchmarks` runs, with every peer that is installed, and writes what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.targets import TARGETS

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
    peers = {one["peer"] for one in found["unary"]}
    assert peers - {"LiteLLM"} == {
        "gateway",
        "gateway, ASGI",
        "uvicorn alone",
        "FastAPI + httpx",
        "Envoy",
        "HAProxy",
    }
    assert {one["peer"] for one in found["streams"]} >= {"gateway", "Envoy", "HAProxy"}
    assert all(rate > 0 for one in found["unary"] for rate in one["rate"])
    assert all(delay > 0 for one in found["streams"] for delay in one["delay"])
    for scene in ("keeping", "opening", "crowd", "verifying", "pairs", "starting"):
        assert all(isinstance(one["value"], float) for one in found[scene]), scene
        assert found[scene]
    aimed = done.stdout.partition("What was aimed at")[2].partition("\n\n|")[2].partition("\n\n")[0]
    peers_there = sum("LiteLLM" not in one.what or "LiteLLM" in peers for one in TARGETS)
    assert len(aimed.splitlines()) == 2 + peers_there  # the heads of its columns before them
