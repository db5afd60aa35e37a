"""What the members of a body hold: the values an operation takes, and objects where it reads them.

rule 1: What hides a value from us is refused: another spelling of a name, another type on the way.
rule 2: On the way to what `inner` lists, an object in place of an array is refused, and an array in
    place of an object. A text may stand in place of an array of such objects, or of one that is no
    item, as the APIs of models have it.
rule 3: What is `flat` holds neither objects nor arrays: nothing is named in it.
"""

from gateway.core import pointer, strictjson
from gateway.core.errors import BadRequest
from gateway.core.names import fold
from gateway.core.operation import Operation
from gateway.core.pointer import Tokens
from gateway.core.strictjson import JsonObject, JsonValue


def check(operation: Operation, document: JsonObject) -> None:
    """Refuse a body that holds what the operation does not take.

    Raises:
        BadRequest: it does.
    """
    for tokens in operation.deeper:
        _check_way(document, tokens)
    for tokens, allowed in operation.limited:
        _check_values(document, tokens, allowed, _texts(operation, tokens))
    for place in operation.flat:
        for value in pointer.find(document, place.tokens):
            _check_flat(value, place.tokens[-1])


def _texts(operation: Operation, tokens: Tokens) -> frozenset[int]:
    """The depths on this way at which a text may stand: rule 2."""
    listed = operation.deeper
    depths = range(len(tokens))
    arrays = {d for d in depths if tokens[d] == "*" and tokens[: d + 1] in listed}
    objects = {d for d in depths if tokens[:d] in listed and tokens[d - 1] != "*"}
    return frozenset(arrays | objects)


def _check_values(
    value: JsonValue,
    tokens: Tokens,
    allowed: frozenset[JsonValue],
    texts: frozenset[int],
    depth: int = 0,
) -> None:
    """`texts` are the depths at which a text may stand."""
    if depth == len(tokens):
        if not any(strictjson.same(value, one) for one in allowed):
            raise BadRequest("A member has a value this operation does not take")
        return
    head = tokens[depth]
    if isinstance(value, list) and head == "*":
        for item in value:
            _check_values(item, tokens, allowed, texts, depth + 1)
    elif isinstance(value, dict) and head != "*":
        folded = fold(head)
        for name, inner in value.items():
            if name == head:
                _check_values(inner, tokens, allowed, texts, depth + 1)
            elif fold(name) == folded:
                raise BadRequest(f"A member is another spelling of '{head}'")
    elif value is not None and not (isinstance(value, str) and depth in texts):
        raise BadRequest(f"A member has the wrong type: '{head}' cannot be found in it")


def _check_way(value: JsonValue, tokens: Tokens) -> None:
    """Rule 2, on the way to one object."""
    is_item = bool(tokens) and tokens[0] == "*"
    if isinstance(value, dict if is_item else list):
        raise BadRequest(
            "An object stands where an array is due, or an array in place of an object"
        )
    if not tokens:
        return
    if isinstance(value, list):
        for item in value:
            _check_way(item, tokens[1:])
    elif isinstance(value, dict) and tokens[0] in value:
        _check_way(value[tokens[0]], tokens[1:])


def _check_flat(value: JsonValue, name: str) -> None:
    members = value.values() if isinstance(value, dict) else [value]
    if any(isinstance(inner, (dict, list)) for inner in members):
        raise BadRequest(f"The members of '{name}' are texts, numbers, true, false or null")
