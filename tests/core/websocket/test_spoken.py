import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import BadRequest, ContentTooLarge, GatewayError, SpoofedIdentity
from gateway.core.profile.vendor import Body, Operation, message
from gateway.core.websocket import spoken

LIVE = Operation(
    method="GET",
    path="/live",
    websocket=True,
    messages={
        "say": message(
            members=frozenset({"text", "chat"}),
            user=(Body("/from"),),
            conversation=(Body("/chat"),),
        ),
        "result": message(members=frozenset({"output"}), calls_tool=True),
        "anything": message(members=frozenset({"*"})),
    },
)


def read(document: Any, **more: Any) -> spoken.Spoken:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    settings = {"limit": 1000, "user": "alice", "own": frozenset({"alice"}), **more}
    return spoken.read(LIVE, raw, **settings)


def test_our_user_id_is_written_and_what_is_named_is_told() -> None:
    said = read({"type": "say", "text": "hi", "chat": "c1", "from": "bob", "userId": "bob"})
    assert json.loads(said.content) == {"type": "say", "text": "hi", "chat": "c1", "from": "alice"}
    assert said.conversations == ("c1",)
    assert said.spoofed == ("body:from", "body:userId")
    assert not said.calls_tool
    assert read({"type": "result", "output": "x"}).calls_tool


@pytest.mark.parametrize("other", ["Type", "TYPE", "ty_pe", "\uff54ype", "type\u200b"])
@pytest.mark.parametrize("kind", ["say", "anything"])
def test_a_type_in_two_spellings_is_refused(kind: str, other: str) -> None:
    """X-05: a server that ignores case would read a message that nobody listed."""
    with pytest.raises(BadRequest):
        read({"type": kind, other: "session.update"})


@pytest.mark.parametrize(
    "document",
    [
        {"type": "shout"},
        {"type": None},
        {"type": ["say"]},
        {"type": {"say": 1}},
        {"text": "hi"},
        {"type": "result", "thread_id": "t"},
        {"type": "say", "chat": {"id": 1}},
        [],
        "say",
        None,
    ],
)
def test_what_may_not_be_said_is_refused(document: Any) -> None:
    with pytest.raises(BadRequest):
        read(document)


def test_a_large_message_is_refused_before_it_is_read() -> None:
    with pytest.raises(ContentTooLarge):
        read(b"[" * 1001)
    with pytest.raises(BadRequest):
        read(b"[" * 1000)


def test_a_spoof_is_refused_where_that_is_wanted() -> None:
    with pytest.raises(SpoofedIdentity):
        read({"type": "say", "user": "bob"}, refuse_spoofs=True)
    for said in ("alice", "", None):
        read({"type": "say", "user": said}, refuse_spoofs=True)


@given(st.binary(max_size=80) | st.text(max_size=40).map(lambda text: text.encode()))
def test_whatever_bytes_come_nothing_but_a_refusal_is_raised(raw: bytes) -> None:
    try:
        read(raw)
    except GatewayError as error:
        assert error.status in {400, 413}  # noqa: PT017 - most bytes are refused, not all
