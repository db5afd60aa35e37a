"""A profile as a file writes it: the schema of `[vendors.NAME]`, that of `core.profile.vendor`.

What a key means is said there; how a table becomes a `Vendor`, in `config/vendors.py`.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from gateway.config.kinds import Count, Name, Text, Texts
from gateway.config.profile_kinds import (
    AnsweredFields,
    AskedField,
    AskedFields,
    Bodies,
    BodyText,
    ContactPath,
    ErrorBody,
    ErrorCodes,
    ErrorStatuses,
    EventName,
    FieldValues,
    LookupQuery,
    MembersByPointer,
    Methods,
    PathTemplate,
    PathTemplates,
    Places,
    ProfileFields,
    Short,
    UserIdPattern,
    ValuesByPointer,
    WidgetProofs,
)
from gateway.config.table import Table
from gateway.core.events.callback import Signature


def _required(*keys: str) -> ConfigDict:
    """For the schema alone: what is missing is found where a profile is built."""
    return ConfigDict(json_schema_extra={"required": list(keys)})


class MeteredTable(Table):
    """A stream that says what it cost only when it is asked to: then it is, whoever asks."""

    model_config = _required("when", "ask", "empty")

    when: BodyText = Field(default="", description="Where this is true, `ask` is made so.")
    ask: BodyText = Field(default="", description="The member that asks.")
    empty: BodyText = Field(
        default="",
        description="An event in which this array is empty tells what it cost, and is left out "
        "for clients that have not asked.",
    )


class MessageTable(Table):
    """What a client may say over a WebSocket, in one kind of message."""

    user: Bodies = Field(default=(), description="Where the user id is written.")
    conversation: Bodies = Field(
        default=(), description="Where a message names a conversation: it must be theirs."
    )
    members: Texts = Field(
        default=(), description='Let through, beside "type"; "*": all but what names people.'
    )
    inner: MembersByPointer = Field(
        default={}, description="Of objects deeper in it, by JSON Pointer: let through."
    )
    containers: Bodies = Field(
        default=(), description="Objects in which names of people are looked for too."
    )
    flat: Bodies = Field(default=(), description="Objects that hold no objects and no arrays.")
    values: ValuesByPointer = Field(
        default={}, description="What a member may hold, by JSON Pointer; * is every item."
    )
    thinks: bool = Field(default=False, description="Makes the vendor think: limits count it.")
    calls_tool: bool = Field(
        default=False, description="A tool call, or the result of one: usage counts it."
    )


class OperationTable(Table):
    """One thing an end user may ask of the vendor. What is not listed does not exist."""

    model_config = _required("method", "path")

    method: Methods = Field(default=(), description="One, or a list.")
    path: PathTemplate = Field(
        default="", description="{name} is one segment; a last {+rest} takes what follows."
    )
    user: Places = Field(default=(), description="Where the user id is written.")
    conversation: Places = Field(
        default=(), description="Where a request names a conversation: it must be theirs."
    )
    opens: Places = Field(
        default=(),
        description="Where an answer, body or field, names a conversation: it becomes theirs.",
    )
    must_continue: bool = Field(
        default=False, description="One must be named, though the answer names one, too."
    )
    opens_more: bool = Field(
        default=False, description="One answer opens several, each an id of its own."
    )
    blank_opens: bool = Field(
        default=False, description='An empty id in a body opens a new one, as null does: "".'
    )
    answers_user: Bodies = Field(
        default=(), description="Where an answer names the user: it must be the one we wrote."
    )
    usage: Bodies = Field(default=(), description="Where an answer says what it cost.")
    metered: MeteredTable | None = Field(
        default=None, description="How a stream is made to say what it cost."
    )
    members: Texts = Field(
        default=(), description='Of a JSON body, let through; "*": all but what names people.'
    )
    files: Texts = Field(
        default=(),
        description="Files of a form (multipart/form-data), let through; members are its texts.",
    )
    inner: MembersByPointer = Field(
        default={},
        description="Of objects deeper in a body, by JSON Pointer, let through; * is every item.",
    )
    containers: Bodies = Field(
        default=(), description="Objects of a body in which names of people are looked for too."
    )
    flat: Bodies = Field(
        default=(), description="Objects of a body that may hold neither objects nor arrays."
    )
    values: ValuesByPointer = Field(
        default={}, description="What a member may hold, by JSON Pointer; * is every item."
    )
    query: Texts = Field(
        default=(), description='Parameters let through; "*": all but what names people.'
    )
    fields: AskedFields = Field(default=(), description="Fields of a request, let through.")
    field_values: FieldValues = Field(
        default={}, description="What such a field may hold; of a list, each item."
    )
    response_fields: AnsweredFields = Field(
        default=(), description="Fields of an answer, beyond those every answer may have."
    )
    settable: Texts = Field(
        default=(), description="Members that `set` of an upstream may write, and nobody else."
    )
    websocket: bool = Field(
        default=False, description="A GET that opens a WebSocket, and is no request by itself."
    )
    subprotocols: Texts = Field(default=(), description="Of a WebSocket: let through.")
    messages: Mapping[Text, MessageTable] = Field(
        default={}, description="Of a WebSocket: what a client may say there, by its type."
    )
    mcp: bool = Field(
        default=False, description="Its bodies are messages of MCP: judged and answered as such."
    )
    json_lines: bool = Field(
        default=False, description="Its streams are JSON lines, whatever their media type says."
    )
    says: Bodies = Field(
        default=(),
        description="Where a person's own words stand: ten requests in a row without are enough.",
    )
    thinks: bool = Field(
        default=False, description="Makes the vendor think: limits count it in full."
    )
    calls_tool: bool = Field(
        default=False, description="A tool call, or the result of one: usage counts it."
    )
    no_conversation: Text | None = Field(
        default=None, description="Why it names none, if that is meant."
    )


class ProblemTable(Table):
    """The vendor's own error body, so that its SDKs understand the gateway's answers."""

    model_config = _required("body")

    body: ErrorBody = Field(
        default={},
        description="{code} {message} {status} {gateway_code} {id} {null} stand for values.",
    )
    codes: ErrorCodes = Field(
        default={}, description="The vendor's code, by the gateway's own code or by status."
    )
    statuses: ErrorStatuses = Field(
        default={}, description="Another status than ours, by the gateway's own code."
    )
    event: ErrorBody | None = Field(
        default=None, description="The last event of a stream that ends early; default: the body."
    )
    event_name: EventName = Field(default="", description="The name of that event; default: none.")


class LookupTable(Table):
    """Where to ask, with the gateway's own key, who owns a conversation."""

    model_config = _required("path", "owner")

    path: PathTemplate = Field(
        default="", description="{conversation}, {user} and the operation's variables stand in it."
    )
    owner: Bodies = Field(default=(), description="Where the answer names the owner.")
    conversation: Bodies = Field(default=(), description="And which conversation it speaks of.")
    query: LookupQuery = Field(
        default={}, description="Parameters; {conversation} and {user} stand for values."
    )
    items: BodyText | None = Field(
        default=None, description="The array, where the answer is a list: places are then in items."
    )


