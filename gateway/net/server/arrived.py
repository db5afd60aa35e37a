"""What the kernel has of a connection, and the loop has not read yet.

Between two turns of the loop an upstream may say goodbye, or what nobody asked for: whoever sends a
request without a look sends it to nobody, or takes for its answer what was there before.
"""

import select


class Arrived:
    """Looks at one descriptor at a time."""

    __slots__ = ("_poll",)

    def __init__(self) -> None:
        self._poll = select.poll()  # making one costs as much as the look: 0.6 µs

    def at(self, descriptor: int) -> bool:
        """Whether bytes are there, or the end."""
        self._poll.register(descriptor, select.POLLIN)
        has_come = bool(self._poll.poll(0))
        self._poll.unregister(descriptor)
        return has_come
