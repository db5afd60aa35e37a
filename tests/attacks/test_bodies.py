"""B: JSON that names somebody else, or that two parsers read differently.

What is read strictly is tested in tests/core/formats/test_strictjson.py, each name in
tests/core/profile/test_names.py; here each kind goes all the way.
"""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.both_ends import HI, only, refused
from tests.support.chatbase import Chatbase
from tests.support.docbit import DocBit
from tests.support.spellings import CONVERSATIONS, HONEST, PEOPLE, spellings
from tests.support.stage import Stage
from tests.support.wire import Answer, connected

pytestmark = pytest.mark.anyio

OURS = {"message": "hi", "stream": False, "userId": "alice"}


async def say(stage: Stage[Chatbase], body: object) -> Answer:
    return await stage.ask("alice", "POST", "/chat", body)


async def test_no_spelling_of_a_name_of_people_reaches_the_vendor(
    docbit: Stage[DocBit], subtests: pytest.Subtests
) -> None:
    """Rows B-01, B-04: a hundred at a time, each as it is and in escapes alone."""
    for words in PEOPLE:
        names = list(dict.fromkeys(spellings(words)))
        with subtests.test("B-04 " + " ".join(words)):
            for escape in (False, True):
                docbit.vendor.forget()
                members = {"message": json.dumps("hi")}
                written = ", ".join(
                    [f"{json.dumps(k)}: {v}" for k, v in members.items()]
                    + [f'{_written(name, escape=escape)}: "victim"' for name in names]
                )
                answer = await docbit.ask("alice", "POST", "/chat", f"{{{written}}}".encode())
                assert answer.status == 200, answer.body
                only(docbit, "alice", "victim")
                assert docbit.vendor.requests[0].json() == {"message": "hi"}


def _written(name: str, *, escape: bool) -> str:
    """A JSON string; every character of it as an escape, or what JSON demands."""
    if not escape:
        return json.dumps(name, ensure_ascii=False)
    units = name.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2)) + '"'


async def test_a_conversation_by_another_name_is_refused(
    stage: Stage[Chatbase], subtests: pytest.Subtests
) -> None:
    """Row B-21: a vendor might go by it, and not by the one that was checked."""
    own = (await say(stage, HI)).json()["data"]["metadata"]["conversationId"]
    stage.vendor.forget()
    async with connected(stage.url) as peer:
        for words in CONVERSATIONS:
            with subtests.test("B-21 " + " ".join(words)):
                for name in spellings(words):
                    if name != "conversationId":
                        body = {**HI, "conversationId": own, name: "bobs"}
                        await peer.send(stage.request("alice", "POST", "/chat", body))
                        refused(stage, await peer.answer(), 400, "bad_request")


async def test_what_honest_clients_call_things_is_no_attempt(
    stage: Stage[Chatbase], subtests: pytest.Subtests
) -> None:
    """The other side of B-01 and B-21: these names are left out, and nobody is refused."""
    for name in HONEST:
        if name in {"message", "stream"}:
            continue
        stage.vendor.forget()
        with subtests.test(name):
            answer = await say(stage, {**HI, name: "x"})
            assert answer.status == 200, answer.body
            assert stage.vendor.requests[0].json() == OURS


