"""An older version of a library beside the one in the environment, in a folder of its own.

folder = older("openai==2.54.0")     # for PYTHONPATH of a process; installed once an environment
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(sys.prefix) / "older"  # what is compiled is for this interpreter alone
PATIENCE = 300.0  # seconds


def older(requirement: str) -> Path:
    """Where it is, with all it needs; at most one of several test processes installs it."""
    folder = FOLDER / requirement
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".done"
        if not done.exists():
            install = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"]
            subprocess.run(
                [*install, "--disable-pip-version-check", "--target", str(folder), requirement],
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                check=True,
                stdout=subprocess.DEVNULL,
                timeout=PATIENCE,
            )
            done.touch()
    return folder
