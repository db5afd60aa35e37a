"""What systemd hears; tests/cli/test_serve.py shows when."""

import socket
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.net.process import systemd


@pytest.fixture
def listening() -> "socket.socket":
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


@pytest.mark.parametrize("kind", ["a file", "abstract"])
def test_it_hears_where_it_listens(
    kind: str, listening: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{tmp_path}/notify" if kind == "a file" else f"@{uuid4().hex}"
    with listening:
        listening.bind(name.replace("@", "\0"))
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        systemd.tell(systemd.READY)
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("name", ["", "vsock:2:1234", "/nowhere/notify", "/" + "x" * 300])
def test_nobody_there_is_no_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    systemd.tell(systemd.READY)


def test_one_who_does_not_listen_holds_up_nobody(
    listening: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening:
        listening.bind(f"{tmp_path}/notify")
        monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/notify")
        for _ in range(10_000):
            systemd.tell(systemd.READY)
