"""Where a request's time goes, as a picture: `python -m benchmarks.flames [--svg docs/flames.svg]`.

py-spy (`pip install py-spy`) looks at the loop of `gateway serve` five hundred times a second while
it answers chats. What is below was called by what is above; what is done in C, the kernel's work
among it, counts for who called it.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks import kernel, load
from benchmarks.drawing import box, picture, text
from benchmarks.parts import LIBRARIES, PARTS, part_of
from benchmarks.peers.gateway import gateway
from benchmarks.scenes import QUICK, Ground, conversing, ground
from benchmarks.tables import table

SECONDS = 15
OFTEN = 500  # looks a second
WIDTH, ROW, TOP = 1100.0, 17.0, 62.0
LEAST = 0.004  # of all, to be drawn
LETTER = 6.0  # px of a small one
THREAD = "Thread._bootstrap "
# All above the last of these is the same in each stack; what has nothing below it is the loop.
LOOP = ("Runner.run ", "Loop.run_until_complete ", "run (uvloop")


@dataclass
class Frame:
    """A function as called in one place, and how often it was seen there."""

    name: str
    seen: int = 0
    below: dict[str, "Frame"] = field(default_factory=dict)

    def add(self, stack: list[str], seen: int) -> None:
        frame = self
        frame.seen += seen
        for name in stack:
            frame = frame.below.setdefault(name, Frame(name))
            frame.seen += seen


def stacks(raw: str) -> Counter[tuple[str, ...]]:
    """py-spy's lines, `a (file);b (file) 12`, each from what the loop called; no other thread's."""
    found: Counter[tuple[str, ...]] = Counter()
    for line in raw.splitlines():
        names, _, seen = line.rpartition(" ")
        stack = names.split(";")
        if not any(name.startswith(THREAD) for name in stack):
            starts = [place for place, name in enumerate(stack) if name.startswith(LOOP)]
            found[tuple(stack[max(starts, default=-1) + 1 :]) or ("the loop",)] += int(seen)
    return found


def draw(found: Counter[tuple[str, ...]]) -> str:
    root = Frame("all")
    for stack, seen in found.items():
        root.add(list(stack), seen)
    parts: list[str] = []
    deepest = _draw(root, 0.0, TOP, WIDTH / root.seen, root.seen * LEAST, parts)
    names = list(PARTS)
    hues = range(0, 360, 360 // (len(names) - 1))
    colours = "".join(
        f".p{number} {{ fill: hsl({hue} 60% 74%); }}\n" for number, hue in enumerate(hues)
    )
    colours += f".p{names.index(LIBRARIES)} {{ fill: #bcc4cd; }}\n"
    legend = [text(4, 18, "Where the time of a request goes: what is below was called from above")]
    for number, name in enumerate(names):
        x = 4 + number % 6 * (WIDTH / 6)
        y = 26 + number // 6 * 16
        legend += [
            box(x, y, 10, 10, f"p{number}"),
            text(x + 14, y + 9, name, kind="small"),
        ]
    more = colours + ".frame { font-size: 10px; fill: #1f2328; }"
    label = "A flame graph of gateway serve under load"
    return picture(WIDTH, deepest + ROW + 4, [*legend, *parts], label=label, more=more)


def _draw(
    frame: Frame, left: float, top: float, scale: float, least: float, parts: list[str]
) -> float:
    """Draws what is below; gives how deep it came."""
    deepest = top
    for one in sorted(frame.below.values(), key=lambda one: -one.seen):
        wide = one.seen * scale
        if one.seen >= least:
            kind = f"p{list(PARTS).index(part_of([one.name]))}"
            short = one.name.partition(" (")[0][: int((wide - 4) / LETTER)]
            within = text(left + 3, top + 12, short, kind="frame") if len(short) > 2 else ""
            parts.append(box(left, top, wide - 0.5, ROW - 1, kind, title=one.name, within=within))
            deepest = max(deepest, _draw(one, left, top + ROW, scale, least, parts), top)
        left += wide
    return deepest


async def look(there: Ground, spy: str, file: Path) -> float:
    """Ask until py-spy has seen enough; how much of all CPU time was beside the loop, 0 to 1."""
    (peer,) = there.peers
    requests = await conversing(there, peer)
    await load.ask_all(peer.port, requests, connections=64, times=2000)
    command = [spy, "record", "--pid", str(peer.pid), "--output", str(file), "--function"]
    command += ["--format", "raw", "--rate", str(OFTEN), "--duration", str(SECONDS)]
    looking = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    over = asyncio.create_task(looking.communicate())
    all_before, loop_before = kernel.cpu_alone(peer.pid), kernel.cpu_of_first_thread(peer.pid)
    while not over.done():
        await load.ask_all(peer.port, requests, connections=64, times=1000)
    used = kernel.cpu_alone(peer.pid) - all_before
    loop = kernel.cpu_of_first_thread(peer.pid) - loop_before
    _, said = await over
    if looking.returncode:
        sys.exit(f"py-spy: {said.decode()}")
    return 1 - loop / used


def show(found: Counter[tuple[str, ...]]) -> None:
    shares = Counter[str]()
    for stack, seen in found.items():
        shares[part_of(stack)] += seen
    rows = [(name, f"{seen / found.total():.0%}") for name, seen in shares.most_common()]
    table("Where the time of a request goes", ("", "of the loop"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flames", description=__doc__)
    parser.add_argument("--svg", type=Path, default=Path("docs/flames.svg"))
    given = parser.parse_args()
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{sys.exec_prefix}/bin")
    if spy is None:
        sys.exit("py-spy is not there: pip install py-spy")
    kernel.raise_descriptors()
    with tempfile.TemporaryDirectory(prefix="gateway-benchmarks-") as name:
        file = Path(name) / "raw"
        with ground(Path(name) / "peers", QUICK, [gateway]) as there:
            beside = uvloop.run(look(there, spy, file))
        found = stacks(file.read_text())
    show(found)
    print(
        f"\nThe threads beside the loop, which write rows and log lines, used {beside:.0%} of all."
    )
    given.svg.write_text(draw(found))
    print(f"\ndrawn into {given.svg}")


if __name__ == "__main__":
    main()
