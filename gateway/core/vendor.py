"""What a vendor's profile is made of: where a user id stands, which operations end users may reach.

A vendor's key opens its whole API. So a profile is an allow-list of operations, and of the members,
parameters and fields of each. Four kinds of `Place` cover every vendor: a value stands in a field,
a query parameter, a path variable or a JSON member; and in the same four it comes back.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeVar

from gateway.core.pointer import Tokens, parse
from gateway.core.strictjson import JsonValue

Key = TypeVar("Key")
Value = TypeVar("Value")


def _frozen(mapping: Mapping[Key, Value]) -> Mapping[Key, Value]:
    return MappingProxyType(dict(mapping))


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

_TEMPLATE = re.compile(r"(?:/(?:\{[a-z][a-z_]*\}|[A-Za-z0-9._~:@-]+))+(?:/\{\+[a-z][a-z_]*\})?")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing an end user may ask of a vendor. What is not listed does not exist.

    Raises:
        ValueError: it contradicts itself; the text says where.
    """

    method: str | tuple[str, ...]
    path: str  # RFC 6570 level 1; a last {+rest} takes what follows; clients write "me" for {user}
    user: tuple[Place, ...] = ()  # our user id goes here
    conversation: tuple[Place, ...] = ()  # named by the client: must already be theirs
    opens: tuple[Place, ...] = ()  # named by the answer: becomes theirs
    answers_user: tuple[Body, ...] = ()  # named by the answer: must be the user id we wrote
    usage: tuple[Body, ...] = ()  # what the answer says it cost
    members: frozenset[str] = frozenset()  # of the top level of a JSON body: let through
    containers: tuple[Body, ...] = ()  # objects in which names of people are looked for too
    values: Mapping[str, frozenset[JsonValue]] = field(default_factory=dict)  # pointer → allowed
    query: frozenset[str] = frozenset()  # parameters let through
    fields: frozenset[str] = frozenset()  # request fields let through, lower case
    response_fields: frozenset[str] = frozenset()  # beyond the defaults of fields.RESPONSE_FIELDS
    thinks: bool = False  # makes the vendor think: what limits count in full
    no_conversation: str = ""  # why it names none, where that is not plain

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _frozen(self.values))
        if not _TEMPLATE.fullmatch(self.path):
            raise ValueError(f"path: not a path of plain segments and {{variables}}: {self.path!r}")
        names = [name.lstrip("+") for name in re.findall(r"\{([^}]+)\}", self.path)]
        if len(names) != len(set(names)):
            raise ValueError(f"path: a variable stands twice: {self.path!r}")
        for place in (*self.user, *self.conversation):
            if isinstance(place, Variable) and place.name not in names:
                raise ValueError(f"path: no variable {{{place.name}}} in {self.path!r}")
        for place in (*self.user, *self.conversation, *self.opens):
            if isinstance(place, Header) and place.name != place.name.lower():
                raise ValueError(f"field names are written in lower case: {place.name!r}")
        for body in _bodies((*self.user, *self.conversation, *self.opens, *self.answers_user)):
            _ = body.tokens
        for place in self.opens:
            if isinstance(place, (Query, Variable)):
                raise ValueError("opens: an answer has fields and a body, no path and no query")
        for allowed in self.values:
            parse(allowed)

    @property
    def methods(self) -> tuple[str, ...]:
        return (self.method,) if isinstance(self.method, str) else self.method

    @property
    def takes_body(self) -> bool:
        """Whether a request of this operation has a JSON body."""
        written = any(isinstance(place, Body) for place in (*self.user, *self.conversation))
        return bool(self.members) or written


def _bodies(places: Iterable[Place]) -> list[Body]:
    return [place for place in places if isinstance(place, Body)]


@dataclass(frozen=True, kw_only=True)
class ProblemShape:
    """The vendor's own error body, so that its SDKs understand the gateway's answers.

    In `body`, the strings "{code}", "{message}", "{status}" and "{gateway_code}" stand for values.
    `codes` gives the vendor's code by our code, else by status. `event` is the same for a stream
    that must end early: the data of one event.
    """

    body: Mapping[str, JsonValue]
    codes: Mapping[str | int, str] = field(default_factory=dict)
    event: Mapping[str, JsonValue] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", _frozen(self.codes))

    def render(self, *, status: int, code: str, message: str) -> JsonValue:
        return _fill(dict(self.body), self._words(status, code, message))

    def render_event(self, *, status: int, code: str, message: str) -> JsonValue:
        shape = self.body if self.event is None else self.event
        return _fill(dict(shape), self._words(status, code, message))

    def _words(self, status: int, code: str, message: str) -> Mapping[str, JsonValue]:
        vendor_code = self.codes.get(code) or self.codes.get(status) or code.upper()
        return {
            "{code}": vendor_code,
            "{message}": message,
            "{status}": status,
            "{gateway_code}": code,
        }


def _fill(shape: JsonValue, words: Mapping[str, JsonValue]) -> JsonValue:
    if isinstance(shape, dict):
        return {name: _fill(value, words) for name, value in shape.items()}
    if isinstance(shape, list):
        return [_fill(item, words) for item in shape]
    return words.get(shape, shape) if isinstance(shape, str) else shape


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Where to ask, with our key, who owns a conversation; never offered to users.

    An answer without an owner means nobody's: deny.
    """

    method: str
    path: str
    owner: tuple[Body, ...]


Streams = Literal["event-stream", "json-lines"]


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor's API as end users may use it.

    `fields` are sent always; in them {key} {user} {org} {roles} {subject} stand for values.
    `user_id` is the vendor's rule for user ids; the whole id must match.
    `base_url` is None where every customer has their own.
    `credential_fields` is where the vendor's SDKs put their key, and so where the user's token
    may stand, beside Authorization. `told_org` says whether the vendor learns the org.
    """

    name: str
    title: str
    base_url: str | None
    fields: Mapping[str, str]
    user_id: str
    operations: Mapping[str, Operation]
    problem: ProblemShape | None = None
    lookup: Lookup | None = None
    credential_fields: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()  # where the vendor says so

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", _frozen(self.fields))
        object.__setattr__(self, "operations", _frozen(self.operations))
        re.compile(self.user_id)

    @property
    def told_org(self) -> bool:
        return any("{org}" in template for template in self.fields.values())

    @property
    def told_roles(self) -> bool:
        return any("{roles}" in template for template in self.fields.values())

    @property
    def has_agents(self) -> bool:
        return any("{agent}" in operation.path for operation in self.operations.values())
