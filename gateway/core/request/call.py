"""What the client asked, reduced to what the operation lists. Nothing in it is trusted.

A member, parameter or field that is not listed does not reach the vendor. One that names people is
counted as an attempt to say who is asking; one that names a conversation is refused, since a vendor
might go by it instead of by the one that was checked. Names are judged in their every spelling
(`names`, `guard`): in the query, in the fields, at the top level of a body and in the objects a
profile names or places a value in; never inside message content or tool arguments.
"""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.core.errors import BadRequest, ConversationNotFound, SpoofedIdentity
from gateway.core.formats import strictjson
from gateway.core.formats.fields import Fields
from gateway.core.formats.query import parse_query
from gateway.core.formats.strictjson import JsonObject
from gateway.core.mcp import messages as mcp
from gateway.core.mcp import mirror
from gateway.core.people.seal import Seal
from gateway.core.profile.guard import LEFT_OUT, Verdict
from gateway.core.profile.names import fold
from gateway.core.profile.vendor import Operation
from gateway.core.request.holding import members_of
from gateway.core.request.reading import Reading, judge
from gateway.core.request.route import Match

SELF = "me"  # what a client writes for a user variable


class Call(msgspec.Struct, frozen=True):
    """One request, reduced to what its operation lists."""

    name: str  # of the operation
    operation: Operation
    variables: Mapping[str, str]  # of its path
    method: str
    query: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[bytes, bytes], ...] = ()
    body: JsonObject | None = None
    asked: mcp.Asked | None = None  # instead of a body, where bodies are messages of MCP
    conversations: tuple[str, ...] = ()  # every one it names, in one spelling
    dropped: tuple[str, ...] = ()  # "body:temperature", "body:metadata/email", "query:debug"
    spoofed: tuple[str, ...] = ()  # what names somebody else, written alike: "path:user"


def read(
    match: Match,
    *,
    method: str,
    raw_query: bytes,
    fields: Fields,
    content: bytes | None,
    user: str,
    subject: str,
    org: str = "",
    user_header: str = "",
    refuse_spoofs: bool = False,
    seal: Seal | None = None,
) -> Call:
    """Read a request as its operation allows.

    `content` is the body, None where the operation takes none. A client that names `user`,
    `subject` or `org` where people are named has said the truth. `seal` is on what the vendor gave
    this person to bring back.

    Raises:
        BadRequest, AmbiguousJson: it cannot be read in one way, or names a conversation where the
            operation has none.
        ConversationNotFound: it brings back what was somebody else's.
        SpoofedIdentity: it names somebody else, and `refuse_spoofs`.
    """
    operation = match.operation
    reading = Reading(operation, (user, subject, org, ""))
    _read_variables(reading, match.variables)
    query = _read_query(reading, raw_query) if raw_query else ()
    listed = _read_fields(reading, fields, user_header)
    body, asked = None, None
    if operation.mcp:
        asked, listed = _read_mcp(reading, fields, listed, content, seal)
    elif content is not None:
        body = _read_body(reading, content)
    if refuse_spoofs and reading.spoofed:
        raise SpoofedIdentity
    return Call(
        match.name,
        operation,
        match.variables,
        method,
        query,
        listed,
        body,
        asked,
        tuple(dict.fromkeys(reading.conversations)),
        tuple(reading.dropped),
        tuple(dict.fromkeys(reading.spoofed)) if reading.spoofed else (),
    )


def _read_variables(reading: Reading, variables: Mapping[str, str]) -> None:
    for name in reading.operation.user_places.variables:
        if variables[name] != SELF:
            reading.name_person("path", name, variables[name])
    for name in reading.operation.conversation_places.variables:
        reading.name_conversation(variables[name])


