import json
from typing import Any

import pytest

from gateway.core.people.identity import Identity
from gateway.core.request.destination import Destination
from gateway.core.request.plan import VendorRequest, plan
from gateway.vendors.mcp import VENDOR
from tests.support.asking import ALICE, ask

CALL = VENDOR.operations["call"]
WHO = Identity("org_acme", ALICE, roles=("editor",))


def sent(body: Any, *, key: str = "k1", **parts: Any) -> VendorRequest:
    destination = Destination(vendor=VENDOR, **parts)
    asked = ask(CALL, body, fields=[("mcp-session-id", "s1")])
    return plan(destination, asked, identity=WHO, user=ALICE, key=key, request_id="r1")


def called(**arguments: Any) -> dict[str, Any]:
    params = {"name": "order", "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def test_the_server_is_told_who_asks_and_has_its_own_key() -> None:
    fields = dict(sent(called()).fields)
    assert fields[b"authorization"] == b"Bearer k1"
    assert fields[b"x-external-user-id"] == b"alice"
    assert fields[b"x-external-org-id"] == b"org_acme"
    assert fields[b"x-external-roles"] == b'["editor"]'
    assert fields[b"accept"] == b"application/json, text/event-stream"


def test_a_server_without_a_key_gets_none() -> None:
    fields = dict(sent(called(), key="").fields)
    assert b"authorization" not in fields
    assert fields[b"x-external-user-id"] == b"alice"


@pytest.mark.parametrize("told_by", [{"order": "for"}, {"*": "for"}, {"*": "x", "order": "for"}])
def test_an_argument_for_the_user_is_written(told_by: dict[str, str]) -> None:
    request = sent([called(), called() | {"id": 2}], told_by=told_by)
    assert request.content is not None
    for message in json.loads(request.content):
        assert message["params"]["arguments"] == {"for": "alice"}


def test_only_calls_of_tools_have_such_arguments() -> None:
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert json.loads(sent(listing, told_by={"*": "for"}).content or b"") == listing


@pytest.mark.parametrize(
    "body",
    [
        called(query={"userId": "bob", "session": "s"}),
        {"jsonrpc": "2.0", "id": "a", "result": {"content": {"user": "bob"}}},
        {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "x://user/bob"}},
    ],
)
def test_arguments_and_answers_are_content(body: dict[str, Any]) -> None:
    assert json.loads(sent(body).content or b"") == body
