"""A part of the suite once more, with every vendor asked over HTTP/2.

    scripts/test --stage=http2 tests/attacks tests/systems

does that with any part of it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = (
    "tests/systems/test_recorded_flows.py",
    "tests/attacks/test_honest.py",
    "tests/attacks/test_conversations.py",
    "tests/attacks/test_streams.py",
)
FEWEST = 200  # of the tests that are meant


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_systems_are_answered_and_owned_over_http2_too() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--stage=http2", *PARTS]
    done = subprocess.run(
        [*command, "-k", "not postgresql"],  # which store it is, is no matter of vendors
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "-p tests.support.no_skips"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= FEWEST, done.stdout[-2000:]
