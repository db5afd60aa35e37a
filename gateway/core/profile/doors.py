"""An application that is its own vendor: which of its URLs only the gateway may call, and how
nobody else can say who asks.

What is asked for at an operation's path goes through the gateway, by whatever method. A router may
be more forgiving than ours, and a path it takes for an operation's must not pass us by: so paths
are compared as the most forgiving one would read them, and the gateway then refuses every spelling
but the plain one. To all other URLs a request passes without the fields that name people, in
whatever spelling: what the application reads there, we have written.
"""

from collections.abc import Iterable
from urllib.parse import unquote

from gateway.core.formats.fields import Fields
from gateway.core.profile.names import MAX_NAME, fold, meaning
from gateway.core.profile.paths import LoosePath

_DECODINGS = 4  # of one path: server, framework, and two that should not
# What parsers strip off the ends of a segment: blanks and control characters.
_BLANK = "".join(map(chr, [*range(0x21), *range(0x7F, 0xA1)]))


class Doors:
    """`paths` are those of operations, templates of RFC 6570; `fields` say who asks."""

    def __init__(self, paths: Iterable[str], fields: Iterable[str]) -> None:
        self._templates = [LoosePath.of(path) for path in paths]
        self._fields = frozenset(map(fold, fields))

    def covers(self, path: str) -> bool:
        """Whether a router could take a path, decoded once, for an operation's."""
        parts = _loosely(path)
        return any(template.fits(parts) for template in self._templates)

    def stripped(self, fields: Fields) -> list[tuple[bytes, bytes]]:
        """The fields that say nothing of who asks."""
        return [line for line in fields if not self._names_people(line[0].decode("latin-1"))]

    def _names_people(self, name: str) -> bool:
        seen = meaning(name)
        # Of a longer name nothing is known, and none is honest.
        return seen.people or len(name) > MAX_NAME or not seen.forms.isdisjoint(self._fields)


def _loosely(path: str) -> list[str]:
    """The segments of a path, by the most forgiving reading."""
    for _ in range(_DECODINGS):
        if "%" not in path:
            break
        path = unquote(path)
    for end in ("?", "#", "\0"):
        path = path.partition(end)[0]
    parts: list[str] = []
    for written in path.replace("\\", "/").casefold().split("/"):
        part = written.partition(";")[0].strip(_BLANK)
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return parts
