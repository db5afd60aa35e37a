"""The gateway beside what people would use instead: `python -m benchmarks [--quick]`.

Prints tables with ratios, and writes all that was measured as JSON. One process each on one core,
HTTP/1.1, no TLS. Compare ratios within a table: rates move with the machine. Needs the extra `dev`;
HAProxy takes part where it is installed.
"""

import argparse
import json
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import keeping, kernel
from benchmarks.peers import envoy, haproxy
from benchmarks.peers.gateway import gateway
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
)
from benchmarks.scenes import unary as unary_scene

Row = tuple[str, ...]


def peers() -> list[Starts]:
    found: list[Starts] = [gateway, hello, fastapi_route]
    if envoy.program() is not None:
        found.append(envoy.envoy)
    if haproxy.program() is not None:
        found.append(haproxy.haproxy)
    return found


def table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    print(f"\n{title}\n")
    for row in (columns, ["-" * width for width in widths], *rows):
        print(
            "| "
            + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
            + " |"
        )


def ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else "-"


def show_unary(found: list[Measured]) -> None:
    base = found[0].median_cpu
    table(
        "Unary chat: verify a token, strip, inject, rewrite the body, forward",
        ("", "CPU µs", "of the gateway's", "requests/s", "added ms", "others", "lacks"),
        [
            (
                one.peer,
                f"{one.median_cpu:.0f}",
                ratio(one.median_cpu, base),
                f"{sorted(one.rate)[len(one.rate) // 2]:,.0f}",
                f"{one.added:.2f}",
                f"{one.others:.0%}",
                one.lacks,
            )
            for one in found
        ],
    )


def show_streams(found: list[Measured]) -> None:
    base = found[0].median_cpu
    table(
        "Event streams",
        ("", "CPU µs an event", "of the gateway's", "delay ms", "first event ms", "others"),
        [
            (
                one.peer,
                f"{one.median_cpu:.1f}",
                ratio(one.median_cpu, base),
                f"{sorted(one.delay)[len(one.delay) // 2]:.2f}",
                f"{one.first:+.2f}",
                f"{one.others:.0%}",
            )
            for one in found
        ],
    )


def show_memory(found: list[Measured]) -> None:
    rows = [(one.peer, f"{one.memory:.1f}") for one in found]
    table("Memory of an open stream (PSS)", ("", "kB"), rows)


SCENES: dict[str, tuple[Callable[[Ground], Coroutine[Any, Any, list[Measured]]], Any]] = {
    "unary": (unary_scene, show_unary),
    "streams": (streams, show_streams),
    "memory": (resting, show_memory),
}


def play(size: Size, scenes: Sequence[str], folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[Measured]] = {}
    with ground(folder / "peers", size, peers()) as there:
        for name in scenes:
            if name in SCENES:
                measure, show = SCENES[name]
                found[name] = uvloop.run(measure(there))
                show(found[name])
    if "keeping" in scenes:
        with keeping.both(folder / "keeping", size) as there:
            found["keeping"] = uvloop.run(keeping.measure(there))
        print("\nWhat it costs to remember\n", *keeping.told(found["keeping"]), sep="\n")
    worst = max((one.others for rows in found.values() for one in rows), default=0.0)
    if worst > kernel.NOISY:
        print(
            f"\nOthers used up to {worst:.0%} of this machine meanwhile: rates and latencies say "
            "little, CPU and ratios more. Measure again when it is quiet."
        )
    return {name: [one.told() for one in rows] for name, rows in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in a minute or two")
    parser.add_argument("--tiny", action="store_true", help="only to see that it runs")
    parser.add_argument("--scene", action="append", choices=[*SCENES, "keeping"])
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    size, began = (TINY if given.tiny else QUICK if given.quick else FULL), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gateway-benchmarks-") as folder:
        found = play(size, given.scene or [*SCENES, "keeping"], Path(folder))
    about = {"python": platform.python_version(), "kernel": platform.release()}
    given.json.write_text(json.dumps({"about": about, "found": found}, indent=1))
    print(f"\n{time.monotonic() - began:.0f} s; all of it in {given.json}")


if __name__ == "__main__":
    main()
