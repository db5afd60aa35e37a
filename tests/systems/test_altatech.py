"""AltaTech through the gateway: what the person gets, and what the vendor saw, byte for byte."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.formats.sse import JsonLinesSplitter
from gateway.core.people.identity import OPAQUE
from tests.support.altatech import AltaTech
from tests.support.altatech_turns import TOKENS
from tests.support.reply import Reply
from tests.support.stage import Stage, adding, altatech_stage
from tests.support.vendor import Request
from tests.support.wire import Answer, connected
from tests.systems.records import one_of, recorded
from tests.systems.spoofs import FIELD_NAMES, NAMES, escaped, with_member

pytestmark = pytest.mark.anyio
OPEN, V1, V2 = "/v1/conversation", "/v1/conversation/message", "/v2/conversation/message"
PAGE = "/v1/bot/conversation/page"
SPAN = "conversation_type=API&start_time=0&end_time=9&page=1&page_size=50"
TURN = [{"role": "user", "content": "hi"}]
MEDIA = ["text/event-stream", "application/x-ndjson", "application/json", "text/plain"]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage[AltaTech]]:
    async with altatech_stage(tmp_path) as built:
        yield built


async def start(stage: Stage[AltaTech], who: str) -> str:
    """A conversation this person has opened through the gateway."""
    answer = await stage.ask(who, "POST", OPEN, {})
    assert answer.status == 200, answer.body
    stage.vendor.forget()
    return str(answer.json()["conversation_id"])


def turn(conversation: str, mode: str = "blocking") -> dict[str, object]:
    return {"conversation_id": conversation, "messages": TURN, "response_mode": mode}


def compact(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def lines_of(answer: Answer) -> list[dict[str, object]]:
    found = JsonLinesSplitter().feed(answer.body)
    return [json.loads(one.data) for one in found if one.data]


def expected(
    stage: Stage[AltaTech], start_line: str, answer: Answer, content: bytes | None = None
) -> bytes:
    """Every byte of the vendor's request."""
    (via,) = stage.vendor.requests[-1].values("via")
    (request_id,) = answer.values("x-request-id")
    lines = [
        f"{start_line} HTTP/1.1",
        f"host: 127.0.0.1:{stage.vendor.port}",
        "accept: application/json, text/event-stream",
        *(["content-type: application/json"] if content is not None else []),
        "accept-encoding: identity",
        "user-agent: chat-identity-gateway",
        f"x-request-id: {request_id}",
        f"via: {via}",
        "authorization: Bearer app-key",
        "x-external-user-id: alice",
        *([f"content-length: {len(content)}"] if content is not None else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + (content or b"")


# Opening: the user is named before there is a conversation

JSON = ("Content-Type", "application/json")
EMPTY = ("Content-Length", "0")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(b"{}", [], id="an empty object"),
        pytest.param(b"", [], id="JSON without a body"),
        pytest.param(None, [EMPTY], id="fetch without a body"),
        pytest.param(None, [], id="curl without a body"),
        pytest.param(None, [JSON], id="curl with a media type and no body"),
        pytest.param(b'{"user_id":"alice"}', [], id="as to the vendor itself"),
        pytest.param(b'{"user_id":"victim"}', [], id="for somebody else"),
        pytest.param(b'{"user_id":["victim"],"anonymous_id":"victim"}', [], id="for two"),
    ],
)
async def test_opens_a_conversation_for_whoever_is_signed_in(
    stage: Stage[AltaTech], body: bytes | None, fields: list[tuple[str, str]]
) -> None:
    answer = await stage.ask("alice", "POST", OPEN, body, fields)
    assert answer.status == 200, answer.body
    content = b'{"user_id":"alice"}'
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {OPEN}", answer, content)
    (conversation,) = stage.vendor.conversations
    assert answer.json() == {"conversation_id": conversation}
    asked = turn(conversation)
    assert (await stage.ask("bob", "POST", V2, asked)).status == 404
    assert (await stage.ask("alice", "POST", V2, asked)).status == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(b'{"user_id":"victim"}', [("Content-Type", "text/plain")], id="as text"),
        pytest.param(b"", [("Content-Type", "text/plain;charset=UTF-8")], id="empty text"),
        pytest.param(
            b"user_id=victim", [("Content-Type", "application/x-www-form-urlencoded")], id="a form"
        ),
        pytest.param(b"{}", [JSON, ("Content-Encoding", "gzip")], id="coded"),
    ],
)
async def test_a_body_of_another_kind_is_refused(
    stage: Stage[AltaTech], body: bytes, fields: list[tuple[str, str]]
) -> None:
    answer = await stage.ask("alice", "POST", OPEN, body, fields)
    assert answer.status == 415
    assert answer.json()["code"] == 40000
    assert stage.vendor.saw_nothing()