def ambiguous() -> Iterator[tuple[str, bytes]]:
    good = b'{"message":"hi","stream":false}'
    text = good.decode()
    for name in ("userId", "conversationId", "message", "stream", "agent", "org", "model", ""):
        first, second = f'"{name}":"a"', f'"{name}":"b"'
        both = f"{first},{second}"
        yield f"B-02 {name!r} twice", f"{{{both}}}".encode()
        yield f"B-03 {name!r} twice beside a message", f'{{"message":"hi",{both}}}'.encode()
        escaped = _written(name, escape=True) if name else '""'
        yield f"B-02 {name!r} once in escapes", f'{{{escaped}:"a",{second}}}'.encode()
        yield f"B-02 {name!r} one level down", f'{{"message":"x","deep":{{{both}}}}}'.encode()
        yield f"B-02 {name!r} in a list", f'{{"message":[{{{both}}}]}}'.encode()
    for encoding in ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32"):
        yield f"B-06 {encoding}", text.encode(encoding)
    yield "B-06 UTF-8 BOM", b"\xef\xbb\xbf" + good
    yield "B-06 UTF-7", b"+AHsAIg-message+ACIAOgAi-hi+ACIAfQ-"
    for name, raw in {
        "Latin-1": b"\xe9",
        "overlong slash": b"\xc0\xaf",
        "overlong NUL": b"\xc0\x80",
        "CESU surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
        "cut short": b"\xe2\x82",
        "beyond Unicode": b"\xf5\x80\x80\x80",
        "a stray byte": b"\x80",
    }.items():
        yield f"B-06 {name}", good.replace(b"hi", raw)
    for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000, b"0x1"):
        yield f"B-08 {number[:10].decode()}", good.replace(b'"hi"', number)
    for number in (b"9007199254740993", b"-9007199254740992", b"01", b"1.", b".5", b"+1", b"1_0"):
        yield f"B-08 {number.decode()}", good.replace(b'"hi"', number)
    for depth in (65, 1000, 100_000):
        yield f"B-09 {depth} lists", b'{"message":' + b"[" * depth + b"]" * depth + b"}"
        yield (
            f"B-09 {depth} objects",
            b'{"message":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}",
        )
        yield f"B-09 {depth} never closed", b'{"message":' + b"[" * depth
    yield "B-10 many keys", json.dumps({str(n): 0 for n in range(50_000)}).encode()
    yield "B-10 one key many times", b"{" + b'"a":0,' * 100_000 + b'"a":0}'
    for name, tail in {
        "second object": b'{"userId":"bob"}',
        "NDJSON": b'\n{"userId":"bob"}',
        "NUL": b"\0",
        "bracket": b"]",
        "comma": b",",
        "comment": b"// userId",
        "block comment": b"/* */",
        "form feed": b"\x0c",
        "no-break space": b"\xc2\xa0",
        "line separator": b"\xe2\x80\xa8",
    }.items():
        yield f"B-11 {name}", good + tail
    yield "B-11 a comma too many", b'{"message":"hi",}'
    yield "B-11 single quotes", b"{'message':'hi'}"
    yield "B-11 a bare name", b'{message:"hi"}'
    for name, inner in {
        "raw NUL": b"\0",
        "raw newline": b"\n",
        "raw tab": b"\t",
        "lone high surrogate": b"\\ud800",
        "lone low surrogate": b"\\udc00",
        "the wrong way round": b"\\ude00\\ud83d",
        "bad escape": b"\\x41",
        "half an escape": b"\\u00",
    }.items():
        yield f"B-12 {name}", good.replace(b"hi", inner)
    for name, whole in {
        "array": b'[{"message":"hi"}]',
        "string": b'"message"',
        "number": b"1",
        "null": b"null",
        "true": b"true",
        "white space": b" \n",
        "half": b"{",
    }.items():
        yield f"B-13 {name}", whole
    yield "B-13 empty, B-25", b""


