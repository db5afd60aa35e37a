"""Rows M: sessions, tools and messages of others, at a real server of the official SDK.

What is refused never reaches the server; only M-09 and M-13 look at what does.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.mcp_servers import (
    MODERN,
    McpStage,
    called,
    initialize,
    mcp_stage,
    message,
    modern,
)
from tests.support.stage import adding
from tests.support.wire import Answer, connected

pytestmark = pytest.mark.anyio

VERSION = {"mcp-protocol-version": "2025-11-25"}
TOOLS = adding(
    "upstreams.notes",
    'allowed_tools = { "*" = ["recall", "remember", "whoami", "order"], admin = "*" }',
    'user_arguments = { order = "user_id" }',
)


@pytest.fixture(scope="module")
async def stage(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[McpStage]:
    async with mcp_stage(tmp_path_factory.mktemp("mcp"), TOOLS) as running:
        yield running


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def refused(stage: McpStage) -> AsyncIterator[None]:
    """Within this, the server sees nothing."""
    before = len(stage.server.asked)
    yield
    assert stage.server.asked[before:] == []


async def alices(stage: McpStage) -> str:
    session = await stage.open_session("alice")
    told = message("notifications/initialized", id=None)
    fields = {"mcp-session-id": session, **VERSION}
    assert (await stage.ask("alice", body=told, fields=fields)).status == 202
    await stage.ask("alice", body=called("remember", text="alice's tea"), fields=fields)
    return session


def code(answer: Answer) -> Any:
    return answer.json()["error"]["data"]["code"]


# M-02: session ids that are none


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_without_a_session_nobody_listens_or_ends(stage: McpStage, method: str) -> None:
    async with refused(stage):
        assert (await stage.ask("alice", method)).status == 400


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a,b", "a\tb", "\xe9", "x" * 5000], ids=lambda one: repr(one)[:9]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_what_is_no_session_id_is_refused(stage: McpStage, method: str, value: str) -> None:
    body = message("tools/list") if method == "POST" else None
    async with refused(stage):
        answer = await stage.ask("alice", method, body, {"mcp-session-id": value, **VERSION})
    assert answer.status in {400, 404}


@pytest.mark.parametrize("spelling", ["Mcp-Session-Id", "mcp-session-id", "MCP-SESSION-ID"])
async def test_two_session_ids_are_refused(stage: McpStage, spelling: str) -> None:
    session = await alices(stage)
    async with refused(stage):
        fields = [("mcp-session-id", session), (spelling, session)]
        answer = await stage.ask("alice", body=message("tools/list"), fields=fields)
    assert answer.status == 400


# M-03: whose session it is


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_another_persons_session_is_one_that_does_not_exist(
    stage: McpStage, method: str
) -> None:
    session = await alices(stage)
    body = called("recall") if method == "POST" else None
    answers = []
    async with refused(stage):
        for one in (session, "0" * len(session)):
            fields = {"mcp-session-id": one, "x-request-id": "same", **VERSION}
            answers.append(await stage.ask("bob", method, body, fields))
    assert [one.status for one in answers] == [404, 404]
    assert answers[0].body == answers[1].body
    fields = {"mcp-session-id": session, **VERSION}
    assert b"alice's tea" in (await stage.ask("alice", body=called("recall"), fields=fields)).body


async def test_a_refreshed_token_is_the_same_person(stage: McpStage) -> None:
    session = await alices(stage)
    fields = {"mcp-session-id": session, **VERSION}
    token = stage.token("alice", jti="another")
    answer = await stage.ask("alice", body=called("recall"), fields=fields, token=token)
    assert b"alice's tea" in answer.body


async def test_in_another_org_or_at_another_upstream_it_is_nobodys(tmp_path: Path) -> None:
    def twice(text: str) -> str:
        head, upstream = text.split("[upstreams.notes]")
        sign_in = head[head.index("[sign_in]") :]
        common = head[: head.index("[sign_in]")]
        orgs = "".join(
            f'[orgs.{name}]\npath = "/{name}"\n'
            + sign_in.replace("[sign_in]", f'[[orgs.{name}.sign_in]]\norg_claim = "org"')
            + f"[orgs.{name}.upstreams.notes]{upstream}"
            for name in ("one", "two")
        )
        return common + orgs + f"[orgs.one.upstreams.more]{upstream}"

    async with mcp_stage(tmp_path, twice) as stage:
        token = stage.token("alice", org=["one", "two"])
        session = await stage.open_session("alice", path="/one/notes/mcp", token=token)
        fields = {"mcp-session-id": session, **VERSION}
        asked: dict[str, Any] = {"body": called("recall"), "fields": fields, "token": token}
        assert (await stage.ask("alice", path="/one/notes/mcp", **asked)).status == 200
        async with refused(stage):
            for path in ("/two/notes/mcp", "/one/more/mcp"):
                assert (await stage.ask("alice", path=path, **asked)).status == 404


# N-08: many who listen, and are one


async def test_who_listens_many_times_leaves_room_for_others(tmp_path: Path) -> None:
    limits = '\n[limits]\nper_user = "2 streams"\n'
    async with mcp_stage(tmp_path, lambda text: text + limits) as stage, AsyncExitStack() as open_:
        for who, status in (("alice", 200), ("alice", 200), ("alice", 429), ("bob", 200)):
            fields = {"mcp-session-id": await stage.open_session(who), **VERSION}
            seen = len(stage.server.asked)
            peer = await open_.enter_async_context(connected(stage.url))
            await peer.send(stage.request(who, "GET", fields=fields))
            assert f"HTTP/1.1 {status}".encode() in await peer.until(b"\r\n\r\n")
            assert [one.method for one in stage.server.asked[seen:]] == ["GET"] * (status == 200)
        fields = {"mcp-session-id": await stage.open_session("alice"), **VERSION}
        assert (await stage.ask("alice", body=called("recall"), fields=fields)).status == 200


# M-04: tasks and states of others


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/update", "tasks/cancel"])
async def test_a_task_of_nobodys_here_is_not_found(stage: McpStage, method: str) -> None:
    asked = message(method, taskId="task-1")
    session = await stage.open_session("bob")
    async with refused(stage):
        assert (await stage.ask("bob", body=asked)).status == 404
        answer = await stage.ask("bob", body=asked, fields={"mcp-session-id": session})
        assert answer.status == 404
        assert code(answer) == "conversation_not_found"


RELATED = "io.modelcontextprotocol/related-task"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (called("recall"), 404),
        (message("ping"), 404),
        (message("notifications/progress", id=None, progressToken=1, progress=1), 404),
    ],
    ids=lambda one: one["method"] if isinstance(one, dict) else "",
)
@pytest.mark.parametrize(
    ("meta", "refusal"),
    [
        ({RELATED: {"taskId": "task-1"}}, 0),
        ({RELATED: {"TaskID": "task-1"}}, 400),
        ({RELATED.upper(): {"taskId": "task-1"}}, 400),
        ({RELATED.replace("-", "_"): {"taskId": "task-1"}}, 400),
        ({RELATED: [{"taskId": "task-1"}]}, 400),
        ({RELATED: "task-1"}, 400),
        ({RELATED: {"taskId": ["task-1"]}}, 400),
        ([{RELATED: {"taskId": "task-1"}}], 400),
    ],
    ids=str,
)
async def test_nothing_is_said_about_a_task_of_others(
    stage: McpStage, told: dict[str, Any], status: int, meta: object, refusal: int
) -> None:
    session = await stage.open_session("bob")
    body = {**told, "params": {**told.get("params", {}), "_meta": meta}}
    for fields in ({}, {"mcp-session-id": session, **VERSION}):
        async with refused(stage):
            assert (await stage.ask("bob", body=body, fields=fields)).status == (refusal or status)


@pytest.mark.parametrize("meta", ["_meta", "_Meta", "META"])
@pytest.mark.parametrize("name", [RELATED, RELATED.upper(), RELATED.replace("-", "")])
async def test_an_answer_of_a_client_is_about_what_it_answers(
    stage: McpStage, meta: str, name: str
) -> None:
    """By its id: a task it names may be another's, or one the client runs itself."""
    said = {name: {"taskId": "task-1"}, "progressToken": 1}
    answer = {"jsonrpc": "2.0", "id": 7, "result": {"action": "accept", meta: said}}
    session = await stage.open_session("bob")
    await stage.ask("bob", body=answer, fields={"mcp-session-id": session, **VERSION})
    result = {"action": "accept", meta: {"progressToken": 1}}
    assert stage.server.asked[-1].json() == {"jsonrpc": "2.0", "id": 7, "result": result}


