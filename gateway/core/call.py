"""What the client asked, reduced to what the operation lists. Nothing in it is trusted.

A member, parameter or field that is not listed does not reach the vendor. One that names people is
counted as an attempt to say who is asking; one that names a conversation is refused, since a vendor
might go by it instead of by the one that was checked. Names are compared without case, separators
and look-alike forms (`user_id`, `USERID`, `user-id`, `user id`), at the top level and in the
containers a profile names; never inside message content or tool arguments.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from gateway.core import pointer, strictjson
from gateway.core.errors import BadRequest, SpoofedIdentity, UriTooLong
from gateway.core.fields import Fields
from gateway.core.route import SEGMENT, Match
from gateway.core.strictjson import JsonObject
from gateway.core.vendor import Body, Header, Operation, Place, Query, Variable

MAX_QUERY = 8192
MAX_PARAMETERS = 100
SELF = "me"  # what a client writes for a user variable

_PREFIX = (
    r"(?:x|http|the|my|chat|app|bot|ai|end|external|ext|internal|current|auth|authenticated|"
    r"request|forwarded|remote|webauth|target|real|effective|actual|as|for|on|of|llm|litellm|openai|"
    r"amzn|oidc|goog|envoy|vendor|upstream|platform|portal|web|site|tool|message)"
)
_PEOPLE = (
    r"(?:user|enduser|customer|contact|person|people|account|member|visitor|guest|subject|sub|"
    r"subscriber|principal|employee|identity|actor|owner|tenant|organi[sz]ation|org|workspace|"
    r"company|client|anonymous|anon|login|profile|participant|sender|author|role|group|safety|"
    r"distinct|impersonate|impersonated|onbehalf|external|externalid|student|patient|lead)"
)
_SUFFIX = (
    r"(?:s|id|ids|identifier|identity|uid|uuid|guid|name|email|mail|phone|key|hash|token|ref|"
    r"reference|code|number|no|handle|login|external|info|metadata|object|user|of|slug)"
)
_NAMES_PEOPLE = re.compile(
    rf"{_PREFIX}*(?:{_PEOPLE}{{1,2}}{_SUFFIX}*|(?:user)?(?:uid|email|emailaddress|username|externalid))\d*"
)
_NAMES_CONVERSATION = re.compile(
    rf"{_PREFIX}*(?:(?:conversation|convo|thread|session|dialog|dialogue|discussion)"
    rf"(?:s|id|ids|identifier|uuid|guid|key|ref|reference|handle|name|token|object)*|"
    rf"(?:chat|room|previousresponse|lastresponse|parentresponse|parentconversation|"
    rf"previousconversation|contextid|context|task|run)(?:id|ids|identifier|uuid|key|ref)+)\d*"
)


MAX_NAME = 128  # a longer name is nothing we know; nor is it worth remembering


def fold(name: str) -> str:
    """A name without case, separators, invisible characters and compatibility forms."""
    return _fold(name) if len(name) <= MAX_NAME else ""


@lru_cache(maxsize=4096)
def _fold(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[^a-z0-9]+", "", plain)


def names_people(name: str) -> bool:
    """Whether a name means who somebody is: `userId`, `x-external-user-id`, `safety_identifier`."""
    return _matches(_NAMES_PEOPLE, fold(name))


def names_conversation(name: str) -> bool:
    """Whether a name means a conversation: `conversation_id`, `threadId`, `sessionKey`."""
    return _matches(_NAMES_CONVERSATION, fold(name))


@lru_cache(maxsize=4096)
def _matches(pattern: re.Pattern[str], folded: str) -> bool:
    return pattern.fullmatch(folded) is not None


@dataclass(frozen=True, slots=True)
class Call:
    """One request, reduced to what its operation lists."""

    match: Match
    method: str
    query: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[bytes, bytes], ...] = ()
    body: JsonObject | None = None
    conversations: tuple[str, ...] = ()  # every one it names, in one spelling
    dropped: tuple[str, ...] = ()  # "body:temperature", "query:debug"
    spoofed: tuple[str, ...] = ()  # those of the dropped that name somebody else

    @property
    def operation(self) -> Operation:
        return self.match.operation


@dataclass(slots=True)
class _Reading:
    """What comes out of one request while it is read."""

    operation: Operation
    user: str  # the trusted user id; a client that names itself spoofs nobody
    subject: str
    dropped: list[str] = field(default_factory=list)
    spoofed: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)

    def drop(self, kind: str, name: str, value: object) -> None:
        """Leave out something unlisted."""
        if names_conversation(name):
            raise BadRequest(f"This operation takes no {kind} '{_shown(name)}'")
        self.dropped.append(f"{kind}:{_shown(name)}")
        if self.is_person(kind, name):
            self.name_person(kind, name, value)

    def is_person(self, kind: str, name: str) -> bool:
        return names_people(name) or fold(name) in {
            fold(_last_name(place)) for place in self.operation.user if _kind(place) == kind
        }

    def is_harmless(self, name: str) -> bool:
        return _harmless(name) and not self.is_person("body", name)

    def name_person(self, kind: str, name: str, value: object) -> None:
        if value not in (self.user, self.subject):
            self.spoofed.append(f"{kind}:{_shown(name)}")

    def name_conversation(self, value: object) -> None:
        self.conversations.append(canonical_id(value))


def canonical_id(value: object) -> str:
    """The one spelling of a conversation id: `7` and "7" are one, `true` and "07" are others.

    Raises:
        BadRequest: it is no id.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if isinstance(value, str) and SEGMENT.fullmatch(value):
        return value
    raise BadRequest("A conversation is named by something that is no conversation id")


