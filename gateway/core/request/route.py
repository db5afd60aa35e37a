"""Raw path and method → operation and variables. One resource, one spelling.

Decided on the path as it was sent: servers decode `%2F` and `%2e%2e` each in their own way, so a
path with a percent sign, a dot segment, an empty segment or any character a segment of ours cannot
have is refused, and what was judged is what is rendered into the vendor's request.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from gateway.core.errors import BadPath, MethodNotAllowed, NotFound, UriTooLong
from gateway.core.memo import MAX_LENGTH, MAX_NAMES, Memo
from gateway.core.profile.vendor import Operation, Vendor

SEGMENT = re.compile(r"[A-Za-z0-9._~:@-]{1,256}")
_PATH = re.compile(rf"(?:/(?!\.\.?(?:/|\Z)){SEGMENT.pattern}+)++")
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
    return _split[raw_path]


def _segments(raw_path: str) -> Segments:
    if len(raw_path) > MAX_PATH:
        raise UriTooLong
    if _PATH.fullmatch(raw_path):
        return tuple(raw_path[1:].split("/"))
    if raw_path == "/":
        return ()
    if not raw_path.startswith("/"):
        raise BadPath("The request target is not a path")
    raise BadPath(
        "A path segment is empty, a dot segment, or has characters beyond A-Za-z0-9._~:@-"
    )


_split: Memo[str, Segments] = Memo(_segments)


@dataclass(frozen=True, slots=True)
class _Template:
    """A path with variables in it."""

    length: int
    literals: tuple[tuple[int, str], ...]  # where in the path, and what stands there
    variables: tuple[tuple[int, str], ...]  # where, and what it is called
    rest: str  # the variable that takes what follows; "": nothing may follow

    def fit(self, path: Segments) -> dict[str, str] | None:
        """The variables of a path whose length fits; None where the path does not."""
        for index, expected in self.literals:
            if path[index] != expected:
                return None
        variables = {name: path[index] for index, name in self.variables}
        if self.rest:
            variables[self.rest] = "/".join(path[self.length - 1 :])
        return variables


def _template(path: str) -> _Template:
    parts = path[1:].split("/")
    rest = parts[-1][2:-1] if parts[-1].startswith("{+") else ""
    named = list(enumerate(parts[:-1] if rest else parts))
    return _Template(
        len(parts),
        tuple((index, part) for index, part in named if not part.startswith("{")),
        tuple((index, part[1:-1]) for index, part in named if part.startswith("{")),
        rest,
    )


_Found = TypeVar("_Found")


class _ByLength(Generic[_Found]):
    """Templates, by the lengths of the paths they may fit; those of one length in their order."""

    def __init__(self, templates: Iterable[tuple[_Template, _Found]]) -> None:
        templates = tuple(templates)
        self._longest = 1 + max((template.length for template, _ in templates), default=0)
        self._of_length = tuple(
            tuple(
                one
                for one in templates
                if one[0].length == length or (one[0].rest and one[0].length < length)
            )
            for length in range(self._longest + 1)
        )

    def __getitem__(self, length: int) -> tuple[tuple[_Template, _Found], ...]:
        return self._of_length[min(length, self._longest)]


class Table:
    """The operations of one vendor, compiled for look-up by path.

    Only those named in `only` are open; None: all. What is another's path stays so: a variable of
    one that is open does not lead there.
    """

    def __init__(
        self,
        operations: Mapping[str, Operation],
        *,
        closed: tuple[str, ...] = (),
        only: Collection[str] | None = None,
    ) -> None:
        self._open = frozenset(operations if only is None else only)
        self._templates = _ByLength(
            (_template(operation.path), (name, operation)) for name, operation in operations.items()
        )
        self._closed = _ByLength((_template(path), None) for path in closed)
        self._known: dict[tuple[str, Segments], Match] = {}

    def match(self, method: str, path: Segments) -> Match:
        """The operation `path` and `method` mean; remembered, for most calls have one of few paths.

        Raises:
            NotFound: no operation has this path.
            MethodNotAllowed: those that have it take other methods.
        """
        known = self._known.get((method, path))
        if known is None:
            known = self._look_up(method, path)
            if sum(map(len, path)) <= MAX_LENGTH:
                if len(self._known) >= MAX_NAMES:
                    self._known.clear()
                self._known[method, path] = known
        return known

    def _look_up(self, method: str, path: Segments) -> Match:
        allowed: list[str] = []
        for name, operation, variables in self._found(path):
            if method in operation.methods:
                if name not in self._open:
                    raise NotFound
                return Match(name, operation, MappingProxyType(variables))
            if name in self._open:
                allowed.extend(operation.methods)
        if allowed:
            raise MethodNotAllowed(tuple(dict.fromkeys(allowed)))
        raise NotFound

    def methods(self, path: Segments) -> tuple[str, ...]:
        """The methods that some operation takes at `path`; for a CORS preflight."""
        found = [operation for name, operation, _ in self._found(path) if name in self._open]
        return tuple(dict.fromkeys(method for one in found for method in one.methods))

    def speaks_mcp(self, path: Segments) -> bool:
        """Whether an operation at `path` is of an MCP server."""
        return any(one.mcp for name, one, _ in self._found(path) if name in self._open)

    def is_closed(self, path: Segments) -> bool:
        """Whether a call of the vendor's stands at `path` that no variable may reach."""
        return any(template.fit(path) is not None for template, _ in self._closed[len(path)])

    def _found(self, path: Segments) -> list[tuple[str, Operation, Mapping[str, str]]]:
        if self._closed[len(path)] and self.is_closed(path):
            return []
        return [
            (name, operation, variables)
            for template, (name, operation) in self._templates[len(path)]
            if (variables := template.fit(path)) is not None
        ]


def table(vendor: Vendor, only: tuple[str, ...] | None = None) -> Table:
    """The table of a vendor's operations, or of those named in `only`."""
    return Table(vendor.operations, closed=vendor.closed, only=only)
