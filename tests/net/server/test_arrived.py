"""A look into the kernel: what has come, and nobody has read."""

import socket
from collections.abc import Iterator

import pytest

from gateway.net.server.arrived import Arrived


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_nothing_has_come_until_something_has(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    arrived = Arrived()
    assert not arrived.at(ours.fileno())
    theirs.send(b"x")
    assert arrived.at(ours.fileno())
    assert arrived.at(ours.fileno()), "a look takes nothing"
    assert not arrived.at(theirs.fileno())
    ours.recv(1)
    assert not arrived.at(ours.fileno())


@pytest.mark.parametrize("how", ["shut", "closed"])
def test_the_end_has_come_too(pair: tuple[socket.socket, socket.socket], how: str) -> None:
    ours, theirs = pair
    if how == "shut":
        theirs.shutdown(socket.SHUT_WR)
    else:
        theirs.close()
    assert Arrived().at(ours.fileno())
