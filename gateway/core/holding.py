"""What the members of a body hold: the values an operation takes, and objects where it reads them.

rule 1: What hides a value, or a conversation deep inside, from us is refused: another spelling of a
    name, another type on the way.
rule 2: On the way to what `inner` lists, an object in place of an array is refused, and an array in
    place of an object. A text may stand in place of an array of such objects, or of one that is no
    item, as the APIs of models have it.
rule 3: What is `flat` holds neither objects nor arrays: nothing is named in it.
"""

from collections.abc import Collection, Iterable

from gateway.core import pointer, strictjson
from gateway.core.errors import BadRequest
from gateway.core.names import disguises
from gateway.core.pointer import Tokens
from gateway.core.strictjson import JsonObject, JsonValue


class Holding:
    """What the bodies of an operation hold.

    `deeper` are the objects in which members are listed, `limited` the values that some members
    take, `flat` what holds no objects and no arrays, `named` where conversations are.
    """

    def __init__(
        self,
        deeper: Collection[Tokens],
        limited: Iterable[tuple[Tokens, frozenset[JsonValue]]],
        flat: Iterable[Tokens],
        named: Collection[Tokens] = (),
    ) -> None:
        self._deeper = tuple(deeper)
        self._limited = tuple(
            _Way(tokens, _texts(deeper, tokens), allowed) for tokens, allowed in limited
        )
        self._flat = tuple(flat)
        # Of what stands at the top, its guard judges all that there is to be judged.
        self._named = tuple(
            _Way(tokens, _texts(deeper, tokens) | _shorter(named, tokens))
            for tokens in named
            if len(tokens) > 1
        )

    def check(self, document: JsonObject) -> None:
        """Refuse a body that holds what the operation does not take.

        Raises:
            BadRequest: it does.
        """
        for tokens in self._deeper:
            _check_way(document, tokens)
        for way in self._limited + self._named:
            way.check(document)
        for tokens in self._flat:
            for value in pointer.find(document, tokens):
                _check_flat(value, tokens[-1])


def _texts(listed: Collection[Tokens], tokens: Tokens) -> frozenset[int]:
    """The depths on this way at which a text may stand: rule 2."""
    depths = range(len(tokens))
    arrays = {d for d in depths if tokens[d] == "*" and tokens[: d + 1] in listed}
    objects = {d for d in depths if tokens[:d] in listed and tokens[d - 1] != "*"}
    return frozenset(arrays | objects)


def _shorter(named: Collection[Tokens], tokens: Tokens) -> frozenset[int]:
    """The depths on this way at which another one ends: what stands there is judged by itself."""
    return frozenset(len(other) for other in named if other == tokens[: len(other)])


class _Way:
    """The way to one place, and the values that stand there; None: any. Rules 1 and 2.

    `texts` are the depths at which a text may stand.
    """

    __slots__ = ("_allowed", "_disguises", "_texts", "_tokens")

    def __init__(
        self,
        tokens: Tokens,
        texts: frozenset[int],
        allowed: frozenset[JsonValue] | None = None,
    ) -> None:
        self._tokens = tokens
        self._allowed = None if allowed is None else tuple(allowed)
        self._texts = texts
        self._disguises = tuple(map(disguises, tokens))

    def check(self, value: JsonValue, depth: int = 0) -> None:
        if depth == len(self._tokens):
            if self._allowed is None:
                return
            for one in self._allowed:
                if strictjson.same(value, one):
                    return
            raise BadRequest("A member has a value this operation does not take")
        head = self._tokens[depth]
        if isinstance(value, list) and head == "*":
            for item in value:
                self.check(item, depth + 1)
        elif isinstance(value, dict) and head != "*":
            is_disguise = self._disguises[depth]
            for name in value:
                if is_disguise[name]:
                    raise BadRequest(f"A member is another spelling of '{head}'")
            if head in value:
                self.check(value[head], depth + 1)
        elif value is not None and not (isinstance(value, str) and depth in self._texts):
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
