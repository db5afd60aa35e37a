"""I: other people's conversations, and conversations that two people want.

Chatbase enforces nothing once a conversation is named, so what is not stopped here is a takeover.
"""

import asyncio
import json
from collections.abc import Callable

import pytest

from tests.attacks.both_ends import HI, STREAM, refused
from tests.support.chatbase import Chatbase
from tests.support.docbit import DocBit
from tests.support.reply import Reply
from tests.support.stage import Stage, events
from tests.support.stores import BOTH
from tests.support.vendor import Request
from tests.support.wire import Answer, connected

pytestmark = pytest.mark.anyio
STORES = BOTH


async def opened(stage: Stage[Chatbase], who: str = "bob") -> str:
    """A conversation of this person's."""
    answer = await stage.ask(who, "POST", "/chat", HI)
    assert answer.status == 200, answer.body
    stage.vendor.forget()
    return str(answer.json()["data"]["metadata"]["conversationId"])


def naming(conversation: str) -> list[tuple[str, str, object]]:
    """Every operation of the profile that can name a conversation, and more that cannot."""
    base = f"/conversations/{conversation}"
    return [
        ("POST", "/chat", {**HI, "conversationId": conversation}),
        ("POST", "/chat", {**STREAM, "conversationId": conversation}),
        ("POST", "/voice/sessions", {"conversationId": conversation}),
        ("POST", base + "/retry", {"messageId": "m"}),
        ("POST", base + "/tool-result", {"toolCallId": "t", "output": 1}),
        ("PATCH", base + "/messages/m/feedback", {"feedback": "positive"}),
        ("GET", base, None),
        ("GET", base + "/messages", None),
        ("GET", base + "/messages?limit=1&cursor=x", None),
        ("HEAD", base, None),
        ("DELETE", base, None),
        ("PUT", base, {"title": "mine"}),
        ("POST", base + "/share", {}),
        ("GET", base + "/export", None),
        ("PATCH", base, {"userId": "alice"}),
        ("POST", base + "/messages", {"message": "x"}),
        ("GET", base + "/messages/m", None),
    ]


def said(answer: Answer) -> object:
    """All of an answer that may not differ."""
    return (
        answer.status,
        [f for f in answer.fields if f[0] not in {"x-request-id", "date"}],
        answer.body,
    )


@pytest.mark.parametrize("index", range(len(naming(""))))
async def test_anothers_and_none_are_alike_in_every_operation(
    stage: Stage[Chatbase], index: int
) -> None:
    """Rows I-01, I-02, I-13, I-15, I-16: and every verb beyond the profile."""
    theirs = await opened(stage, "bob")
    method, path, body = naming(theirs)[index]
    foreign = await stage.ask("alice", method, path, body, [("If-None-Match", "*")])
    method, path, body = naming("0" * len(theirs))[index]
    unknown = await stage.ask("alice", method, path, body, [("If-None-Match", "*")])
    assert foreign.status in {404, 405}
    assert said(foreign) == said(unknown)
    assert stage.vendor.saw_nothing()


@pytest.mark.parametrize("whose", ["alice", None])
async def test_a_conversation_the_gateway_has_not_seen_made_is_nobodys(
    stage: Stage[Chatbase], whose: str | None
) -> None:
    """Row I-03: not even its own user's, by the vendor's word."""
    elsewhere = stage.vendor.memory.open("agent_1", whose)
    for method, path, body in naming(elsewhere.id)[:9]:
        refused(stage, await stage.ask("alice", method, path, body), 404)


async def test_anothers_message_is_none_of_ones_own_conversation(stage: Stage[Chatbase]) -> None:
    """Row I-13: whoever knows the id of a message can name it, and it leads nowhere."""
    secret = {**HI, "message": "CANARY"}
    told = (await stage.ask("bob", "POST", "/chat", secret)).json()["data"]
    theirs, message = told["metadata"]["conversationId"], told["id"]
    mine = await opened(stage, "alice")
    base = f"/conversations/{mine}"
    before = list(stage.vendor.memory.by_id[theirs].messages)
    for method, path, body in (
        ("POST", f"{base}/retry", {"messageId": message, "stream": False}),
        ("POST", f"{base}/retry", {"messageId": message}),
        ("PATCH", f"{base}/messages/{message}/feedback", {"feedback": "negative"}),
        ("GET", f"{base}/messages?cursor={message}", None),
    ):
        answer = await stage.ask("alice", method, path, body)
        assert theirs.encode() not in answer.raw
        assert b"CANARY" not in answer.raw
        (request,) = stage.vendor.requests
        assert f"/conversations/{mine}" in request.target
        assert request.values("x-external-user-id") == ["alice"]
        stage.vendor.forget()
    assert stage.vendor.memory.by_id[theirs].messages == before