async def test_a_body_of_no_declared_kind_is_refused(stage: Stage[AltaTech]) -> None:
    request = stage.request("alice", "POST", OPEN, b'{"user_id":"victim"}')
    async with connected(stage.url) as peer:
        await peer.send(request.replace(b"Content-Type: application/json\r\n", b""))
        assert (await peer.answer()).status == 415
    assert stage.vendor.saw_nothing()


async def test_a_message_needs_its_body(stage: Stage[AltaTech]) -> None:
    await start(stage, "alice")
    assert (await stage.ask("alice", "POST", V2, None, [EMPTY])).status == 415
    assert (await stage.ask("alice", "POST", V2, b"")).status == 400
    assert stage.vendor.saw_nothing()


async def test_a_subject_longer_than_32_characters_has_an_opaque_id(
    stage: Stage[AltaTech],
) -> None:
    subject = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    conversation = await start(stage, subject)
    named = stage.vendor.conversations[conversation].user
    assert OPAQUE.fullmatch(named)
    assert len(named) <= 32
    assert (await stage.ask(subject, "POST", V2, turn(conversation))).status == 200
    listed = (await stage.ask(subject, "GET", f"{PAGE}?{SPAN}")).json()["list"]
    assert [one["user_id"] for one in listed] == [named]


# Talking


async def test_answers_whole(stage: Stage[AltaTech]) -> None:
    asked = turn(await start(stage, "alice"))
    answer = await stage.ask("alice", "POST", V2, asked)
    assert answer.status == 200, answer.body
    assert answer.json()["output"][0]["content"]["text"] == "You said: hi"
    assert answer.values("content-length")
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {V2}", answer, compact(asked))


@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize("prefix", ["", "data:", "data: "])
async def test_streams_json_lines_in_every_form(
    stage: Stage[AltaTech], media: str, prefix: str
) -> None:
    stage.vendor.media, stage.vendor.prefix = media, prefix
    asked = turn(await start(stage, "alice"), "streaming")
    answer = await stage.ask("alice", "POST", V2, asked)
    assert answer.status == 200, answer.body
    assert answer.complete
    assert answer.values("content-type") == [media]
    assert answer.values("transfer-encoding") == ["chunked"]
    assert [one["code"] for one in lines_of(answer)] == [11, 5, 3, 3, 3, 10, 4, 0]
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {V2}", answer, compact(asked))


@pytest.mark.parametrize("media", MEDIA)
async def test_each_line_arrives_when_it_was_sent(stage: Stage[AltaTech], media: str) -> None:
    stage.vendor.media = media
    conversation = await start(stage, "alice")
    async with connected(stage.url) as peer:
        seen: list[object] = []

        async def once_the_last_has_arrived(line: dict[str, object]) -> None:
            if seen:
                await peer.until(compact(seen[-1]))
            seen.append(line)

        stage.vendor.before_line = once_the_last_has_arrived
        await peer.send(stage.request("alice", "POST", V2, turn(conversation, "streaming")))
        assert (await peer.answer()).complete
    assert len(seen) == 8


