"""Several processes at one socket, as `gateway serve --workers 2` runs them, by signals."""

import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.test_serve import command, written
from tests.support.ports import free_port
from tests.support.tokens import Issuer

PATIENCE = 60.0  # seconds
TOKEN = "token-of-operators-for-tests-only"


@dataclass
class Served:
    """The parent, and what it and its workers log."""

    process: "subprocess.Popen[str]"
    port: int
    log: Path

    @property
    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def get(self, path: str = "/livez", *, port: int | None = None) -> bytes:
        """Raises: OSError, where nobody answers."""
        asked = urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}")
        asked.add_header("Authorization", f"Bearer {TOKEN}")
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310
            return bytes(answer.read())

    def answers(self) -> bool:
        try:
            return self.get() == b'{"status":"alive"}'
        except (OSError, http.client.HTTPException):  # cut off: an answer that is none
            return False

    def ends(self) -> int:
        return self.process.wait(PATIENCE)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@contextmanager
def workers(
    folder: Path, number: int = 2, *, more: str = "", delay: str = "0s", told: int | None = None
) -> Iterator[Served]:
    """`told` is where they log; None: to a file."""
    port = free_port()
    file = written(folder, port=port, more=more)
    file.write_text(file.read_text().replace('drain_delay = "0s"', f'drain_delay = "{delay}"'))
    log = folder / "log"
    with log.open("w") as opened:
        words = command("--config", str(file), "--workers", str(number))
        process = subprocess.Popen(words, stderr=opened if told is None else told, text=True)
    served = Served(process, port, log)
    known: set[int] = set()
    try:
        until(lambda: served.answers() or process.poll() is not None)
        known.update(served.workers if process.poll() is None else ())
        yield served
    finally:
        if process.poll() is None:
            known.update(served.workers)
            process.kill()
        process.wait()
        for pid in known:
            until(lambda pid=pid: not is_there(pid))  # type: ignore[misc]


def test_as_many_as_were_asked_for_serve(tmp_path: Path) -> None:
    with workers(tmp_path, 3) as served:
        until(lambda: served.log.read_text().count("listening on") >= 3)
        assert len(served.workers) == 3


def test_one_that_is_killed_is_followed_by_another_and_nobody_notices(tmp_path: Path) -> None:
    """RF-23."""
    with workers(tmp_path) as served:
        failed, done = [], threading.Event()

        def ask() -> None:
            while not done.is_set():
                if not served.answers():
                    failed.append(1)

        asking = [threading.Thread(target=ask) for _ in range(2)]
        for one in asking:
            one.start()
        for _ in range(3):
            before = served.workers
            os.kill(before[0], signal.SIGKILL)
            until(lambda before=before: len(set(served.workers) - {before[0]}) == 2)  # type: ignore[misc]
            until(lambda: served.log.read_text().count("listening on") >= 2)
            time.sleep(0.1)  # some requests by both
        done.set()
        for one in asking:
            one.join()
        # A request may be under way in the one that is killed: one for each kill and client.
        assert len(failed) <= 6
        assert "ended by signal 9: another takes its place" in served.log.read_text()


def test_a_log_that_nobody_reads_holds_up_nobody(tmp_path: Path) -> None:
    """RF-45, of the parent, which may not wait for it either."""
    reader, writer = os.pipe()
    try:
        with workers(tmp_path, told=writer) as served:
            until(lambda: len(served.workers) == 2)
            os.set_blocking(writer, False)
            with suppress(BlockingIOError):
                while True:
                    os.write(writer, b"\n")
            os.set_blocking(writer, True)
            first = served.workers[0]
            os.kill(first, signal.SIGKILL)
            until(lambda: len(set(served.workers) - {first}) == 2)
            assert served.answers()
            served.process.terminate()
            assert served.ends() == 0
    finally:
        os.close(reader)
        os.close(writer)


def test_one_that_cannot_be_made_is_made_later(tmp_path: Path) -> None:
    with workers(tmp_path) as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        parent, first = served.process.pid, served.workers[0]
        allowed = resource.prlimit(parent, resource.RLIMIT_NOFILE)
        resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, allowed[1]))
        os.kill(first, signal.SIGKILL)
        until(lambda: "a worker cannot be made: Too many open files" in served.log.read_text())
        assert served.answers()
        resource.prlimit(parent, resource.RLIMIT_NOFILE, allowed)
        until(lambda: served.log.read_text().count("listening on") >= 3)
        assert len(served.workers) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_in_good_order(number: int, tmp_path: Path) -> None:
    with workers(tmp_path) as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        pids = served.workers
        served.process.send_signal(number)
        assert served.ends() == 0
        assert not any(map(is_there, pids))
        assert served.log.read_text().count("draining") == 2


