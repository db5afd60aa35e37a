"""`gateway serve`, which says on SIGUSR1 what it holds, into the file that HOLDS names.

python -m benchmarks.peers.observed --config FILE
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
import threading
from pathlib import Path

from gateway.cli.serve import command

HOLDS = "GATEWAY_BENCHMARK_HOLDS"


def say(number: int, frame: object) -> None:
    """After a full round of the collector; what is free goes back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    sqlite = ctypes.CDLL("libsqlite3.so.0")
    sqlite.sqlite3_memory_used.restype = ctypes.c_int64
    held = {
        "sqlite": sqlite.sqlite3_memory_used(),
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
