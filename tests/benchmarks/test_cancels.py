"""`python -m benchmarks.cancels` runs, for some seconds, and finds nothing left behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_left_of_clients_that_leave() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cancels", "--minutes", "0.2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    start, middle, end = re.findall(r"^\| (?:start|middle|end) .*", done.stdout, re.MULTILINE)
    gone = [int(row.split("|")[2].replace(",", "")) for row in (start, middle, end)]
    assert gone[0] == 0
    assert gone[2] > gone[1] > 100
