"""Keys whose feature is not there yet. Nothing is accepted and then not enforced.

A feature that arrives deletes its row here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.config.mistake import Finding, Path

Scope = Literal["file", "server", "store", "org", "sign_in", "upstream"]
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NotYet:
    scope: Scope
    key: str


NOT_YET = (NotYet("org", "tools"),)


def take_out(tree: Tree, findings: list[Finding]) -> list[Path]:
    """Take what is not available yet out of `tree`, each with a finding.

    Returns:
        The paths of what is gone.
    """
    holes: list[Path] = []
    for scope, path, table in _tables(tree):
        for row in NOT_YET:
            if row.scope == scope and row.key in table:
                del table[row.key]
                findings.append(Finding((*path, row.key), f"{row.key} is not available yet"))
                holes.append((*path, row.key))
    return holes


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
