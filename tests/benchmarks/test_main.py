"""`python -m benchmarks` runs, with every peer that is installed, and writes what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.crowd import OPEN
from benchmarks.peers import over_http2
from benchmarks.peers.gateway import ASGI, SERVE
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
    crowd = {one["who"]: one["value"] for one in found["crowd"] if one["what"] == OPEN}
    without = set() if over_http2.program() else {over_http2.NAME}
    assert crowd == dict.fromkeys({SERVE, ASGI, over_http2.NAME} - without, 20)
    assert ("nghttpx is not installed" in done.stdout) == bool(without)
    aimed = done.stdout.partition("What was aimed at")[2].partition("\n\n|")[2].partition("\n\n")[0]
    absent = [*({"LiteLLM"} - peers), ",000", "HTTP/2"]  # twenty streams say nothing of thousands
    there = [one for one in TARGETS if not any(name in one.what for name in absent)]
    assert len(aimed.splitlines()) == 2 + len(there)  # the heads of its columns before them
