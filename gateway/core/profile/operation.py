"""One thing end users may ask of a vendor, as data: what it lists, and nothing else, exists.

Four kinds of `Place` cover every vendor: a value stands in a field, a query parameter, a path
variable or a JSON member; and in the same four it comes back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from types import MappingProxyType
from typing import Any, TypeVar

from gateway.core.answer.sought import Sought, sought
from gateway.core.formats.fields import NEVER_PASSED, RESPONSE_FIELDS, TOKEN
from gateway.core.formats.pointer import Tokens, overlap, parse
from gateway.core.formats.strictjson import JsonValue
from gateway.core.people.identity import DOT_SEGMENTS
from gateway.core.profile.guard import EVERY, Guard, Room, rooms
from gateway.core.profile.metered import Metered
from gateway.core.profile.place import Body, Header, Place, Places, Query, Variable, apart, bodies
from gateway.core.profile.shape import Shapes
from gateway.core.request.holding import Holding

Key = TypeVar("Key")
Value = TypeVar("Value")


def frozen(mapping: Mapping[Key, Value]) -> Mapping[Key, Value]:
    """The same, for good."""
    return MappingProxyType(dict(mapping))


TEMPLATE = re.compile(r"(?:/(?:\{[a-z][a-z_]*\}|[A-Za-z0-9._~:@-]+))+(?:/\{\+[a-z][a-z_]*\})?")
_METHOD = re.compile(r"[A-Z]+")
_SUBPROTOCOL = re.compile(r"[A-Za-z0-9._-]+")
META = frozenset({("params", "_meta")})  # of a message of MCP
HANDSHAKE = "CONNECT"  # RFC 8441: a method that changes something, as far as browsers can tell


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
    must_continue: bool = False  # one must be named: nobody says here for whom a new one would be
    opens_more: bool = False  # one answer opens several, each an id of its own
    blank_opens: bool = False  # an empty id in a body opens a new one, as null does
    answers_user: tuple[Body, ...] = ()  # named by the answer: must be the user id we wrote
    usage: tuple[Body, ...] = ()  # what the answer says it cost
    metered: Metered | None = None  # how a stream is made to say so
    members: frozenset[str] = frozenset()  # of the top level of a JSON body: let through
    files: frozenset[str] = frozenset()  # its body is a form: files let through; members are texts
    inner: Mapping[str, frozenset[str]] = field(default_factory=dict)  # deeper objects: let through
    containers: tuple[Body, ...] = ()  # objects in which names of people are looked for too
    flat: tuple[Body, ...] = ()  # objects that hold no objects and no arrays
    values: Mapping[str, frozenset[JsonValue]] = field(default_factory=dict)  # pointer → allowed
    query: frozenset[str] = frozenset()  # parameters let through
    fields: frozenset[str] = frozenset()  # request fields let through, lower case
    field_values: Mapping[str, frozenset[str]] = field(default_factory=dict)  # items, of a list too
    response_fields: frozenset[str] = frozenset()  # beyond the defaults of fields.RESPONSE_FIELDS
    settable: frozenset[str] = frozenset()  # members the server may set, and clients may not
    websocket: bool = False  # a GET that opens one, and is no request by itself
    messages: Mapping[str, "Operation"] = field(default_factory=dict)  # said there, by their type
    subprotocols: frozenset[str] = frozenset()  # of a WebSocket: let through
    mcp: bool = False  # its bodies are messages of MCP (core.mcp), and ids in it are secrets
    json_lines: bool = False  # its streams are JSON lines, whatever their media type says
    says: tuple[Body, ...] = ()  # a person's own words; without any, tools and agent talk on
    thinks: bool = False  # makes the vendor think, and so costs
    calls_tool: bool = False  # one tool call, or the result of one: usage counts it
    no_conversation: str = ""  # why it names none, where that is not plain

    def __post_init__(self) -> None:
        for name in ("values", "inner", "field_values", "messages"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        _check_socket(self)
        _check_target(self)
        _check_fields(self)
        _check_bodies(self)
        if set(self.user) & set(self.conversation):
            raise ValueError("user, conversation: one place cannot hold both")

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Of a WebSocket the one that handshakes have here, and no request has (RFC 8441)."""
        if self.websocket:
            return (HANDSHAKE,)
        return (self.method,) if isinstance(self.method, str) else self.method

    @cached_property
    def query_guard(self) -> Guard:
        """What becomes of a parameter of the query, by its name."""
        return _guard(self, Query, self.query)

    @cached_property
    def field_guard(self) -> Guard:
        """What becomes of a field, by its name."""
        return _guard(self, Header, self.fields)

    @cached_property
    def user_places(self) -> Places:
        """Where our user id goes."""
        return apart(self.user)

    @cached_property
    def conversation_places(self) -> Places:
        """Where a request names a conversation."""
        return apart(self.conversation)

    @cached_property
    def path_format(self) -> str:
        """The path, to be filled by `%` with its variables; no plain segment has a percent sign."""
        return re.sub(r"\{\+?([^}]+)\}", r"%(\1)s", self.path)

    @cached_property
    def holding(self) -> Holding:
        """What the members of a body hold."""
        return Holding(
            self.deeper,
            self.limited,
            [body.tokens for body in self.flat],
            self.conversation_places.bodies,
        )

    @cached_property
    def rooms(self) -> tuple[Room, ...]:
        """The objects of a body in which names are judged; the first is its top."""
        return rooms(
            listed=self.members,
            users=self.user_places.bodies,
            conversations=self.conversation_places.bodies,
            containers=(body.tokens for body in self.containers),
            inner=self.deeper,
            of_houses=META if self.mcp else frozenset(),
        )

    @cached_property
    def shapes(self) -> Shapes:
        """What is looked at in a body, by the members at its top."""
        users, conversations = self.user_places.bodies, self.conversation_places.bodies
        return Shapes(self.holding, self.rooms, users, conversations)

    @cached_property
    def opened_in(self) -> tuple[bytes, ...]:
        """Fields of an answer that name what it opens."""
        return apart(self.opens).fields

    @cached_property
    def answer_fields(self) -> frozenset[bytes]:
        """Fields of an answer that pass: the defaults, what is listed, and what names it opens."""
        listed = (name.encode("ascii") for name in self.response_fields)
        return RESPONSE_FIELDS.union(listed, self.opened_in)

    @cached_property
    def sought(self) -> Sought:
        """What is looked for in an answer."""
        return sought(self.opens, self.answers_user, self.usage)

    @cached_property
    def sought_in_error(self) -> Sought:
        """The same in one that is an error: it opens nothing."""
        return sought((), self.answers_user, self.usage)

    @cached_property
    def limited(self) -> tuple[tuple[Tokens, frozenset[JsonValue]], ...]:
        """`values`, by the tokens of their pointers."""
        return tuple((parse(pointer), allowed) for pointer, allowed in self.values.items())

    @cached_property
    def deeper(self) -> Mapping[Tokens, frozenset[str]]:
        """`inner`, by the tokens of their pointers."""
        return {parse(pointer): listed for pointer, listed in self.inner.items()}

    @cached_property
    def takes_body(self) -> bool:
        """Whether a request of this operation has a JSON body."""
        return bool(self.members) or bool(bodies((*self.user, *self.conversation)))

    @cached_property
    def listens(self) -> bool:
        """Whether its answer stays open, at no cost, for whatever comes: an MCP client's GET."""
        return self.mcp and self.methods == ("GET",) and not self.costs

    @cached_property
    def costs(self) -> bool:
        """Whether limits count it in full: it makes the vendor think, or tells what it cost."""
        return self.thinks or bool(self.usage)

    @cached_property
    def continues(self) -> bool:
        """Whether it is about a conversation that is there already, so that one must be named."""
        return bool(self.conversation) and (self.must_continue or not self.opens)

    @cached_property
    def may_lack_body(self) -> bool:
        """Whether nothing in its body is the client's to say, so that none need be sent."""
        return not self.members and not bodies(self.conversation)


