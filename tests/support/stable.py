"""Starts `gateway serve` fifty times in the time of ten: python -m tests.support.stable.

Reads the words of a command a line, forks, and runs it in the child as the command itself would,
with everything imported already; prints the child's process id. A child is killed like any other.
"""

import os
import signal
import sys
from importlib import import_module

from gateway.cli.main import main

for module in ("gateway.app", "gateway.cli.serve", "gateway.net.server", "uvloop"):
    import_module(module)

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sys.argv = ["gateway", *line.split("\t")]
        sys.argv[-1] = sys.argv[-1].rstrip("\n")
        main()
        sys.exit(0)
    sys.stdout.write(f"{child}\n")
    sys.stdout.flush()
