import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import (
    AmbiguousJson,
    BadRequest,
    ConversationNotFound,
    GatewayError,
    MethodNotOffered,
)
from gateway.core.mcp import messages as mcp
from gateway.core.people.seal import Seal

SEAL = Seal(b"s" * 32, "alice")
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "search"}}
ANSWER = {"jsonrpc": "2.0", "id": 7, "result": {"action": "accept"}}
TOLD = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def parse(document: Any) -> mcp.Asked:
    return mcp.parse(json.dumps(document).encode())


@pytest.mark.parametrize("one", [LIST, CALL, ANSWER, TOLD])
def test_a_message_is_read(one: dict[str, Any]) -> None:
    asked = parse(one)
    assert list(asked.messages) == [one]
    assert not asked.is_batch
    assert asked.id == one.get("id")


def test_a_batch_is_read_and_stays_one() -> None:
    asked = parse([CALL, TOLD])
    assert asked.is_batch
    assert asked.id is None
    assert asked.tools == ("search",)
    assert parse([LIST]).is_batch


@pytest.mark.parametrize(
    "one",
    [
        pytest.param([], id="an empty batch"),
        pytest.param([LIST | {"id": n} for n in range(101)], id="101 messages"),
        pytest.param([[LIST]], id="a batch in a batch"),
        pytest.param([LIST, LIST], id="one id twice"),
        pytest.param([LIST | {"method": "initialize"}, TOLD], id="a session opened in a batch"),
        pytest.param("tools/list", id="a text"),
        pytest.param(None, id="null"),
        pytest.param({}, id="an empty object"),
        pytest.param(LIST | {"jsonrpc": "1.0"}, id="JSON-RPC 1.0"),
        pytest.param(LIST | {"jsonrpc": 2.0}, id="a version that is a number"),
        pytest.param({"id": 1, "method": "tools/list"}, id="no version"),
        pytest.param(LIST | {"id": None}, id="an id that is null"),
        pytest.param(LIST | {"id": 1.5}, id="an id that is a fraction"),
        pytest.param(LIST | {"id": True}, id="an id that is true"),
        pytest.param(LIST | {"id": []}, id="an id that is a list"),
        pytest.param(LIST | {"id": ""}, id="an id that is empty"),
        pytest.param(LIST | {"id": "x" * 257}, id="a long id"),
        pytest.param(LIST | {"method": 1}, id="a method that is a number"),
        pytest.param(LIST | {"method": None}, id="a method that is null"),
        pytest.param(LIST | {"method": ["tools/list"]}, id="a method that is a list"),
        pytest.param(LIST | {"params": []}, id="params by position"),
        pytest.param(LIST | {"params": None}, id="params that are null"),
        pytest.param(LIST | {"result": {}}, id="a request that is an answer too"),
        pytest.param({"jsonrpc": "2.0", "id": 1}, id="neither"),
        pytest.param({"jsonrpc": "2.0", "result": {}}, id="an answer to nothing"),
        pytest.param(ANSWER | {"error": {}}, id="an answer of two kinds"),
        pytest.param(CALL | {"params": {}}, id="a call of no tool"),
        pytest.param(CALL | {"params": {"name": ""}}, id="a call of a tool without a name"),
        pytest.param(CALL | {"params": {"name": ["search"]}}, id="a call of a list"),
        pytest.param(LIST | {"method": "resources/read"}, id="a resource without a URI"),
    ],
)
def test_what_is_no_message_is_refused(one: Any) -> None:
    with pytest.raises(BadRequest):
        parse(one)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}', id="method"
        ),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', id="id"),
        pytest.param(
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
            id="name",
        ),
        pytest.param(b'{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', id="a huge id"),
        pytest.param(b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', id="NaN"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping"}{}', id="two texts"),
        pytest.param(b"[" * 100_000, id="depth"),
        pytest.param('{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"), id="UTF-16"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(AmbiguousJson):
        mcp.parse(raw)


@pytest.mark.parametrize(
    "name", ["Name", "NAME", "na_me", "URI", "Arguments", "REQUESTSTATE", "_Meta"]
)
def test_another_spelling_beside_what_decides_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        parse(CALL | {"params": {"name": "search", name: "hidden"}})


@pytest.mark.parametrize(
    "method",
    [
        "tasks/list",
        "Tools/Call",
        "tools/call ",
        "tools/call\x00",
        "roots/list",
        "sampling/createMessage",
        "",
        "notifications/initialized",
    ],
)
def test_a_method_nobody_offers_is_none(method: str) -> None:
    with pytest.raises(MethodNotOffered):
        parse(LIST | {"method": method})


OFFERED = """completion/complete initialize logging/setLevel ping prompts/list resources/list
    resources/subscribe resources/templates/list resources/unsubscribe server/discover
    subscriptions/listen tasks/cancel tasks/get tasks/result tasks/update tools/list"""
TOLD_OF = "cancelled initialized progress roots/list_changed tasks/status"


@pytest.mark.parametrize("method", OFFERED.split())
def test_a_method_that_is_offered_is_one(method: str) -> None:
    assert parse(LIST | {"method": method}).messages[0]["method"] == method


@pytest.mark.parametrize("what", TOLD_OF.split())
def test_a_server_may_be_told(what: str) -> None:
    told = {"jsonrpc": "2.0", "method": f"notifications/{what}"}
    assert parse(told).messages == (told,)


@pytest.mark.parametrize(
    ("method", "name"), [("tools/call", "name"), ("prompts/get", "name"), ("resources/read", "uri")]
)
def test_what_a_request_is_for_it_names(method: str, name: str) -> None:
    assert parse(LIST | {"method": method, "params": {name: "x"}}).messages
    for other in ({}, {"Name": "x"}, {"name" if name == "uri" else "uri": "x"}):
        with pytest.raises(BadRequest):
            parse(LIST | {"method": method, "params": other})


@pytest.mark.parametrize("method", ["tools/call", "resources/subscribe", "tasks/cancel", "ping"])
def test_a_request_without_an_id_is_no_notification(method: str) -> None:
    with pytest.raises(MethodNotOffered):
        parse({"jsonrpc": "2.0", "method": method, "params": {"name": "search"}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["jsonrpc", "id", "method", "params", "result", "error", "name", "Name"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
messages = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0")},
    optional={
        "id": st.integers(-5, 5) | st.text(max_size=4) | json_values,
        "method": st.sampled_from(sorted(mcp.REQUESTS | mcp.NOTIFICATIONS)) | st.text(max_size=9),
        "params": st.fixed_dictionaries(
            {}, optional={"name": json_values, "Name": json_values, "requestState": json_values}
        ),
        "result": json_values,
        "error": json_values,
    },
)


@given(messages | st.lists(messages, max_size=4) | json_values)
def test_whatever_is_sent_is_read_in_one_way_or_refused(document: Any) -> None:
    try:
        asked = parse(document)
    except GatewayError:
        return
    for one in asked.messages:
        assert one["jsonrpc"] == "2.0"
        if "method" in one:
            known = mcp.REQUESTS if "id" in one else mcp.NOTIFICATIONS
            assert one["method"] in known
        else:
            assert ("result" in one) != ("error" in one)
            assert "id" in one
    assert len(asked.tools) == sum(one.get("method") == "tools/call" for one in asked.messages)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_nothing_but_a_refusal_is_raised(raw: bytes) -> None:
    try:
        mcp.parse(raw)
    except GatewayError as error:
        assert error.status in {400, 404}  # noqa: PT017 - most bytes are refused, not all


def test_a_state_comes_back_without_its_seal() -> None:
    result: dict[str, Any] = {"requestState": "step 1"}
    assert mcp.seal_state(result, SEAL)
    assert result == {"requestState": SEAL.close("state", "step 1")}
    params = {"name": "search", "requestState": result["requestState"]}
    asked = parse(CALL | {"params": params})
    mcp.unseal(asked, SEAL)
    assert asked.messages[0]["params"] == {"name": "search", "requestState": "step 1"}


@pytest.mark.parametrize(
    "state", ["step 1", "", 7, ["step 1"], Seal(b"s" * 32, "bob").close("state", "x")]
)
def test_a_state_of_nobodys_or_anothers_is_not_found(state: Any) -> None:
    asked = parse(CALL | {"params": {"name": "search", "requestState": state}})
    with pytest.raises(ConversationNotFound):
        mcp.unseal(asked, SEAL)


def test_a_result_without_a_state_is_left_alone() -> None:
    assert not mcp.seal_state({"content": []}, SEAL)
    assert not mcp.seal_state({"requestState": None}, SEAL)


@pytest.mark.parametrize("one", ["x", "x" * 256, 0, -1])
def test_what_is_an_id_is_one(one: object) -> None:
    assert parse(LIST | {"id": one}).id == one


def test_an_answer_may_have_the_id_of_a_request_of_ours() -> None:
    assert len(parse([LIST, {"jsonrpc": "2.0", "id": 1, "result": {}}]).messages) == 2
    with pytest.raises(BadRequest):
        parse([ANSWER, ANSWER])


def test_a_batch_has_100_messages_at_most() -> None:
    assert len(parse([LIST | {"id": n} for n in range(100)]).messages) == 100


def test_a_request_with_an_error_is_no_message() -> None:
    with pytest.raises(BadRequest) as raised:
        parse(LIST | {"error": {}})
    assert raised.type is BadRequest


def test_one_message_is_no_batch_and_comes_back_to_its_last_event() -> None:
    assert not mcp.Asked(()).is_batch
    assert mcp.LAST_EVENT == b"last-event-id"
