"""`GATEWAY__SERVER__LISTEN=…` says `server.listen`, over what the file has there.

Names count without case, and `_` stands for `-` too, since a shell's names have neither. A number
is the index of an item that the file has. A value in brackets or braces is read as TOML; any other
is a string, which counts as a number, true or false where one is wanted.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from gateway.config.mistake import Finding, Path

PREFIX = "GATEWAY__"
Tree = dict[str, Any]


def lay_over(
    tree: Tree, environment: Mapping[str, str], findings: list[Finding]
) -> dict[Path, str]:
    """Write what `environment` says into `tree`.

    Returns:
        The name of the variable by the path it has set.
    """
    names: dict[Path, str] = {}
    for name in sorted(environment):
        if name.upper().startswith(PREFIX):
            path = _write(tree, name[len(PREFIX) :].split("__"), _value(environment[name]))
            if path is None or path in names:
                path = (name,)
                findings.append(Finding(path, "names no one place of the configuration"))
            names[path] = name
    return names


def override(tree: Tree, values: Mapping[str, str]) -> dict[Path, str]:
    """Write `values`, by their full keys, into `tree`. Returns who says so, by path."""
    paths = (_write(tree, key.split("."), value) for key, value in values.items())
    return {path: "the command line" for path in paths if path is not None}


def _value(written: str) -> object:
    if written[:1] not in {"[", "{"}:
        return written
    try:
        return tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        return written


def _write(tree: Tree, parts: list[str], value: object) -> Path | None:
    """Put `value` where `parts` lead; None where they lead to no place, or to two."""
    path: Path = ()
    target: Any = tree
    for depth, part in enumerate(parts):
        step = _step(target, part)
        if step is None:
            return None
        path = (*path, step)
        if depth == len(parts) - 1:
            target[step] = value
        elif isinstance(target, dict):
            target = target.setdefault(step, {})
        else:
            target = target[step]
    return path


def _step(target: object, part: str) -> str | int | None:
    if isinstance(target, list):
        known = part.isascii() and part.isdigit() and int(part) < len(target)
        return int(part) if known else None
    if not isinstance(target, dict) or not part:
        return None
    alike = [key for key in target if _folded(key) == _folded(part)]
    if len(alike) > 1:
        return None
    return alike[0] if alike else part.lower()


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")
