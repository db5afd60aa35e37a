"""Where each key of a TOML text stands. Worked out only when there is something to point at.

`tomllib` gives values without positions; tree-sitter's grammar gives the keys again, with theirs.
A key has the position of its own name, also within a dotted key; an item of an array that of its
value; a table that has no head of its own that of the first key that runs through it.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from gateway.config.mistake import Path

Position = tuple[int, int]  # line and column, in characters, both from one

_KEYS = {"bare_key", "quoted_key"}
_TABLES = {"table", "table_array_element"}


def positions(text: str) -> dict[Path, Position]:
    """The position of every key and every item of an array in `text`, which must be valid TOML."""
    tree = Parser(Language(tree_sitter_toml.language())).parse(text.encode("utf-8"))
    walk = _Walk(text.encode("utf-8").split(b"\n"))
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
    found: dict[Path, Position] = field(default_factory=dict)
    lengths: dict[Path, int] = field(default_factory=dict)  # of arrays of tables, so far

    def document(self, root: Node) -> None:
        for node in root.named_children:
            if node.type in _TABLES:
                self._table(node)
            elif node.type == "pair":
                self._pair(node, ())

    def _table(self, node: Node) -> None:
        path: Path = ()
        keys = list(_keys(node))
        for index, key in enumerate(keys):
            path = (*path, _name(key))
            last = index == len(keys) - 1
            self._place(path, key, named=last and node.type == "table")
            if last and node.type == "table_array_element":
                self.lengths[path] = self.lengths.get(path, 0) + 1
            if path in self.lengths:  # what follows belongs to the latest element
                path = (*path, self.lengths[path] - 1)
                self._place(path, key)
        for child in node.named_children:
            if child.type == "pair":
                self._pair(child, path)

    def _pair(self, node: Node, path: Path) -> None:
        for key in _keys(node):
            path = (*path, _name(key))
            self._place(path, key)
        self._value(node.named_children[-1], path)

    def _value(self, node: Node, path: Path) -> None:
        if node.type == "inline_table":
            for pair in node.named_children:
                if pair.type == "pair":
                    self._pair(pair, path)
        elif node.type == "array":
            items = [item for item in node.named_children if item.type != "comment"]
            for index, item in enumerate(items):
                self._place((*path, index), item)
                self._value(item, (*path, index))

    def _place(self, path: Path, node: Node, *, named: bool = False) -> None:
        if path in self.found and not named:
            return
        row, column = node.start_point
        characters = self.lines[row][:column].decode("utf-8", "replace")
        self.found[path] = (row + 1, len(characters) + 1)


def _keys(node: Node) -> Iterator[Node]:
    """The single keys of a pair or a table's head, in order."""
    for child in node.named_children:
        if child.type == "dotted_key":
            yield from _keys(child)
        elif child.type in _KEYS:
            yield child


def _name(node: Node) -> str:
    text = (node.text or b"").decode("utf-8", "replace")
    return text if node.type == "bare_key" else next(iter(tomllib.loads(f"{text} = 0")))