@pytest.mark.parametrize("said", [{"result": {"action": "accept"}}, {"error": {"code": 1}}])
async def test_outside_a_session_nobody_answers(stage: McpStage, said: dict[str, Any]) -> None:
    """M-04: a server that has no sessions knows by the id alone whom it has asked."""
    answer = {"jsonrpc": "2.0", "id": 1, **said}
    for body in (answer, [answer], [message("ping"), answer]):
        async with refused(stage):
            assert (await stage.ask("bob", body=body)).status == 400


async def test_everybodys_tasks_are_not_listed(stage: McpStage) -> None:
    async with refused(stage):
        answer = await stage.ask("bob", body=message("tasks/list"))
    assert (answer.status, code(answer)) == (404, "method_not_offered")


async def test_nobody_hears_of_tasks_of_others(stage: McpStage) -> None:
    body, fields = modern(message("subscriptions/listen", notifications={"taskIds": ["task-1"]}))
    async with refused(stage):
        assert (await stage.ask("bob", body=body, fields=fields)).status == 404


async def asked_for_a_name(stage: McpStage, who: str) -> str:
    body, fields = modern(called("name_it"))
    answer = await stage.ask(who, body=body, fields=fields, token=stage.token(who, roles=["admin"]))
    return str(answer.json()["result"]["requestState"])


