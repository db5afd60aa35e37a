"""One tool call of a vendor to a service of the company's own, top to bottom.

The vendor's agent wants something done for the person it talks to. The vendor proves that it is the
vendor, and says by its own user id whom it speaks of; the service hears from us who that is.

The person is said where the vendor's platform writes it, a field or a parameter. What stands in the
body may come from the conversation itself, and people write what they like there: it counts only
beside a conversation that is theirs, and nothing else in it says who anybody is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.core.errors import (
    AmbiguousJson,
    BadRequest,
    ConversationNotFound,
    IdempotencyConflict,
    NotFound,
    UpstreamCredentialsRefused,
    UpstreamMalformed,
)
from gateway.core.events.callback import id_text
from gateway.core.events.signature import Check, Proven, verify
from gateway.core.formats import fields as http
from gateway.core.formats import strictjson
from gateway.core.formats.pointer import find, is_disguised
from gateway.core.formats.query import parse_query
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people import assertion
from gateway.core.people.identity import Identity, Person
from gateway.core.problem import Answer
from gateway.core.profile.names import MAX_NAME, names_people
from gateway.core.profile.place import Body, Header, Query
from gateway.core.request.destination import roles_as_json, visible
from gateway.core.request.plan import USER_AGENT, VendorRequest
from gateway.ports import (
    Admission,
    Assertions,
    AuditSink,
    ConversationLedger,
    Fields,
    Inbound,
    OnceOnly,
    Record,
    Seen,
    Transport,
    VendorResponse,
    Whose,
)
from gateway.steps.errand import OwnErrand, read_whole
from gateway.steps.interrupt import within

NamedAt: TypeAlias = Header | Query | Body  # where a call names a person or a conversation


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A service that a vendor may call for the people of one org."""

    name: str
    org: str  # its name in the configuration
    external_id: str
    upstream: str
    check: Check
    user: NamedAt
    conversation: NamedAt | None
    audience: str  # the service's URL, as the configuration has it
    target: str  # path and query
    transport: Transport
    assertions: Assertions
    ledger: ConversationLedger
    audit: AuditSink
    seen: Seen
    admission: Admission
    once: OnceOnly
    via: str
    total: float  # seconds
    max_body: int  # bytes
    now: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a call says, in all the places where it may say it."""

    fields: Fields
    query: tuple[tuple[str, str], ...]
    body: JsonObject


async def call_tool(tool: Tool, ask: Inbound, record: Record) -> Answer:
    """Carry one call to its service, and the answer back. Raises a `GatewayError`."""
    record.org, record.org_id = tool.org, tool.external_id
    record.upstream, record.operation = tool.upstream, operation_of(tool.name)
    content = await ask.body(tool.max_body)  # 413
    proven = verify(tool.check, ask.fields, content, now=tool.now())  # 401: is it the vendor?
    call = read(ask, content)  # 400, 415
    person, user = await whom(tool, call, record)  # 400, 404: of whom does it speak?
    conversation = await about(tool, call, person, record)  # 404: is that theirs?
    identity = tool.seen.identity(person)
    tool.admission.check(identity)  # 403
    request = rebuilt(tool, call, identity, user, conversation, record)  # 403
    await refuse_replay(tool, proven, record)  # 409; last: what was refused may be sent again
    errand = OwnErrand(ask, identity, record)
    async with within(tool.total), tool.transport.open(request, errand) as response:  # 502, 504
        record.upstream_status = response.status
        return await answer_of(response)


def operation_of(tool: str) -> str:
    """What a call of a tool is named in what is kept."""
    return f"tool:{tool}"


async def refuse_replay(tool: Tool, proven: Proven, record: Record) -> None:
    """Refuse a message that has been here, where its id is signed."""
    if proven.id is None:
        return
    if not await tool.once.is_first(tool.org, tool.upstream, tool.name, proven.id):
        tool.audit.note("tool_replayed", record)
        raise IdempotencyConflict


def read(ask: Inbound, content: bytes) -> ToolCall:
    """What the call says, by one reading only."""
    http.check_plain_json(ask.fields)
    body = strictjson.loads(content or b"{}")
    if not isinstance(body, dict):
        raise AmbiguousJson("A tool call is a JSON object")
    return ToolCall(ask.fields, parse_query(ask.raw_query), body)


async def whom(tool: Tool, call: ToolCall, record: Record) -> tuple[Person, str]:
    """The person a call speaks of, by the id the vendor knows them by."""
    user = said(call, tool.user)
    if user is None:
        raise BadRequest("The call does not say of whom it speaks")
    person = await tool.ledger.person_named(tool.upstream, tool.external_id, user)
    if person is None:
        tool.audit.note("tool_of_nobody", record)
        raise NotFound("The call speaks of nobody this gateway knows")
    record.subject, record.user = person.subject, user
    return person, user


async def about(tool: Tool, call: ToolCall, person: Person, record: Record) -> str | None:
    """The conversation a call belongs to, which must be that person's."""
    conversation = said(call, tool.conversation) if tool.conversation is not None else None
    if conversation is None:
        if isinstance(tool.user, Body):
            raise BadRequest("The call names no conversation, which alone makes its user count")
        return None
    if await tool.ledger.whose(tool.upstream, conversation, person) is not Whose.THEIRS:
        tool.audit.note("tool_of_another", record)
        raise ConversationNotFound
    record.conversation = conversation
    return conversation


