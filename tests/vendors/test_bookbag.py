import json

import pytest

from gateway.core.answer.observe import Costs, Opens, observe
from gateway.core.formats.fields import media_type
from gateway.core.formats.strictjson import JsonObject
from gateway.core.profile.place import Body, Variable
from gateway.vendors import chatbase
from gateway.vendors.bookbag import VENDOR
from tests.support.asking import ask, document, sent

CHAT = VENDOR.operations["chat"]


def test_it_is_chatbase_without_voice() -> None:
    assert set(chatbase.VENDOR.operations) - set(VENDOR.operations) == {"voice"}
    for name, operation in VENDOR.operations.items():
        theirs = chatbase.VENDOR.operations[name]
        assert (operation.methods, operation.path) == (theirs.methods, theirs.path)
        assert (operation.user, operation.conversation) == (theirs.user, theirs.conversation)


def test_the_user_is_written_where_a_conversation_may_begin_and_where_theirs_are_listed() -> None:
    written = {name: operation.user for name, operation in VENDOR.operations.items()}
    assert {name: places for name, places in written.items() if places} == {
        "chat": (Body("/userId"),),
        "conversations": (Variable("user"),),
    }


@pytest.mark.parametrize("named", [7, "7"])
def test_a_number_and_its_text_are_one_and_reach_the_vendor_as_they_were_written(
    named: object,
) -> None:
    asked = ask(CHAT, {"message": "x", "conversationId": named}, variables={"agent": "12"})
    assert asked.conversations == ("7",)
    sent_body = document(sent(asked))
    assert sent_body == {"message": "x", "conversationId": named, "userId": "alice"}
    assert type(sent_body["conversationId"]) is type(named)


METADATA: JsonObject = {"conversationId": 7, "userId": "alice", "usage": {"credits": 2}}


@pytest.mark.parametrize(
    ("media", "wire"),
    [
        ("application/json", json.dumps({"data": {"metadata": METADATA}})),
        (
            "text/event-stream",
            "data: "
            + json.dumps({"type": "finish", "metadata": {**METADATA, "conversationId": "7"}})
            + "\n\n",
        ),
    ],
)
def test_an_answer_opens_the_same_conversation_in_both_forms(media: str, wire: str) -> None:
    observer = observe(CHAT, media_type(media.encode()), ok=True, user="alice")
    notes = [*observer.feed(wire.encode()), *observer.end()]
    assert notes[:2] == [Opens("7"), Costs({"credits": 2})]