def read(
    match: Match,
    *,
    method: str,
    raw_query: bytes,
    fields: Fields,
    content: bytes | None,
    user: str,
    subject: str,
    user_header: str = "",
    refuse_spoofs: bool = False,
) -> Call:
    """Read a request as its operation allows.

    `content` is the body, None where the operation takes none.

    Raises:
        BadRequest, AmbiguousJson: it cannot be read in one way, or names a conversation where the
            operation has none.
        SpoofedIdentity: it names somebody else, and `refuse_spoofs`.
    """
    reading = _Reading(match.operation, user, subject)
    variables = _read_variables(reading, match.variables)
    query = _read_query(reading, raw_query)
    listed = _read_fields(reading, fields, user_header)
    body = None if content is None else _read_body(reading, content)
    if refuse_spoofs and reading.spoofed:
        raise SpoofedIdentity
    return Call(
        match=Match(match.name, match.operation, variables),
        method=method,
        query=query,
        fields=listed,
        body=body,
        conversations=tuple(dict.fromkeys(reading.conversations)),
        dropped=tuple(reading.dropped),
        spoofed=tuple(reading.spoofed),
    )


def _read_variables(reading: _Reading, variables: Mapping[str, str]) -> Mapping[str, str]:
    for place in reading.operation.user:
        if isinstance(place, Variable) and variables[place.name] != SELF:
            reading.name_person("path", place.name, variables[place.name])
    for place in reading.operation.conversation:
        if isinstance(place, Variable):
            reading.name_conversation(variables[place.name])
    return variables


def _read_query(reading: _Reading, raw_query: bytes) -> tuple[tuple[str, str], ...]:
    pairs = parse_query(raw_query)
    operation = reading.operation
    conversations = _names_of(operation.conversation, Query)
    users = _names_of(operation.user, Query)
    passed: list[tuple[str, str]] = []
    for name, value in pairs:
        if name in users:
            reading.name_person("query", name, value)
        elif name in conversations:
            reading.name_conversation(value)
            passed.append((name, value))
        elif name in operation.query or ("*" in operation.query and _harmless(name)):
            passed.append((name, value))
        else:
            reading.drop("query", name, value)
    return tuple(passed)