def said(call: ToolCall, place: NamedAt) -> str | None:
    """The one id at a place; None where there is none.

    Raises:
        BadRequest: there are two, or it is none; or one in another spelling of the place.
    """
    match place:
        case Header(name):
            value = http.single(call.fields, name.encode("ascii"))
            found: list[JsonValue] = [] if not value else [value.decode("latin-1")]
        case Query(name):
            found = [value for key, value in call.query if key == name and value]
        case Body():
            if is_disguised(call.body, place.tokens):
                raise BadRequest("The call names a person or a conversation in another spelling")
            found = [one for one in find(call.body, place.tokens) if one not in (None, "")]
    if len(found) > 1:
        raise BadRequest("The call names two people, or two conversations")
    return id_text(found[0]) if found else None


def rebuilt(
    tool: Tool,
    call: ToolCall,
    identity: Identity,
    user: str,
    conversation: str | None,
    record: Record,
) -> VendorRequest:
    """The request to the service: the call's own members, and our word for who it is about."""
    # Of a longer name nobody can tell what it says.
    spoofed = [name for name in call.body if names_people(name) or len(name) > MAX_NAME]
    record.spoofed = [f"body:{name[:64]}" for name in spoofed]
    members = {name: value for name, value in call.body.items() if name not in spoofed}
    statement = tool.assertions.sign(
        identity, user=user, audience=tool.audience, conversation=conversation, tool=tool.name
    )
    written = {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT.decode("ascii"),
        "x-request-id": record.request_id,
        "via": tool.via,
        "x-external-user-id": identity.subject,
        "x-external-org-id": identity.org,
        "x-external-roles": roles_as_json(identity.roles),
        assertion.FIELD: statement,
    }
    if conversation is not None:
        written["x-conversation-id"] = conversation
    return VendorRequest(
        method="POST",
        target=tool.target,
        fields=tuple((name.encode("ascii"), visible(text)) for name, text in written.items()),
        content=strictjson.dumps(members),
    )


async def answer_of(response: VendorResponse) -> Answer:
    """The service's answer, without what is between it and us."""
    if response.status in {401, 403}:
        raise UpstreamCredentialsRefused("The service did not believe the gateway")
    if 300 <= response.status < 400 or http.values(response.fields, b"content-encoding"):
        raise UpstreamMalformed("The service answered with a redirect, or a content coding")
    media = http.first(response.fields, b"content-type")
    if media is not None and not http.is_plain_json(media) and not media.startswith(b"text/plain"):
        raise UpstreamMalformed("The service answered with neither JSON nor plain text")
    content = await read_whole(response)
    if content is None:
        raise UpstreamMalformed("The service's answer is larger than 1 MiB")
    fields = [] if media is None else [(b"content-type", media)]
    return Answer(response.status, fields, content)
