"""What may take how long, of an exchange with an upstream."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """How long each thing may take, in seconds."""

    connect: float  # name, TCP and TLS together
    write: float  # for each slice of a large request
    first_byte: float  # request sent → whole head, however slowly it drips
    idle: float  # between two reads of the body
    keepalive: float  # between two exchanges
    max_age: float  # of a connection: the name may mean another address by now
