"""The databases that a store may be in; see `a_store` of tests/conftest.py."""

from collections.abc import Callable
from typing import TypeAlias

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
BOTH = (SQLITE, POSTGRESQL)

AStore: TypeAlias = Callable[[], str | None]  # the URL of a new store; None: a file of SQLite
