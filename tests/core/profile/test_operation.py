from collections.abc import Mapping
from typing import Any

import pytest

from gateway.core.formats.fields import NEVER_PASSED, RESPONSE_FIELDS
from gateway.core.profile.guard import Guard
from gateway.core.profile.metered import Metered
from gateway.core.profile.operation import Operation, message
from gateway.core.profile.place import Body, Header, Query, Variable


def operation(**parts: Any) -> Operation:
    return Operation(**{"method": "POST", "path": "/chat", **parts})


FORM = {"files": frozenset({"f"})}
SOCKET = {"method": "GET", "websocket": True}
METERED = Metered(when=Body("/a"), ask=Body("/b"), empty=Body("/c"))


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        pytest.param({"method": "post"}, "method", id="lower case"),
        pytest.param({"method": ("GET", "get")}, "method", id="one of two in lower case"),
        pytest.param({"method": ""}, "method", id="no method"),
        pytest.param({"method": "GET "}, "method", id="a blank after it"),
        pytest.param({"path": ""}, "path", id="no path"),
        pytest.param({"path": "chat"}, "path", id="no slash"),
        pytest.param({"path": "/chat/"}, "path", id="slash at the end"),
        pytest.param({"path": "/a//b"}, "path", id="empty segment"),
        pytest.param({"path": "/a/../b"}, "path", id="dot dot"),
        pytest.param({"path": "/a/./b"}, "path", id="dot"),
        pytest.param({"path": "/a%2Fb"}, "path", id="encoded"),
        pytest.param({"path": "/a?b"}, "path", id="query"),
        pytest.param({"path": "/a\n"}, "path", id="newline"),
        pytest.param({"path": "/x{a}"}, "path", id="half a segment"),
        pytest.param({"path": "/{A}"}, "path", id="variable in upper case"),
        pytest.param({"path": "/{+rest}/x"}, "path", id="a rest before the end"),
        pytest.param({"path": "/{+rest}"}, "path", id="nothing but a rest"),
        pytest.param({"path": "/{a}/{a}"}, "path", id="a variable twice"),
        pytest.param({"path": "/{a}/{+a}"}, "path", id="a variable twice, as a rest"),
        pytest.param({"user": (Variable("user"),)}, "path", id="user variable nowhere"),
        pytest.param({"conversation": (Variable("c"),)}, "path", id="conversation nowhere"),
        pytest.param({"user": (Header("X-User"),)}, "field", id="user field in capitals"),
        pytest.param({"opens": (Header("Mcp-Id"),)}, "field", id="answer field in capitals"),
        pytest.param({"fields": frozenset({"X-A"})}, "field", id="field in capitals"),
        pytest.param({"fields": frozenset({"x_a"})}, "field", id="field with underscore"),
        pytest.param({"fields": frozenset({"é"})}, "field", id="field beyond ASCII"),
        pytest.param({"user": (Body("userId"),)}, "JSON Pointer", id="user pointer"),
        pytest.param({"conversation": (Body(""),)}, "JSON Pointer", id="conversation pointer"),
        pytest.param({"opens": (Body("x"),)}, "JSON Pointer", id="opens pointer"),
        pytest.param({"answers_user": (Body("x"),)}, "JSON Pointer", id="answers_user pointer"),
        pytest.param({"usage": (Body("x"),)}, "JSON Pointer", id="usage pointer"),
        pytest.param({"containers": (Body("x"),)}, "JSON Pointer", id="container pointer"),
        pytest.param({"values": {"x": frozenset()}}, "JSON Pointer", id="values pointer"),
        pytest.param({"inner": {"x": frozenset()}}, "JSON Pointer", id="inner pointer"),
        pytest.param({"flat": (Body("x"),)}, "JSON Pointer", id="flat pointer"),
        pytest.param({"inner": {"/a/*/b/*": frozenset()}}, "inner", id="within what lists nothing"),
        pytest.param({"inner": {"/a/b": frozenset()}}, "inner", id="the same without arrays"),
        pytest.param(
            {"inner": {"/a/*": frozenset(), "/a/*/b/c/*": frozenset()}},
            "inner",
            id="two deeper than what lists something",
        ),
        pytest.param(
            {"files": frozenset({"f"}), "conversation": (Body("/c"),)},
            "conversation",
            id="in a form nothing can be checked",
        ),
        pytest.param(
            {"files": frozenset({"f"}), "user": (Body("/a/b"),)}, "user", id="deep in a form"
        ),
        pytest.param(
            {"files": frozenset({"f"}), "values": {"/a": frozenset({1})}}, "values", id="of a form"
        ),
        pytest.param(FORM | {"inner": {"/a": frozenset()}}, "inner", id="objects of a form"),
        pytest.param(FORM | {"containers": (Body("/a"),)}, "containers", id="more of a form"),
        pytest.param(FORM | {"flat": (Body("/a"),)}, "flat", id="flat in a form"),
        pytest.param(FORM | {"settable": frozenset({"a"})}, "settable", id="set in a form"),
        pytest.param(FORM | {"metered": METERED}, "metered", id="asked for in a form"),
        pytest.param({"messages": {"say": message()}}, "messages", id="messages of no WebSocket"),
        pytest.param({"subprotocols": frozenset({"a"})}, "messages", id="subprotocols of none"),
        pytest.param({"websocket": True}, "websocket", id="a WebSocket by POST"),
        pytest.param(
            SOCKET | {"members": frozenset({"a"})}, "websocket", id="a WebSocket with a body"
        ),
        pytest.param(
            SOCKET | {"subprotocols": frozenset({"a", "b c"})}, "subprotocols", id="a blank in it"
        ),
        pytest.param({"field_values": {"x-a": frozenset()}}, "field_values", id="of no field"),
        pytest.param({"user": (Body("/a/*/b"),)}, "user", id="a user in every item"),
        pytest.param({"method": "GET", "user": (Body("/a"),)}, "user", id="GET has no body"),
        pytest.param({"method": "HEAD", "user": (Body("/a"),)}, "user", id="nor has HEAD"),
        pytest.param(
            {"method": ("POST", "GET"), "user": (Body("/a"),)}, "user", id="nor where POST has one"
        ),
        pytest.param(
            {"user": (Body("/a/id"), Body("/a"))}, "take another", id="a user inside a user"
        ),
        pytest.param(
            {"user": (Body("/user_id"), Body("/userId"))}, "take another", id="two spellings"
        ),
        pytest.param(
            {"user": (Body("/a/id"),), "conversation": (Body("/a"),)},
            "take another",
            id="a user inside a conversation",
        ),
        pytest.param({"fields": frozenset({"*"})}, "credential", id="every field of a request"),
        pytest.param(
            {"response_fields": frozenset({"*"})}, "credential", id="every field of an answer"
        ),
        pytest.param({"opens": (Query("x"),)}, "opens", id="an answer has no query"),
        pytest.param({"opens": (Variable("x"),)}, "opens", id="an answer has no path"),
        pytest.param(
            {"user": (Body("/x"),), "conversation": (Body("/x"),)}, "both", id="two in one place"
        ),
    ],
)
def test_an_operation_that_contradicts_itself_says_where(
    parts: Mapping[str, Any], where: str
) -> None:
    with pytest.raises(ValueError, match=where):
        operation(**parts)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(FORM | {"user": (Body("/user"),)}, id="a form with the user in it"),
        pytest.param(
            {"inner": dict.fromkeys(("/a/*", "/a/*/b/*", "/a/*/b/*/c"), frozenset())},
            id="lists in lists",
        ),
        pytest.param(SOCKET | {"subprotocols": frozenset({"a.b-c_1"})}, id="a WebSocket"),
        pytest.param({"path": "/a/{b}/{+rest}"}, id="variables"),
    ],
)
def test_an_operation_that_does_not_is_one(parts: Mapping[str, Any]) -> None:
    operation(**parts)


