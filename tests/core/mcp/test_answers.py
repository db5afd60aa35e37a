import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer.note import MAX_HELD, Opens, Reader, Stop
from gateway.core.formats.fields import media_type
from gateway.core.mcp.answers import Editing, observe
from gateway.core.people.seal import Seal, handle
from gateway.core.profile.vendor import Body, Operation

SEAL = Seal(b"s" * 32, "alice")
OPERATION = Operation(
    method="POST",
    path="/mcp",
    mcp=True,
    members=frozenset({"method"}),
    opens=(Body("/result/taskId"),),
)
ALL = Editing(SEAL, "session")
SOME = Editing(SEAL, "session", frozenset({"search"}))
JSON, EVENTS = b"application/json", b"text/event-stream"


def tools(*names: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": one} for one in names]}}


def notes(
    content: bytes, editing: Editing, media: bytes, *, ok: bool = True, step: int = 0
) -> list[Any]:
    observer = observe(Reader(OPERATION, "alice", ()), editing, media_type(media), ok=ok)
    size = step or len(content) or 1
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    return [*(note for chunk in chunks for note in observer.feed(chunk)), *observer.end()]


def passed(content: bytes, editing: Editing, media: bytes = JSON, **more: Any) -> bytes:
    found = notes(content, editing, media, **more)
    return b"".join(note for note in found if isinstance(note, bytes))


def event(document: Any, *lines: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in lines)
    return f"{head}data: {json.dumps(document)}\r\n\r\n".encode()


def shown(stream: bytes) -> Any:
    (line,) = [line for line in stream.split(b"\n") if line.startswith(b"data:")]
    return json.loads(line[5:])


def test_tools_that_are_not_theirs_are_taken_out_of_a_list() -> None:
    sent = json.dumps(tools("search", "hidden", "Search", None, ["search"])).encode()
    assert json.loads(passed(sent, SOME)) == tools("search")
    assert json.loads(passed(sent, Editing(SEAL, "", frozenset()))) == tools()
    assert passed(sent, ALL) == sent


def test_a_list_of_ones_own_is_not_kept_for_others() -> None:
    listed = tools("search")
    listed["result"]["cacheScope"] = "public"
    assert (
        json.loads(passed(json.dumps(listed).encode(), SOME))["result"]["cacheScope"] == "private"
    )


def test_in_a_batch_each_list_is_one() -> None:
    sent = json.dumps([tools("hidden"), tools("search", "hidden")]).encode()
    assert json.loads(passed(sent, SOME)) == [tools(), tools("search")]


def test_a_list_in_an_event_is_one_however_the_stream_is_cut() -> None:
    sent = event(tools("search", "hidden"), "event: message")
    for step in range(1, len(sent) + 1):
        stream = passed(sent, SOME, EVENTS, step=step)
        assert shown(stream) == tools("search")
        assert stream.startswith(b"event: message\n")
        assert stream.endswith(b"\n\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"result":{"t\\u006fols":[{"name":"hidden"}]}}', id="a name with an escape"),
        pytest.param('{"result":{"tools":[],"tools":[{"name":"hidden"}]}}', id="a name twice"),
        pytest.param('\ufeff{"result":{"tools":[{"name":"hidden"}]}}', id="a byte order mark"),
    ],
)
@pytest.mark.parametrize("media", [JSON, EVENTS])
def test_a_list_is_one_however_it_is_written(text: str, media: bytes) -> None:
    sent = text.encode() if media == JSON else f"data: {text}\n\n".encode()
    assert b"hidden" not in passed(sent, SOME, media)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            '{"id":1,"result":{"tools":[{"name":"hidden"}]},"result":{}}', id="M-04 a result"
        ),
        pytest.param(
            '{"id":1,"result":{"tools":[{"name":"hidden"}],"tools":null}}', id="M-04 a list"
        ),
        pytest.param('{"id":1,"result":{"requestState":"s","requestState":0}}', id="M-04 a state"),
        pytest.param(
            '{"id":1,"result":{"taskId":"bobs","taskId":"alices"}}', id="M-04 what it opens"
        ),
        pytest.param(
            '{"id":1,"result":{"t\\u0061skId":"bobs","taskId":"alices"}}', id="M-04 by an escape"
        ),
        pytest.param('[{"id":1,"result":{"taskId":"x"},"result":{}}]', id="M-04 in a batch"),
    ],
)
@pytest.mark.parametrize("media", [JSON, EVENTS])
@pytest.mark.parametrize("editing", [ALL, SOME])
def test_what_is_said_twice_does_not_pass(text: str, media: bytes, editing: Editing) -> None:
    """A client that takes the first of two would read what was neither cut, sealed nor owned."""
    sent = text.encode() if media == JSON else f"data: {text}\n\n".encode()
    (stop,) = notes(sent, editing, media)
    assert isinstance(stop, Stop)


