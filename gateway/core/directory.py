"""Host and path → what stands there: exact host first, then the longest path. Constant time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.core.errors import MisdirectedRequest, NotFound
from gateway.core.route import Segments

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
        self._any: dict[Segments, Resident] = {}
        self._hosts: dict[str, dict[Segments, Resident]] = {}
        for stand in stands:
            for paths in self._tables(stand.hosts):
                if stand.path in paths:
                    raise ValueError(f"two stand at /{'/'.join(stand.path)}")
                paths[stand.path] = stand.resident

    def _tables(self, hosts: tuple[str, ...]) -> list[dict[Segments, Resident]]:
        if not hosts:
            return [self._any]
        return [self._hosts.setdefault(host.lower(), {}) for host in hosts]

    def find(self, host: str | None, path: Segments) -> tuple[Resident, Segments]:
        """The resident, and what of the path is left below theirs.

        `host` may carry a port; a name that was given without one stands at every port.

        Raises:
            MisdirectedRequest: nobody stands under this host (RFC 9110 section 15.5.20).
            NotFound: somebody does, but not at this path.
        """
        tables = [table for table in (*self._of_host(host), self._any) if table]
        if not tables:
            raise MisdirectedRequest
        for table in tables:
            for length in range(len(path), -1, -1):
                if (resident := table.get(path[:length])) is not None:
                    return resident, path[length:]
        raise NotFound

    def _of_host(self, host: str | None) -> list[dict[Segments, Resident]]:
        if host is None:
            return []
        without_port = host.rpartition(":")[0]  # where there is none: what no host is called
        return [self._hosts[key] for key in (host, without_port) if key in self._hosts]
