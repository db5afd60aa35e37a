"""A private backend by a hand-written profile: who asks is said in each place, by us alone."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.support.config import IDENTITY_SECRET
from tests.support.reply import Reply
from tests.support.stage import Stage, gateway_of
from tests.support.tokens import Issuer
from tests.support.vendor import RecordingVendor, Request
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio

PROFILE = """
[vendors.mine]
fields = { authorization = "Bearer {key}", x-tenant = "{org}" }
user_id = "[a-z0-9_]{1,64}"
credential_fields = "X-Api-Key"
closed = ["/api/people/{user}/secrets"]

[vendors.mine.operations]
ping = "GET /api/ping"

[vendors.mine.operations.find]
method = "GET"
path = "/api/find"
user = "query:user"
query = ["q"]

[vendors.mine.operations.say]
method = "POST"
path = "/api/say"
user = ["body:/meta/caller/userId"]
conversation = "body:/thread"
opens = "body:/thread"
answers_user = "body:/by"
members = ["message", "meta", "thread", "mode"]
values = { "/mode" = ["fast", "{null}"] }

[vendors.mine.operations.told]
method = ["GET", "DELETE"]
path = "/api/told"
user = "field:X-On-Behalf-Of"
fields = "X-Locale"
response_fields = "x-cost"

[vendors.mine.operations.things]
method = "GET"
path = "/api/people/{user}/{kind}"
user = "path:user"
no_conversation = "what is the person's own"

[vendors.mine.operations.everywhere]
method = "POST"
path = "/api/people/{user}/everywhere"
user = ["path:user", "query:user", "field:x-on-behalf-of", "body:/userId", "body:/deep/er/id"]
members = ["message"]
no_conversation = "a note"

[vendors.mine.problem]
body = { oops = { what = "{code}", why = "{message}", none = "{null}" } }
codes = { conversation_not_found = "GONE", 400 = "BAD" }
"""


class Backend(RecordingVendor):
    """Opens a thread for whoever says something without one."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.by = "alice"

    async def answer(self, request: Request, reply: Reply) -> None:
        said = json.loads(request.body or b"{}")
        answer = {"thread": said.get("thread", "t1"), "by": self.by}
        await reply.json(200, answer, [("x-cost", "7"), ("x-secret", "CANARY")])


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[Backend]]:
    issuer = Issuer()
    async with Backend() as vendor:
        text = f"""
[identity]
secret = "{IDENTITY_SECRET}"
[store]
url = "sqlite:///{tmp_path}/gateway.db"
[sign_in]
issuer = "{issuer.url}"
audience = "{issuer.audience}"
secret = "{issuer.secret}"
[upstreams.mine]
vendor = "mine"
base_url = "{vendor.url}"
key = "mine-key"
path = "/"
{PROFILE}"""
        async with gateway_of(text, tmp_path) as (gateway, url):
            yield Stage(vendor, gateway, issuer, url, "/api")


def query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.target).query, keep_blank_values=True)


def is_told(request: Request) -> None:
    """What every request to this backend says, once."""
    assert request.values("x-external-user-id") == ["alice"]
    assert request.values("x-tenant") == ["default"]
    assert request.values("authorization") == ["Bearer mine-key"]
    assert b"victim" not in request.raw


async def test_nothing_but_identity(stage: Stage[Backend]) -> None:
    answer = await stage.ask("alice", "GET", "/ping?user=victim&x=1", None, [("X-User", "victim")])
    assert answer.status == 200
    (request,) = stage.vendor.requests
    assert request.target == "/api/ping"
    is_told(request)
    assert {name for name, _ in request.fields} == {
        *("host", "accept", "accept-encoding", "user-agent", "x-request-id", "via"),
        *("authorization", "x-tenant", "x-external-user-id"),
    }


@pytest.mark.parametrize("name", NAMES)
async def test_in_the_query(stage: Stage[Backend], name: str) -> None:
    spoof = quote(name, safe="")
    answer = await stage.ask("alice", "GET", f"/find?{spoof}=victim&q=shoes")
    if "\u0000" in name:
        assert answer.status == 400
        assert stage.vendor.saw_nothing()
        return
    assert answer.status == 200, answer.body
    (request,) = stage.vendor.requests
    assert query(request) == [("q", "shoes"), ("user", "alice")]
    is_told(request)


# Deep in a body whatever does not mean a person passes, and the "end" of a thing does not.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "end[id]"])
async def test_deep_in_the_body(stage: Stage[Backend], name: str) -> None:
    for written in (json.dumps(name), escaped(name)):
        inner = with_member({"note": "x"}, written, "victim").decode()
        for body in (
            f'{{"message": "hi", {written}: "victim"}}',
            f'{{"message": "hi", "meta": {inner}}}',
            f'{{"message": "hi", "meta": {{"caller": {inner}}}}}',
            f'{{"message": "hi", "meta": {{{written}: "victim", "caller": "victim"}}}}',
            '{"message": "hi", "meta": "victim"}',
            '{"message": "hi", "meta": {"caller": ["victim"]}}',
            '{"message": "hi", "META": {"caller": {"userId": "victim"}}}',
        ):
            stage.vendor.forget()
            answer = await stage.ask("alice", "POST", "/say", body.encode())
            assert answer.status == 200, answer.body
            (request,) = stage.vendor.requests
            assert request.json()["meta"]["caller"]["userId"] == "alice"
            is_told(request)


