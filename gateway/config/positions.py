"""Where each key of a TOML text stands. Worked out only when there is something to point at.

`tomllib` gives values without positions; tree-sitter's grammar gives the keys again, with theirs.
A key has the position of its own name, also within a dotted key; an item of an array that of its
value; a table that has no head of its own that of the first key that runs through it.
"""

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from gateway.config.mistake import Path

Position = tuple[int, int]  # line and column, in characters, both from one

_TABLES = {"table", "table_array_element"}


def positions(text: str, paths: Iterable[Path] | None = None) -> dict[Path, Position]:
    """The position of every key and every item of an array in `text`, which must be valid TOML.

    With `paths` only of those, and of what holds them: of ten thousand orgs one has a mistake.
    """
    source = text.encode("utf-8")
    tree = Parser(Language(tree_sitter_toml.language())).parse(source)
    wanted = (
        None if paths is None else {path[:end] for path in paths for end in range(len(path) + 1)}
    )
    walk = _Walk(source.split(b"\n"), wanted)
    walk.document(tree.root_node)
    return walk.found


def nearest(found: dict[Path, Position], path: Path) -> Position | None:
    """The position of `path`, else of what holds it. A single value counts as its own item."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


@dataclass(slots=True)
class _Walk:
    lines: list[bytes]
    wanted: Collection[Path] | None  # None: all
    found: dict[Path, Position] = field(default_factory=dict)
    lengths: dict[Path, int] = field(default_factory=dict)  # of arrays of tables, so far

    def document(self, root: Node) -> None:
        for node in root.named_children:
            if node.type in _TABLES:
                self._table(node)
            elif node.type == "pair":
                self._pair(node, ())

    def _table(self, node: Node) -> None:
        head, *pairs = (child for child in node.named_children if child.type != "comment")
        path: Path = ()
        keys = _keys(head)
        for index, (name, key) in enumerate(keys):
            path = (*path, name)
            if self._is_idle(path):
                return
            last = index == len(keys) - 1
            self._place(path, key, named=last and node.type == "table")
            if last and node.type == "table_array_element":
                self.lengths[path] = self.lengths.get(path, 0) + 1
            if path in self.lengths:  # what follows belongs to the latest element
                path = (*path, self.lengths[path] - 1)
                self._place(path, key)
        for pair in pairs:
            self._pair(pair, path)

    def _pair(self, node: Node, path: Path) -> None:
        head, *_, value = node.named_children
        for name, key in _keys(head):
            path = (*path, name)
            if self._is_idle(path):
                return
            self._place(path, key)
        self._value(value, path)

    def _value(self, node: Node, path: Path) -> None:
        kind = node.type
        if kind == "inline_table":
            for pair in node.named_children:
                if pair.type == "pair":
                    self._pair(pair, path)
        elif kind == "array":
            items = [item for item in node.named_children if item.type != "comment"]
            for index, item in enumerate(items):
                self._place((*path, index), item.start_point)
                self._value(item, (*path, index))

    def _is_idle(self, path: Path) -> bool:
        """Whether nobody asks for what stands there, nor for what it holds."""
        return self.wanted is not None and path not in self.wanted

    def _place(self, path: Path, at: tuple[int, int], *, named: bool = False) -> None:
        if (path in self.found and not named) or self._is_idle(path):
            return
        row, column = at
        characters = self.lines[row][:column].decode("utf-8", "replace")
        self.found[path] = (row + 1, len(characters) + 1)


def _keys(node: Node) -> list[tuple[str, tuple[int, int]]]:
    """The single keys of a pair or a table's head, in order, each with its row and column."""
    if node.type == "dotted_key":
        return [key for child in node.named_children for key in _keys(child)]
    text = (node.text or b"").decode("utf-8", "replace")
    name = text if node.type == "bare_key" else next(iter(tomllib.loads(f"{text} = 0")))
    return [(name, node.start_point)]
