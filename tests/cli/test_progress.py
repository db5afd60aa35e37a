"""A bar where somebody looks, and not a byte where nobody does."""

import os
import pty
import subprocess
import sys

import pytest

EACH = """
from gateway.cli.progress import each
print(list(each([1, 2, 3], "Rows")))
"""
COUNTED = """
from gateway.cli.progress import counted
with counted("Rows") as told:
    told(1, 3)
    told(3, 3)
print([1, 2, 3])
"""
WAYS = pytest.mark.parametrize("program", [EACH, COUNTED], ids=["each", "counted"])


@WAYS
def test_a_file_gets_no_bar(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"[1, 2, 3]\n", b"")


@WAYS
def test_a_terminal_gets_a_bar_beside_what_is_printed(program: str) -> None:
    terminal, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=theirs, timeout=60
        )
        shown = os.read(terminal, 65_536)
    finally:
        os.close(theirs)
        os.close(terminal)
    assert done.stdout == b"[1, 2, 3]\n"
    assert b"Rows" in shown
    assert b"100%" in shown
