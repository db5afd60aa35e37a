"""What holds for every profile that ships."""

import re
from collections.abc import Iterator

import pytest

from gateway.core import errors
from gateway.core.errors import GatewayError, MethodNotAllowed, NotFound
from gateway.core.formats import strictjson
from gateway.core.formats.pointer import parse
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.people.identity import Identity, Person, fits, opaque_user_id
from gateway.core.profile.place import Body
from gateway.core.profile.vendor import Operation, Vendor
from gateway.core.request.call import read
from gateway.core.request.destination import Destination
from gateway.core.request.plan import plan
from gateway.core.request.route import Match, segments, table
from gateway.vendors import VENDORS

EVERY = [pytest.param(vendor, id=name) for name, vendor in VENDORS.items()]
OPERATIONS = [
    pytest.param(vendor, name, operation, id=f"{vendor.name} {name}")
    for vendor in VENDORS.values()
    for name, operation in vendor.operations.items()
]
# Members of chats that hold objects in which anything may stand: what people say, what tools tell.
# APIs of models are nearly all such members: schemas, arguments, what the model is to do.
ANYTHING = {
    "chatbase": frozenset({"output"}),
    "bookbag": frozenset({"output"}),
    "altatech": frozenset({"messages", "files"}),
    "dify": frozenset({"inputs"}),
    "external-user-id": frozenset[str](),
}
CHATS = [one for one in OPERATIONS if one.values[0].name in ANYTHING]


def path_of(operation: Operation) -> str:
    return re.sub(r"\{\+?([a-z_]+)\}", r"some-\1", operation.path)


def pointers(operation: Operation) -> Iterator[str]:
    places = (*operation.user, *operation.conversation, *operation.opens, *operation.answers_user)
    for place in (*places, *operation.usage, *operation.containers):
        if isinstance(place, Body):
            yield place.pointer
    yield from operation.values