def test_a_signal_to_each_process_is_one_and_hurries_nobody(tmp_path: Path) -> None:
    """A terminal and systemd send theirs to all; a second one would end running answers."""
    with workers(tmp_path, delay="2s") as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        began = time.monotonic()
        for pid in (*served.workers, served.process.pid):
            os.kill(pid, signal.SIGTERM)
        assert served.ends() == 0
        assert time.monotonic() - began >= 2


def test_a_second_signal_hurries(tmp_path: Path) -> None:
    with workers(tmp_path, delay="60s") as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        served.process.send_signal(signal.SIGTERM)
        until(lambda: served.log.read_text().count("draining") == 2)
        served.process.send_signal(signal.SIGTERM)
        assert served.ends() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_without_end_change_no_exit_code(number: int, tmp_path: Path) -> None:
    """Those that come between its last worker's end and its own, too."""
    with workers(tmp_path) as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        served.process.terminate()
        until(lambda: served.log.read_text().count("draining") == 2)
        while served.process.poll() is None:
            served.process.send_signal(number)
        assert served.ends() == 0
        assert "Traceback" not in served.log.read_text()


HANGS = """
import time
from gateway.net.process import workers
from gateway.telemetry import log

def hang(control):
    control.started()
    while True:
        time.sleep(60)

workers.SLACK = 0.5
with log.at_once():
    raise SystemExit(workers.Workers(2, hang, drain=DRAIN).run())
"""


@pytest.mark.parametrize(("drain", "hurried"), [(0.5, False), (60, True)], ids=["late", "hurried"])
def test_one_that_hangs_is_killed_once_its_time_is_up(drain: float, hurried: bool) -> None:
    script = HANGS.replace("DRAIN", str(drain))
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) as parent:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        until(lambda: len(children.read_text().split()) == 2)
        pids = [int(pid) for pid in children.read_text().split()]
        began = time.monotonic()
        parent.terminate()
        while hurried and parent.poll() is None:
            time.sleep(0.1)  # two at once are one to the kernel
            parent.terminate()
        _, told = parent.communicate(timeout=PATIENCE)
        assert time.monotonic() - began >= (0.5 if hurried else 1.0)
    assert parent.returncode == 0
    for pid in pids:
        assert not is_there(pid)
        assert f"worker {pid} does not end: it is killed".encode() in told


def test_all_reload(tmp_path: Path) -> None:
    with workers(tmp_path) as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        file = tmp_path / "gateway.toml"
        file.write_text(file.read_text().replace("[sign_in]", '[sign_in]\nleeway = "5s"'))
        served.process.send_signal(signal.SIGHUP)
        until(lambda: served.log.read_text().count("reloaded: 1 orgs") == 2)
        for number, text in enumerate(("nonsense", "a = " + "[" * 100_000), 1):
            file.write_text(text)
            served.process.send_signal(signal.SIGHUP)
            until(
                lambda number=number: served.log.read_text().count("not reloaded: ") == 2 * number
            )  # type: ignore[misc]
        os.kill(served.workers[0], signal.SIGKILL)  # the next one begins with what was good
        until(lambda: served.log.read_text().count("listening on") >= 3)
        assert served.answers()


def held(pid: int) -> set[str]:
    """The sockets a process has open."""
    found = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed by now
            found.add(os.readlink(one))
    return {one for one in found if one.startswith("socket:")}


def test_connections_are_shared_by_all(tmp_path: Path) -> None:
    """Whoever is first to be there would take most of them: of 64, one worker took 63."""
    with workers(tmp_path) as served, ExitStack() as stack:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        before = {pid: held(pid) for pid in served.workers}

        def asked_once_more() -> list[int]:
            client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
            stack.callback(client.close)
            client.request("GET", "/livez")
            client.getresponse().read()
            return [len(held(pid) - then) for pid, then in before.items()]

        until(lambda: min(asked_once_more()) >= 20)  # the second may begin later
        each = [asked_once_more() for _ in range(20)][-1]
        assert max(each) <= 2 * min(each)


