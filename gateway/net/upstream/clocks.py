"""What may take how long, of an exchange with an upstream."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """How long each thing may take, in seconds."""

    connect: float = 5.0  # name, TCP and TLS together
    write: float = 15.0  # for each slice of a large request
    first_byte: float = 120.0  # request sent → whole head, however slowly it drips
    idle: float = 120.0  # between two reads of the body
    keepalive: float = 15.0  # between two exchanges
    max_age: float = 300.0  # of a connection: the name may mean another address by now


DEFAULT = Clocks()
