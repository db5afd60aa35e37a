"""The picture of the README: `python -m benchmarks.picture [benchmarks.json] [FILE.svg]`.

How many requests one core serves a second, worked out from the CPU of each: that is the figure of
a run which others disturb least.
"""

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.drawing import box, picture, text
from benchmarks.peers.gateway import ASGI, SERVE

WIDTH, ROW, LEFT, RIGHT, TOP = 820, 44, 150, 90, 56
NAMES = {SERVE: "gateway serve", ASGI: "gateway in an app", "FastAPI + httpx": "FastAPI route"}
DOES = "sign-in, ownership, usage, audit, limits, log, metrics"


def draw(told: Mapping[str, Any]) -> str:
    rows = [one for one in told["found"]["unary"] if one["lacks"] != "everything"]
    speeds = {one["peer"]: 1e6 / statistics.median(one["cpu"]) for one in rows}
    lacks = {one["peer"]: one["lacks"] for one in rows}
    order = sorted(speeds, key=lambda name: -speeds[name])
    most = speeds[order[0]]
    parts = [
        text(12, 24, "Chat requests a second on one core", kind="title"),
        text(12, 42, f"{_about(told)}; longer is better", kind="small"),
    ]
    for number, name in enumerate(order):
        top = TOP + number * ROW
        long = (WIDTH - LEFT - RIGHT) * speeds[name] / most
        ours = name in {SERVE, ASGI}
        parts += [
            text(LEFT - 10, top + 15, NAMES.get(name, name), anchor="end"),
            box(LEFT, top, long, 20, "ours" if ours else "other"),
            text(LEFT + long + 8, top + 15, f"{speeds[name]:,.0f}"),
            text(LEFT, top + 33, DOES if ours else f"without {lacks[name]}", kind="small"),
        ]
    label = "; ".join(f"{NAMES.get(name, name)}: {speeds[name]:,.0f}" for name in order)
    height = TOP + len(order) * ROW + 4
    return picture(WIDTH, height, parts, label=f"Chat requests a second on one core. {label}")


def _about(told: Mapping[str, Any]) -> str:
    about = told["about"]
    return f"RS256 sign-in, JSON body; one process each, no TLS; Python {about['python']}"


if __name__ == "__main__":
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks.json")
    target = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/performance.svg")
    target.write_text(draw(json.loads(source.read_text())))
    print(f"drawn into {target}")