async def test_the_older_version_takes_text_and_files(stage: Stage[AltaTech]) -> None:
    files = [{"url": "https://files.example/a.pdf", "name": "a.pdf"}]
    asked = {
        "conversation_id": await start(stage, "alice"),
        "text": "hi",
        "files": files,
        "response_mode": "blocking",
    }
    answer = await stage.ask("alice", "POST", V1, asked)
    assert answer.status == 200, answer.body
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {V1}", answer, compact(asked))


async def test_a_message_may_have_parts(stage: Stage[AltaTech]) -> None:
    content = [
        {"type": "text", "text": "What is it?"},
        {"type": "image", "image": [{"url": "https://x.example/a.png", "format": "png"}]},
    ]
    asked = {
        **turn(await start(stage, "alice")),
        "messages": [{"role": "user", "content": content}],
    }
    answer = await stage.ask("alice", "POST", V2, asked)
    assert answer.status == 200, answer.body
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {V2}", answer, compact(asked))


# Looking


async def test_lists_my_conversations(stage: Stage[AltaTech]) -> None:
    conversation = await start(stage, "alice")
    await start(stage, "bob")
    answer = await stage.ask("alice", "GET", f"{PAGE}?{SPAN}")
    assert [one["conversation_id"] for one in answer.json()["list"]] == [conversation]
    line = f"GET {PAGE}?{SPAN}&user_id=alice"
    assert stage.vendor.requests[0].raw == expected(stage, line, answer)


@pytest.mark.parametrize(
    "written",
    ["user_id=victim", "user_id=", "user_id", "user%5Fid=victim", "USER_ID=victim", "userId=victim",
     "user_id%5B%5D=victim", "user.id=victim", "anonymous_id=victim", "user_id=me", "debug=1"],
)  # fmt: skip
async def test_lists_mine_whomever_the_query_names(stage: Stage[AltaTech], written: str) -> None:
    for query in (f"{written}&{SPAN}", f"{SPAN}&{written}"):
        answer = await stage.ask("alice", "GET", f"{PAGE}?{query}")
        line = f"GET {PAGE}?{SPAN}&user_id=alice"
        assert stage.vendor.requests[-1].raw == expected(stage, line, answer)


async def test_a_query_that_names_two_people_is_refused(stage: Stage[AltaTech]) -> None:
    answer = await stage.ask("alice", "GET", f"{PAGE}?{SPAN}&user_id=alice&user_id=victim")
    assert answer.status == 400
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("path", ["/v1/messages", "/v2/messages"])
async def test_reads_one_of_mine(stage: Stage[AltaTech], path: str) -> None:
    conversation = await start(stage, "alice")
    await stage.ask("alice", "POST", V2, turn(conversation))
    stage.vendor.forget()
    query = f"conversation_id={conversation}&page=1&page_size=100"
    answer = await stage.ask("alice", "GET", f"{path}?{query}")
    assert answer.json()["total"] == 2
    assert stage.vendor.requests[0].raw == expected(stage, f"GET {path}?{query}", answer)


@pytest.mark.parametrize("path", ["/v1/messages", "/v2/messages"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("page=1&page_size=100", 400, id="of none"),
        pytest.param("conversation_id=MINE&conversation_id=THEIRS", 400, id="of two"),
        pytest.param("conversation_id=MINE&conversation%5Fid=THEIRS", 400, id="of two, escaped"),
        pytest.param("conversation_id=MINE&conversationId=THEIRS", 400, id="another spelling"),
        pytest.param("conversation_id=MINE&session_id=THEIRS", 400, id="another word"),
        pytest.param("conversation_id%5B%5D=THEIRS", 400, id="a list"),
        pytest.param("conversation_id=", 400, id="empty"),
        pytest.param("conversation_id=THEIRS%20", 400, id="I-07 trailing space"),
        pytest.param("conversation_id=THEIRS%00", 400, id="I-07 NUL"),
        pytest.param("conversation_id=%2A", 400, id="star"),
        pytest.param("conversation_id=THEIRS&user_id=alice", 404, id="as oneself"),
    ],
)
async def test_reads_none_but_mine(
    stage: Stage[AltaTech], path: str, query: str, status: int
) -> None:
    theirs, mine = await start(stage, "alice"), await start(stage, "bob")
    asked = query.replace("THEIRS", theirs).replace("MINE", mine)
    answer = await stage.ask("bob", "GET", f"{path}?{asked}")
    assert answer.status == status
    assert stage.vendor.saw_nothing()


