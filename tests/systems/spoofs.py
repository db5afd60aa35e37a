"""What people try in order to be somebody else, by generators of spellings."""

import json
from collections.abc import Iterator

WORDS = (("user", "id"), ("external", "user", "id"), ("end", "user", "id"), ("contact", "id"))
LONE = ("user", "uid", "email", "safety_identifier", "external_id")


def spellings(words: tuple[str, ...]) -> Iterator[str]:
    """One name in every case and with every separator."""
    camel = words[0] + "".join(word.title() for word in words[1:])
    yield from {camel, camel[0].upper() + camel[1:], camel.upper(), "".join(words)}
    for separator in ("_", "-", " ", ".", "\u200b", "\u00ad"):
        yield separator.join(words)
        yield separator.join(words).upper()
    yield f"{words[0]}[{words[-1]}]"
    yield camel + "[]"
    yield camel + "\u0000"
    yield "".join(chr(ord(c) + 0xFEE0) for c in "".join(words))  # full width


NAMES = sorted({name for words in WORDS for name in spellings(words)} | set(LONE))
FIELD_NAMES = sorted(
    {
        name
        for words in (("x", "external", "user", "id"), ("x", "user", "id"), ("remote", "user"))
        for separator in ("-", ".")
        for name in (separator.join(words), separator.join(words).upper())
    }
    | {"X-Forwarded-User", "X-Auth-Request-User", "X-WebAuth-User", "X-External-Org-Id"}
)


def escaped(name: str) -> str:
    """A JSON string that says `name` in escapes alone."""
    return '"' + "".join(f"\\u{ord(c):04x}" for c in name) + '"'


def with_member(body: dict[str, object], written_name: str, value: object) -> bytes:
    """`body` and one more member, its name as a JSON string already."""
    text = json.dumps(body)
    return f"{text[:-1]}, {written_name}: {json.dumps(value)}}}".encode()
