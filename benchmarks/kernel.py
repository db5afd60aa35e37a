"""What the kernel knows of a process and of the machine: CPU, memory, and who else is busy."""

import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
NOISY = 0.15  # of all CPU time, used by others
DESCRIPTORS = 1 << 16  # ten thousand streams are twenty thousand, in one process
ESTABLISHED = "01"
OPEN = frozenset({ESTABLISHED, "08"})  # and TCP_CLOSE_WAIT
_SCHEDULED = 2  # CPUCLOCK_SCHED: what the scheduler counted, in ns


def tree(pid: int) -> list[int]:
    """The process and those below it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            with suppress(OSError):  # a thread that has just ended
                found += map(int, (task / "children").read_text().split())
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU of a process and those below it that live, all their threads."""
    return sum(map(cpu_alone, tree(pid)))


def cpu_alone(pid: int) -> float:
    """Seconds of CPU of one process, by its own clock: /proc/PID/stat counts by 10 ms.

    The clock's number is that of clock_getcpuclockid(3), which Python does not have.
    """
    return time.clock_gettime((~pid << 3) | _SCHEDULED)


def cpu_of_first_thread(pid: int) -> float:
    """Seconds of CPU of the thread that a process began with: where a loop runs."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def pss(pid: int) -> int:
    """Bytes of memory, what is shared counted in parts (proportional set size)."""
    total = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def connections(port: int) -> int:
    """Open connections of clients to a port of this machine."""
    wanted, found = f":{port:04X}", 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, state, *_ = line.split()
        found += remote.endswith(wanted) and state in OPEN
    return found


def accepted(pid: int, port: int) -> int:
    """Connections that a process holds, of clients who have not left, at a port of its."""
    wanted, found = f":{port:04X}", set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        if local.endswith(wanted) and state == ESTABLISHED:
            found.add(f"socket:[{rest[5]}]")
    held = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it has just been closed
            held += os.readlink(one) in found
    return held


def raise_descriptors() -> int:
    """Let this process, and those it starts, have as many as it may; and how many those are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < DESCRIPTORS:
        with suppress(ValueError, OSError):  # for root alone
            resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
            return DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@dataclass
class Watch:
    """What happened in between. `others`: how much of all CPU time others used, 0 to 1."""

    cpu: float = 0.0  # seconds, of the one process
    seconds: float = 0.0
    others: float = 0.0


@contextmanager
def watched(pid: int, all_ours: Sequence[int]) -> Iterator[Watch]:
    """Watch one process, among all that are ours beside this one."""
    watch, cpu_before, began = Watch(), cpu(pid), time.monotonic()
    before, ours_before = _busy(), _ours(all_ours)
    yield watch
    watch.cpu, watch.seconds = cpu(pid) - cpu_before, time.monotonic() - began
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
    """Keep a process, and those below it, with the threads that they have, on these cores."""
    for one in tree(pid):
        for task in Path(f"/proc/{one}/task").iterdir():
            with suppress(OSError):
                os.sched_setaffinity(int(task.name), cores)
