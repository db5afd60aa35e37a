"""The gateway beside what people would use instead: `python -m benchmarks [--quick]`.

Prints tables with ratios, and writes all that was measured as JSON. One process each on one core,
HTTP/1.1, no TLS, but where HTTP/2 is said. Compare ratios within a table: rates move with the
machine. Needs the extra `dev`; HAProxy and nghttpx take part where they are installed, LiteLLM
where `python -m benchmarks.peers.litellm` has made its environment.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import uvloop

from benchmarks import crowd, keeping, kernel, opening, pairs, starting, targets, verifying
from benchmarks.figure import Figure
from benchmarks.peers import envoy, haproxy, litellm
from benchmarks.peers.gateway import ENTRIES
from benchmarks.peers.hello import hello
from benchmarks.peers.route import fastapi_route
from benchmarks.scenes import (
    FULL,
    QUICK,
    TINY,
    Ground,
    Measured,
    Size,
    Starts,
    ground,
    resting,
    streams,
    unary,
)
from benchmarks.tables import show_figures, show_memory, show_streams, show_unary

Found: TypeAlias = dict[str, Sequence[Measured] | Sequence[Figure]]

BESIDE_PEERS = {
    "unary": (unary, show_unary),
    "memory": (resting, show_memory),  # before other streams have made room that these would take
    "streams": (streams, show_streams),
}
ALONE = {
    "keeping": (keeping.measure, "What it costs to remember"),
    "opening": (opening.measure, "A conversation that opens"),
    "crowd": (crowd.measure, "Thousands of open streams on one process"),
    "verifying": (verifying.measure, "A token that was never seen"),
    "pairs": (pairs.measure, "Two workers"),
    "starting": (starting.measure, "Starting"),
}


def peers() -> list[Starts]:
    found: list[Starts] = [*ENTRIES, hello, fastapi_route]
    for there_is, start in (
        (envoy.program, envoy.envoy),
        (haproxy.program, haproxy.haproxy),
        (litellm.program, litellm.litellm),
    ):
        if there_is() is not None:
            found.append(start)
    return found


def beside_peers(there: Ground, scenes: Sequence[str], found: Found) -> None:
    for name, (measure, show) in BESIDE_PEERS.items():
        if name in scenes:
            rows = uvloop.run(measure(there))
            show(rows)
            found[name] = rows


def play(size: Size, scenes: Sequence[str], folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: Found = {}
    if not BESIDE_PEERS.keys().isdisjoint(scenes):
        with ground(folder / "peers", size, peers()) as there:
            beside_peers(there, scenes, found)
    for name, (measure, title) in ALONE.items():
        if name in scenes:
            figures = measure(folder / name, size)
            show_figures(title, figures)
            found[name] = figures
    return {name: [one.told() for one in rows] for name, rows in found.items()}


def say_how_noisy(found: targets.Found) -> None:
    worst = max((one.get("others", 0.0) for rows in found.values() for one in rows), default=0.0)
    if worst > kernel.NOISY:
        print(
            f"\nOthers used up to {worst:.0%} of this machine meanwhile: rates and latencies say "
            "little, CPU and ratios more. Measure again when it is quiet."
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in a minute or two")
    parser.add_argument("--tiny", action="store_true", help="only to see that it runs")
    parser.add_argument("--scene", action="append", choices=[*BESIDE_PEERS, *ALONE])
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    given = parser.parse_args()
    kernel.raise_descriptors()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # and peers end with it
    size, began = (TINY if given.tiny else QUICK if given.quick else FULL), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gateway-benchmarks-") as folder:
        found = play(size, given.scene or [*BESIDE_PEERS, *ALONE], Path(folder))
    targets.show(found)
    say_how_noisy(found)
    about = {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "day": time.strftime("%Y-%m-%d"),
    }
    given.json.write_text(json.dumps({"about": about, "found": found}, indent=1))
    print(f"\n{time.monotonic() - began:.0f} s; all of it in {given.json}")


if __name__ == "__main__":
    main()
