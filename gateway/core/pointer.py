"""JSON Pointer (RFC 6901): get, put and drop, and `*` for every item where a profile says so."""

from collections.abc import Iterator

from gateway.core.strictjson import JsonObject, JsonValue

Tokens = tuple[str, ...]


def parse(pointer: str) -> Tokens:
    """The reference tokens of `pointer`.

    Raises:
        ValueError: it does not begin with "/", or has a "~" that escapes nothing.
    """
    if not pointer.startswith("/"):
        raise ValueError(f"a JSON Pointer begins with '/': {pointer!r}")
    return tuple(_unescape(token) for token in pointer[1:].split("/"))


def _unescape(token: str) -> str:
    if "~" in token.replace("~0", "").replace("~1", ""):
        raise ValueError(f"'~' is written '~0' in a JSON Pointer: {token!r}")
    return token.replace("~1", "/").replace("~0", "~")


def find(document: JsonValue, tokens: Tokens) -> Iterator[JsonValue]:
    """Every value `tokens` leads to: one at most, unless a token is `*`."""
    if not tokens:
        yield document
        return
    head, rest = tokens[0], tokens[1:]
    if isinstance(document, dict):
        if head in document:
            yield from find(document[head], rest)
    elif isinstance(document, list):
        if head == "*":
            for item in document:
                yield from find(item, rest)
        elif head.isascii() and head.isdigit() and int(head) < len(document):
            yield from find(document[int(head)], rest)


def put(document: JsonObject, tokens: Tokens, value: JsonValue) -> None:
    """Write `value`, replacing whatever is no object on the way: what is there is not trusted."""
    target = document
    for token in tokens[:-1]:
        step = target.get(token)
        if not isinstance(step, dict):
            step = target[token] = {}
        target = step
    target[tokens[-1]] = value
