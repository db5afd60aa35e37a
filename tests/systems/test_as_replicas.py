"""A part of the suite once more, with two replicas, a PostgreSQL and a Valkey for every gateway.

    scripts/test --stage=replicas tests/test_promises.py tests/attacks tests/systems

does that with any part of it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import postgres

ROOT = Path(__file__).parents[2]
PARTS = ("tests/test_promises.py", "tests/attacks/test_wallet.py", "tests/test_toolcall.py")
WHICH = "not test_12 and (promises or hundred or starve or together or counts_once)"
FEWEST = 25  # of the tests that are meant


@pytest.mark.one_process("it starts replicas itself")
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_replicas_keep_the_promises_and_the_limits() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--stage=replicas", *PARTS, "-k", WHICH],
        cwd=ROOT,
        env={**os.environ, postgres.GIVEN: postgres.shared(), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= FEWEST, done.stdout[-2000:]