async def test_a_request_state_is_worth_nothing_to_others(stage: McpStage) -> None:
    state = await asked_for_a_name(stage, "alice")
    told = called("name_it", id=2)
    told["params"] |= {
        "requestState": state,
        "inputResponses": {"name": {"action": "accept", "content": {"name": "Bob"}}},
    }
    body, fields = modern(told)
    async with refused(stage):
        answer = await stage.ask(
            "bob", body=body, fields=fields, token=stage.token("bob", roles=["admin"])
        )
    assert (answer.status, code(answer)) == (404, "conversation_not_found")
    answer = await stage.ask(
        "alice", body=body, fields=fields, token=stage.token("alice", roles=["admin"])
    )
    assert "known to alice" in answer.json()["result"]["content"][0]["text"]


# M-05: pages of others


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example", ""],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_page_of_another_origin_is_refused_even_with_a_token(
    stage: McpStage, method: str, origin: str
) -> None:
    body = message("tools/list") if method == "POST" else None
    async with refused(stage):
        answer = await stage.ask("alice", method, body, {"origin": origin})
    assert (answer.status, answer.values("x-gateway-error")) == (403, ["origin_refused"])


async def test_a_name_that_was_made_to_lead_here_is_nobodys(tmp_path: Path) -> None:
    def pinned(text: str) -> str:
        head, rest = text.split("[sign_in]")
        return (
            head + "[orgs.acme]\nhosts = ['chat.acme.test']\n[[orgs.acme.sign_in]]" + rest
        ).replace("[upstreams.notes]", "[orgs.acme.upstreams.notes]")

    async with mcp_stage(tmp_path, pinned) as stage, refused(stage):
        assert (await stage.ask("alice", body=initialize())).status == 421


# M-06: tokens stay here


async def test_no_token_reaches_the_server(stage: McpStage) -> None:
    token = stage.token("alice")
    before = len(stage.server.asked)
    session = await stage.open_session("alice", token=token)
    fields = {"mcp-session-id": session, "cookie": "session=x", "x-api-key": token, **VERSION}
    await stage.ask("alice", body=called("recall"), fields=fields, token=token)
    for asked in stage.server.asked[before:]:
        assert token not in str(asked.fields)
        assert token.encode() not in asked.body
        assert "cookie" not in asked.fields


# M-07: who a call is for


@pytest.mark.parametrize(
    "arguments",
    [{}, {"user_id": "bob"}, {"USER_ID": "bob", "user_id": "bob"}, {"userId": "bob"}],
    ids=str,
)
async def test_an_argument_that_says_for_whom_is_ours(
    stage: McpStage, arguments: dict[str, str]
) -> None:
    body, fields = modern(called("order", what="tea", **arguments))
    answer = await stage.ask("alice", body=body, fields=fields)
    assert answer.json()["result"]["content"][0]["text"] == "tea for alice"
    sent = stage.server.asked[-1].json()["params"]["arguments"]
    assert sent == {"what": "tea", "user_id": "alice"}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("mcp-param-user-id", "carol"),  # which "what" says as well
        ("Mcp-Param-UserId", "carol"),
        ("mcp-param-external-user", "carol"),
        ("mcp-param-for", "tea"),
    ],
)
async def test_so_is_the_field_that_repeats_it(stage: McpStage, name: str, what: str) -> None:
    """Whoever routes by the field would go by it, and whoever compares would refuse it."""
    body, fields = modern(called("order", what=what, user_id="carol"))
    answer = await stage.ask("alice", body=body, fields={**fields, name: "carol"})
    assert answer.json()["result"]["content"][0]["text"] == f"{what} for alice"
    assert stage.server.asked[-1].fields[name.lower()] == "alice"