# What bob, who knows the id of alice's conversation, tries


def touching(conversation: str) -> list[tuple[str, str, object]]:
    return [
        ("POST", V2, turn(conversation)),
        ("POST", V2, turn(conversation, "streaming")),
        ("POST", V1, {"conversation_id": conversation, "text": "x", "response_mode": "blocking"}),
        ("GET", f"/v1/messages?conversation_id={conversation}&page=1&page_size=9", None),
        ("GET", f"/v2/messages?conversation_id={conversation}&page=1&page_size=9", None),
        ("GET", f"/v2/messages?conversation%5Fid={conversation}", None),
    ]


@pytest.mark.parametrize("index", range(6))
async def test_nobody_touches_anothers_conversation_and_the_answer_is_that_of_none(
    stage: Stage[AltaTech], index: int
) -> None:
    theirs = await start(stage, "alice")
    refused = await stage.ask("bob", *touching(theirs)[index])
    unknown = await stage.ask("bob", *touching("0" * len(theirs))[index])
    assert refused.status == unknown.status == 404
    assert stage.vendor.saw_nothing()
    assert without_request_id(refused) == without_request_id(unknown)
    told = {"code": 40356, "message": "Conversation not found"}
    assert refused.json() == {**told, "error": {**told, "status": 404}}


def without_request_id(answer: Answer) -> object:
    kept = [field for field in answer.fields if field[0] not in {"x-request-id", "date"}]
    return answer.status, kept, answer.body


@pytest.mark.parametrize("named", [{}, {"conversation_id": None}, {"conversation_id": ""}], ids=str)
@pytest.mark.parametrize("path", [V1, V2])
@pytest.mark.parametrize("mode", ["blocking", "streaming"])
async def test_a_message_of_no_conversation_would_be_nobodys(
    stage: Stage[AltaTech], path: str, mode: str, named: dict[str, object]
) -> None:
    """Row B-25: a message tells the vendor no user, and a stream would not say what it opened."""
    asked = {"messages": TURN, "text": "hi", "response_mode": mode, **named}
    answer = await stage.ask("alice", "POST", path, asked)
    assert (answer.status, answer.json()["code"]) == (400, 40000)
    assert stage.vendor.saw_nothing()


