"""How a store is, without a change to it: what an operator asks first."""

from dataclasses import dataclass
from pathlib import Path

from gateway.store import location
from gateway.store.address import address, is_postgres
from gateway.store.schema import HEAD


@dataclass(frozen=True, slots=True)
class State:
    where: str
    form: str | None  # the migration it is at; None: there is none yet
    size: int  # bytes

    @property
    def is_newest(self) -> bool:
        return self.form == HEAD


async def state(url: str) -> State:
    """Look at the store that a `store.url` names.

    Raises:
        StoreError: it cannot be looked at, is not ours, or is from a newer gateway.
    """
    if is_postgres(url):
        from gateway.store import prepare_postgres

        at = address(url)
        return State(at.shown, await prepare_postgres.version(at), await prepare_postgres.size(at))
    from gateway.store.prepare_sqlite import version

    path = location.locate(url)
    location.check(path)
    form = await version(path) if path.exists() else None
    return State(f"the file {path}", form, sum(map(_size, location.files(path))))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
