"""`gateway demo` as a process."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

PATIENCE = 60.0  # seconds
MAIN = "from gateway.cli.main import main; main()"


@pytest.fixture
def start(tmp_path) -> Iterator:
    started = []

    def run(*arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def printed_until(process: subprocess.Popen, wanted: str) -> str:
    text, deadline = b"", time.monotonic() + PATIENCE
    while not re.search(wanted, text.decode(), re.DOTALL):
        ready, _, _ = select.select([process.stdout], [], [], deadline - time.monotonic())
        assert ready, f"not printed within {PATIENCE} s: {text.decode()}"
        chunk = os.read(process.stdout.fileno(), 65536)
        assert chunk, f"ended without it: {text.decode()}"
        text += chunk
    return text.decode()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_runs_until_told_to_stop_and_leaves_nothing_behind(start, tmp_path, stop):
    process = start("--port", "0", "--no-browser")
    text = printed_until(process, r"-d '.*'\n")
    url = re.search(r"Open  (http://127\.0\.0\.1:\d+)  ", text)[1]
    with urllib.request.urlopen(url) as page:  # noqa: S310 - its scheme is matched above
        assert b"Who is asking" in page.read()
    assert list(tmp_path.iterdir()) != []
    process.send_signal(stop)
    rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert b"Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


def test_says_that_a_port_is_taken_and_takes_the_next(start):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = busy.getsockname()[1]
        text = printed_until(start("--port", str(taken), "--no-browser"), r"Open  http\S+  ")
    assert f"Port {taken} is taken" in text
    assert f"Open  http://127.0.0.1:{taken}  " not in text
