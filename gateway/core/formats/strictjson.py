"""JSON that every parser reads alike: RFC 8259, with the unique names and numbers of RFC 7493.

Refused, because two parsers in use differ on it: encodings other than UTF-8, a byte order mark,
duplicate names, NaN and infinities, integers beyond 2**53 - 1, lone surrogates, deep nesting.
(Python takes the last of two names and 2**53 + 1 exactly; Node rounds; orjson refuses surrogates.)
"""

import json
import math
from collections.abc import Callable, Collection
from typing import Any, NoReturn, TypeAlias, cast

import msgspec

from gateway.core.errors import AmbiguousJson

JsonObject: TypeAlias = dict[str, "JsonValue"]
JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | JsonObject | None

MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1  # RFC 7493 section 2.2
# Python reads -0 as the integer 0, Node as minus zero: passed on digit by digit instead.
_MINUS_ZERO = cast("int", msgspec.Raw(b"-0"))
_WHITESPACE = " \t\n\r"  # RFC 8259 section 2; str.strip alone knows many more
_CONTAINERS = (dict, list)


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise AmbiguousJson("An object in the body has the same member twice")
    return names


def _integer(digits: str) -> int:
    if digits == "-0":
        return _MINUS_ZERO
    if len(digits) > 17 or abs(value := int(digits)) > MAX_INTEGER:
        raise AmbiguousJson("An integer in the body is beyond 2**53 - 1: send it as a string")
    return value


def _real(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise AmbiguousJson("A number in the body is out of range")
    return value


def _constant(name: str) -> NoReturn:
    raise AmbiguousJson(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_float=_real,
    parse_constant=_constant,
    strict=True,
)
# One JSON text in UTF-8, without white space.
dumps: Callable[[JsonValue], bytes] = msgspec.json.Encoder().encode
_decode: Callable[[bytes], JsonValue] = msgspec.json.Decoder().decode


def loads(raw: bytes) -> JsonValue:
    """Parse one JSON text.

    Raises:
        AmbiguousJson: it is not JSON, or not JSON that all parsers read alike.
    """
    try:
        text = raw.decode("utf-8", "strict").strip(_WHITESPACE)
    except UnicodeDecodeError as error:
        raise AmbiguousJson("The body is not UTF-8") from error
    value: JsonValue
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise AmbiguousJson("The body is not JSON") from error
    if end != len(text):
        raise AmbiguousJson("The body goes on after its JSON text")
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text:
        _check_surrogates(value)
    return value


def loads_leniently(raw: bytes) -> JsonValue:
    """Parse what a vendor sent: liberal in what is read from an answer.

    Raises:
        ValueError: it is not JSON at all.
    """
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # A BOM, bytes that are no UTF-8, NaN, half surrogate pairs: what a browser reads all the same.
    try:
        return cast("JsonValue", json.loads(raw.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error


def says_twice(raw: bytes, names: Collection[str]) -> bool:
    """Whether an object in what a vendor sent has a member of one of these names twice, and parsers
    may differ on what it says: most take the last, some the first. In doubt it has.
    """

    def look(pairs: list[tuple[str, Any]]) -> None:
        # Nothing is kept: half a million small objects take a quarter of the time.
        if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
            found = [name for name, _ in pairs if name in names]
            if len(set(found)) < len(found):
                raise AmbiguousJson

    # Numbers stay digits: some are too long to be read as one.
    decoder = json.JSONDecoder(object_pairs_hook=look, parse_int=str, parse_float=str, strict=False)
    try:
        decoder.decode(raw.decode("utf-8-sig", "replace"))
    except (AmbiguousJson, ValueError, RecursionError):
        return True
    return False


def same(left: JsonValue, right: JsonValue) -> bool:
    """Equality of two scalars as JSON has it: `true` is not 1, but 1.0 is."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _too_deep() -> AmbiguousJson:
    return AmbiguousJson(f"The body is nested more than {MAX_DEPTH} deep")


def _check_depth(value: Any) -> None:
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
        if not level:
            return
    raise _too_deep()


def _check_surrogates(value: JsonValue) -> None:
    try:
        dumps(value)
    except UnicodeEncodeError as error:
        raise AmbiguousJson("A string in the body has half a surrogate pair") from error
