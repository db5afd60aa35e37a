import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.admin.people import Whom, read
from gateway.core.errors import BadRequest, GatewayError
from tests.admin.stage import TOKEN, Operators, operators
from tests.support.replicas import all_know
from tests.support.wire import Answer, raw_request, wire

JSON = ("Content-Type", "application/json")


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path) as there:
        yield there


async def post(
    there: Operators, path: str, body: Any, *, token: str | None = TOKEN, kind: str = JSON[1]
) -> Answer:
    fields = [("Content-Type", kind)]
    if token is not None:
        fields.append(("Authorization", f"Bearer {token}"))
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await wire(there.url, raw_request("POST", path, fields, content))


@pytest.mark.anyio
async def test_blocks_and_lets_in_again_at_once(there: Operators) -> None:
    hi = {"message": "hi", "stream": False}
    assert (await there.stage.ask("alice", "POST", "/chat", hi)).status == 200
    there.stage.vendor.forget()
    answer = await post(there, "/users/block", {"user": "alice"})
    assert (answer.status, answer.json()) == (200, {"names": ["alice"]})
    await all_know()
    refused = await there.stage.ask("alice", "POST", "/chat", hi)
    assert (refused.status, refused.values("x-gateway-error")) == (403, ["blocked"])
    assert there.stage.vendor.saw_nothing()
    assert (await there.stage.ask("bob", "POST", "/chat", hi)).status == 200
    (row,) = (await there.ask("/users/blocked")).json()["data"]
    assert (row["org"], row["user"]) == ("default", "alice")
    assert (await post(there, "/users/unblock", {"user": "alice"})).json() == {"was_blocked": True}
    assert (await post(there, "/users/unblock", {"user": "alice"})).json() == {"was_blocked": False}
    await all_know()
    assert (await there.stage.ask("alice", "POST", "/chat", hi)).status == 200


@pytest.mark.anyio
async def test_blocks_an_org_and_says_who_did(there: Operators) -> None:
    answer = await post(there, "/users/block", {"org": "default", "everybody": True})
    assert answer.json() == {"names": []}
    await all_know()
    answer = await there.stage.ask("alice", "GET", "/users/me/conversations")
    assert answer.status == 403
    (row,) = (await there.ask("/users/blocked")).json()["data"]
    assert (row["org"], row["user"]) == ("default", None)
    found = [row for row in await there.rows("/audit?since=1h") if row["event"] == "blocked"]
    assert [(row["user"], row["actor"]) for row in found] == [(None, "operator:127.0.0.1")]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"{}", "text/plain", 415, id="as a form of another page could send it"),
        pytest.param(b"{", JSON[1], 400, id="no JSON"),
        pytest.param(b'{"user":"a","user":"b"}', JSON[1], 400, id="two people"),
        pytest.param(b'"' + b"x" * 20_000 + b'"', JSON[1], 413, id="too long"),
        pytest.param(
            b'{"user":"' + b"x" * 513 + b'"}', JSON[1], 400, id="longer than a subject can be"
        ),
    ],
)
async def test_what_is_not_understood_changes_nothing(
    there: Operators, body: bytes, kind: str, status: int
) -> None:
    assert (await post(there, "/users/block", body, kind=kind)).status == status
    assert (await there.ask("/users/blocked")).json() == {"data": []}


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/users/block", "/users/unblock"])
async def test_nobody_without_the_token_changes_anything(there: Operators, path: str) -> None:
    """Row Z-02: no cookie counts, and no page elsewhere has the token."""
    for token in (None, "wrong", there.stage.token("alice")):
        assert (await post(there, path, {"user": "alice"}, token=token)).status == 401
    answer = await there.ask(path)
    assert (answer.status, answer.values("allow")) == (405, ["POST"])
    assert (await post(there, path + "?x=1", {"user": "alice"})).status == 400
    on_the_public_side = raw_request(
        "POST", path, [JSON, ("Authorization", f"Bearer {TOKEN}")], b'{"user":"alice"}'
    )
    assert (await wire(there.stage.url, on_the_public_side)).status in {401, 404}
    assert (await there.ask("/users/blocked")).json() == {"data": []}


ONE, TWO = {"acme": "org_1"}, {"acme": "org_1", "globex": "org_2"}


@pytest.mark.parametrize(
    ("said", "orgs", "whom"),
    [
        ({"user": "a"}, ONE, Whom("org_1", "a")),
        ({"user": "a", "everybody": False}, ONE, Whom("org_1", "a")),
        ({"org": "globex", "everybody": True}, TWO, Whom("org_2", None)),
        ({"org": "any", "user": "a"}, {"*": "*"}, Whom("any", "a")),
    ],
)
def test_says_whom(said: object, orgs: dict[str, str], whom: Whom) -> None:
    assert read(json.dumps(said).encode(), orgs) == whom


@pytest.mark.parametrize(
    ("said", "orgs"),
    [
        ([], ONE),
        ({}, ONE),
        ({"everybody": False}, ONE),
        ({"user": "a", "everybody": True}, ONE),
        ({"user": ""}, ONE),
        ({"user": 7}, ONE),
        ({"user": None, "everybody": True}, ONE),
        ({"user": "a", "org": None}, ONE),
        ({"user": "a\0"}, ONE),
        ({"user": "\ud800"}, ONE),
        ({"user": "a", "who": "b"}, ONE),
        ({"user": "a"}, TWO),
        ({"user": "a", "org": "other"}, TWO),
        ({"user": "a", "org": "*"}, {"*": "*"}),
        ({"user": "a", "org": 1}, TWO),
        ({"everybody": "yes"}, ONE),
    ],
    ids=str,
)
def test_in_any_other_words_it_says_nobody(said: object, orgs: dict[str, str]) -> None:
    with pytest.raises(GatewayError) as caught:
        read(json.dumps(said).encode(), orgs)
    assert isinstance(caught.value, BadRequest)
