"""Where a value stands: in a field, in the query, in the path, or in a JSON body."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from gateway.core.formats.pointer import Tokens, parse


@dataclass(frozen=True, slots=True)
class Header:
    """An HTTP field, lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A `{name}` of the operation's path (RFC 6570 level 1)."""

    name: str


@dataclass(frozen=True)
class Body:
    """A member of a JSON body, or of an event of a stream, by JSON Pointer (RFC 6901).

    In an answer a token `*` stands for every item of an array.
    """

    pointer: str

    @cached_property
    def tokens(self) -> Tokens:
        return parse(self.pointer)


Place = Header | Query | Variable | Body


def bodies(places: Iterable[Place]) -> tuple[Body, ...]:
    """Those of `places` that stand in a body."""
    return tuple(place for place in places if isinstance(place, Body))


@dataclass(frozen=True, slots=True)
class Places:
    """Places of one kind of value, apart by where they are."""

    bodies: tuple[Tokens, ...]
    variables: tuple[str, ...]
    parameters: tuple[str, ...]
    fields: tuple[bytes, ...]


def apart(places: Iterable[Place]) -> Places:
    """`places`, each kind in its order."""
    places = tuple(places)
    return Places(
        tuple(body.tokens for body in bodies(places)),
        tuple(place.name for place in places if isinstance(place, Variable)),
        tuple(place.name for place in places if isinstance(place, Query)),
        tuple(place.name.encode("ascii") for place in places if isinstance(place, Header)),
    )
