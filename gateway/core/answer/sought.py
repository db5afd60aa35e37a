"""What is looked for in an answer, compiled: the places, and the bytes no text with one is without.

An answer is looked at before it is parsed: of a stream, most events hold text and nothing else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.core.formats.pointer import Tokens
from gateway.core.formats.strictjson import JsonValue
from gateway.core.profile.place import Place, bodies

# Written in JSON as it stands; a quote or a slash may be escaped, an index is not written at all.
_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
_MOST = 256  # answers that begin otherwise: a vendor has a few
_ESCAPED = b"\\u00"  # how JSON may write a letter of such a name otherwise (RFC 8259 section 7)


class Ways(NamedTuple):
    """Where an answer may say something: `opens` name a conversation, `names` a user, `usage` what
    it cost.
    """

    opens: tuple[Tokens, ...]
    names: tuple[Tokens, ...]
    usage: tuple[Tokens, ...]

    def begun(self, first: frozenset[str]) -> "Ways":
        """Those that begin with one of these names."""
        return Ways(*(tuple(way for way in kind if way[0] in first) for kind in self))


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for in an answer. `signs`: one of them stands in a text that holds any.
    `checks`: what stands there decides if the answer passes; `names` are those on the way to it.

    Of many ways, few begin in any one document: which these are is remembered by where it begins.
    """

    ways: Ways
    signs: tuple[bytes, ...] = field(init=False)
    checks: bool = field(init=False)
    names: frozenset[str] = field(init=False)
    _decisive: tuple[bytes, ...] = field(init=False)
    _firsts: frozenset[str] = field(init=False)
    _begun: dict[frozenset[str], Ways] = field(init=False, default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        ways = [way for kind in self.ways for way in kind]
        signs = sorted({_last_name(tokens).encode() for tokens in ways})
        object.__setattr__(self, "signs", (*signs, _ESCAPED) if signs else ())
        deciding = (*self.ways.opens, *self.ways.names)
        object.__setattr__(self, "checks", bool(deciding))
        object.__setattr__(self, "names", frozenset(name for way in deciding for name in way))
        decisive = {_last_name(way).encode() for way in deciding}
        object.__setattr__(self, "_decisive", tuple(sorted(decisive)))
        object.__setattr__(self, "_firsts", frozenset(way[0] for way in ways))

    def in_document(self, document: JsonValue) -> Ways:
        """The ways that may lead somewhere in this document."""
        if not isinstance(document, dict):
            return self.ways
        first = self._firsts.intersection(document)
        found = self._begun.get(first)
        if found is None:
            if len(self._begun) >= _MOST:
                self._begun.clear()
            found = self._begun[first] = self.ways.begun(first)
        return found

    def may_stand_in(self, text: bytes) -> bool:
        """Whether the text of a document, or of several, can hold any of it."""
        find = text.find  # `in` asks first whether a sign is a number: twice the time
        for sign in self.signs:  # noqa: SIM110 - a third of the time of any(): once an event
            if find(sign) >= 0:
                return True
        return False

    def may_be_hidden_in(self, text: bytes, found: int) -> bool:
        """Whether the text of a document may hold more of what decides than the `found` values: a
        member that stands twice is one of them.
        """
        if not self.checks:
            return False
        return _ESCAPED in text or sum(map(text.count, self._decisive)) > found


def sought(opens: Iterable[Place], names: Iterable[Place], usage: Iterable[Place]) -> Sought:
    """What is looked for in a document; what stands in a field of the answer is none of it."""
    kinds = (tuple(body.tokens for body in bodies(one)) for one in (opens, names, usage))
    return Sought(Ways(*kinds))


def _last_name(tokens: Tokens) -> str:
    """As it is written; an item of a list has no name in the text, and "" stands everywhere."""
    name = next((token for token in reversed(tokens) if _PLAIN.fullmatch(token)), "")
    return f'"{name}"' if name else ""
