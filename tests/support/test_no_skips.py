"""Under the plugin nothing is skipped quietly, whichever way, in one process or in several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SKIPS = {
    "mark": "@pytest.mark.skip(reason='no x')\ndef test_a(): pass",
    "condition": "@pytest.mark.skipif(True, reason='no x')\ndef test_a(): pass",
    "call": "def test_a(): pytest.skip('no x')",
    "fixture": "@pytest.fixture\ndef x(): pytest.skip('no x')\ndef test_a(x): pass",
}
SKIPS_OF_MODULES = {
    "module": "pytest.skip('no x', allow_module_level=True)",
    "import": "pytest.importorskip('no_x')",
}
OTHERS = {
    "passes": "def test_a(): pass",
    "expected": "@pytest.mark.xfail\ndef test_a(): assert False",
}


def run(folder: Path, *arguments: str) -> str:
    """What pytest says about a folder with one file for each of the above."""
    for name, source in (SKIPS | SKIPS_OF_MODULES | OTHERS).items():
        folder.joinpath(f"test_{name}.py").write_text(f"import pytest\n{source}\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, folder]
    # Nothing of the run that this one is part of: its options, its workers.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command, cwd=ROOT, env=own, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize("processes", ["0", "1"])
def test_every_skip_fails_and_nothing_else(tmp_path: Path, processes: str):
    said = run(
        tmp_path, "-p", "tests.support.no_skips", "-n", processes, "--continue-on-collection-errors"
    )
    assert "1 failed, 1 passed, 1 xfailed, 5 errors" in said
    assert said.count("skipped, where nothing may be: ") >= 6


def test_without_it_skips_are_skips(tmp_path: Path):
    assert "1 passed, 6 skipped, 1 xfailed" in run(tmp_path)