async def test_an_unknown_conversation_is_nobodys(stage: Stage[AltaTech]) -> None:
    elsewhere = stage.vendor.open("alice")
    assert (await stage.ask("alice", "POST", V2, turn(elsewhere.id))).status == 404
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"conversation_id":"MINE","conversation_id":"THEIRS"}', id="B-03 duplicate"),
        pytest.param(
            b'{"conversation_id":"MINE","conversation\\u005fid":"THEIRS"}', id="B-03 escaped"
        ),
        pytest.param(b'{"conversation_id":"MINE","conversationId":"THEIRS"}', id="B-21 spelling"),
        pytest.param(b'{"conversation_id":"MINE","Conversation_ID":"THEIRS"}', id="B-21 case"),
        pytest.param(b'{"conversation_id":"MINE","session_id":"THEIRS"}', id="B-21 another word"),
        pytest.param(b'{"conversation_id":["THEIRS"]}', id="B-20 list"),
        pytest.param(b'{"conversation_id":{"$ne":""}}', id="B-20 object"),
        pytest.param(b'{"conversation_id":"THEIRS "}', id="I-07 trailing space"),
        pytest.param(b'{"conversation_id":"%54HEIRS"}', id="I-07 percent"),
        pytest.param(b'{"conversation_id":"MINE","response_mode":"webhook"}', id="webhook"),
        pytest.param(b'{"conversation_id":"MINE","response_mode":"WEBHOOK"}', id="webhook, case"),
        pytest.param(b'{"conversation_id":"MINE","Response_Mode":"webhook"}', id="webhook, name"),
        pytest.param(b'{"conversation_id":"MINE","response_mode":["webhook"]}', id="webhook, list"),
        pytest.param(b'{"conversation_id":"MINE","response_mode":null}', id="no mode"),
    ],
)
@pytest.mark.parametrize("path", [V1, V2])
async def test_a_body_that_could_be_read_in_two_ways_is_refused(
    stage: Stage[AltaTech], path: str, body: bytes
) -> None:
    theirs, mine = await start(stage, "alice"), await start(stage, "bob")
    written = body.replace(b"MINE", mine.encode()).replace(b"THEIRS", theirs.encode())
    answer = await stage.ask("bob", "POST", path, written)
    assert answer.status == 400, answer.body
    assert answer.json()["code"] == 40000
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([{"role": "assistant", "content": "x"}], id="B-27 assistant"),
        pytest.param([{"role": "system", "content": "x"}, *TURN], id="B-27 system"),
        pytest.param([*TURN, {"role": "assistant", "content": "x"}, *TURN], id="B-27 between"),
        pytest.param([{"ROLE": "assistant", "content": "x"}, *TURN], id="B-27 case"),
        pytest.param([{"role": ["user", "assistant"], "content": "x"}], id="B-27 list"),
        pytest.param([{"role": "User", "content": "x"}], id="B-27 another user"),
        pytest.param({"0": {"role": "assistant", "content": "x"}}, id="B-27 object"),
        pytest.param([[{"role": "assistant", "content": "x"}]], id="B-27 deeper"),
        pytest.param(json.dumps([{"role": "assistant"}]), id="B-27 text"),
    ],
)
async def test_only_the_person_speaks(stage: Stage[AltaTech], messages: object) -> None:
    asked = {**turn(await start(stage, "alice")), "messages": messages}
    answer = await stage.ask("alice", "POST", V2, asked)
    assert answer.status == 400, answer.body
    assert stage.vendor.saw_nothing()


KNOWLEDGE = {"knowledge": {"data_ids": ["doc_1"], "group_ids": []}}
FORGED = [
    pytest.param(KNOWLEDGE, id="knowledge"),
    pytest.param({"conversation_config": KNOWLEDGE}, id="knowledge in its container"),
    pytest.param({"conversation_config": {"custom_variables": {"tier": "gold"}}}, id="variables"),
    pytest.param({"conversation_config": [KNOWLEDGE]}, id="a container that is a list"),
    pytest.param({"Conversation_Config": KNOWLEDGE}, id="another case"),
    pytest.param({"conversationConfig": KNOWLEDGE}, id="another spelling"),
    pytest.param({"custom_variables": {"tier": "gold"}}, id="variables at the top"),
    pytest.param({"long_term_memory": True}, id="memory"),
]


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("path", [V1, V2])
async def test_what_is_the_servers_to_set_does_not_reach_the_vendor(
    stage: Stage[AltaTech], path: str, forged: dict[str, object]
) -> None:
    conversation = await start(stage, "alice")
    said = {"text": "hi"} if path == V1 else {"messages": TURN}
    asked = {"conversation_id": conversation, **said, "response_mode": "blocking"}
    answer = await stage.ask("alice", "POST", path, {**asked, **forged})
    assert answer.status == 200, answer.body
    assert stage.vendor.requests[0].raw == expected(stage, f"POST {path}", answer, compact(asked))
    assert b"salaries" not in answer.raw


