"""Raw path and method → operation and variables. One resource, one spelling.

Decided on the path as it was sent: servers decode `%2F` and `%2e%2e` each in their own way, so a
path with a percent sign, a dot segment, an empty segment or any character a segment of ours cannot
have is refused, and what was judged is what is rendered into the vendor's request.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.core.errors import BadPath, MethodNotAllowed, NotFound, UriTooLong
from gateway.core.identity import DOT_SEGMENTS
from gateway.core.vendor import Operation, Vendor

SEGMENT = re.compile(r"[A-Za-z0-9._~:@-]{1,256}")
MAX_PATH = 4096

Segments = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The operation a request asks for, and what its path says."""

    name: str
    operation: Operation
    variables: Mapping[str, str]


def segments(raw_path: str) -> Segments:
    """The segments of a path; none for "/".

    Raises:
        BadPath: it is not in its one plain spelling.
        UriTooLong: it is longer than 4,096 characters.
    """
    if len(raw_path) > MAX_PATH:
        raise UriTooLong
    if not raw_path.startswith("/"):
        raise BadPath("The request target is not a path")
    if raw_path == "/":
        return ()
    parts = tuple(raw_path[1:].split("/"))
    for part in parts:
        if not SEGMENT.fullmatch(part) or part in DOT_SEGMENTS:
            raise BadPath(
                "A path segment is empty, a dot segment, or has characters beyond A-Za-z0-9._~:@-"
            )
    return parts


class Table:
    """The operations of one vendor, compiled for look-up by path."""

    def __init__(
        self, operations: Mapping[str, Operation], *, closed: tuple[str, ...] = ()
    ) -> None:
        self._templates = [
            (name, operation, _template(operation.path)) for name, operation in operations.items()
        ]
        self._closed = [_template(path) for path in closed]

    def match(self, method: str, path: Segments) -> Match:
        """The operation `path` and `method` mean.

        Raises:
            NotFound: no operation has this path.
            MethodNotAllowed: those that have it take other methods.
        """
        allowed: list[str] = []
        for name, operation, variables in self._found(path):
            if method in operation.methods:
                return Match(name, operation, variables)
            allowed.extend(operation.methods)
        if allowed:
            raise MethodNotAllowed(tuple(dict.fromkeys(allowed)))
        raise NotFound

    def methods(self, path: Segments) -> tuple[str, ...]:
        """The methods that some operation takes at `path`; for a CORS preflight."""
        found = (method for _, operation, _ in self._found(path) for method in operation.methods)
        return tuple(dict.fromkeys(found))

    def speaks_mcp(self, path: Segments) -> bool:
        """Whether an operation at `path` is of an MCP server."""
        return any(operation.mcp for _, operation, _ in self._found(path))

    def is_closed(self, path: Segments) -> bool:
        """Whether a call of the vendor's stands at `path` that no variable may reach."""
        return any(_fit(template, path) is not None for template in self._closed)

    def _found(self, path: Segments) -> Iterator[tuple[str, Operation, Mapping[str, str]]]:
        if self.is_closed(path):
            return
        for name, operation, template in self._templates:
            variables = _fit(template, path)
            if variables is not None:
                yield name, operation, variables


def _template(path: str) -> Segments:
    return tuple(path[1:].split("/"))


def _fit(template: Segments, path: Segments) -> Mapping[str, str] | None:
    rest = template[-1].startswith("{+")
    if len(path) < len(template) if rest else len(path) != len(template):
        return None
    variables: dict[str, str] = {}
    for index, expected in enumerate(template):
        if expected.startswith("{+"):
            variables[expected[2:-1]] = "/".join(path[index:])
        elif expected.startswith("{"):
            variables[expected[1:-1]] = path[index]
        elif expected != path[index]:
            return None
    return variables


def table(vendor: Vendor, only: tuple[str, ...] | None = None) -> Table:
    """The table of a vendor's operations, or of those named in `only`."""
    operations = {
        name: operation
        for name, operation in vendor.operations.items()  # in its order, which decides
        if only is None or name in only
    }
    return Table(operations, closed=vendor.closed)
