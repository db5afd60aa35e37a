"""`${env:NAME}`, `${env:NAME:-default}` and `${file:/path}` in any string of a configuration.

A default stands for a variable that is unset or empty, as in a shell. What a reference gives is
not looked through again. `$${` is a literal `${`; any other `${` is an error, so that a misspelt
reference never becomes a key. A file gives its text without the one newline at its end.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from gateway.config.mistake import Finding, Path

MAX_FILE = 1024 * 1024

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)"
    r"|\$\{env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}"
    r"|\$\{file:(?P<file>[^}]+)\}"
    r"|(?P<unknown>\$\{)"
)


class Missing(Exception):
    """A reference leads nowhere. The text names the variable or file, never a value."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What references are looked up in; relative paths of files start at `folder`.

    `folders` has another one for what was included from there.
    """

    environment: Mapping[str, str]
    folder: FilePath
    folders: Mapping[Path, FilePath] = field(default_factory=dict)

    def at(self, path: Path) -> "Sources":
        """Those of what stands at `path`, and below."""
        folder = self.folders.get(path)
        return self if folder is None else replace(self, folder=folder)


def interpolated(tree: object, sources: Sources, findings: list[Finding]) -> object:
    """A copy of `tree` with every reference replaced; those that lead nowhere become findings.

    A string with such a reference stays as it was written: it must not be used.
    """
    return _replaced(tree, (), sources, findings)


def _replaced(tree: object, path: Path, sources: Sources, findings: list[Finding]) -> object:
    if isinstance(tree, Mapping):
        sources = sources.at(path)
        return {
            str(key): _replaced(value, (*path, str(key)), sources, findings)
            for key, value in tree.items()
        }
    if isinstance(tree, (list, tuple)):
        return [
            _replaced(item, (*path, index), sources, findings) for index, item in enumerate(tree)
        ]
    if not isinstance(tree, str) or "${" not in tree:
        return tree
    try:
        return expand(tree, sources)
    except Missing as missing:
        findings.append(Finding(path, str(missing)))
        return tree


def expand(text: str, sources: Sources) -> str:
    """`text` with its references replaced.

    Raises:
        Missing: one of them leads nowhere.
    """
    return _REFERENCE.sub(lambda found: _value(found, sources), text)


def is_reference(text: str) -> bool:
    """Whether any of `text` comes from elsewhere."""
    return any(found["name"] or found["file"] for found in _REFERENCE.finditer(text))


def masked(text: str) -> str:
    """`text` with its references as written and everything else as stars, their defaults too."""
    return "".join(_masked_pieces(text)) or "****"


def _masked_pieces(text: str) -> Iterator[str]:
    end = 0
    for found in _REFERENCE.finditer(text):
        if not (found["name"] or found["file"]):
            continue
        if found.start() > end:
            yield "****"
        end = found.end()
        hidden = found["default"] and found["default"] != ":-"
        yield f"${{env:{found['name']}:-****}}" if hidden else found[0]
    if end < len(text):
        yield "****"


def _value(found: re.Match[str], sources: Sources) -> str:
    if found["escaped"]:
        return "${"
    if found["name"]:
        return _variable(found["name"], found["default"], sources.environment)
    if found["file"]:
        return _text(sources.folder / found["file"])
    raise Missing(
        "'${' begins a reference: ${env:NAME}, ${env:NAME:-default} or ${file:/path}; "
        "write '$${' for the two characters themselves"
    )


def _variable(name: str, default: str | None, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if default is not None:
        return value or default.removeprefix(":-")
    if value is None:
        raise Missing(f"the environment variable {name} is not set")
    return value


def _text(path: FilePath) -> str:
    try:
        if path.exists() and not path.is_file():  # a pipe would block, a device may never end
            raise Missing(f"{path} is not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise Missing(f"cannot read {path}: {os.strerror(error.errno or 0)}") from None
    except ValueError:
        raise Missing("the path of the file holds a character that paths cannot have") from None
    if len(content) > MAX_FILE:
        raise Missing(f"{path} is larger than 1 MiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Missing(f"{path} is not UTF-8 text") from None
    return re.sub(r"\r?\n\Z", "", text)