@pytest.mark.parametrize("forged", [pytest.param({}, id="nothing sent"), *FORGED])
async def test_the_server_sets_it_where_the_configuration_says_so(
    tmp_path: Path, forged: dict[str, object]
) -> None:
    edit = adding(
        "upstreams.bot",
        'set = { "/conversation_config/custom_variables" = { plan = "pro" }, '
        '"/conversation_config/knowledge" = { data_ids = [] } }',
    )
    async with altatech_stage(tmp_path, edit) as stage:
        asked = turn(await start(stage, "alice"))
        answer = await stage.ask("alice", "POST", V2, {**asked, **forged})
        assert answer.status == 200, answer.body
        config = {"custom_variables": {"plan": "pro"}, "knowledge": {"data_ids": []}}
        content = compact({**asked, "conversation_config": config})
        assert stage.vendor.requests[0].raw == expected(stage, f"POST {V2}", answer, content)


@pytest.mark.parametrize("path", [OPEN, V2])
async def test_a_member_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[AltaTech], path: str
) -> None:
    honest = {} if path == OPEN else turn(await start(stage, "alice"))
    content = b'{"user_id":"alice"}' if path == OPEN else compact(honest)
    for name in NAMES:
        for written in (json.dumps(name), escaped(name)):
            body = with_member({"x": 1, **honest}, written, "victim")
            answer = await stage.ask("alice", "POST", path, body)
            assert answer.status == 200, (name, answer.body)
            sent = stage.vendor.requests[-1].raw
            assert sent == expected(stage, f"POST {path}", answer, content), name


async def test_a_field_that_names_somebody_else_does_not_reach_the_vendor(
    stage: Stage[AltaTech],
) -> None:
    for name in FIELD_NAMES:
        answer = await stage.ask("alice", "POST", OPEN, {}, [(name, "victim")])
        content = b'{"user_id":"alice"}'
        sent = stage.vendor.requests[-1].raw
        assert sent == expected(stage, f"POST {OPEN}", answer, content), name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/user/set-userid"),
        ("POST", "/v1/property/update"),
        ("GET", "/v2/user-property/query"),
        ("POST", "/v1/message/feedback"),
        ("POST", "/v1/message/quality"),
        ("GET", "/v1/next/question?answer_id=m"),
        ("GET", "/v1/correlate/dataset?message_id=m"),
        ("GET", "/v1/bot/logtree/query?msgid=m"),
        ("POST", "/v1/webhook/check"),
        ("POST", "/v1/workflow/invoke"),
        ("GET", "/v1/bot/knowledge/base/page"),
        ("POST", "/v1/bot/doc/text/add"),
        ("POST", "/v2/database/update/record"),
        ("POST", "/v2/conversation"),
        ("POST", "/v1/conversation/x"),
        ("POST", "/V1/conversation"),
    ],
)
async def test_what_the_profile_does_not_declare_does_not_exist(
    stage: Stage[AltaTech], method: str, path: str
) -> None:
    answer = await stage.ask("alice", method, path, {} if method == "POST" else None)
    assert answer.status == 404
    assert answer.json()["code"] == 40000
    assert stage.vendor.saw_nothing()


# What the vendor says


@pytest.mark.parametrize("enveloped", [True, False], ids=["AltaBots", "GPTBots"])
async def test_the_vendors_own_errors_pass(stage: Stage[AltaTech], enveloped: bool) -> None:
    stage.vendor.enveloped = enveloped
    conversation = await start(stage, "alice")
    del stage.vendor.conversations[conversation]
    answer = await stage.ask("alice", "POST", V2, turn(conversation))
    assert answer.status == 400
    told = answer.json()["error"] if enveloped else answer.json()
    assert (told["code"], told["message"]) == (40356, "Conversation does not exist")