class ContactBookTable(Table):
    """Where the vendor keeps contacts; the gateway alone writes them, and no end user."""

    model_config = _required("path", "user")

    path: ContactPath = Field(default="", description="POSTed to; {agent} stands for the agent.")
    user: str = Field(default="", description="The member of a contact with the user id.")
    contacts: str = Field(
        default="", description="The body's list of contacts; absent: the body is one."
    )
    own: Texts = Field(default=(), description="Attributes that are members of the contact.")
    others: str = Field(default="", description="The member with the rest: an object.")
    pair: Annotated[tuple[str, ...], Field(max_length=2)] = Field(
        default=(), description="Where `others` is a list: the names of a name, and of a value."
    )
    most: Count = Field(default=1, description="Contacts in one request; 1000 at most.")
    refused: BodyText | None = Field(
        default=None, description="Where an answer names attributes it did not take."
    )
    definitions: ContactPath = Field(
        default="", description="GET lists the attributes there are, POST adds one."
    )
    removes: bool = Field(
        default=False, description="DELETE of `path`, a slash and the user id removes a contact."
    )


class CallbackTable(Table):
    """What the vendor tells of by itself: how it signs, and where it says what and of whom."""

    model_config = _required("signature")

    signature: Signature | None = Field(default=None, description="How it proves who it is.")
    field: AskedField = Field(default="", description="Where an HMAC stands.")
    prefix: str = Field(default="", description='What stands before its hex: "sha256=".')
    type: Bodies = Field(default=(), description="Which event it is.")
    unnamed: Text = Field(default="event", description="The type of one that does not say.")
    id: Bodies = Field(default=(), description="Its id, the same when it is sent again.")
    time: Bodies = Field(default=(), description="When it happened, in milliseconds.")
    conversation: Bodies = Field(default=(), description="In which conversation.")
    user: Bodies = Field(default=(), description="Of whom: the user id.")
    test: Bodies = Field(default=(), description="True there: a trial, which goes no further.")


class VendorTable(Table):
    """A vendor of your own."""

    model_config = _required("operations")

    title: Text | None = Field(default=None, description="For people; default: its name.")
    base_url: Text | None = Field(
        default=None, description="Its origin, and a prefix if any; absent: each upstream's own."
    )
    fields: ProfileFields = Field(
        default={},
        repr=False,
        description="Sent always; {key} {user} {org} {roles} {subject} stand for values.",
    )
    user_id: UserIdPattern = Field(
        default=r"[A-Za-z0-9._-]{1,128}",
        description="The rule for user ids: a regular expression the whole id must match.",
    )
    operations: Mapping[Name, Annotated[OperationTable, Short()]] = Field(
        default={}, description='What end users may do, by name; short: "GET /api/ping".'
    )
    closed: PathTemplates = Field(
        default=(), description="Paths that stay out of reach though an operation's would fit them."
    )
    problem: ProblemTable | None = Field(default=None, description="How it says what went wrong.")
    lookup: LookupTable | None = Field(
        default=None, description="How to ask it who owns a conversation."
    )
    contacts: ContactBookTable | None = Field(
        default=None, description="Where the gateway writes what is known of people."
    )
    events: CallbackTable | None = Field(default=None, description="What it tells of by itself.")
    credential_fields: AskedFields = Field(
        default=(), description="Where its SDKs put their key, and so people their token."
    )
    widget: WidgetProofs = Field(
        default=(), description="What its own widget is shown of who sits before it, usual first."
    )
    documents: Texts = Field(default=(), description="Where its API is described.")
