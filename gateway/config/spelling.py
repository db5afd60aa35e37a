"""How TOML 1.0 spells a key and a value; `tomllib` only reads."""

import json
import re
from collections.abc import Mapping, Sequence

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