async def test_nothing_of_the_vendors_cookies_and_names_reaches_the_client(
    stage: Stage[AltaTech],
) -> None:
    answer = await stage.ask("alice", "POST", OPEN, {})
    assert b"CANARY" not in answer.raw
    assert "openresty" not in answer.values("server")
    assert answer.values("x-ratelimit-remaining") == ["2"]


async def test_a_refused_key_is_ours_to_say(stage: Stage[AltaTech]) -> None:
    stage.vendor.key = "another"
    answer = await stage.ask("alice", "POST", OPEN, {})
    assert answer.status == 502
    assert answer.json()["code"] == 50000
    assert b"app-key" not in answer.raw


async def test_a_list_that_names_another_user_is_not_passed_on(stage: Stage[AltaTech]) -> None:
    await start(stage, "alice")
    stage.vendor.reports_user = "mallory"
    answer = await stage.ask("alice", "GET", f"{PAGE}?{SPAN}")
    assert answer.status == 502
    assert b"mallory" not in answer.raw


async def test_opening_anothers_conversation_does_not_make_it_ones_own(
    stage: Stage[AltaTech],
) -> None:
    theirs = await start(stage, "alice")
    stage.vendor.reports_conversation = theirs
    answer = await stage.ask("bob", "POST", OPEN, {})
    assert answer.status == 502
    assert theirs.encode() not in answer.raw
    assert (await stage.ask("bob", "POST", V2, turn(theirs))).status == 404


async def test_a_whole_answer_with_anothers_conversation_does_not_pass(
    stage: Stage[AltaTech],
) -> None:
    theirs, mine = await start(stage, "alice"), await start(stage, "bob")
    stage.vendor.reports_conversation = theirs
    answer = await stage.ask("bob", "POST", V2, turn(mine))
    assert answer.status == 502
    assert theirs.encode() not in answer.raw


@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize("prefix", ["", "data:"])
async def test_a_stream_that_names_anothers_conversation_ends_in_the_streams_own_form(
    stage: Stage[AltaTech], media: str, prefix: str
) -> None:
    stage.vendor.media, stage.vendor.prefix = media, prefix
    theirs, mine = await start(stage, "alice"), await start(stage, "bob")

    async def handler(request: Request, reply: Reply) -> None:
        fields = [("content-type", media), ("transfer-encoding", "chunked")]
        await reply.head(200, fields)
        ending = "\n\n" if prefix else "\n"
        for line in ({"code": 3, "data": "x"}, {"code": 11, "data": {"conversation_id": theirs}}):
            await reply.chunk(f"{prefix}{json.dumps(line)}{ending}".encode())
        await reply.end()

    stage.vendor.handler = handler
    answer = await stage.ask("bob", "POST", V2, turn(mine, "streaming"))
    assert theirs.encode() not in answer.raw
    assert not answer.complete
    assert answer.body.splitlines()[0] == prefix.encode() + b'{"code": 3, "data": "x"}'
    first, last = lines_of(answer)
    assert (first["code"], last["code"]) == (3, 50000)
    assert (b"data:" in answer.body) == bool(prefix)


@pytest.mark.one_process("its log is in the test's own")
@pytest.mark.parametrize(
    ("mode", "usage"),
    [
        ("blocking", {**TOKENS, "total_credits": 0.25}),
        ("streaming", TOKENS),
    ],
)
async def test_what_it_cost_is_recorded(
    tmp_path: Path, mode: str, usage: dict[str, object]
) -> None:
    with recorded() as records:
        async with altatech_stage(tmp_path) as stage:
            conversation = await start(stage, "alice")
            await stage.ask("alice", "POST", V2, turn(conversation, mode))
            record = await one_of(records, "message")
    assert record["usage"] == {name: n for name, n in usage.items() if not isinstance(n, dict)}
    assert record["conversation"] == conversation
