"""Starts `gateway serve` fifty times in the time of ten: it forks what has imported all already.

    stable = Stable()
    pid = stable.start(["serve", "--config", str(file)], log=folder / "log")
    stable.close()

The other side of the pipe is this module as a command: it reads a line of JSON for each process,
forks, runs the words in the child as the command itself would, and prints the child's id. A child
is killed like any other. Its id stays its own until `forget`, or the end: on a machine with 32,768
of them, one that were free again might be another's by the time somebody sends it a signal.
"""

import json
import os
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

    def forget(self, pid: int) -> None:
        """Let go of the id of a process that has ended."""
        assert not is_alive(pid)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ended": pid}) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def is_alive(pid: int) -> bool:
    """Whether it runs; one that has ended, and is not forgotten yet, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def become(words: list[str], log: str, folder: str, environment: dict[str, str]) -> None:
    """The gateway, in a process that was forked for it."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["gateway", *words]
    from gateway.cli.main import main

    main()


if __name__ == "__main__":
    for module in (
        "gateway.app",
        "gateway.cli.main",
        "gateway.cli.serve",
        "gateway.net.process.server",
    ):
        import_module(module)
    for module in ("uvloop", "psycopg", "gateway.store.postgres", "gateway.limits.shared"):
        import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        if "ended" in asked:
            os.waitpid(asked["ended"], 0)
            continue
        child = os.fork()
        if child == 0:
            become(**asked)
            sys.exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