async def test_a_field_that_repeats_another_argument_stays(stage: McpStage) -> None:
    body, fields = modern(called("order", what="tea"))
    await stage.ask("alice", body=body, fields={**fields, "mcp-param-what": "tea"})
    assert stage.server.asked[-1].fields["mcp-param-what"] == "tea"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_no_version_is_refused_without_a_message_too(
    stage: McpStage, method: str
) -> None:
    fields = {"mcp-session-id": await alices(stage), "mcp-protocol-version": "x-user: bob"}
    async with refused(stage):
        answer = await stage.ask("alice", method, fields=fields)
    assert answer.status == 400


@pytest.mark.parametrize("name", ["user", "userId", "x-external-user-id", "USER_ID"])
async def test_what_names_people_beside_the_arguments_is_left_out(
    stage: McpStage, name: str
) -> None:
    told = called("recall")
    told["params"] |= {"_meta": {name: "bob", "progressToken": 1}, name: "bob"}
    session = await stage.open_session("alice")
    await stage.ask("alice", body=told, fields={"mcp-session-id": session})
    sent = stage.server.asked[-1].json()["params"]
    assert sent == {"name": "recall", "arguments": {}, "_meta": {"progressToken": 1}}


@pytest.mark.parametrize(
    "prefix", ["com.example/", "dev.example.tea/", "a/b/", "openai/", "org.example/", "x/"]
)
@pytest.mark.parametrize("name", ["user", "subject", "USER-ID", "session", "conversationId"])
async def test_so_is_whom_or_what_the_clients_own_house_calls_so(
    stage: McpStage, prefix: str, name: str
) -> None:
    told = called("recall")
    told["params"]["_meta"] = {prefix + name: "bob", f"{prefix}locale": "de"}
    session = await stage.open_session("alice")
    answer = await stage.ask("alice", body=told, fields={"mcp-session-id": session})
    assert answer.status == 200
    assert stage.server.asked[-1].json()["params"]["_meta"] == {f"{prefix}locale": "de"}


async def test_a_client_that_says_so_on_each_call_is_no_spoofer(tmp_path: Path) -> None:
    """ChatGPT does; what it says beside that is somebody all the same."""

    def refusing(text: str) -> str:
        text = text.replace("[sign_in]", "[[orgs.acme.sign_in]]")
        text = text.replace("[upstreams.notes]", "[orgs.acme.upstreams.notes]")
        return text + '\n[orgs.acme]\non_spoof = "refuse"\n'

    async with mcp_stage(tmp_path, refusing) as strict:
        session = await strict.open_session("alice")
        fields = {"mcp-session-id": session}
        told = called("recall")
        told["params"]["_meta"] = {"openai/subject": "v1/x", "openai/session": "v1/y"}
        assert (await strict.ask("alice", body=told, fields=fields)).status == 200
        assert "openai" not in strict.server.asked[-1].body.decode()
        for name in ("user", "x-openai-subject", "openaiSubject", "user/id"):
            told["params"]["_meta"] = {name: "bob"}
            async with refused(strict):
                answer = await strict.ask("alice", body=told, fields=fields)
            assert answer.values("x-gateway-error") == ["spoofed_identity"], name


# M-08: tools of others


@pytest.mark.parametrize(
    "tool",
    ["count", "name_it", "nothing", "Recall", "recall ", "recall\x00", "récall", "*", "RECALL"],
)
async def test_a_tool_that_is_not_theirs_is_one_that_does_not_exist(
    stage: McpStage, tool: str
) -> None:
    session = await stage.open_session("bob")
    fields = {"mcp-session-id": session, "x-request-id": "same"}
    async with refused(stage):
        answer = await stage.ask("bob", body=called(tool, to=1), fields=fields)
        unknown = await stage.ask("bob", body=called("no_such_tool"), fields=fields)
    assert answer.body == unknown.body
    assert answer.json() == {
        "jsonrpc": "2.0",
        "id": 1,
        "error": {
            "code": -32602,
            "message": "Unknown tool",
            "data": {"code": "tool_not_found"},
        },
    }
    assert answer.status == 200


@pytest.mark.parametrize("roles", [["admin"], ["guest", "admin"]])
async def test_whose_role_has_every_tool_may_use_it(stage: McpStage, roles: list[str]) -> None:
    token = stage.token("carol", roles=roles)
    body, fields = modern(called("count", to=1))
    answer = await stage.ask("carol", body=body, fields=fields, token=token)
    assert b"counted to 1" in answer.body


