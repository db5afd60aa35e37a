"""Keys whose feature is not there yet. Nothing is accepted and then not enforced.

A value that only states what is so already (`anonymous = false`) is accepted. A feature that
arrives deletes its row here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.config.mistake import Finding, Path

Scope = Literal["file", "server", "store", "org", "sign_in", "upstream"]
Tree = dict[str, Any]

_NEVER = object()


@dataclass(frozen=True, slots=True)
class NotYet:
    """A key, and the one value it may have until then."""

    scope: Scope
    key: str
    accepted: object = _NEVER

    @property
    def may_be_written(self) -> bool:
        return self.accepted is not _NEVER


NOT_YET = (
    NotYet("org", "tools"),
    NotYet("upstream", "http2", accepted=False),
)


def take_out(tree: Tree, findings: list[Finding]) -> list[Path]:
    """Take what is not available yet out of `tree`, each with a finding.

    Returns:
        The paths of what is gone.
    """
    holes: list[Path] = []
    for scope, path, table in _tables(tree):
        for row in NOT_YET:
            if row.scope == scope and row.key in table and not _states_what_is(row, table):
                del table[row.key]
                findings.append(Finding((*path, row.key), _message(row)))
                holes.append((*path, row.key))
    return holes


def _message(row: NotYet) -> str:
    if not row.may_be_written:
        return f"{row.key} is not available yet"
    shown = str(row.accepted).lower() if isinstance(row.accepted, bool) else row.accepted
    return f"anything but {shown} is not available yet"


def _states_what_is(row: NotYet, table: Tree) -> bool:
    # Values from the environment are text: "false" says what false says.
    same = str(table[row.key]).casefold() == str(row.accepted).casefold()
    if same and row.may_be_written:
        table[row.key] = row.accepted
    return same and row.may_be_written


def _tables(tree: Tree) -> Iterator[tuple[Scope, Path, Tree]]:
    yield "file", (), tree
    for scope in ("server", "store"):
        if isinstance(tree.get(scope), dict):
            yield scope, (scope,), tree[scope]
    yield from _of_org(tree, ())
    for name, org in _named(tree, "orgs"):
        yield "org", ("orgs", name), org
        yield from _of_org(org, ("orgs", name))


def _of_org(table: Tree, path: Path) -> Iterator[tuple[Scope, Path, Tree]]:
    written = table.get("sign_in")
    for index, sign_in in enumerate(written if isinstance(written, list) else [written]):
        if isinstance(sign_in, dict):
            yield "sign_in", (*path, "sign_in", index), sign_in
    for name, upstream in _named(table, "upstreams"):
        yield "upstream", (*path, "upstreams", name), upstream


def _named(table: Mapping[str, Any], key: str) -> list[tuple[str, Tree]]:
    entries = table.get(key)
    if not isinstance(entries, dict):
        return []
    return [(name, entry) for name, entry in entries.items() if isinstance(entry, dict)]
