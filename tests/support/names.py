"""A resolver of a test's own, in the place of the process's."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

REAL = socket.getaddrinfo


class Names:
    """What stands in the place of the resolver: names that end in `.silent` are not answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.most = 0
        self.answered = threading.Event()
        self._under_way = 0
        self._lock = threading.Lock()

    def getaddrinfo(self, host: str, port: int, **how: Any) -> Any:
        if how.get("flags"):
            return REAL(host, port, **how)
        with self._lock:
            self.asked.append(host)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            if host.endswith(".silent"):
                assert self.answered.wait(30)
                raise socket.gaierror(socket.EAI_AGAIN, "try again")
            return REAL("127.0.0.1", port, **how)
        finally:
            with self._lock:
                self._under_way -= 1


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.answered.set()