@pytest.mark.parametrize("roles", [[], ["Admin"], ["admin "], ["admi"]])
async def test_lists_show_only_what_is_theirs(stage: McpStage, roles: list[str]) -> None:
    token = stage.token("bob", roles=roles)
    body, fields = modern(message("tools/list"))
    answer = await stage.ask("bob", body=body, fields=fields, token=token)
    names = {one["name"] for one in answer.json()["result"]["tools"]}
    assert names == {"recall", "remember", "whoami", "order"}
    session = await stage.open_session("bob", token=token)
    streamed = await stage.ask(
        "bob", body=message("tools/list"), fields={"mcp-session-id": session}, token=token
    )
    assert streamed.values("content-type")[0].startswith("text/event-stream")
    assert b"name_it" not in streamed.body
    assert b"recall" in streamed.body


# P-19: paths, as everywhere


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/notes/mcp%2F", 400),
        ("/notes/./mcp", 400),
        ("/notes//mcp", 400),
        ("/notes/mcp/", 400),
        ("/notes/MCP", 404),
        ("/notes/mcp/other", 404),
        ("/notes/sse", 404),
    ],
)
async def test_only_what_is_declared_is_there(stage: McpStage, path: str, status: int) -> None:
    async with refused(stage):
        answer = await stage.ask("alice", body=message("tools/list"), path=path)
    assert answer.status == status


# M-09: messages that could be read differently

TWINS = [
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"recall","name":"count"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"count"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{"name":"count"}}',
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"recall","Name":"count"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"recall","NAME":"count"}}',
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1e400,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}',
    b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"recall"}}',
    b'{"jsonrpc":"2.0","method":"resources/subscribe","params":{"uri":"notes://all"}}',
    b'{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"recall"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","Params":{"name":"recall"}}',
    b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n{"jsonrpc":"2.0","id":2,"method":"ping"}',
]


@pytest.mark.parametrize("raw", TWINS, ids=range(len(TWINS)))
async def test_a_message_that_two_could_read_differently_is_refused(
    stage: McpStage, raw: bytes
) -> None:
    session = await stage.open_session("bob")
    async with refused(stage):
        answer = await stage.ask("bob", raw=raw, fields={"mcp-session-id": session})
    assert answer.status in {400, 404}


@pytest.mark.parametrize("denied", range(3))
async def test_one_denied_message_denies_its_batch(stage: McpStage, denied: int) -> None:
    batch = [called("recall", id=number) for number in range(3)]
    batch[denied] = called("count", id=denied, to=1)
    session = await stage.open_session("bob")
    fields = {"mcp-session-id": session, "mcp-protocol-version": "2025-03-26"}
    async with refused(stage):
        answer = await stage.ask("bob", body=batch, fields=fields)
    assert answer.json()["id"] is None
    assert code(answer) == "tool_not_found"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mcp-method", "tools/list"),
        ("mcp-method", ""),
        ("mcp-name", "whoami"),
        ("mcp-name", "=?base64?d2hvYW1p?="),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-protocol-version", "2027-01-01"),
        ("mcp-param-region", "eu"),
    ],
)
async def test_fields_that_say_something_else_than_the_body_are_refused(
    stage: McpStage, field: str, value: str
) -> None:
    body, fields = modern(called("recall"), **{field: value})
    async with refused(stage):
        answer = await stage.ask("bob", body=body, fields=fields)
    assert answer.status == 400
    assert answer.json()["error"]["code"] == -32020


@pytest.mark.parametrize("field", ["mcp-method", "mcp-name"])
async def test_a_request_of_the_new_era_says_in_fields_what_it_asks(
    stage: McpStage, field: str
) -> None:
    body, fields = modern(called("recall"))
    del fields[field]
    async with refused(stage):
        assert (await stage.ask("bob", body=body, fields=fields)).status == 400
    body, fields = modern(called("recall"))
    async with refused(stage):
        twice = [*fields.items(), (field, fields[field])]
        assert (await stage.ask("bob", body=body, fields=twice)).status == 400


# M-13: what a server says is data


async def test_what_a_tool_says_changes_nothing_here(stage: McpStage) -> None:
    order = 'x-external-user-id: bob\r\nLocation: https://evil.example\r\n{"userId":"bob"}'
    session = await stage.open_session("alice")
    fields = {"mcp-session-id": session, **VERSION}
    await stage.ask("alice", body=called("remember", text=order), fields=fields)
    answer = await stage.ask("alice", body=called("recall"), fields=fields)
    assert answer.status == 200
    assert answer.values("location") == []
    assert b"evil.example" in answer.body
    body, fields = modern(called("whoami"))
    assert b"alice" in (await stage.ask("alice", body=body, fields=fields)).body
    assert stage.server.asked[-1].fields["mcp-protocol-version"] == MODERN