def _guard(operation: Operation, kind: type[Query] | type[Header], listed: frozenset[str]) -> Guard:
    return Guard(
        listed=listed,
        users=frozenset(place.name for place in operation.user if isinstance(place, kind)),
        conversations=frozenset(
            place.name for place in operation.conversation if isinstance(place, kind)
        ),
    )


TYPE = "type"  # the member that says what a message of a WebSocket is


def message(*, members: frozenset[str] = frozenset(), **rules: Any) -> Operation:
    """What a message of a WebSocket may hold: what `Operation` says of a body; its type always."""
    return Operation(method="POST", path="/message", members=members | {TYPE}, **rules)


def _check_socket(operation: Operation) -> None:
    if not operation.websocket:
        if operation.messages or operation.subprotocols:
            raise ValueError("messages: only a WebSocket has them")
    elif operation.method != "GET" or operation.takes_body:
        raise ValueError("websocket: a handshake is a GET without a body; what is said: messages")
    elif not all(_SUBPROTOCOL.fullmatch(name) for name in operation.subprotocols):
        raise ValueError("subprotocols: letters, digits and . _ - alone")


def _check_target(operation: Operation) -> None:
    path = operation.path
    if not all(_METHOD.fullmatch(method) for method in operation.methods):
        raise ValueError(f"method: not a method in upper case: {operation.method!r}")
    if not TEMPLATE.fullmatch(path) or not DOT_SEGMENTS.isdisjoint(path.split("/")):
        raise ValueError(f"path: not a path of plain segments and {{variables}}: {path!r}")
    names = re.findall(r"\{\+?([^}]+)\}", path)
    if len(names) != len(set(names)):
        raise ValueError(f"path: a variable stands twice: {path!r}")
    for place in (*operation.user, *operation.conversation):
        if isinstance(place, Variable) and place.name not in names:
            raise ValueError(f"path: it has no variable {{{place.name}}}")


