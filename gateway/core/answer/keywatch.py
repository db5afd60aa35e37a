"""Our own key in a vendor's answer: a debug page, an error that shows the request it got.

Bytes pass as they come, but for what may be the beginning of a key at the end of a chunk.
"""

from collections.abc import Iterable

from gateway.core.errors import UpstreamMalformed

SHORTEST = 16  # characters; a shorter key, of a test perhaps, may be a word that answers hold
# What writers of JSON escape beside what they must, and how: PHP, .NET, Gson, Go.
_ESCAPED = (
    ("", ""),
    ("/", "\\%c"),
    ("+&<>'`", "\\u%04X"),
    ("=&<>'", "\\u%04x"),
    ("<>&", "\\u%04x"),
)


class Keys:
    """Our keys at one vendor, in each spelling in which an answer may quote them."""

    def __init__(self, keys: Iterable[str]) -> None:
        spellings = {
            spelling.encode("utf-8", "surrogatepass")
            for key in keys
            if len(key) >= SHORTEST
            for spelling in (key, *(_in_json(key, letters, form) for letters, form in _ESCAPED))
        }
        self.spellings = tuple(spellings)
        self.letters = frozenset(b"".join(spellings))

    def check(self, content: bytes) -> None:
        """Refuse `content` where a key stands in it.

        Raises:
            UpstreamMalformed: one does.
        """
        for key in self.spellings:
            if key in content:
                raise UpstreamMalformed("The upstream's answer quotes the gateway's own credential")


def _in_json(key: str, letters: str, form: str) -> str:
    """A key as it stands in a JSON text whose writer escapes `letters` in this form."""
    as_it_must = key.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(form % ord(one) if one in letters else one for one in as_it_must)


class KeyWatch:
    """Lets the bytes of one answer by, until one of `keys` stands in them."""

    __slots__ = ("_held", "_keys")

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._held = b""

    def passes(self, chunk: bytes) -> bool:
        """Whether `feed` would let just these bytes by: then it need not be given them."""
        if not chunk or self._held or chunk[-1] in self._keys.letters:
            return False
        for key in self._keys.spellings:  # noqa: SIM110 - a third of the time of all(): once an event
            if chunk.find(key) >= 0:  # half the time of `in`, which asks if a key is a number
                return False
        return True

    def feed(self, chunk: bytes) -> bytes:
        """What may pass now.

        Raises:
            UpstreamMalformed: a key stands in it; nothing of that key has passed.
        """
        content = self._held + chunk if self._held else chunk
        self._keys.check(content)
        if not content or content[-1] not in self._keys.letters:  # so ends nearly every chunk
            self._held = b""
            return content
        kept = max(_begun(key, content) for key in self._keys.spellings)
        size = len(content) - kept
        self._held = content[size:]
        return content[:size]

    def end(self) -> bytes:
        """What was held back, and is no key after all."""
        held, self._held = self._held, b""
        return held


def _begun(key: bytes, content: bytes) -> int:
    """How many bytes at the end of `content` are the beginning of `key`."""
    at = content.find(key[:1], max(0, len(content) - len(key) + 1))
    while at >= 0:
        if key.startswith(content[at:]):
            return len(content) - at
        at = content.find(key[:1], at + 1)
    return 0