def parse_query(raw_query: bytes) -> tuple[tuple[str, str], ...]:
    """The parameters of a query, decoded once (WHATWG URL section 5.1).

    Raises:
        BadRequest: a name stands twice, or something in it is no UTF-8 or a control character.
        UriTooLong: more than 8,192 bytes or 100 parameters.
    """
    if not raw_query:
        return ()
    if len(raw_query) > MAX_QUERY or raw_query.count(b"&") >= MAX_PARAMETERS:
        raise UriTooLong("The query is too long")
    pairs = []
    for item in raw_query.split(b"&"):
        if not item:
            continue
        name, _, value = item.partition(b"=")
        pairs.append((_decoded(name), _decoded(value)))
    names = [name for name, _ in pairs]
    if len({fold(name) or name for name in names}) != len(names):
        raise BadRequest("A query parameter stands twice")
    return tuple(pairs)


def _decoded(raw: bytes) -> str:
    if re.search(rb"%(?![0-9A-Fa-f]{2})", raw):
        raise BadRequest("A percent sign in the query encodes nothing")
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The query is not UTF-8") from error
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise BadRequest("The query has a control character")
    return text


def _read_fields(
    reading: _Reading, fields: Fields, user_header: str
) -> tuple[tuple[bytes, bytes], ...]:
    operation = reading.operation
    conversations = _names_of(operation.conversation, Header)
    own = fold(user_header)
    passed: list[tuple[bytes, bytes]] = []
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in conversations:
            reading.name_conversation(value)
            passed.append((raw_name, raw_value))
        elif name in operation.fields:
            passed.append((raw_name, raw_value))
        elif names_people(name) or (own and fold(name) == own):
            reading.name_person("field", name, value)
    names = [name for name, _ in passed]
    if len(set(names)) != len(names):
        raise BadRequest("A field that may pass stands twice")
    return tuple(passed)


def _read_body(reading: _Reading, content: bytes) -> JsonObject:
    document = strictjson.loads(content)
    if not isinstance(document, dict):
        raise BadRequest("The body is not a JSON object")
    operation = reading.operation
    _check_values(operation, document)
    kept = _keep_members(reading, document)
    for container in operation.containers:
        for inner in pointer.find(kept, container.tokens):
            if isinstance(inner, dict):
                _scrub(reading, inner)
    for place in operation.conversation:
        if isinstance(place, Body):
            for value in pointer.find(kept, place.tokens):
                reading.name_conversation(value)
    return kept


def _keep_members(reading: _Reading, document: JsonObject) -> JsonObject:
    operation = reading.operation
    users = _top_names(operation.user)
    listed = (operation.members | _top_names(operation.conversation)) - users
    shared = operation.members & users  # an object that is the client's, but for our member in it
    every = "*" in operation.members
    kept: JsonObject = {}
    for name, value in document.items():
        passes = name in listed or (every and reading.is_harmless(name))
        if passes or (name in shared and isinstance(value, dict)):
            kept[name] = value
        else:
            reading.drop("body", name, value)
    return kept


def _scrub(reading: _Reading, container: JsonObject) -> None:
    for name in list(container):
        if names_conversation(name) or reading.is_person("body", name):
            reading.drop("body", name, container.pop(name))


def _check_values(operation: Operation, document: JsonObject) -> None:
    for written, allowed in operation.values.items():
        for value in pointer.find(document, pointer.parse(written)):
            if not any(strictjson.same(value, one) for one in allowed):
                raise BadRequest(f"The member {written} has a value this operation does not take")


def _harmless(name: str) -> bool:
    return len(name) <= MAX_NAME and not names_people(name) and not names_conversation(name)


def _names_of(places: tuple[Place, ...], kind: type[Query] | type[Header]) -> frozenset[str]:
    return frozenset(place.name for place in places if isinstance(place, kind))


def _top_names(places: tuple[Place, ...]) -> frozenset[str]:
    return frozenset(place.tokens[0] for place in places if isinstance(place, Body))


def _last_name(place: Place) -> str:
    return place.tokens[-1] if isinstance(place, Body) else place.name


def _kind(place: Place) -> str:
    return _KINDS[type(place)]


_KINDS: Mapping[type, str] = {Header: "field", Query: "query", Variable: "path", Body: "body"}


def _shown(name: str) -> str:
    """A client's name, fit for a log line and for an answer."""
    return "".join(c if c.isprintable() else "?" for c in name[:64])