def test_a_websocket_is_none_of_the_methods_of_requests() -> None:
    """RFC 8441."""
    assert operation(**SOCKET).methods == ("CONNECT",)


def test_a_message_is_an_operation_with_a_type() -> None:
    said = message(members=frozenset({"text"}), calls_tool=True)
    assert (said.method, said.path) == ("POST", "/message")
    assert said.members == {"text", "type"}
    assert said.calls_tool
    assert message().members == {"type"}


def test_what_is_not_said_of_an_operation_is_not_so() -> None:
    plain = operation()
    assert not any((plain.opens_more, plain.blank_opens, plain.websocket, plain.mcp))
    assert not any((plain.json_lines, plain.thinks, plain.calls_tool, plain.no_conversation))


@pytest.mark.parametrize("name", sorted(NEVER_PASSED))
def test_no_operation_lets_a_credential_or_framing_through(name: str) -> None:
    """H-03 to H-05, H-17."""
    for parts in (
        {"fields": frozenset({name})},
        {"response_fields": frozenset({name})},
        {"user": (Header(name),)},
        {"conversation": (Header(name),)},
        {"opens": (Header(name),)},
    ):
        with pytest.raises(ValueError, match="let through"):
            operation(**parts)


def test_an_operation_may_have_several_methods() -> None:
    assert operation().methods == ("POST",)
    assert operation(method=("GET", "POST")).methods == ("GET", "POST")


