"""Clocks that never run out, however busy the machine is: for tests of what is decided."""

from types import ModuleType

from gateway.store import database, group, postgres, sqlite

LONG = 60.0  # seconds
CLOCKS: tuple[tuple[ModuleType, str], ...] = (
    (database, "TURN_CLOCK"),
    (database, "READ_CLOCK"),
    (group, "WRITE_CLOCK"),
    (postgres, "WRITE_CLOCK"),
    (sqlite, "WRITE_CLOCK"),
    (sqlite, "READ_CLOCK"),
)