async def test_an_answer_of_a_vendor_that_finds_it_all_the_same_does_not_pass(
    stage: Stage[Chatbase],
) -> None:
    """Row I-13: what it says then is of a conversation that is another's, or of another user."""
    theirs, mine = await opened(stage, "bob"), await opened(stage, "alice")
    said: dict[str, object] = {}

    async def finds_it(request: Request, reply: Reply) -> None:
        await reply.json(200, {"data": {"id": "m", "parts": ["CANARY"], "metadata": said}})

    stage.vendor.handler = finds_it
    for metadata in ({"conversationId": theirs}, {"conversationId": mine, "userId": "bob"}):
        said = metadata
        path = f"/conversations/{mine}/retry"
        answer = await stage.ask("alice", "POST", path, {"messageId": "m", "stream": False})
        assert (answer.status, b"CANARY" in answer.raw) == (502, False)


def variants(own: str) -> dict[str, str]:
    """Row I-07: what a normalising reader takes for `own`."""
    return {
        "upper case": own.upper(),
        "title case": own.title(),
        "trailing space": own + " ",
        "leading space": " " + own,
        "newline": own + "\n",
        "NUL": own + "\0",
        "trailing dot": own + ".",
        "percent": own.replace(own[0], f"%{ord(own[0]):02x}", 1),
        "encoded dash": own.replace("-", "%2d"),
        "Unicode hyphen": own.replace("-", "\u2010"),
        "minus sign": own.replace("-", "\u2212"),
        "no dashes": own.replace("-", ""),
        "braces": f"{{{own}}}",
        "URN": f"urn:uuid:{own}",
        "full width": "".join(chr(ord(c) + 0xFEE0) for c in own),
        "zero width": own + "\u200b",
        "quoted": f'"{own}"',
        "list": f"{own},{own}",
        "fragment": f"{own}#",
        "query": f"{own}?x",
        "parameter": f"{own};x",
        "parent": f"x/../{own}",
        "first half": own[: len(own) // 2],
        "wildcard": own[:-1] + "*",
        "SQL wildcard": own[:-1] + "_",
        "SQL": f"{own}' OR '1'='1",
    }


@pytest.mark.parametrize("name", [f"I-07 {name}" for name in variants("a-b")])
async def test_an_id_is_byte_for_byte_itself(stage: Stage[Chatbase], name: str) -> None:
    own = await opened(stage, "alice")
    other = variants(own)[name.removeprefix("I-07 ")]
    assert other != own
    answer = await stage.ask("alice", "POST", "/chat", {**HI, "conversationId": other})
    assert answer.status in {400, 404}, answer.body
    refused(stage, answer, answer.status)
    if other.isascii() and other.isprintable() and not set(' {}"#?') & set(other):
        answer = await stage.ask("alice", "GET", f"/conversations/{other}")
        assert answer.status in {400, 404}, answer.body
        refused(stage, answer, answer.status)


# An answer that opens a conversation --------------------------------------------------------------

Shapes = dict[str, Callable[[str], object]]
SHAPES: Shapes = {
    "data.metadata": lambda c: {"data": {"metadata": {"conversationId": c}}},
    "metadata": lambda c: {"type": "finish", "metadata": {"conversationId": c}},
    "messageMetadata": lambda c: {"type": "finish", "messageMetadata": {"conversationId": c}},
    "top": lambda c: {"conversationId": c},
}


def spelt(event: object, how: str) -> bytes:
    """One event of a stream, in one of the ways it may be written."""
    text = json.dumps(event)
    if how == "escaped":
        text = text.replace("conversationId", "conversation\\u0049d")
    if how == "on lines":
        return (
            b"".join(
                b"data: " + line + b"\n"
                for line in json.dumps(event, indent=1).encode().split(b"\n")
            )
            + b"\n"
        )
    end = {"CR": b"\r", "CRLF": b"\r\n"}.get(how, b"\n")
    start = {"BOM": b"\xef\xbb\xbfdata:", "no space": b"data:"}.get(how, b"data: ")
    return (b"id: 1" + end if how == "fields before" else b"") + start + text.encode() + end + end


@pytest.mark.parametrize(
    "how", ["plain", "escaped", "on lines", "CR", "CRLF", "BOM", "no space", "fields before"]
)
@pytest.mark.parametrize("shape", SHAPES)
async def test_an_id_is_owned_in_each_shape_before_it_is_read(
    stage: Stage[Chatbase], shape: str, how: str
) -> None:
    """Rows I-04, I-08: the moment the id is at the client, it is alice's and nobody else's; and
    nothing of the event that names it passes before."""
    name = f"c-{shape}-{how}".replace(" ", "-")
    event = spelt(SHAPES[shape](name), how)
    hold = asyncio.Event()

    async def dripping(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        for byte in range(0, len(event) - 3, 7):
            await reply.chunk(event[byte : min(byte + 7, len(event) - 3)])
        await reply.chunk(event[len(event) - 3 :])
        await hold.wait()
        await reply.end()

    stage.vendor.handler = dripping
    async with connected(stage.url) as peer:
        await peer.send(stage.request("alice", "POST", "/chat", STREAM))
        await peer.until(name.encode())
        stage.vendor.handler = stage.vendor.answer
        theirs = await stage.ask("bob", "GET", f"/conversations/{name}")
        assert theirs.values("x-gateway-error") == ["conversation_not_found"]
        own = await stage.ask("alice", "GET", f"/conversations/{name}")
        assert own.values("x-gateway-error") == []
        hold.set()
        answer = await peer.answer()
    assert answer.complete
    assert answer.body == event


async def test_an_id_in_the_last_event_without_an_end_is_owned_too(
    stage: Stage[Chatbase],
) -> None:
    """Row I-08: browsers drop such an event, other clients read it."""

    async def unended(request: Request, reply: Reply) -> None:
        await reply.start_stream()
        await reply.chunk(b'data: {"conversationId":"c-unended"}')
        await reply.end()

    stage.vendor.handler = unended
    assert b"c-unended" in (await stage.ask("alice", "POST", "/chat", STREAM)).body
    stage.vendor.handler = stage.vendor.answer
    theirs = await stage.ask("bob", "GET", "/conversations/c-unended")
    assert theirs.values("x-gateway-error") == ["conversation_not_found"]
    own = await stage.ask("alice", "GET", "/conversations/c-unended")
    assert own.values("x-gateway-error") == []


@pytest.mark.parametrize("stream", [False, True])
async def test_thirty_who_are_handed_one_id_find_one_owner(
    stage: Stage[Chatbase], stream: bool
) -> None:
    """Rows I-05, I-06: whoever comes second gets no word of it."""
    name = f"c-contested-{stream}"

    async def same_for_all(request: Request, reply: Reply) -> None:
        if request.json().get("stream", True):
            await reply.stream([{"type": "finish", "metadata": {"conversationId": name}}])
        else:
            await reply.json(200, {"data": {"metadata": {"conversationId": name}}})

    stage.vendor.handler = same_for_all
    people = [f"person-{n}" for n in range(30)]
    body = {"message": "hi", "stream": stream}
    answers = await asyncio.gather(*(stage.ask(who, "POST", "/chat", body) for who in people))
    told = [who for who, one in zip(people, answers, strict=True) if name.encode() in one.raw]
    assert len(told) == 1
    for who, answer in zip(people, answers, strict=True):
        if who not in told:
            assert answer.status in {502, 503} or not answer.complete
    stage.vendor.handler = stage.vendor.answer
    stage.vendor.forget()
    for who in people[:5]:
        if who not in told:
            refused(stage, await stage.ask(who, "GET", f"/conversations/{name}"), 404)


async def test_a_recycled_id_stays_with_its_first_owner(stage: Stage[Chatbase]) -> None:
    """Row I-09: deleted at the vendor, and handed out again."""
    theirs = await opened(stage, "bob")

    async def recycled(request: Request, reply: Reply) -> None:
        await reply.json(200, {"data": {"metadata": {"conversationId": theirs}}})

    stage.vendor.handler = recycled
    answer = await stage.ask("alice", "POST", "/chat", HI)
    assert answer.status == 502
    assert theirs.encode() not in answer.raw
    stage.vendor.handler = stage.vendor.answer
    assert (await stage.ask("bob", "GET", f"/conversations/{theirs}")).status == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"conversationIds": ["OWN", "BOBS"]}, id="I-14 ids"),
        pytest.param({"conversationId": "OWN", "conversations": ["BOBS"]}, id="I-14 beside"),
        pytest.param({"conversationId": ["OWN", "BOBS"]}, id="I-14 a list"),
        pytest.param({"conversationId": "OWN,BOBS"}, id="I-14 commas"),
        pytest.param({"conversationId": "OWN", "threadId": "BOBS"}, id="B-21 thread"),
        pytest.param({"conversationId": "OWN", "previous_response_id": "BOBS"}, id="B-21 response"),
        pytest.param({"conversationId": "OWN", "sessionKey": "BOBS"}, id="B-21 session"),
    ],
)
async def test_ones_own_does_not_let_anothers_by(
    stage: Stage[Chatbase], body: dict[str, object]
) -> None:
    own, theirs = await opened(stage, "alice"), await opened(stage, "bob")
    text = json.dumps({**HI, **body}).replace("OWN", own).replace("BOBS", theirs)
    answer = await stage.ask("alice", "POST", "/chat", text.encode())
    refused(stage, answer, 400)
    answer = await stage.ask("alice", "GET", f"/conversations/{own}?conversationId={theirs}")
    refused(stage, answer, 400)


