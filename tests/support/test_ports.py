import errno
import socket

import pytest

from tests.support.ports import free_port


def test_who_names_a_port_listens_at_it_again_and_again() -> None:
    port = free_port()
    for _ in range(2):
        with (
            socket.create_server(("127.0.0.1", port)) as listener,
            socket.create_connection(("127.0.0.1", port)),
        ):
            listener.accept()[0].close()


def test_until_then_it_refuses() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port())).close()


def test_it_is_given_to_nobody_who_does_not_name_it() -> None:
    """As who asks for any port must not be: all of them set no option then, or SO_REUSEADDR."""
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use") as refused:
        other.bind(("127.0.0.1", port))
    assert refused.value.errno == errno.EADDRINUSE
