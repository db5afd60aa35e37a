"""A file of TOML: its text, and what it holds; or the place from which on it is none."""

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from gateway.config.mistake import ConfigError, Mistake

_AT = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")

_LINES = 'a line is a key and its value, as in path = "/", or the name of a table, as in [server]'
_REMEDIES = {  # by how tomllib's messages begin
    "Invalid value": 'text stands in straight quotes: "…"',
    "Illegal character '\\n'": "a quote is not closed",
    "Cannot overwrite a value": "this key stands twice in its table",
    "Cannot declare": "this table stands twice",
    "Invalid statement": _LINES,
    "Expected '=' after a key": _LINES,
}


@dataclass(frozen=True, slots=True)
class Text:
    """A file that was read."""

    file: str
    text: str = field(repr=False)


def read(file: FilePath | str) -> Text:
    """Raises `ConfigError`: it cannot be read, or is not text."""
    try:
        return Text(str(file), FilePath(file).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise _unreadable(file, f"cannot read this file: {reason}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _unreadable(file, "is not UTF-8 text from here on", line) from None


def refuse_pipe(file: FilePath) -> None:
    """Raises `ConfigError`: reading it a second time would wait for ever."""
    if file.exists() and not (file.is_file() or file.is_dir()):
        message = (
            "is no regular file: a pipe can be read once, and who reads it again waits for ever"
        )
        raise _unreadable(file, message)


def parsed(source: Text) -> dict[str, Any]:
    """Raises `ConfigError`: it is not TOML."""
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = _AT.search(message)
        line, column = _end(source.text)
        if at is not None and at["line"]:
            line, column = int(at["line"]), int(at["column"])
        reason = message[: at.start()] if at is not None else message
    except RecursionError:
        raise _unreadable(source.file, "not TOML: nested too deep") from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise _unreadable(source.file, "not TOML: a number is too long") from None
    message = f"not TOML: {reason}{_remedy(reason)}"
    raise ConfigError([Mistake(source.file, line, column, "error", "", message)])


def _remedy(reason: str) -> str:
    found = (remedy for begins, remedy in _REMEDIES.items() if reason.startswith(begins))
    return "".join(f"; {remedy}" for remedy in found)


def _unreadable(file: FilePath | str, message: str, line: int | None = None) -> ConfigError:
    return ConfigError([Mistake(str(file), line, None, "error", "", message)])


def _end(text: str) -> tuple[int, int]:
    return text.count("\n") + 1, len(text) - text.rfind("\n")
