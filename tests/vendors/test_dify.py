"""What Dify's profile takes of a request: plain inputs, files that are the person's, one user."""

from typing import Any

import pytest

from gateway.core.errors import BadRequest
from gateway.core.profile.place import Body, Query
from gateway.vendors.dify import VENDOR
from tests.support.asking import ask, document, sent

CHAT = VENDOR.operations["chat"]
THINKING = [VENDOR.operations[name] for name in ("chat", "completion", "workflow")]
QUERY: dict[str, Any] = {"query": "hi", "inputs": {}, "response_mode": "streaming"}


def test_the_user_is_written_into_every_request() -> None:
    for name, operation in VENDOR.operations.items():
        place = Query("user") if operation.methods == ("GET",) else Body("/user")
        assert operation.user == (place,), name


@pytest.mark.parametrize("operation", THINKING)
@pytest.mark.parametrize(
    "value", [{"id": "bob"}, ["bob"], [{"upload_file_id": "f"}], {"upload_file_id": "f"}]
)
def test_inputs_are_plain(operation: Any, value: Any) -> None:
    """F-08: whoever knows the id of a file could name it there."""
    with pytest.raises(BadRequest):
        ask(operation, {"inputs": {"document": value}})
    with pytest.raises(BadRequest):
        ask(operation, {"inputs": [value]})


def test_inputs_name_nobody() -> None:
    inputs = {"city": "Paris", "count": 3, "user_id": "bob", "sys.user_id": "bob"}
    asked = ask(CHAT, {**QUERY, "inputs": inputs})
    assert document(sent(asked))["inputs"] == {"city": "Paris", "count": 3}
    assert asked.spoofed == ("body:inputs/user_id", "body:inputs/sys.user_id")
    with pytest.raises(BadRequest):
        ask(CHAT, {**QUERY, "inputs": {"conversation_id": "c"}})


@pytest.mark.parametrize("operation", THINKING)
def test_a_file_is_named_in_one_way_and_must_be_theirs(operation: Any) -> None:
    """F-08."""
    file = {"type": "image", "transfer_method": "local_file", "upload_file_id": "f-1"}
    asked = ask(operation, {"files": [file]})
    assert asked.conversations == ("f-1",)
    assert document(sent(asked))["files"] == [file]
    other = {**file, "tool_file_id": "f-2", "related_id": "f-2", "reference": "f-2", "id": "f-2"}
    assert document(sent(ask(operation, {"files": [other]})))["files"] == [file]
    for bad in (
        [{**file, "uploadFileId": "f-2"}],
        [{**file, "transfer_method": "tool_file"}],
        [{**file, "transfer_method": "datasource_file"}],
        file,
        [[file]],
    ):
        with pytest.raises(BadRequest):
            ask(operation, {"files": bad})


@pytest.mark.parametrize("none", ["", None])
def test_clients_open_a_conversation_by_naming_an_empty_one(none: Any) -> None:
    asked = ask(CHAT, {**QUERY, "conversation_id": none})
    assert asked.conversations == ()
    assert "conversation_id" not in document(sent(asked))
