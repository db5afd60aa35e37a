"""An application that is its own vendor: which of its URLs only the gateway may call, and how
nobody else can say who asks.

What is asked for at an operation's path goes through the gateway, by whatever method. A router may
be more forgiving than ours, and a path it takes for an operation's must not pass us by. What one
forgives, another hands over as part of a variable: `/users/a?/chat` is `/users/a` to one, and to
another the chat of `a?`. So paths are compared by every reading there may be, and the gateway then
refuses every spelling but the plain one. To all other URLs a request passes without the fields that
name people, in whatever spelling: what the application reads there, we have written.
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote

from gateway.core.formats.fields import Fields
from gateway.core.profile.names import MAX_NAME, fold, meaning
from gateway.core.profile.paths import LoosePath

_DECODINGS = 4  # of one path: server, framework, and two that should not
# Of a path in another spelling than its plain one: all of its readings are compared.
_LONGEST = 4096  # characters
_DEEPEST = 64  # segments
_ODD = re.compile(r"[^!$&-.0-:<>=@-\[\]-~/]|//|/\.")
_SLASHES = re.compile("//+")
# What parsers strip off the ends of a segment: blanks and control characters.
_BLANK = "".join(map(chr, [*range(0x21), *range(0x7F, 0xA1)]))


class Doors:
    """`paths` are those of operations, templates of RFC 6570; `fields` say who asks."""

    def __init__(self, paths: Iterable[str], fields: Iterable[str]) -> None:
        self._templates = [LoosePath.of(path) for path in paths]
        self._fields = frozenset(map(fold, fields))

    def covers(self, path: str) -> bool:
        """Whether a router could take a path, decoded once, for an operation's."""
        if (len(path) > _LONGEST or path.count("/") > _DEEPEST) and _ODD.search(path):
            return True  # in doubt: for the gateway to refuse
        read = [one.casefold().removeprefix("/").split("/") for one in _readings(path)]
        return any(template.fits(parts) for template in self._templates for parts in read)

    def stripped(self, fields: Fields) -> list[tuple[bytes, bytes]]:
        """The fields that say nothing of who asks."""
        return [line for line in fields if not self._names_people(line[0].decode("latin-1"))]

    def _names_people(self, name: str) -> bool:
        seen = meaning(name)
        # Of a longer name nothing is known, and none is honest.
        return seen.people or len(name) > MAX_NAME or not seen.forms.isdisjoint(self._fields)


def _readings(path: str) -> set[str]:
    """A path as it stands, and as each router may read it that forgives something."""
    readings = {path}
    for _ in range(_DECODINGS):
        readings |= {unquote(one) for one in readings if "%" in one}
    for forgiven in _FORGIVEN:
        readings |= {forgiven(one) for one in readings}
    return readings


def _without_query(path: str) -> str:
    return path.partition("?")[0]


def _without_fragment(path: str) -> str:
    return path.partition("#")[0]


def _to_its_nul(path: str) -> str:
    return path.partition("\0")[0]


def _without_backslashes(path: str) -> str:
    return path.replace("\\", "/")


def _without_parameters(path: str) -> str:
    return "/".join(part.partition(";")[0] for part in path.split("/"))


def _without_blanks(path: str) -> str:
    return "/".join(part.strip(_BLANK) for part in path.split("/"))


def _with_single_slashes(path: str) -> str:
    return _SLASHES.sub("/", path)


def _without_empty_segments(path: str) -> str:
    return "/" + "/".join(filter(None, path.split("/")))


def _without_dot_segments(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


# In the order in which they can bring one another about.
_FORGIVEN: tuple[Callable[[str], str], ...] = (
    _without_query,
    _without_fragment,
    _to_its_nul,
    _without_backslashes,
    _without_parameters,
    _without_blanks,
    _with_single_slashes,
    _without_empty_segments,
    _without_dot_segments,
)