AMBIGUOUS = dict(ambiguous())


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_a_body_two_parsers_could_read_differently_is_refused(
    stage: Stage[Chatbase], name: str
) -> None:
    refused(stage, await say(stage, AMBIGUOUS[name]), 400)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param([b"Content-Type:"], 415, id="B-14 empty"),
        pytest.param([b"X-None: 1"], 415, id="B-14 missing, V-04"),
        pytest.param([b"Content-Type: text/plain"], 415, id="B-14 text, V-03, V-04"),
        pytest.param(
            [b"Content-Type: text/plain; charset=application/json"], 415, id="B-14 hidden"
        ),
        pytest.param(
            [b"Content-Type: application/x-www-form-urlencoded"], 415, id="B-14 form, F-07"
        ),
        pytest.param([b"Content-Type: multipart/form-data; boundary=x"], 415, id="B-14 multipart"),
        pytest.param([b"Content-Type: application/json, text/html"], 415, id="B-14 list"),
        pytest.param([b"Content-Type: text/html, application/json"], 415, id="B-14 list behind"),
        pytest.param([b"Content-Type: application/vnd.api+json"], 415, id="B-14 a kind of JSON"),
        pytest.param([b"Content-Type: application/json; boundary=x"], 415, id="B-14 boundary"),
        pytest.param([b"Content-Type: application/json; charset=utf-16"], 415, id="B-14 charset"),
        pytest.param([b"Content-Type: application/json; charset=utf-7"], 415, id="B-06 charset"),
        pytest.param([b"Content-Type: application/jsonp"], 415, id="B-14 longer"),
        pytest.param([b"Content-Type: application/x-ndjson"], 415, id="B-14 NDJSON"),
        pytest.param([b"Content-Type: application/json\xa0"], 415, id="B-14 no-break space"),
        pytest.param(
            [b"Content-Type: application/json", b"Content-Type: text/plain"], 400, id="B-14 two"
        ),
        pytest.param([b"Content-Type: APPLICATION/JSON"], 200, id="B-14 upper case"),
        *(
            pytest.param(
                [b"Content-Type: application/json", b"Content-Encoding: " + coding],
                415,
                id=f"B-15 {coding.decode()}, B-16",
            )
            for coding in (b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"x-gzip", b"GZIP")
        ),
        pytest.param(
            [b"Content-Type: application/json", b"Content-Encoding: identity"], 415, id="B-15 none"
        ),
        pytest.param(
            [b"Content-Type: application/json", b"Content-Encoding: "], 415, id="B-15 empty"
        ),
    ],
)
async def test_a_body_is_plain_json_by_name(
    stage: Stage[Chatbase], lines: list[bytes], status: int
) -> None:
    content = json.dumps(HI).encode()
    token = [f"Authorization: Bearer {stage.token('alice')}".encode(), *lines]
    request = stage.request(
        None, "POST", "/chat", None, [*token, b"Content-Length: %d" % len(content)]
    )
    async with connected(stage.url) as peer:
        await peer.send(request + content)
        answer = await peer.answer()
    assert answer.status == status
    if status == 200:
        only(stage, "alice")
    else:
        refused(stage, answer, status)


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08\0", b"x\x9c", b"(\xb5/\xfd"])
async def test_a_coded_body_that_is_not_called_one_is_no_json(
    stage: Stage[Chatbase], magic: bytes
) -> None:
    """Rows B-15 and B-16: nothing is ever decompressed."""
    refused(stage, await say(stage, magic + b"\0" * 1000), 400, "ambiguous_json")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"__proto__": {"userId": "victim"}}, id="B-17 __proto__"),
        pytest.param({"constructor": {"prototype": {"userId": "victim"}}}, id="B-17 constructor"),
        pytest.param({"metadata": '{"userId":"victim"}'}, id="B-18 JSON in a string"),
        pytest.param({"metadata": {"user_id": "victim"}}, id="B-18 metadata"),
        pytest.param({"extra_body": {"userId": "victim"}}, id="B-18 extra_body"),
        pytest.param({"extra_headers": {"X-External-User-Id": "victim"}}, id="B-18 extra_headers"),
        pytest.param({"headers": ["X-External-User-Id: victim"]}, id="B-18 headers"),
        *(
            pytest.param({name: "http://victim"}, id=f"B-19 {name}, R-01")
            for name in (
                *("api_base", "apiBase", "base_url", "baseUrl", "endpoint", "url", "custom_host"),
                *("callback_url", "webhook", "webhookUrl", "proxy", "api_key", "provider"),
            )
        ),
        pytest.param({"agent": "victim", "agentId": "victim"}, id="B-19 another agent, I-10"),
        pytest.param({"temperature": 0, "system": "victim", "tools": []}, id="what nobody listed"),
    ],
)
async def test_an_unlisted_member_does_not_reach_the_vendor(
    stage: Stage[Chatbase], more: dict[str, object]
) -> None:
    answer = await say(stage, {**HI, **more})
    assert answer.status == 200, answer.body
    only(stage, "alice", "victim")
    assert stage.vendor.requests[0].json() == OURS


