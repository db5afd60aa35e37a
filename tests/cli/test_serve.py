"""The command as a process: it starts, serves, drains, and says why when it cannot."""

import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import time
import urllib.request
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import config
from tests.support.ports import free_port
from tests.support.tokens import Issuer

SECRET = "cb-key-" + "CANARY"


def written(folder: Path, *, port: int, more: str = "") -> Path:
    file = folder / "gateway.toml"
    vendor = "http://127.0.0.1:9"
    text = config.chatbase(vendor, Issuer(), store=folder / "gateway.db", key=SECRET)
    server = f'\n[server]\nlisten = "127.0.0.1:{port}"\ndrain_delay = "0s"\n'
    file.write_text(text + server + more)
    return file


GATEWAY = ("-m", "gateway")
# A pipe stands for a file on a disk that is gone: it is read as any other.
READS_PIPES = """
from gateway.cli.main import main
from gateway.config import include
include.refuse_pipe = lambda file: None
main()
"""

# SIGHUP while the configuration is read, which is before anything serves.
HANGS_UP = """
import os, signal, sys
from gateway.__main__ import main
from gateway.config import load

def hang_up(*given, really=load.load, **named):
    os.kill(os.getpid(), signal.SIGHUP)
    return really(*given, **named)

load.load = hang_up
main()
"""


def command(*words: str, by: tuple[str, str] = GATEWAY) -> list[str]:
    return [sys.executable, *by, "serve", *words]


@contextmanager
def serving(
    file: Path, *words: str, by: tuple[str, str] = GATEWAY
) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        command("--config", str(file), *words, by=by), stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_ready(process: "subprocess.Popen[str]") -> list[str]:
    """The lines of the log up to the one that says it listens."""
    lines = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if "listening on" in line:
            return lines
    raise AssertionError("".join(lines))


def get(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return int(answer.status)


def test_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port = free_port()
    with serving(written(tmp_path, port=port)) as process:
        said = "".join(until_ready(process))
        assert f'"listening on http://127.0.0.1:{port}"' in said
        assert said.count("upstreams.support.key: is written out here") == 1
        assert " note " not in said
        assert get(port, "/livez") == 200
        assert get(port, "/readyz") == 200
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        assert process.returncode == 0, log
        assert SECRET not in log


def test_ends_though_a_file_is_being_read_that_has_no_end(tmp_path: Path) -> None:
    """RF-22."""
    port, more = free_port(), tmp_path / "more.toml"
    more.touch()
    file = written(tmp_path, port=port)
    file.write_text('include = ["more.toml"]\n' + file.read_text())
    with serving(file, by=("-c", READS_PIPES)) as process:
        until_ready(process)
        assert get(port, "/readyz") == 200
        more.unlink()
        os.mkfifo(more)
        process.send_signal(signal.SIGHUP)
        writer = beginning_to_write(more)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        os.close(writer)
        assert process.returncode == 0, log


def beginning_to_write(pipe: Path) -> int:
    """The other end of a pipe, once somebody has opened it to read."""
    end = time.monotonic() + 20
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_logs_one_json_line_an_exchange_and_no_secret(tmp_path: Path) -> None:
    port = free_port()
    with serving(written(tmp_path, port=port)) as process:
        until_ready(process)
        token = Issuer().token("alice@example.com", algorithm="HS256")
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/support/api/v2/agents/agent_1/chat?x=QUERY-CANARY",
            data=b'{"message":"BODY-CANARY"}',
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310
        assert caught.value.code == 502
        caught.value.close()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    exchange = [json.loads(line) for line in log.splitlines() if '"exchange"' in line]
    assert [line["code"] for line in exchange] == ["upstream_unreachable"]
    assert [line["reason"] for line in exchange] == ["connection_refused"]
    for canary in ("CANARY", token, "alice@example.com"):
        assert canary not in log


PIPE_HOLDS = 65_536  # bytes, Linux


def test_a_log_that_nobody_reads_holds_nobody_up_rf_45(tmp_path: Path) -> None:
    port = free_port()
    with serving(written(tmp_path, port=port)) as process:
        until_ready(process)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for _ in range(1000):  # each a line of more than a hundred bytes
            client.request("GET", "/support/api/v2/nowhere")
            answer = client.getresponse()
            answer.read()
            assert answer.status == 404
        waiting, end = array("i", [0]), time.monotonic() + 20
        while waiting[0] <= PIPE_HOLDS / 2:  # it is full, but for what is less than a page
            assert time.monotonic() < end
            assert process.stderr is not None
            fcntl.ioctl(process.stderr, termios.FIONREAD, waiting)
        client.close()
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert process.returncode == 0


def test_an_option_goes_before_the_file(tmp_path: Path) -> None:
    port = free_port()
    with serving(written(tmp_path, port=1), "--listen", f"127.0.0.1:{port}") as process:
        until_ready(process)
        assert get(port, "/livez") == 200


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        pytest.param("port", 1, ": Address already in use\n", id="the port is taken"),
        pytest.param("store", 1, "gateway.db", id="the store is no database"),
        pytest.param("config", 78, "sign_in.audience", id="a mistake in the configuration"),
        pytest.param("missing", 78, "nowhere.toml", id="no configuration"),
    ],
)
def test_says_why_it_cannot_start(tmp_path: Path, spoil: str, code: int, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if spoil == "port" else free_port()
        file = written(tmp_path, port=port)
        if spoil == "store":
            (tmp_path / "gateway.db").write_text("this is no database" * 100)
        if spoil == "config":
            file.write_text(file.read_text().replace('audience = "chat"', ""))
        if spoil == "missing":
            file = tmp_path / "nowhere.toml"
        done = subprocess.run(
            command("--config", str(file)), capture_output=True, text=True, timeout=30
        )
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


def test_a_hang_up_reloads(tmp_path: Path) -> None:
    port = free_port()
    file = written(tmp_path, port=port)
    with serving(file) as process:
        until_ready(process)
        assert get(port, "/livez") == 200
        changed = file.read_text().replace("[sign_in]", '[sign_in]\nleeway = "5s"')
        for text, says in ((changed, "reloaded: 1 orgs"), ("nonsense", "not reloaded: ")):
            file.write_text(text)
            os.kill(process.pid, signal.SIGHUP)
            assert process.stderr is not None
            assert any(says in line for line in process.stderr)
            assert get(port, "/livez") == 200
        assert process.poll() is None


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hang_up_before_it_serves_kills_nobody_and_is_heard_then(
    workers: str, tmp_path: Path
) -> None:
    port = free_port()
    with serving(
        written(tmp_path, port=port), "--workers", workers, by=("-c", HANGS_UP)
    ) as process:
        until_ready(process)
        assert process.stderr is not None
        assert any("reloaded: 1 orgs" in line for line in process.stderr)
        assert get(port, "/livez") == 200
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_systemd_is_told_when_it_serves_and_when_it_ends(
    workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with serving(written(tmp_path, port=port), "--workers", workers) as process:
            assert systemd.recv(100) == b"READY=1"
            assert get(port, "/livez") == 200
            process.send_signal(signal.SIGTERM)
            assert systemd.recv(100) == b"STOPPING=1"
            process.communicate(timeout=20)
            assert process.returncode == 0


def test_nobody_need_listen_where_systemd_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    with serving(written(tmp_path, port=port)) as process:
        until_ready(process)
        assert get(port, "/livez") == 200