def test_what_two_messages_say_is_not_said_twice() -> None:
    results = [{"id": one, "result": {"content": "result"}} for one in range(2)]
    sent = json.dumps(results).encode()
    assert passed(sent, SOME) == sent


def test_a_list_over_several_lines_is_one() -> None:
    sent = b'data: {"result":\ndata: {"tools":[{"name":"hidden"}]}}\n\n'
    assert shown(passed(sent, SOME, EVENTS)) == {"result": {"tools": []}}


def test_a_state_goes_out_sealed() -> None:
    sent = {"jsonrpc": "2.0", "id": 1, "result": {"requestState": "s1"}}
    got = json.loads(passed(json.dumps(sent).encode(), ALL))
    assert SEAL.open("state", got["result"]["requestState"]) == "s1"
    streamed = shown(passed(event(sent), ALL, EVENTS))
    assert streamed == got


def test_the_id_of_an_event_goes_out_sealed() -> None:
    stream = passed(b"id: 7\nretry: 5\ndata:\n\n" + event({"x": 1}, "id:8"), ALL, EVENTS)
    ids = [line[4:].decode() for line in stream.split(b"\n") if line.startswith(b"id: ")]
    assert [SEAL.open("event session", one) for one in ids] == ["7", "8"]
    assert b"retry: 5\n" in stream


def test_an_id_that_could_not_be_brought_back_does_not_go_out() -> None:
    assert b"id" not in passed(b"id: \xc3\xa9\ndata: {}\n\n", ALL, EVENTS)


def test_what_there_is_nothing_to_change_in_passes_as_it_came() -> None:
    sent = b": ping\r\n\r\n" + event({"method": "notifications/progress"}, "event: message")
    assert passed(sent, SOME, EVENTS) == sent
    unary = b'{ "jsonrpc":"2.0", "id":1, "result":{ "content":[] } }'
    assert passed(unary, SOME) == unary


def test_what_an_answer_opens_comes_before_the_answer() -> None:
    sent = json.dumps({"id": 1, "result": {"taskId": "t/1=="}}).encode()
    for found in (notes(sent, ALL, JSON), notes(b"data: " + sent + b"\n\n", ALL, EVENTS)):
        opened, last = found
        assert opened == Opens(handle("t/1=="))
        assert isinstance(last, bytes)


@pytest.mark.parametrize(
    ("content", "media"),
    [(b"<html>", JSON), (b"data: {\n\n", EVENTS), (b"data: ok\n\n", EVENTS)],
)
def test_what_nobody_can_look_into_does_not_pass(content: bytes, media: bytes) -> None:
    (stop,) = notes(content, ALL, media)
    assert isinstance(stop, Stop)


def test_an_error_in_other_words_passes() -> None:
    assert passed(b"Not Found", ALL, JSON, ok=False) == b"Not Found"


def test_an_empty_answer_is_one() -> None:
    assert notes(b"", SOME, JSON) == []


def test_half_an_event_at_the_end_is_none() -> None:
    assert passed(b'data: {"result":{"tools":[{"name":"hidden"}]}}', SOME, EVENTS) == b""