def test_no_request_fails_while_all_reload_ten_times(tmp_path: Path) -> None:
    """RF-25, over several processes."""
    with workers(tmp_path) as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        token = {"Authorization": f"Bearer {Issuer().token('alice', algorithm='HS256')}"}
        told: list[int] = []
        done = threading.Event()

        def ask() -> None:
            client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
            while not done.is_set():
                try:
                    client.request("GET", "/_gateway/whoami", headers=token)
                    answer = client.getresponse()
                    answer.read()
                    told.append(answer.status)
                except (OSError, http.client.HTTPException):
                    told.append(0)
            client.close()

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for one in asking:
            one.start()
        file = tmp_path / "gateway.toml"
        text = file.read_text()
        for number in range(1, 11):
            began = len(told)
            file.write_text(text.replace("[sign_in]", f'[sign_in]\nleeway = "{number}s"'))
            served.process.send_signal(signal.SIGHUP)
            until(
                lambda number=number: (  # type: ignore[misc]
                    served.log.read_text().count("reloaded: 1 orgs") == 2 * number
                )
            )
            until(lambda began=began: len(told) > began)  # type: ignore[misc]
        done.set()
        for one in asking:
            one.join()
        assert set(told) == {200}


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with workers(tmp_path) as served:
        pids = served.workers  # of which one may be on its way only
        served.process.kill()
        served.process.wait()
        until(lambda: not any(map(is_there, pids)))


def test_what_cannot_start_ends_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_text("this is no database" * 100)
    with workers(tmp_path) as served:
        assert served.ends() == 1
        assert "did not start" in served.log.read_text()


def test_metrics_are_those_of_all(tmp_path: Path) -> None:
    admin = free_port()
    more = f'[admin]\nlisten = "127.0.0.1:{admin}"\ntoken = "{TOKEN}"\n'
    with workers(tmp_path, more=more) as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)
        url = f"http://127.0.0.1:{served.port}/_gateway/whoami"
        for _ in range(60):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(url, timeout=5)
        line = 'gateway_auth_failures_total{reason="credentials_missing"} '
        # An exchange is counted once its answer has gone.
        until(lambda: line + "60.0" in served.get("/metrics", port=admin).decode())
        for _ in range(10):  # whichever answers
            told = served.get("/metrics", port=admin).decode()
            assert line + "60.0" in told
        assert "gateway_config_last_reload_successful 1.0" in told
        assert "gateway_streams_in_progress 0.0" in told
        first = served.workers[0]
        os.kill(first, signal.SIGKILL)
        until(lambda: first not in served.workers and len(served.workers) == 2)
        assert line + "60.0" in served.get("/metrics", port=admin).decode()


def test_exchanges_are_counted_by_all_within_a_second_and_stay_when_a_worker_ends(
    tmp_path: Path,
) -> None:
    admin = free_port()
    more = f'[admin]\nlisten = "127.0.0.1:{admin}"\ntoken = "{TOKEN}"\n'
    with workers(tmp_path, more=more) as served:
        until(lambda: served.log.read_text().count("listening on") >= 2)

        url = f"http://127.0.0.1:{served.port}/_gateway/whoami"
        for _ in range(30):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(url, timeout=5)

        def counted() -> float:
            told = served.get("/metrics", port=admin).decode().splitlines()
            found = [line for line in told if line.startswith("gateway_requests_total")]
            return sum(float(line.rpartition(" ")[2]) for line in found)

        until(lambda: counted() == 30)
        first = served.workers[0]
        os.kill(first, signal.SIGKILL)
        until(lambda: first not in served.workers and len(served.workers) == 2)
        assert counted() == 30


def test_a_socket_that_is_passed_outlives_the_process(tmp_path: Path) -> None:
    """As systemd does it, sd_listen_fds(3): no connection is refused between two processes."""
    file = written(tmp_path, port=free_port())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/livez"
        for _ in range(2):
            with passing(listener, file) as process:
                with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                    assert answer.status == 200
                process.terminate()
                assert process.wait(PATIENCE) == 0
            with socket.create_connection(listener.getsockname(), timeout=5):
                pass  # in between the kernel keeps who comes


@contextmanager
def passing(listener: socket.socket, file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    script = 'exec env LISTEN_PID=$$ LISTEN_FDS=1 "$@" 3<&"$FROM"'
    process = subprocess.Popen(
        ["/bin/bash", "-c", script, "bash", *command("--config", str(file))],
        pass_fds=[listener.fileno()],
        env={**os.environ, "FROM": str(listener.fileno())},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
