"""What is wrong with a configuration, told so that it can be mended: where, which key, what.

No message quotes a value: a value may be a secret, or a secret put in the wrong place. Names of
keys are quoted, and so are names that the gateway itself knows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from gateway.config.spelling import key

# What neighbours and vendors call it, and what we do.
_ELSEWHERE = {
    "api_base": "base_url",
    "aud": "audience",
    "bind": "listen",
    "claude": "anthropic",
    "cookie": "cookies",
    "endpoint": "base_url",
    "fastapi": "starlette",
    "gptbots": "altatech",
    "host": "listen",
    "next-auth": "authjs",
    "nextauth": "authjs",
    "oidc": "jwt",
    "port": "listen",
    "secret_key": "secret",
    "url": "base_url",
}
Path = tuple[str | int, ...]  # of keys and indices, down from the root of the file
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a check noticed at a path; where that is in the file is not known yet."""

    path: Path
    message: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One finding, placed. `line` and `column` count from one; None: it is not from a file."""

    file: str
    line: int | None
    column: int | None
    severity: Severity
    key: str
    message: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        text = f"{self.key}: {self.message}" if self.key else self.message
        return f"{place}  {self.severity}  {text}"


class ConfigError(Exception):
    """A configuration that must not run. `mistakes` holds every one of them, warnings as well."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def key_of(path: Path) -> str:
    """A path as TOML would write it, with the index of an item in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + key(part)
    return text


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint to put at the end of a message, or nothing."""
    spellings = {word.lower(): word for word in known}
    ours = _ELSEWHERE.get(name.lower())
    close = [ours] if ours in spellings else get_close_matches(name.lower(), spellings, n=1)
    return f" - did you mean {spellings[close[0]]}?" if close else ""


def has_another_name(name: str, known: Collection[str | None]) -> bool:
    """Whether one of these is what others call `name`."""
    return _ELSEWHERE.get(name.lower()) in known
