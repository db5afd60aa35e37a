"""`gateway serve`, which says on SIGUSR1 what it holds, into the file that HOLDS names.

python -m benchmarks.peers.observed --config FILE
"""

import asyncio
import ctypes
import gc
import json
import os
import re
import signal
import sys
import tempfile
import threading
from pathlib import Path

from gateway.cli.serve import command

HOLDS = "GATEWAY_BENCHMARK_HOLDS"


def room() -> int:
    """Bytes that Python's allocator keeps and nothing stands in.

    It takes a MiB at a time from the system, and gives one back once nothing at all is left in it.
    `sys._debugmallocstats` knows, and tells nobody but the process' standard error.
    """
    with tempfile.TemporaryFile() as told:
        kept = os.dup(2)
        os.dup2(told.fileno(), 2)
        try:
            sys._debugmallocstats()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        told.seek(0)
        text = told.read().decode()
    return sum(
        int(re.findall(rf"^.*{name} .*= +([0-9,]+)$", text, re.MULTILINE)[0].replace(",", ""))
        for name in ("in available blocks", "unused pools")
    )


def say(number: int, frame: object) -> None:
    """After a full round of the collector; what is free goes back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    sqlite = ctypes.CDLL("libsqlite3.so.0")
    sqlite.sqlite3_memory_used.restype = ctypes.c_int64
    held = {
        "sqlite": sqlite.sqlite3_memory_used(),
        "room": room(),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "blocks": sys.getallocatedblocks(),  # of all objects, also those the collector leaves out
    }
    file = Path(os.environ[HOLDS])
    made = file.with_suffix(".new")
    made.write_text(json.dumps(held))
    made.replace(file)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, say)
    command(Path(sys.argv[-1]), None)