@pytest.mark.parametrize("media", [JSON, EVENTS])
def test_what_is_too_large_to_be_held_stops(media: bytes) -> None:
    found = notes(b"x" * (MAX_HELD + 1), ALL, media, step=1 << 20)
    assert isinstance(found[0], Stop)


@given(st.lists(st.sampled_from(["search", "hidden", "other"]), max_size=6), st.integers(1, 40))
def test_never_more_than_theirs_and_never_less(names: list[str], step: int) -> None:
    stream = passed(event(tools(*names), "id: 1"), SOME, EVENTS, step=step)
    assert shown(stream) == tools(*[name for name in names if name == "search"])


def test_one_message_that_is_edited_is_enough() -> None:
    other = {"jsonrpc": "2.0", "id": 2, "result": {"content": []}}
    sent = json.dumps([tools("hidden"), other]).encode()
    assert json.loads(passed(sent, SOME)) == [tools(), other]


@pytest.mark.parametrize("written", [b"7 8", b"7\xc3\xa9", b"", b"x" * 1025])
def test_an_id_is_what_a_field_can_hold_or_it_does_not_go_out(written: bytes) -> None:
    assert b"id" not in passed(b"id: " + written + b"\ndata: {}\n\n", ALL, EVENTS)


def test_a_byte_order_mark_hides_no_id() -> None:
    assert b"7" not in passed(b"\xef\xbb\xbfid: 7\ndata: {}\n\n", ALL, EVENTS)


def test_our_last_word_stands_in_a_stream_alone() -> None:
    reader = Reader(OPERATION, "alice", ())
    stream = observe(reader, ALL, media_type(EVENTS), ok=True)
    assert stream.interject(b"{}", "error") == b"event: error\ndata: {}\n\n"
    assert observe(reader, ALL, media_type(JSON), ok=True).interject(b"{}", "error") == b""


@pytest.mark.parametrize("tool", ["search", ["search"], 7, None])
def test_what_is_no_tool_is_nobodys(tool: Any) -> None:
    sent = {"result": {"tools": [tool, {"name": "search"}]}}
    got = json.loads(passed(json.dumps(sent).encode(), SOME))
    assert got == {"result": {"tools": [{"name": "search"}]}}


def test_an_answer_that_does_not_say_what_it_is_is_one_text() -> None:
    observer = observe(Reader(OPERATION, "alice", ()), SOME, None, ok=True)
    assert list(observer.feed(b'{"result":{"tools":[{"name":"hidden"}]}}')) == []
    assert list(observer.end()) == [b'{"result":{"tools":[]}}']


@pytest.mark.parametrize("media", [JSON, EVENTS])
def test_what_is_just_small_enough_is_held(media: bytes) -> None:
    observer = observe(Reader(OPERATION, "alice", ()), ALL, media_type(media), ok=True)
    assert list(observer.feed(b"x" * MAX_HELD)) == []
    (stop,) = observer.feed(b"x")
    assert isinstance(stop, Stop)


def test_a_stream_goes_on_as_it_comes_and_a_text_is_held() -> None:
    for media, holds in ((JSON, True), (EVENTS, False)):
        reader = Reader(OPERATION, "alice", ())
        assert observe(reader, ALL, media_type(media), ok=True).holds is holds


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_id_of_an_event_is_sealed_however_its_lines_end(end: bytes) -> None:
    stream = passed(end.join([b"id: 7", b"data: {}", b"", b""]), Editing(SEAL), EVENTS)
    sealed = SEAL.close("event ", "7").encode()
    assert stream == b"id: " + sealed + b"\ndata: {}\n\n"


@pytest.mark.parametrize("media", [JSON, EVENTS])
def test_nothing_of_an_answer_to_be_edited_passes_unread(media: bytes) -> None:
    observer = observe(Reader(OPERATION, "alice", ()), SOME, media_type(media), ok=True)
    assert not observer.passes(b"data: {}\n\n")