@pytest.mark.parametrize("name", [*FIELD_NAMES, "X-On-Behalf-Of", "x-on-behalf-of", "X-Tenant"])
async def test_in_a_field(stage: Stage[Backend], name: str) -> None:
    fields = [(name, "victim"), ("X-Locale", "ro"), ("X-Other", "x"), ("Connection", name)]
    answer = await stage.ask("alice", "DELETE", "/told", None, fields)
    assert answer.status == 200, answer.body
    (request,) = stage.vendor.requests
    assert request.method == "DELETE"
    assert request.values("x-on-behalf-of") == ["alice"]
    assert request.values("x-locale") == ["ro"]
    assert not request.values("x-other")
    is_told(request)
    assert answer.values("x-cost") == ["7"]
    assert b"CANARY" not in answer.raw


@pytest.mark.parametrize("named", ["me", "victim", "alice", "ALICE", "victim:x", "u_@"])
async def test_in_the_path(stage: Stage[Backend], named: str) -> None:
    answer = await stage.ask("alice", "GET", f"/people/{named}/orders")
    assert answer.status == 200, answer.body
    (request,) = stage.vendor.requests
    assert request.target == "/api/people/alice/orders"
    is_told(request)


@pytest.mark.parametrize("path", ["/people/%76ictim/x", "/people/../x", "/people//x", "/people/x"])
async def test_a_path_in_another_spelling_is_refused(stage: Stage[Backend], path: str) -> None:
    answer = await stage.ask("alice", "GET", path)
    assert answer.status in {400, 404}
    assert stage.vendor.saw_nothing()


async def test_in_all_of_them_at_once(stage: Stage[Backend]) -> None:
    body = {
        "message": "hi",
        "userId": "victim",
        "deep": {"er": {"id": "victim"}, "userId": "victim"},
    }
    spoof = [("X-On-Behalf-Of", "victim")]
    answer = await stage.ask("alice", "POST", "/people/victim/everywhere?user=victim", body, spoof)
    assert answer.status == 200, answer.body
    (request,) = stage.vendor.requests
    assert request.target == "/api/people/alice/everywhere?user=alice"
    assert request.values("x-on-behalf-of") == ["alice"]
    assert request.json()["userId"] == request.json()["deep"]["er"]["id"] == "alice"
    is_told(request)


async def test_whoever_does_not_fit_has_one_opaque_name_in_all_of_them(
    stage: Stage[Backend],
) -> None:
    """The rule of this profile takes lower case and no '@'."""
    answer = await stage.ask("Alice@x", "POST", "/people/me/everywhere", {"message": "hi"})
    assert answer.status == 200, answer.body
    (request,) = stage.vendor.requests
    name = request.json()["userId"]
    assert len(name) == 28
    assert request.target == f"/api/people/{name}/everywhere?user={name}"
    assert request.values("x-on-behalf-of") == request.values("x-external-user-id") == [name]
    assert b"Alice@x" not in request.raw


async def test_a_conversation_is_theirs_who_opened_it(stage: Stage[Backend]) -> None:
    opened = await stage.ask("alice", "POST", "/say", {"message": "hi"})
    assert opened.json()["thread"] == "t1"
    again = {"message": "and?", "thread": "t1"}
    assert (await stage.ask("alice", "POST", "/say", again)).status == 200
    stage.vendor.forget()
    for thread in ("t1", "t2"):
        refused = await stage.ask("bob", "POST", "/say", {**again, "thread": thread})
        assert refused.status == 404
        assert refused.json() == {
            "oops": {"what": "GONE", "why": "Conversation not found", "none": None}
        }
    for spelling in ("Thread", "thread_id", "conversationId"):
        refused = await stage.ask("bob", "POST", "/say", {"message": "x", spelling: "t1"})
        assert refused.status == 400
        assert refused.json()["oops"]["what"] == "BAD"
    assert stage.vendor.saw_nothing()


async def test_an_answer_that_names_somebody_else_is_cut_off(stage: Stage[Backend]) -> None:
    stage.vendor.by = "mallory"
    answer = await stage.ask("alice", "POST", "/say", {"message": "hi"})
    assert answer.status == 502
    assert b"mallory" not in answer.raw


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/say", {"message": "x", "mode": "slow"}, id="another value"),
        pytest.param("GET", "/people/me/secrets", None, id="a closed path"),
        pytest.param("GET", "/people/victim/secrets", None, id="a closed path of another"),
        pytest.param("POST", "/ping", {}, id="another method"),
        pytest.param("GET", "/admin", None, id="what no operation declares"),
    ],
)
async def test_what_is_not_listed_does_not_exist(
    stage: Stage[Backend], method: str, path: str, body: object
) -> None:
    answer = await stage.ask("alice", method, path, body)
    assert answer.status in {400, 404, 405}
    assert list(answer.json()) == ["oops"]
    assert stage.vendor.saw_nothing()


async def test_people_show_their_token_where_its_sdks_put_their_key(
    stage: Stage[Backend],
) -> None:
    answer = await stage.ask(None, "GET", "/ping", None, [("X-Api-Key", stage.token("alice"))])
    assert answer.status == 200
    is_told(stage.vendor.requests[0])
    assert not stage.vendor.requests[0].values("x-api-key")


@pytest.mark.parametrize("mode", ["fast", None])
async def test_a_listed_value_passes_and_null_is_one(
    stage: Stage[Backend], mode: str | None
) -> None:
    answer = await stage.ask("alice", "POST", "/say", {"message": "x", "mode": mode})
    assert answer.status == 200
    assert stage.vendor.requests[0].json()["mode"] == mode