async def test_a_list_with_somebody_elses_items_does_not_pass(stage: Stage[Chatbase]) -> None:
    """Row I-12: a vendor that ignores the filter."""
    items = [{"id": "c-1", "userId": "alice"}, {"id": "c-2", "userId": "bob"}]

    async def everybodys(request: Request, reply: Reply) -> None:
        await reply.json(200, {"data": items})

    stage.vendor.handler = everybodys
    answer = await stage.ask("alice", "GET", "/users/me/conversations")
    assert answer.status == 502
    assert b"c-2" not in answer.raw
    assert b"bob" not in answer.raw


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/contacts"),
        ("PUT", "/contacts/bob"),
        ("GET", "/users/bob"),
        ("GET", "/conversations"),
        ("GET", "/conversations/export"),
        ("GET", "/sources"),
        ("POST", "/widgets"),
        ("DELETE", ""),
    ],
)
async def test_the_back_office_is_not_there(stage: Stage[Chatbase], method: str, path: str) -> None:
    """Row I-20, F-08."""
    body = {"external_id": "bob"} if method in {"POST", "PUT"} else None
    answer = await stage.ask("alice", method, path, body)
    refused(stage, answer, 404, "not_found" if "conversations/" not in path else "")


async def test_docbit_names_conversations_in_its_own_way_and_is_guarded_alike(
    docbit: Stage[DocBit],
) -> None:
    """Row I-01, where the vendor checks too: it must not come to that."""
    answer = await docbit.ask("bob", "POST", "/chat", {"message": "hi"})
    theirs = answer.json()["conversationId"]
    for named in (theirs, theirs + "x"):
        docbit.vendor.forget()
        body = {"message": "x", "conversationId": named}
        refused(docbit, await docbit.ask("alice", "POST", "/chat", body), 404)
        refused(docbit, await docbit.ask("alice", "POST", "/chat/stream", body), 404)
        refused(docbit, await docbit.ask("alice", "GET", f"/conversations/{named}"), 404)


async def test_a_stream_that_names_a_second_conversation_of_somebodys_ends_there(
    stage: Stage[Chatbase],
) -> None:
    """Row I-06, after the first one is known."""
    theirs = await opened(stage, "bob")
    own = await opened(stage, "alice")

    async def two(request: Request, reply: Reply) -> None:
        await reply.stream([SHAPES["metadata"](own), SHAPES["metadata"](theirs)])  # type: ignore[list-item]

    stage.vendor.handler = two
    answer = await stage.ask("alice", "POST", "/chat", {**STREAM, "conversationId": own})
    assert not answer.complete
    assert theirs.encode() not in answer.body
    assert events(answer)[-1]["type"] == "error"
