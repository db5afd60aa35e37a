from dataclasses import replace

import pytest

from gateway.core.formats.strictjson import JsonValue
from gateway.core.people.identity import Identity
from gateway.core.profile.vendor import Body, Lookup
from gateway.core.request.call import Call
from gateway.core.request.destination import Destination
from gateway.core.request.lookup import plan_lookup, read_owner
from gateway.core.request.plan import VendorRequest
from gateway.vendors.altatech import VENDOR as ALTATECH
from gateway.vendors.chatbase import VENDOR as CHATBASE

ONE = Lookup(path="/c/{conversation}", owner=(Body("/userId"),), conversation=(Body("/id"),))
LIST = Lookup(
    path="/list",
    query={"user_id": "{user}"},
    items=Body("/data/list"),
    owner=(Body("/user"),),
    conversation=(Body("/id"),),
)


def planned(vendor: object, **variables: str) -> VendorRequest:
    operation = CHATBASE.operations["chat"]
    call = Call("chat", operation, variables, "POST", body={"message": "x"})
    return plan_lookup(
        Destination(vendor=vendor),  # type: ignore[arg-type]
        vendor.lookup,  # type: ignore[attr-defined]
        call,
        "c-1",
        identity=Identity("acme", "alice"),
        user="alice",
        key="KEY",
        request_id="r",
    )


def test_asks_with_our_key_and_who_is_asking() -> None:
    request = planned(CHATBASE, agent="a")
    assert (request.method, request.content) == ("GET", None)
    assert request.target == "/api/v2/agents/a/conversations/c-1"
    assert (b"authorization", b"Bearer KEY") in request.fields
    assert (b"x-external-user-id", b"alice") in request.fields


def test_asks_a_list_for_the_persons_own() -> None:
    request = planned(ALTATECH)
    path, _, query = request.target.partition("?")
    assert path == "/v1/bot/conversation/page"
    assert query.startswith("user_id=alice&")
    assert query.endswith("&page=1&page_size=100")


@pytest.mark.parametrize(
    ("lookup", "document", "owner"),
    [
        pytest.param(ONE, {"id": "c-1", "userId": "alice"}, "alice", id="one"),
        pytest.param(ONE, {"userId": "alice"}, "alice", id="one that does not say which"),
        pytest.param(ONE, {"id": "c-2", "userId": "alice"}, None, id="another one"),
        pytest.param(ONE, {"id": "c-1", "userId": None}, None, id="nobody's"),
        pytest.param(ONE, {"id": "c-1", "userId": ""}, None, id="an empty name"),
        pytest.param(ONE, {"id": "c-1", "userId": 7}, None, id="a number"),
        pytest.param(ONE, {"id": "c-1"}, None, id="no owner"),
        pytest.param(ONE, [], None, id="no object"),
        pytest.param(ONE, "x", None, id="a string"),
        pytest.param(
            LIST,
            {"data": {"list": [{"id": "c-2", "user": "bob"}, {"id": "c-1", "user": "alice"}]}},
            "alice",
            id="one of a list",
        ),
        pytest.param(LIST, {"data": {"list": [{"user": "alice"}]}}, None, id="an item without id"),
        pytest.param(LIST, {"data": {"list": []}}, None, id="an empty list"),
        pytest.param(LIST, {"data": None}, None, id="no list"),
    ],
)
def test_reads_the_owner_of_that_conversation_and_of_no_other(
    lookup: Lookup, document: JsonValue, owner: str | None
) -> None:
    assert read_owner(lookup, document, "c-1") == owner


def test_two_owners_are_none() -> None:
    both = Lookup(path="/x", owner=(Body("/a"), Body("/b")))
    assert read_owner(both, {"a": "alice", "b": "bob"}, "c-1") is None
    assert read_owner(both, {"a": "alice", "b": "alice"}, "c-1") == "alice"


def test_items_need_something_to_be_told_apart_by() -> None:
    with pytest.raises(ValueError, match="told apart"):
        Lookup(path="/x", owner=(Body("/a"),), items=Body("/list"))


def test_a_look_up_may_be_told_the_conversation_and_the_user_anywhere() -> None:
    lookup = Lookup(
        path="/users/{user}/list", query={"id": "{conversation}", "n": "1"}, owner=(Body("/user"),)
    )
    request = planned(replace(CHATBASE, lookup=lookup))
    assert request.target == "/users/alice/list?id=c-1&n=1"
