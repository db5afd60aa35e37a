"""Host and path → what stands there: exact host first, then the longest path. Constant time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.core.errors import MisdirectedRequest, NotFound
from gateway.core.request.route import Segments

Resident = TypeVar("Resident")


@dataclass(frozen=True, slots=True)
class Stand(Generic[Resident]):
    """Where a resident stands: under these hosts (none: any), below this path."""

    resident: Resident
    hosts: tuple[str, ...] = ()
    path: Segments = ()


class Directory(Generic[Resident]):
    """Finds who stands at a host and path.

    Raises:
        ValueError: two stand at one place.
    """

    def __init__(self, stands: Iterable[Stand[Resident]]) -> None:
        anywhere: dict[Segments, Resident] = {}
        hosts: dict[str, dict[Segments, Resident]] = {}
        for stand in stands:
            names = [host.lower() for host in stand.hosts]
            for paths in [hosts.setdefault(name, {}) for name in names] or [anywhere]:
                if stand.path in paths:
                    raise ValueError(f"two stand at /{'/'.join(stand.path)}")
                paths[stand.path] = stand.resident
        self._hosts = {name: _Table(paths) for name, paths in hosts.items()}
        self._anywhere = (_Table(anywhere),) if anywhere else ()

    def find(self, host: str | None, path: Segments) -> tuple[Resident, Segments]:
        """The resident, and what of the path is left below theirs.

        `host` may carry a port; a name that was given without one stands at every port.

        Raises:
            MisdirectedRequest: nobody stands under this host (RFC 9110 section 15.5.20).
            NotFound: somebody does, but not at this path.
        """
        tables = self._anywhere
        if host is not None and self._hosts:
            tables = (*self._of_host(host), *tables)
        for table in tables:
            for length in table.lengths:
                # Of a path that is shorter, this is the whole path: the longest there is of it.
                if (resident := table.paths.get(path[:length])) is not None:
                    return resident, path[length:]
        raise NotFound if tables else MisdirectedRequest

    def _of_host(self, host: str) -> list["_Table[Resident]"]:
        without_port = host.rpartition(":")[0]  # where there is none: what no host is called
        return [self._hosts[key] for key in (host, without_port) if key in self._hosts]


class _Table(Generic[Resident]):
    """Who stands at which path of one host; `lengths` of these paths, the longest first."""

    __slots__ = ("lengths", "paths")

    def __init__(self, paths: dict[Segments, Resident]) -> None:
        self.paths = paths
        self.lengths = tuple(sorted({len(path) for path in paths}, reverse=True))