@pytest.mark.parametrize(
    ("parts", "takes"),
    [
        ({}, False),
        ({"query": frozenset({"a"})}, False),
        ({"user": (Query("u"),), "conversation": (Header("c"),)}, False),
        ({"members": frozenset({"message"})}, True),
        ({"user": (Body("/u"),)}, True),
        ({"conversation": (Body("/c"),)}, True),
    ],
)
def test_an_operation_takes_a_body_where_something_stands_in_it(
    parts: Mapping[str, Any], takes: bool
) -> None:
    assert operation(**parts).takes_body is takes


@pytest.mark.parametrize(
    ("parts", "may"),
    [
        ({"user": (Body("/u"),)}, True),
        ({"user": (Body("/u"),), "members": frozenset({"message"})}, False),
        ({"user": (Body("/u"),), "conversation": (Body("/c"),)}, False),
        ({"user": (Body("/u"),), "conversation": (Query("c"),)}, True),
    ],
)
def test_a_body_in_which_nothing_is_the_clients_may_lack(
    parts: Mapping[str, Any], may: bool
) -> None:
    assert operation(**parts).may_lack_body is may


@pytest.mark.parametrize(
    ("parts", "continues"),
    [
        ({}, False),
        ({"conversation": (Query("c"),)}, True),
        ({"conversation": (Body("/c"),), "opens": (Body("/c"),)}, False),
        ({"opens": (Body("/c"),)}, False),
    ],
)
def test_an_operation_that_opens_none_is_about_one_that_is_there(
    parts: Mapping[str, Any], continues: bool
) -> None:
    assert operation(**parts).continues is continues


def test_each_room_of_a_request_has_its_guard() -> None:
    chat = operation(
        path="/{user}/chat",
        user=(Variable("user"), Query("u"), Header("x-u"), Body("/userId")),
        conversation=(Query("c"), Header("x-c"), Body("/talk/id")),
        query=frozenset({"limit"}),
        fields=frozenset({"x-plan"}),
        members=frozenset({"message"}),
    )
    assert chat.query_guard == Guard(
        listed=frozenset({"limit"}), users=frozenset({"u"}), conversations=frozenset({"c"})
    )
    assert chat.field_guard == Guard(
        listed=frozenset({"x-plan"}), users=frozenset({"x-u"}), conversations=frozenset({"x-c"})
    )
    assert chat.rooms[0].guard == Guard(
        listed=frozenset({"message", "talk"}), users=frozenset({"userId"})
    )
    assert [room.where for room in chat.rooms] == [(), ("talk",)]


def test_what_a_profile_says_cannot_be_changed_afterwards() -> None:
    values = {"/stream": frozenset({True})}
    chat = operation(values=values)
    values["/stream"] = frozenset()
    assert chat.values == {"/stream": frozenset({True})}
    assert chat.limited == ((("stream",), frozenset({True})),)
    with pytest.raises(TypeError):
        chat.values["/stream"] = frozenset()  # type: ignore[index]


@pytest.mark.parametrize(
    ("thinks", "usage", "costs"),
    [
        (True, (), True),
        (False, (Body("/usage"),), True),
        (True, (Body("/usage"),), True),
        (False, (), False),
    ],
)
def test_what_thinks_or_tells_its_cost_counts_in_full(
    thinks: bool, usage: tuple[Body, ...], costs: bool
) -> None:
    assert Operation(method="POST", path="/x", thinks=thinks, usage=usage).costs is costs


def test_a_field_of_an_answer_that_names_what_it_opens_passes_as_those_do_that_are_listed() -> None:
    opening = operation(
        opens=(Header("x-session"), Body("/id")), response_fields=frozenset({"x-page"})
    )
    assert opening.answer_fields == RESPONSE_FIELDS | {b"x-session", b"x-page"}
    assert operation(opens=(Body("/id"),)).answer_fields == RESPONSE_FIELDS


@pytest.mark.parametrize(
    ("parts", "listens"),
    [
        ({"method": "GET", "mcp": True}, True),
        ({"method": "GET", "mcp": True, "thinks": True}, False),
        ({"method": "GET", "mcp": True, "usage": (Body("/usage"),)}, False),
        ({"method": "GET"}, False),
        ({"method": ("GET", "POST"), "mcp": True}, False),
        ({"method": "DELETE", "mcp": True}, False),
    ],
)
def test_an_mcp_clients_get_listens_unless_it_costs(parts: dict[str, Any], listens: bool) -> None:
    assert operation(**parts).listens is listens
