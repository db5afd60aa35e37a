"""How TOML 1.0 spells a key and a value; `tomllib` only reads."""

import json
import re
from collections.abc import Mapping, Sequence

WIDTH = 100  # columns

_BARE = re.compile(r"[A-Za-z0-9_-]+")

Value = str | bool | int | float | Sequence["Value"] | Mapping[str, "Value"]


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else string(name)


def string(text: str) -> str:
    """A basic string. JSON's escapes are TOML's; only DEL is no control character to JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def value(written: Value) -> str:
    """A value on one line."""
    if isinstance(written, str):
        return string(written)
    if isinstance(written, bool):
        return "true" if written else "false"
    if isinstance(written, Mapping):
        pairs = ", ".join(f"{key(name)} = {value(one)}" for name, one in written.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(written, Sequence):
        return f"[{', '.join(value(one) for one in written)}]"
    return repr(written)


def section(head: str, members: Mapping[str, Value]) -> str:
    """A table under its head, each member on a line of its own."""
    lines = [f"{key(name)} = {value(one)}" for name, one in members.items()]
    return "\n".join([head, *lines, ""])


def sections(path: Sequence[str], members: Mapping[str, Value]) -> list[str]:
    """A table under its head, and below it those of its tables that no line has room for.

    Tables keep their order: once one stands below, so do those after it.
    """
    lines: list[str] = []
    below: list[str] = []
    for name, one in members.items():
        line = f"{key(name)} = {value(one)}"
        if isinstance(one, Mapping) and (below or len(line) > WIDTH):
            below += sections((*path, name), one)
        elif len(line) > WIDTH and isinstance(one, Sequence) and not isinstance(one, str):
            lines.append("\n".join([f"{key(name)} = [", *(f"    {value(i)}," for i in one), "]"]))
        else:
            lines.append(line)
    head = f"[{'.'.join(map(key, path))}]"
    own = ["\n".join([head, *lines, ""])] if lines or not below else []
    return [*own, *below]