def every_error() -> list[GatewayError]:
    kinds: list[type[GatewayError]] = [GatewayError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return [
        kind(("GET",)) if kind is errors.MethodNotAllowed else kind()  # type: ignore[arg-type]
        for kind in kinds
    ]


def test_each_has_the_name_a_configuration_gives_it() -> None:
    assert all(name == vendor.name for name, vendor in VENDORS.items())


@pytest.mark.parametrize(("vendor", "name", "operation"), OPERATIONS)
def test_each_operation_says_which_conversation_it_is_about_or_why_none(
    vendor: Vendor, name: str, operation: Operation
) -> None:
    assert operation.conversation or operation.opens or operation.no_conversation


@pytest.mark.parametrize(("vendor", "name", "operation"), OPERATIONS)
def test_each_pointer_is_one(vendor: Vendor, name: str, operation: Operation) -> None:
    for pointer in pointers(operation):
        assert parse(pointer)


@pytest.mark.parametrize(("vendor", "name", "operation"), OPERATIONS)
def test_each_path_means_one_operation(vendor: Vendor, name: str, operation: Operation) -> None:
    for method in operation.methods:
        assert table(vendor).match(method, segments(path_of(operation))).name == name


@pytest.mark.parametrize(("vendor", "name", "operation"), OPERATIONS)
def test_no_operation_lets_a_name_for_people_through(
    vendor: Vendor, name: str, operation: Operation
) -> None:
    guards = [operation.query_guard, operation.field_guard, operation.rooms[0].guard]
    for guard in guards:
        assert "*" not in guard.listed
        assert not guard.listed & guard.users


@pytest.mark.parametrize("form", ["an object", "in an array", "deeper"])
@pytest.mark.parametrize(("vendor", "name", "operation"), CHATS)
def test_nobody_is_named_in_place_of_a_text(
    vendor: Vendor, name: str, operation: Operation, form: str
) -> None:
    """Row B-20: what is meant as words, or as an id, and is an object that holds somebody's."""
    somebody: JsonObject = {"userId": "MALLORY", "user_id": "MALLORY", "x": "MALLORY"}
    forms: dict[str, JsonValue] = {
        "an object": somebody,
        "in an array": [somebody],
        "deeper": {"x": [somebody]},
    }
    passed = set()
    for member in operation.members - {"*"}:
        leaving = sent(vendor, name, operation, {member: forms[form]})
        if leaving is not None and b"MALLORY" in leaving:
            passed.add(member)
    assert passed <= ANYTHING[vendor.name]


def sent(vendor: Vendor, name: str, operation: Operation, body: JsonObject) -> bytes | None:
    """What reaches the vendor of a body; nothing of one that is refused."""
    variables = dict.fromkeys(re.findall(r"\{\+?([a-z_]+)\}", operation.path), "me")
    try:
        call = read(
            Match(name, operation, variables),
            method=operation.methods[0],
            raw_query=b"",
            fields=(),
            content=strictjson.dumps(body),
            user="alice",
            subject="alice",
        )
        request = plan(
            Destination(vendor=vendor),
            call,
            identity=Identity("acme", "alice", roles=("member",)),
            user="alice",
            key="key",
            request_id="1",
        )
    except GatewayError:
        return None
    return request.content


@pytest.mark.parametrize(("vendor", "name", "operation"), OPERATIONS)
def test_what_the_server_sets_a_client_may_not(
    vendor: Vendor, name: str, operation: Operation
) -> None:
    assert not operation.members & operation.settable


@pytest.mark.parametrize("vendor", EVERY)
def test_each_says_where_the_key_goes(vendor: Vendor) -> None:
    assert sum("{key}" in template for template in vendor.fields.values()) == 1


@pytest.mark.parametrize("vendor", EVERY)
def test_each_takes_an_opaque_id(vendor: Vendor) -> None:
    opaque = opaque_user_id(Person("org", "subject"), secret=b"s" * 32)
    assert fits(opaque, re.compile(vendor.user_id))


@pytest.mark.parametrize("vendor", EVERY)
@pytest.mark.parametrize(
    "subject", ["", ".", "..", "a/b", "a b", "a\n", "a?b", "a#b", "a%2fb", "é"]
)
def test_none_takes_a_subject_that_a_path_could_not_hold(vendor: Vendor, subject: str) -> None:
    assert not fits(subject, re.compile(vendor.user_id))


@pytest.mark.parametrize("vendor", EVERY)
def test_each_says_every_error_in_codes_of_one_kind(vendor: Vendor) -> None:
    assert vendor.problem is not None
    kinds = {type(code) for code in vendor.problem.codes.values()}
    for error in every_error():
        shown = vendor.problem.render(status=error.status, code=error.code, message=error.detail)
        assert isinstance(shown, dict)
        inner = shown.get("error", shown)  # Dify has no envelope
        if isinstance(inner, dict):
            assert type(inner["code"] if "code" in inner else inner["type"]) in kinds, error.code
            assert inner["message"] == error.detail


@pytest.mark.parametrize("vendor", EVERY)
def test_each_says_where_its_vendor_says_so(vendor: Vendor) -> None:
    assert vendor.documents
    assert all(document.startswith("https://") for document in vendor.documents)


CLOSED = {
    "chatbase": """
        GET /api/v2/agents/a/conversations
        GET /api/v2/agents/a/conversations/export
        GET /api/v2/agents/a/conversations/export/messages
        PATCH /api/v2/agents/a/conversations/c
        POST /api/v2/agents/a/conversations/c/pause
        POST /api/v2/agents/a/conversations/c/resume
        DELETE /api/v2/agents/a/conversations/c
        GET /api/v2/agents
        POST /api/v2/agents
        PATCH /api/v2/agents/a
        GET /api/v2/agents/a/sources
        GET /api/v2/agents/a/tickets
        GET /api/v2/agents/a/users
        POST /api/v2/agents/a/whatsapp/messages
        POST /api/v2/verify
        GET /api/v2/health
        POST /api/v1/chat
        GET /api/v1/chatbots/a/contacts
        PATCH /api/v1/chatbots/a/contacts/bob
    """,
    "bookbag": """
        GET /api/v2/agents/12/conversations
        GET /api/v2/agents/12/conversations/export
        GET /api/v2/agents/12/users
        DELETE /api/v2/agents/12/conversations/7
        GET /api/v2/health
        POST /api/v1/chat
        GET /api/v1/chatbots/12/contacts
        POST /api/v1/chatbots/12/contacts
        GET /api/v1/chatbots/12/contacts/bob
        PATCH /api/v1/chatbots/12/contacts/bob
        DELETE /api/v1/chatbots/12/contacts/bob
        POST /webhooks
        POST /api/v1/campaigns
    """,
    "altatech": """
        POST /v1/user/set-userid
        POST /v1/property/update
        GET /v2/user-property/query
        POST /v1/webhook/check
        POST /v1/message/feedback
        POST /v1/message/quality
        GET /v1/next/question
        GET /v1/correlate/dataset
        GET /v1/bot/knowledge/base/page
        POST /v1/bot/doc/text/add
        POST /v1/vector/match
        POST /v2/database/update/record
        POST /v1/workflow/invoke
        POST /conversation/establish
        POST /v1/human/message/receive
    """,
    "external-user-id": """
        POST /api/ai/documents
        POST /api/documents
        DELETE /api/ai/conversations/c
        GET /api/ai/users
        POST /api/users
        GET /api/admin
    """,
    "openai": """
        GET /v1/responses
        POST /v1/responses/r
        POST /v1/responses/r/cancel
        POST /v1/responses/compact
        POST /v1/responses/input_tokens
        GET /v1/responses/input_tokens
        GET /v1/conversations
        GET /v1/chat/completions
        GET /v1/chat/completions/c
        POST /v1/chat/completions/c
        DELETE /v1/chat/completions/c
        GET /v1/chat/completions/c/messages
        DELETE /v1/models/m
        GET /v1/files
        POST /v1/files
        GET /v1/files/f/content
        POST /v1/uploads
        GET /v1/vector_stores
        POST /v1/vector_stores/v/search
        POST /v1/containers
        GET /v1/containers/c/files/f/content
        POST /v1/batches
        POST /v1/fine_tuning/jobs
        POST /v1/assistants
        POST /v1/threads/t/runs
        POST /v1/images/generations
        POST /v1/audio/speech
        POST /v1/embeddings
        POST /v1/moderations
        POST /v1/evals
        POST /v1/videos
        POST /v1/chatkit/sessions
        POST /v1/realtime/client_secrets
        GET /v1/organization/users
        GET /v1/organization/admin_api_keys
        GET /v1/webhooks
        POST /chat/completions
    """,
    "anthropic": """
        GET /v1/messages
        POST /v1/messages/batches
        GET /v1/messages/batches
        GET /v1/messages/batches/b/results
        POST /v1/complete
        GET /v1/files
        POST /v1/files
        GET /v1/files/f/content
        DELETE /v1/files/f
        POST /v1/skills
        GET /v1/containers
        POST /v1/user_profiles
        GET /v1/organizations/users
        GET /v1/organizations/api_keys
        POST /v1/environments
        POST /v1/agents
        POST /v1/sessions
        GET /v1/memory_stores
        POST /messages
    """,
    "dify": """
        GET /v1/datasets
        POST /v1/datasets
        POST /v1/datasets/d/retrieve
        POST /v1/datasets/d/document/create-by-file
        GET /v1/apps/annotations
        POST /v1/apps/annotations
        GET /v1/app/feedbacks
        GET /v1/workflows/logs
        GET /v1/workflows/run/r
        PUT /v1/conversations/c/variables/v
        GET /v1/workspaces/current/models/model-types/llm
        GET /v1/files/f/preview
        GET /console/api/apps
        POST /v1/messages
        POST /v1/messages/m/suggested
        POST /chat-messages
    """,
    "mcp": """
        GET /
        POST /
        PUT /mcp
        PATCH /mcp
        POST /mcp/messages
        GET /sse
        POST /messages
        POST /register
        POST /token
        GET /authorize
    """,
}


def test_each_is_held_to_what_stays_closed() -> None:
    assert list(CLOSED) == list(VENDORS)


@pytest.mark.parametrize(
    ("vendor", "method", "path"),
    [
        pytest.param(VENDORS[name], *line.split(), id=f"{name} {line.strip()}")
        for name, lines in CLOSED.items()
        for line in lines.strip().splitlines()
    ],
)
def test_the_back_office_stays_closed(vendor: Vendor, method: str, path: str) -> None:
    with pytest.raises((NotFound, MethodNotAllowed)):
        table(vendor).match(method, segments(path))