def _check_fields(operation: Operation) -> None:
    places = (*operation.user, *operation.conversation, *operation.opens)
    if not operation.field_values.keys() <= operation.fields:
        raise ValueError("field_values: of a field that is not let through")
    headers = {place.name for place in places if isinstance(place, Header)}
    for name in headers | operation.fields | operation.response_fields:
        if name == EVERY:
            raise ValueError("fields: '*' would let every credential through")
        if not TOKEN.fullmatch(name.encode()):
            raise ValueError(f"field names are written in lower case, without '_': {name!r}")
        if name in NEVER_PASSED:
            raise ValueError(f"a field that no operation may let through: {name!r}")


def _check_bodies(operation: Operation) -> None:
    asked = bodies((*operation.user, *operation.conversation))
    answered = bodies((*operation.opens, *operation.answers_user, *operation.usage))
    for body in (*asked, *answered, *operation.says, *operation.containers, *operation.flat):
        _ = body.tokens  # parsed now, and refused now
    _check_inner(operation)
    _check_form(operation)
    if any("*" in body.tokens for body in bodies(operation.user)):
        raise ValueError("user: '*' is no place to write an id to")
    if bodies(operation.user) and not {"GET", "HEAD"}.isdisjoint(operation.methods):
        raise ValueError("user: GET has no body to write an id to")
    for one, other in product(bodies(operation.user), asked):
        if one != other and overlap(one.tokens, other.tokens):
            raise ValueError("user: what is written there would take another place with it")
    _ = operation.limited
    if any(isinstance(place, (Query, Variable)) for place in operation.opens):
        raise ValueError("opens: an answer has fields and a body, no path and no query")


def _check_inner(operation: Operation) -> None:
    for tokens in operation.deeper:
        above = tokens[:-2] if tokens[-1] == "*" else tokens[:-1]
        if above and above not in operation.deeper:
            raise ValueError("inner: what stands around it lists nothing, and could hide it")


def _check_form(operation: Operation) -> None:
    if not operation.files:
        return
    if bodies(operation.conversation):
        raise ValueError("conversation: a form passes as it comes, so nothing in it can be checked")
    if any(len(body.tokens) > 1 for body in bodies(operation.user)):
        raise ValueError("user: the parts of a form hold no parts")
    for key in ("values", "inner", "containers", "flat", "metered", "settable"):
        if getattr(operation, key):
            raise ValueError(f"{key}: of a JSON body, and this is a form")