def _read_query(reading: Reading, raw_query: bytes) -> tuple[tuple[str, str], ...]:
    verdicts = reading.operation.query_guard.verdicts
    passed: list[tuple[str, str]] = []
    for name, value in parse_query(raw_query):
        verdict = verdicts[name]
        if verdict is Verdict.USER:
            reading.name_person("query", name, value)
        elif verdict is Verdict.CONVERSATION:
            reading.name_conversation(value)
            passed.append((name, value))
        elif verdict is Verdict.LISTED:
            passed.append((name, value))
        else:
            reading.drop("query", name, value, verdict)
    return tuple(passed)


def _read_fields(
    reading: Reading, fields: Fields, user_header: str
) -> tuple[tuple[bytes, bytes], ...]:
    verdicts = reading.operation.field_guard.field_verdicts(user_header)
    passed: dict[bytes, bytes] = {}
    for name, value in fields:
        verdict = verdicts[name]
        if verdict is LEFT_OUT:
            continue
        if verdict.passes:
            if name in passed:
                raise BadRequest("A field that may pass stands twice")
            passed[name] = value
        if verdict.conversation:
            reading.name_conversation(value.decode("latin-1"))
        elif verdict.person:
            reading.name_person("field", name.decode("latin-1"), value.decode("latin-1"))
    for listed, allowed in reading.operation.field_values.items():
        _leave_those(reading, passed, listed, allowed)
    return tuple(passed.items()) if passed else ()


def _leave_those(
    reading: Reading, passed: dict[bytes, bytes], name: str, allowed: frozenset[str]
) -> None:
    """Leave of the list in a field what the operation lets through."""
    written = passed.pop(name.encode("ascii"), None)
    if written is None:
        return
    items = [item.strip(" \t") for item in written.decode("latin-1").split(",")]
    left = [item for item in items if item in allowed]
    if left:
        passed[name.encode("ascii")] = ",".join(left).encode("ascii")
    if len(left) < len(items):
        reading.dropped.append(f"field:{name}")


def _read_mcp(
    reading: Reading,
    fields: Fields,
    listed: tuple[tuple[bytes, bytes], ...],
    content: bytes | None,
    seal: Seal | None,
) -> tuple[mcp.Asked | None, tuple[tuple[bytes, bytes], ...]]:
    """The messages, if any, and the fields that pass."""
    if content is None:
        mirror.version_of(fields)
        return None, tuple(_unsealed(reading, name, value, seal) for name, value in listed)
    asked = mcp.parse(content)
    sessions = reading.operation.conversation_places.fields
    if asked.answers and not any(name in sessions for name, _ in listed):
        # Servers count what they ask from 1 on, whoever it is that they ask.
        raise BadRequest("Outside a session an answer could be to anybody's question")
    judge(reading, *asked.messages)
    _leave_out_tasks(reading, mcp.about(asked))
    repeating = mirror.mirrored(asked, fields)
    if seal is not None:
        mcp.unseal(asked, seal)
    return asked, (*listed, *repeating)


def _leave_out_tasks(reading: Reading, beside: Sequence[JsonObject]) -> None:
    """An answer goes by the id of what it answers. The task it is said to be about may be another's
    as well as one that the client runs, of which nobody knows here.
    """
    same = fold(mcp.RELATED)
    named = {name: Verdict.UNLISTED for name in members_of(beside) if fold(name) == same}
    reading.drop_members(("result", "_meta"), beside, named)


def _unsealed(
    reading: Reading, name: bytes, value: bytes, seal: Seal | None
) -> tuple[bytes, bytes]:
    """A field as the vendor gets it: the id of an event is one of a session of this person's."""
    if name != mcp.LAST_EVENT or seal is None:
        return name, value
    kinds = [mcp.event_kind(session) for session in reading.conversations]
    found = [seal.open(kind, value.decode("latin-1")) for kind in kinds]
    opened = next((one for one in found if one is not None), None)
    if opened is None:
        raise ConversationNotFound
    return name, opened.encode("latin-1")


def _read_body(reading: Reading, content: bytes) -> JsonObject:
    document = strictjson.loads(content)
    if not isinstance(document, dict):
        raise BadRequest("The body is not a JSON object")
    judge(reading, document)
    return document
