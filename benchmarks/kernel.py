"""What the kernel knows of a process and of the machine: CPU, memory, and who else is busy."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
NOISY = 0.15  # of all CPU time, used by others


def _of_tree(pid: int) -> list[int]:
    """The process and those below it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU of a process and its children, those that have ended among them.

    The kernel tells them in ticks of 10 ms: measure a second at least.
    """
    total = 0
    for one in _of_tree(pid):
        stat = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, stat[11:15]))
    return total / TICKS


def pss(pid: int) -> int:
    """Bytes of memory, what is shared counted in parts (proportional set size)."""
    total = 0
    for one in _of_tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


@dataclass
class Watch:
    """What happened in between. `others`: how much of all CPU time others used, 0 to 1."""

    cpu: float = 0.0  # seconds, of the one process
    others: float = 0.0


@contextmanager
def watched(pid: int, all_ours: Sequence[int]) -> Iterator[Watch]:
    """Watch one process, among all that are ours beside this one."""
    watch, cpu_before = Watch(), cpu(pid)
    before, ours_before = _busy(), _ours(all_ours)
    yield watch
    watch.cpu = cpu(pid) - cpu_before
    busy, total = (now - then for now, then in zip(_busy(), before, strict=True))
    watch.others = max(0.0, (busy - (_ours(all_ours) - ours_before)) / max(total, 1 / TICKS))


def _ours(pids: Sequence[int]) -> float:
    return sum(map(cpu, pids)) + time.process_time()


def _busy() -> tuple[float, float]:
    """Seconds all CPUs were busy, and seconds there were."""
    fields = [int(one) for one in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / TICKS, sum(fields) / TICKS


def pin(pid: int, cores: set[int]) -> None:
    """Keep a process, with the threads that it has, on these cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)
