"""What is looked for in an answer, compiled: the places, and the bytes no text with one is without.

An answer is looked at before it is parsed: of a stream, most events hold text and nothing else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.core.place import Place, bodies
from gateway.core.pointer import Tokens

# Written in JSON as it stands; a quote or a slash may be escaped, an index is not written at all.
_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPED = b"\\u00"  # how JSON may write a letter of such a name otherwise (RFC 8259 section 7)


@dataclass(frozen=True, slots=True)
class Sought:
    """The places of an answer that say something. `signs`: one of them stands in a text that does.

    `opens` name a conversation, `names` a user, `usage` what the answer cost.
    """

    opens: tuple[Tokens, ...]
    names: tuple[Tokens, ...]
    usage: tuple[Tokens, ...]
    signs: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        ways = (*self.opens, *self.names, *self.usage)
        signs = sorted({_last_name(tokens).encode() for tokens in ways})
        object.__setattr__(self, "signs", (*signs, _ESCAPED) if signs else ())

    @property
    def checks(self) -> bool:
        """Whether what stands there decides if the answer passes."""
        return bool(self.opens or self.names)

    def may_stand_in(self, text: bytes) -> bool:
        """Whether the text of a document, or of several, can hold any of it."""
        find = text.find  # `in` asks first whether a sign is a number: twice the time
        for sign in self.signs:  # noqa: SIM110 - a third of the time of any(): once an event
            if find(sign) >= 0:
                return True
        return False


def sought(opens: Iterable[Place], names: Iterable[Place], usage: Iterable[Place]) -> Sought:
    """What is looked for in a document; what stands in a field of the answer is none of it."""
    return Sought(*(tuple(body.tokens for body in bodies(one)) for one in (opens, names, usage)))


def _last_name(tokens: Tokens) -> str:
    """As it is written; an item of a list has no name in the text, and "" stands everywhere."""
    name = next((token for token in reversed(tokens) if _PLAIN.fullmatch(token)), "")
    return f'"{name}"' if name else ""
