import json

import pytest

from gateway.core.answer.observe import Opens, observe
from gateway.core.formats.fields import media_type
from gateway.core.profile.place import Body, Variable
from gateway.vendors.chatbase import VENDOR
from tests.support.asking import ask, document, sent

EVENTS = media_type(b"text/event-stream")


def test_end_users_may_do_this_and_no_more() -> None:
    assert list(VENDOR.operations) == [
        "chat",
        "retry",
        "tool-result",
        "conversation",
        "messages",
        "feedback",
        "conversations",
        "voice",
    ]


def test_the_user_is_written_where_a_conversation_may_begin_and_where_theirs_are_listed() -> None:
    written = {name: operation.user for name, operation in VENDOR.operations.items()}
    assert {name: places for name, places in written.items() if places} == {
        "chat": (Body("/userId"),),
        "voice": (Body("/userId"),),
        "conversations": (Variable("user"),),
    }


def test_a_message_may_be_left_out_after_a_tool_has_answered() -> None:
    variables = {"agent": "a"}
    asked = ask(VENDOR.operations["chat"], {"conversationId": "c-1"}, variables=variables)
    assert document(sent(asked)) == {"conversationId": "c-1", "userId": "alice"}


@pytest.mark.parametrize("rating", ["positive", "negative", None])
def test_a_rating_is_one_of_three(rating: object) -> None:
    variables = {"agent": "a", "conversation": "c-1", "message": "m-1"}
    asked = ask(VENDOR.operations["feedback"], {"feedback": rating}, variables=variables)
    assert asked.conversations == ("c-1",)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"type": "finish", "metadata": {"conversationId": "c-1"}}, id="guide"),
        pytest.param({"type": "finish", "messageMetadata": {"conversationId": "c-1"}}, id="SDK"),
        pytest.param({"type": "message-metadata", "conversationId": "c-1"}, id="OpenAPI"),
        pytest.param({"type": "start", "messageMetadata": {"conversationId": "c-1"}}, id="CLI"),
    ],
)
def test_a_conversation_is_found_in_each_shape_its_documents_have(event: object) -> None:
    wire = b"data: " + json.dumps(event).encode() + b"\n\n"
    notes = list(observe(VENDOR.operations["chat"], EVENTS, ok=True, user="alice").feed(wire))
    assert notes == [Opens("c-1"), wire]
