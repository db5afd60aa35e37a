"""Starts `gateway serve` fifty times in the time of ten: it forks what has imported all already.

    stable = Stable()
    pid = stable.start(["serve", "--config", str(file)], log=folder / "log")
    stable.close()

The other side of the pipe is this module as a command: it reads a line of JSON for each process,
forks, runs the words in the child as the command itself would, and prints the child's id. A child
is killed like any other; what is killed is reaped there.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path


class Stable:
    """A process that has imported everything, and forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.stable"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def start(self, words: Sequence[str], *, log: Path | None = None) -> int:
        """Run `gateway` with these words, here and in this environment; its process id."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        asked = {"words": words, "log": os.fspath(log or os.devnull), "folder": os.getcwd()}
        stdin.write(json.dumps({**asked, "environment": dict(os.environ)}) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def become(words: list[str], log: str, folder: str, environment: dict[str, str]) -> None:
    """The gateway, in a process that was forked for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["gateway", *words]
    from gateway.cli.main import main

    main()


if __name__ == "__main__":
    for module in ("gateway.app", "gateway.cli.main", "gateway.cli.serve", "gateway.net.server"):
        import_module(module)
    for module in ("uvloop", "psycopg", "gateway.store.postgres", "gateway.limits.shared"):
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(**json.loads(line))
            sys.exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