@pytest.mark.parametrize("value", [["b"], {"id": "b"}, "", True, 0.5, -1, "b/c", "b c", "x" * 257])
async def test_a_conversation_is_named_by_an_id(stage: Stage[Chatbase], value: object) -> None:
    """Row B-20."""
    refused(stage, await say(stage, {**HI, "conversationId": value}), 400, "bad_request")


@pytest.mark.parametrize("more", [{}, {"stream": True}], ids=["whole", "streamed"])
async def test_null_is_a_conversation_that_is_not_there_yet(
    stage: Stage[Chatbase], more: dict[str, object]
) -> None:
    """Row B-20: the vendor sees no member of that name, and what it opens is alice's."""
    answer = await say(stage, {**HI, **more, "conversationId": None})
    assert answer.status == 200, answer.body
    assert stage.vendor.requests[0].json() == {**OURS, **more}


@pytest.mark.parametrize("value", ["true", 1, 0, None, [], "false", [True]])
async def test_stream_is_true_or_false(stage: Stage[Chatbase], value: object) -> None:
    """Row B-22."""
    refused(stage, await say(stage, {"message": "hi", "stream": value}), 400, "bad_request")


async def test_a_get_takes_no_body_along(stage: Stage[Chatbase]) -> None:
    """Rows B-25 and Q-08."""
    body = {"userId": "victim", "conversationId": "victim"}
    answer = await stage.ask("alice", "GET", "/users/victim/conversations?userId=victim", body)
    assert answer.status == 200, answer.body
    only(stage, "alice", "victim")
    assert stage.vendor.requests[0].body == b""


@pytest.mark.parametrize(
    "text",
    [
        "<b>&amp;</b>",
        "a/b",
        "\u2028\u2029",
        "\x7f",
        "\U0001f600",
        "\\",
        '"',
        "e\u0301",
        "\u200b",
        "",
    ],
)
async def test_a_message_arrives_as_it_was_said(stage: Stage[Chatbase], text: str) -> None:
    """Row B-24, however it was escaped."""
    for ascii_only in (True, False):
        stage.vendor.forget()
        body = json.dumps({"message": text, "stream": False}, ensure_ascii=ascii_only)
        answer = await say(stage, body.replace("/", "\\/").encode())
        assert answer.status in {200, 400}, answer.body  # the vendor's own word on an empty one
        assert stage.vendor.requests[0].json() == {**OURS, "message": text}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(output=json_values)
async def test_what_is_let_through_comes_out_as_it_went_in(
    stage: Stage[Chatbase], output: object
) -> None:
    """Row B-23: order, numbers, texts; by a member that may hold anything."""
    opened = await say(stage, HI)
    own = opened.json()["data"]["metadata"]["conversationId"]
    stage.vendor.forget()
    body = json.dumps({"toolCallId": "t", "output": output})
    await stage.ask("alice", "POST", f"/conversations/{own}/tool-result", body.encode())
    (request,) = stage.vendor.requests
    got = json.dumps(request.json()["output"], sort_keys=False)
    assert json.loads(got) == json.loads(body)["output"]
    assert got == json.dumps(json.loads(body)["output"])


async def test_a_body_too_large_is_refused_before_it_is_there(stage: Stage[Chatbase]) -> None:
    """Rows B-10, N-05: 10 GB announced, or without an end."""
    head = stage.request("alice", "POST", "/chat", None, [b"Content-Type: application/json"])
    bare = head.removesuffix(b"\r\n\r\n") + b"\r\n"
    async with connected(stage.url) as peer:
        await peer.send(bare + b"Content-Length: 10737418240\r\n\r\n{")
        refused(stage, await peer.answer(), 413, "content_too_large")
        peer.close()
        await peer.until_closed()
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    async with connected(stage.url) as peer:
        await peer.send(bare + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(18):
            await peer.send(chunk)
        refused(stage, await peer.answer(), 413, "content_too_large")
        peer.close()
        await peer.until_closed()
    refused(stage, await say(stage, b'{"message":"' + b"x" * 1_048_576 + b'"}'), 413)
