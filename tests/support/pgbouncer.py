"""PgBouncer in transaction mode before a server: two clients may have one session in turn."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.support.ports import free_port
from tests.support.postgres import who

MISSING = "sudo apt-get install pgbouncer"
SESSIONS = 2  # of the server, for all clients
PATIENCE = 20.0  # seconds
CONFIGURED = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
server_check_delay = 0
server_login_retry = 1
"""


def found() -> str | None:
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """The URL by way of a PgBouncer of its own."""
    program, to, listen = found(), urlsplit(url), free_port()
    assert program is not None
    folder = Path(tempfile.mkdtemp(prefix="gateway-pgbouncer-"))
    folder.chmod(0o755)
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURED.format(
            host=to.hostname, port=to.port, user=to.username, listen=listen, sessions=SESSIONS
        )
    )
    log = (folder / "log").open("w+b")
    process = subprocess.Popen([program, file], stdout=log, stderr=log, cwd=folder, **who())
    try:
        by_way = to._replace(netloc=f"{to.username}@127.0.0.1:{listen}").geturl()
        _wait(by_way, process, folder / "log")
        yield by_way
    finally:
        process.kill()
        process.wait()
        log.close()
        shutil.rmtree(folder)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        else:
            return
