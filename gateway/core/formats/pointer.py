"""JSON Pointer (RFC 6901): find and put, and `*` for every item where a profile says so."""

import re

from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.profile.names import disguises, fold

Tokens = tuple[str, ...]

_BARE_TILDE = re.compile(r"~(?![01])")  # section 3: it escapes nothing
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")  # RFC 6901 section 4: without leading zeros


def parse(pointer: str) -> Tokens:
    """The reference tokens of `pointer`.

    Raises:
        ValueError: it does not begin with "/", or has a "~" that escapes nothing.
    """
    if not pointer.startswith("/"):
        raise ValueError(f"a JSON Pointer begins with '/': {pointer!r}")
    return tuple(_unescape(token) for token in pointer[1:].split("/"))


def _unescape(token: str) -> str:
    if _BARE_TILDE.search(token):
        raise ValueError(f"'~' is written '~0' in a JSON Pointer: {token!r}")
    return token.replace("~1", "/").replace("~0", "~")


def overlap(one: Tokens, other: Tokens) -> bool:
    """Whether one stands inside the other, in whatever spelling."""
    return all(fold(left) == fold(right) for left, right in zip(one, other, strict=False))


def find(document: JsonValue, tokens: Tokens) -> list[JsonValue]:
    """Every value `tokens` leads to: one at most, unless a token is `*`."""
    here = document
    for name in tokens:
        if type(here) is not dict:
            return _find_in_lists(document, tokens)
        if name not in here:
            return []
        here = here[name]
    return [here]


def _find_in_lists(document: JsonValue, tokens: Tokens) -> list[JsonValue]:
    """The same, where some of the way may lead through arrays."""
    for depth, name in enumerate(tokens):
        if isinstance(document, dict):
            if name not in document:
                return []
            document = document[name]
        elif not isinstance(document, list):
            return []
        elif name == "*":
            deeper = tokens[depth + 1 :]
            return [value for item in document for value in find(item, deeper)]
        elif _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return []
    return [document]


def is_disguised(document: JsonValue, tokens: Tokens) -> bool:
    """Whether another spelling of a name stands on the way, where some reader would find a value;
    through objects alone.
    """
    here = document
    for token in tokens:
        if not isinstance(here, dict):
            return False
        is_disguise = disguises(token)
        if any(is_disguise[name] for name in here):
            return True
        here = here.get(token)
    return False


def put(document: JsonObject, tokens: Tokens, value: JsonValue) -> None:
    """Write `value` where `tokens` lead, so that no reader of the document can find another there.

    What is no object on the way gives way, and so does every other spelling of a name on it. The
    objects below `document` are copied before they change: others may hold them too.
    """
    target, last = document, len(tokens) - 1
    for depth, token in enumerate(tokens):
        is_disguise = disguises(token)
        for other in tuple(target):
            if is_disguise[other]:
                del target[other]
        if depth == last:
            target[token] = value
            return
        step = target.get(token)
        inner = dict(step) if isinstance(step, dict) else {}
        target[token] = inner
        target = inner
