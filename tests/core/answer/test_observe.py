import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer.observe import MAX_HELD, Costs, Names, Note, Observer, Opens, Stop, observe
from gateway.core.errors import UpstreamMalformed
from gateway.core.formats.fields import MediaType, media_type
from gateway.core.formats.sse import JsonLinesSplitter
from gateway.core.mcp.answers import Editing
from gateway.core.people.seal import Seal
from gateway.core.profile.metered import Metered
from gateway.core.profile.vendor import Body, Operation
from gateway.vendors.chatbase import VENDOR
from tests.core.formats.test_sse import CUTS, pieces

CHAT = VENDOR.operations["chat"]
JSON = media_type(b"application/json; charset=utf-8")
EVENTS = media_type(b"text/event-stream")
LINES = media_type(b"application/x-ndjson")
TEXT = media_type(b"text/plain")
PLAIN = Operation(method="GET", path="/ping")


def sse(*documents: object) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in documents)


def run(observer: Observer, chunks: list[bytes]) -> list[Note]:
    """The notes until the end, or until one says stop: whoever drives it goes no further."""
    notes: list[Note] = []
    for feed in [*(lambda c=c: observer.feed(c) for c in chunks), observer.end]:
        for note in feed():
            notes.append(note)
            if isinstance(note, (Stop, Names)):  # of one who was never called so
                return notes
    return notes


def passed(notes: list[Note]) -> bytes:
    return b"".join(note for note in notes if isinstance(note, bytes))


def passed_before_claim(notes: list[Note]) -> bytes:
    first = next(i for i, note in enumerate(notes) if isinstance(note, Opens))
    return passed(notes[:first])


SHAPES = [
    pytest.param({"type": "finish", "metadata": {"conversationId": "c-1"}}, id="finish.metadata"),
    pytest.param(
        {"type": "finish", "messageMetadata": {"conversationId": "c-1"}},
        id="finish.messageMetadata",
    ),
    pytest.param({"type": "message-metadata", "conversationId": "c-1"}, id="flat message-metadata"),
    pytest.param(
        {"type": "start", "messageMetadata": {"conversationId": "c-1"}}, id="start.messageMetadata"
    ),
    pytest.param({"data": {"metadata": {"conversationId": "c-1"}}}, id="data.metadata"),
    pytest.param({"data": {"metadata": {"conversationId": 7}}}, id="an integer"),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_event_that_names_a_conversation_waits_until_it_is_claimed(shape: object) -> None:
    text, done = sse({"type": "text-delta", "delta": "hi"}), b"data: [DONE]\n\n"
    wire = text + sse(shape) + done
    notes = run(observe(CHAT, EVENTS, ok=True, user="alice"), [wire])
    assert passed(notes) == wire
    assert passed_before_claim(notes) == text


@pytest.mark.parametrize("shape", SHAPES)
def test_a_json_answer_is_held_whole_until_its_conversation_is_claimed(shape: object) -> None:
    wire = json.dumps(shape).encode()
    observer = observe(CHAT, JSON, ok=True, user="alice")
    notes = run(observer, pieces(wire, [3, 9]))
    assert observer.holds
    assert passed_before_claim(notes) == b""
    assert passed(notes) == wire


@given(CUTS)
def test_no_cut_of_the_bytes_lets_an_id_out_before_its_claim(cuts: list[int]) -> None:
    wire = sse({"type": "text-delta", "delta": "x"}, {"metadata": {"conversationId": "secret-id"}})
    notes = run(observe(CHAT, EVENTS, ok=True, user="alice"), pieces(wire, cuts))
    assert b"secret" not in passed_before_claim(notes)
    assert passed(notes) == wire
    assert [note for note in notes if isinstance(note, Opens)] == [Opens("secret-id")]


SAID = st.sampled_from(
    [
        b'data: {"delta":"x"}\n\n',
        b": a comment\n\n",
        b'data: {"conversationId":"c-1"}\n\n',
        b'data: {"conversation\\u0049d":"c-2"}\r\n\r\n',
        b'data: {"metadata":{"userId":"alice"}}\n\n\n',
        b'data: {"data":\ndata: {"metadata":{"conversationId":"c-3"}}}\n\n',
        b'data: {"usage":{"credits":1}}\n\n',
        b"\n",
        b"data: [DONE]\n\n",
    ]
)


@pytest.mark.parametrize("known", [(), ("c-1",)], ids=["new", "continued"])
@given(said=st.lists(SAID, max_size=8), cuts=CUTS)
def test_any_cut_of_a_stream_tells_the_same(
    known: tuple[str, ...], said: list[bytes], cuts: list[int]
) -> None:
    """An event to a chunk, all in one, and cut anywhere: what is skipped tells nothing."""
    wire = b"".join(said)
    told = []
    for chunks in (said, [wire], pieces(wire, cuts), [wire[i : i + 1] for i in range(len(wire))]):
        notes = run(observe(CHAT, EVENTS, ok=True, user="alice", known=known), chunks)
        assert passed(notes) == wire
        told.append([note for note in notes if not isinstance(note, bytes)])
    assert told == [told[0]] * 4


@given(CUTS)
def test_bytes_pass_as_they_come_once_the_conversation_is_known(cuts: list[int]) -> None:
    wire = sse({"delta": "x"}, {"metadata": {"conversationId": "c-1", "userId": "alice"}})
    observer = observe(CHAT, EVENTS, ok=True, user="alice", known=("c-1",))
    for piece in pieces(wire, cuts):
        assert passed(list(observer.feed(piece))) == piece
    assert list(observer.end()) == []


def test_an_id_in_an_event_without_its_blank_line_waits_as_well() -> None:
    wire = b'data: {"conversationId":"c-1"}\n'
    notes = run(observe(CHAT, EVENTS, ok=True, user="alice"), [wire])
    assert notes == [Opens("c-1"), wire]


def test_an_id_written_with_escapes_is_found() -> None:
    wire = b'data: {"\\u0063onversation\\u0049d":"c-1"}\n\n'
    assert Opens("c-1") in run(observe(CHAT, EVENTS, ok=True, user="alice"), [wire])


def test_an_id_beside_half_a_surrogate_pair_is_found() -> None:
    wire = b'data: {"conversationId":"c-1","text":"\\ud83d"}\n\n'
    assert Opens("c-1") in run(observe(CHAT, EVENTS, ok=True, user="alice"), [wire])


def test_an_id_in_json_lines_waits_as_well() -> None:
    wire = b'{"code":3}\n{"conversationId":"c-1"}\n'
    notes = run(observe(CHAT, LINES, ok=True, user="alice"), [wire])
    assert passed_before_claim(notes) == b'{"code":3}\n'


def test_a_second_conversation_in_one_answer_is_claimed_too() -> None:
    wire = sse({"conversationId": "c-1"}, {"conversationId": "c-2"})
    notes = run(observe(CHAT, EVENTS, ok=True, user="alice"), [wire])
    assert [note for note in notes if isinstance(note, Opens)] == [Opens("c-1"), Opens("c-2")]


@pytest.mark.parametrize("media", [JSON, EVENTS], ids=["JSON", "stream"])
@pytest.mark.parametrize("known", [(), ("c-1",)], ids=["new", "continued"])
def test_an_answer_that_names_another_user_stops_there(
    media: MediaType | None, known: tuple[str, ...]
) -> None:
    named = {"metadata": {"userId": "bob", "conversationId": "c-1"}}
    wire = json.dumps(named).encode() if media is JSON else sse({"delta": "x"}, named)
    notes = run(observe(CHAT, media, ok=True, user="alice", known=known), [wire])
    assert notes[-1] == Names("bob")
    assert b"bob" not in passed(notes)
    assert not any(isinstance(note, Opens) for note in notes)


def test_a_list_with_another_users_item_does_not_pass() -> None:
    wire = json.dumps({"data": [{"id": "1", "userId": "alice"}, {"id": "2", "userId": "bob"}]})
    operation = VENDOR.operations["conversations"]
    notes = run(observe(operation, JSON, ok=True, user="alice"), [wire.encode()])
    assert notes == [Names("bob")]


@given(cuts=CUTS, mark=st.sampled_from(["\n\n", "\n", ""]))
def test_nor_does_one_that_comes_as_a_stream(cuts: list[int], mark: str) -> None:
    """I-12, L-13: however it is cut, and though its event has no end."""
    mine, theirs = ({"id": who, "userId": who} for who in ("alice", "bob"))
    wire = f"data: {json.dumps({'data': [mine]})}\n\ndata: {json.dumps({'data': [mine, theirs]})}"
    observer = observe(VENDOR.operations["conversations"], EVENTS, ok=True, user="alice")
    notes = run(observer, pieces((wire + mark).encode(), cuts))
    assert notes[-1] == Names("bob")
    assert b"bob" not in passed(notes)


@pytest.mark.parametrize("end", ["\r", "\n"])
@given(cuts=CUTS)
def test_lines_that_a_client_reads_as_events_hide_no_id(end: str, cuts: list[int]) -> None:
    """I-08: GPTBots' streams are lines whatever they are called; a browser goes by the name."""
    said = json.dumps({"code": 3}), '{"conversationId":', '"bobs"}'
    wire = f"data: {said[0]}{end}{end}data: {said[1]}{end}data: {said[2]}{end}{end}"
    notes = run(observe(LINED, EVENTS, ok=True, user="alice"), pieces(wire.encode(), cuts))
    assert type(notes[-1]) is Stop
    assert b"bobs" not in passed(notes)


@pytest.mark.parametrize("value", [None, True, {"a": 1}, [], "", 1.5])
def test_what_is_no_id_names_nobody_and_nothing(value: object) -> None:
    wire = json.dumps({"metadata": {"conversationId": value, "userId": value}}).encode()
    notes = run(observe(CHAT, JSON, ok=True, user="alice"), [wire])
    assert notes == [wire]


def test_an_answer_of_an_error_claims_nothing() -> None:
    wire = json.dumps({"metadata": {"conversationId": "c-9"}}).encode()
    notes = run(observe(CHAT, JSON, ok=False, user="alice"), [wire])
    assert notes == [wire]


def test_an_error_that_is_no_json_passes() -> None:
    notes = run(observe(CHAT, JSON, ok=False, user="alice"), [b"upstream away"])
    assert passed(notes) == b"upstream away"
    notes = run(observe(CHAT, TEXT, ok=False, user="alice"), [b"upstream away"])
    assert passed(notes) == b"upstream away"


def test_refuses_a_success_nobody_can_look_into() -> None:
    with pytest.raises(UpstreamMalformed):
        observe(CHAT, TEXT, ok=True, user="alice")


def test_stops_a_success_that_is_no_json() -> None:
    notes = run(observe(CHAT, JSON, ok=True, user="alice"), [b'{"metadata":'])
    assert [type(note) for note in notes] == [Stop]


def test_an_empty_answer_is_an_empty_answer() -> None:
    assert run(observe(CHAT, None, ok=True, user="alice"), []) == []


@pytest.mark.parametrize("media", [JSON, EVENTS], ids=["JSON", "stream"])
def test_what_is_held_is_bounded(media: MediaType | None) -> None:
    observer = observe(CHAT, media, ok=True, user="alice")
    notes = run(observer, [b"data: " + b"x" * 1024 * 1024] * 5)
    assert [type(note) for note in notes] == [Stop]
    assert MAX_HELD == 4 * 1024 * 1024


def test_an_operation_that_looks_for_nothing_lets_all_pass() -> None:
    observer = observe(PLAIN, TEXT, ok=True, user="alice")
    assert not observer.holds
    assert observer.interject(b"{}", "") == b""
    assert run(observer, [b"a", b"b"]) == [b"a", b"b"]


def test_tells_what_an_answer_cost() -> None:
    operation = Operation(method="GET", path="/x", usage=(Body("/usage"),))
    wire = sse({"usage": {"credits": 2, "tokens": {"in": 3, "out": 4.5}, "plan": "pro", "x": True}})
    notes = run(observe(operation, EVENTS, ok=True, user="alice"), [wire])
    assert Costs({"credits": 2, "in": 3, "out": 4.5}) in notes


PRICED = Operation(method="POST", path="/x", usage=(Body("/usage"),))


@pytest.mark.parametrize("media", [JSON, None], ids=["JSON", "none"])
@given(cuts=CUTS)
def test_tells_what_a_json_answer_cost_before_its_last_chunk_passes(
    media: MediaType | None, cuts: list[int]
) -> None:
    wire = json.dumps({"choices": ["hi"], "usage": {"total_tokens": 7}}).encode()
    chunks = [piece for piece in pieces(wire, cuts) if piece]
    observer = observe(PRICED, media, ok=True, user="alice")
    assert not observer.holds
    notes = run(observer, chunks)
    assert notes == [*chunks[:-1], Costs({"total_tokens": 7}), chunks[-1]]


@pytest.mark.parametrize(
    ("media", "chunks"),
    [
        pytest.param(JSON, [b'{"usage":', b'{"total'], id="broken"),
        pytest.param(JSON, [b""], id="empty"),
        pytest.param(JSON, [b'{"usage":{"x":1},"image":"', b"x" * MAX_HELD, b'"}'], id="large"),
        pytest.param(TEXT, [b'{"usage":{"x":1}}'], id="text"),
    ],
)
def test_an_answer_whose_cost_cannot_be_read_passes_all_the_same(
    media: MediaType | None, chunks: list[bytes]
) -> None:
    observer = observe(PRICED, media, ok=True, user="alice")
    assert passed(run(observer, chunks)) == b"".join(chunks)
    assert observer.interject(b"{}", "") == b""


def test_knows_whether_the_client_is_between_two_events() -> None:
    observer = observe(CHAT, EVENTS, ok=True, user="alice", known=("c-1",))
    list(observer.feed(b"data: a\n\n"))
    assert observer.interject(b"{}", "") == b"data: {}\n\n"
    list(observer.feed(b"data: b"))
    assert observer.interject(b"{}", "") == b""
    list(observer.feed(b"\n\n"))
    assert observer.interject(b"{}", "") == b"data: {}\n\n"


# JSON lines, whatever the media type says

LINED = Operation(
    method="POST",
    path="/say",
    members=frozenset({"message"}),
    opens=(Body("/conversationId"),),
    json_lines=True,
)
FORMS = [JSON, TEXT, None]


def jsonl(*documents: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in documents)


@pytest.mark.parametrize("media", FORMS, ids=["JSON", "text", "none"])
@pytest.mark.parametrize("prefix", [b"", b"data: "])
@given(cuts=CUTS)
def test_lines_pass_as_they_come_whatever_they_are_called(
    media: MediaType | None, prefix: bytes, cuts: list[int]
) -> None:
    wire = b"".join(prefix + line + b"\n" for line in jsonl({"code": 3}, {"code": 4}).split(b"\n"))
    observer = observe(LINED, media, ok=True, user="alice", known=("c-1",))
    assert observer.holds
    notes = list(observer.feed(wire[:20]))
    assert passed(notes) == wire[:20]
    assert not observer.holds
    assert passed(notes + run(observer, [wire[20:]])) == wire
    again = observe(LINED, media, ok=True, user="alice", known=("c-1",))
    assert passed(run(again, pieces(wire, cuts))) == wire


@pytest.mark.parametrize("media", FORMS, ids=["JSON", "text", "none"])
@given(cuts=CUTS)
def test_an_id_in_lines_of_another_name_waits_for_its_claim(
    media: MediaType | None, cuts: list[int]
) -> None:
    wire = b"\n" + jsonl({"code": 3}, {"conversationId": "secret-id"}, {"code": 0})
    notes = run(observe(LINED, media, ok=True, user="alice"), pieces(wire, cuts))
    assert b"secret" not in passed_before_claim(notes)
    assert passed(notes) == wire


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("end", [b"", b"\n"])
@given(cuts=CUTS)
def test_one_json_text_where_lines_may_come_is_read_whole(
    indent: int | None, end: str, cuts: list[int]
) -> None:
    wire = json.dumps({"a": [1, 2], "conversationId": "secret-id"}, indent=indent).encode() + end
    notes = run(observe(LINED, JSON, ok=True, user="alice"), pieces(wire, cuts))
    assert notes[0] == Opens("secret-id")
    assert passed(notes) == wire


@pytest.mark.parametrize("wire", [b"hello", b"hello\nworld\n", b'{"conversationId":\n'])
def test_what_is_neither_does_not_pass(wire: bytes) -> None:
    notes = run(observe(LINED, TEXT, ok=True, user="alice"), [wire])
    assert [type(note) for note in notes] == [Stop]


def test_an_error_where_lines_may_come_passes_as_it_is() -> None:
    assert passed(run(observe(LINED, TEXT, ok=False, user="alice"), [b"away"])) == b"away"


def test_what_stands_before_a_first_line_is_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """N-13, N-22: with every piece all was looked at that had come by then."""
    looks: list[bytes] = []
    line = JsonLinesSplitter._line
    monkeypatch.setattr(
        JsonLinesSplitter, "_line", lambda self, raw: (looks.append(raw), line(self, raw))[1]
    )
    observer = observe(LINED, JSON, ok=True, user="alice", known=("c-1",))
    wire = b"data:\n" * 1000 + jsonl({"code": 3})
    notes = [note for at in range(0, len(wire), 60) for note in observer.feed(wire[at : at + 60])]
    assert passed(notes) == wire
    assert len(looks) <= 3 * 1001  # to tell what it is, and to pass it on


@pytest.mark.parametrize("piece", [b"x" * 1024 * 1024, b"\n" * 1024 * 1024])
def test_a_first_line_is_bounded(piece: bytes) -> None:
    observer = observe(LINED, JSON, ok=True, user="alice")
    notes = [note for _ in range(5) for note in observer.feed(piece)]
    assert [type(note) for note in notes] == [Stop], "before the end has come"


def test_our_last_word_stands_between_two_lines() -> None:
    observer = observe(LINED, JSON, ok=True, user="alice", known=("c-1",))
    assert observer.interject(b"{}", "") == b""
    list(observer.feed(b'{"code":3}\n'))
    assert observer.interject(b"{}", "") == b"{}\n"
    list(observer.feed(b'{"co'))
    assert observer.interject(b"{}", "") == b""


@given(st.lists(st.sampled_from([b"data: ", b"\n", b'"conversationId"', b":", b'"a"', b"{", b"}"])))
def test_never_raises_and_never_invents_bytes(parts: list[bytes]) -> None:
    wire = b"".join(parts)
    notes = run(observe(CHAT, EVENTS, ok=True, user="alice"), parts)
    assert wire.startswith(passed(notes))
    assert passed(notes) == wire or type(notes[-1]) is Stop


def test_after_a_stop_there_is_no_other_note() -> None:
    whole = observe(CHAT, JSON, ok=True, user="alice")
    list(whole.feed(b"{"))
    assert [type(note) for note in whole.end()] == [Stop]
    stream = observe(CHAT, EVENTS, ok=True, user="alice", known=("c-1",))
    assert [type(note) for note in stream.feed(b"x" * (MAX_HELD + 1))] == [Stop]


def test_the_end_of_a_stream_repeats_nothing_that_has_passed() -> None:
    observer = observe(CHAT, EVENTS, ok=True, user="alice", known=("c-1",))
    assert passed(list(observer.feed(b"data: half"))) == b"data: half"
    assert passed(list(observer.end())) == b""


def test_no_word_of_ours_stands_in_an_answer_that_is_held() -> None:
    assert observe(CHAT, JSON, ok=True, user="alice").interject(b"{}", "") == b""


def test_what_is_ready_goes_out_as_one_write() -> None:
    observer = observe(CHAT, EVENTS, ok=True, user="alice", known=("c-1",))
    wire = sse({"delta": "a"}, {"delta": "b"}) + b"data: c"
    assert list(observer.feed(wire)) == [wire]
    assert list(observer.feed(b"")) == []
    assert list(observer.end()) == []


@pytest.mark.parametrize("media", [JSON, EVENTS], ids=["JSON", "stream"])
def test_an_answer_of_the_largest_size_is_held(media: MediaType | None) -> None:
    observer = observe(CHAT, media, ok=True, user="alice")
    assert list(observer.feed(b"x" * MAX_HELD)) == []
    assert [type(note) for note in observer.feed(b"x")] == [Stop]


def test_a_first_line_of_the_largest_size_is_a_line() -> None:
    observer = observe(LINED, JSON, ok=True, user="alice", known=("c-1",))
    line = b'"' + b"x" * (MAX_HELD - 2) + b'"'
    assert list(observer.feed(line)) == []
    assert list(observer.feed(b"\n")) == [line + b"\n"]


def test_one_json_text_is_held_once_its_first_line_is_none() -> None:
    observer = observe(LINED, JSON, ok=True, user="alice")
    assert list(observer.feed(b"{\n")) == []
    assert observer.holds
    assert observer.interject(b"{}", "") == b""


def test_lines_that_are_called_a_stream_are_lines() -> None:
    notes = run(observe(LINED, EVENTS, ok=True, user="alice"), [jsonl({"conversationId": "c-1"})])
    assert notes[0] == Opens("c-1")


def test_a_blank_line_is_no_first_line() -> None:
    observer = observe(LINED, JSON, ok=True, user="alice", known=("c-1",))
    wire = b'\n \r\ndata:\n{"code":3}\n'
    assert list(observer.feed(wire)) == [wire]


@pytest.mark.parametrize(
    ("piece", "count"),
    [
        pytest.param(b"x" * 100, 40_000, id="one line"),
        pytest.param(b"x" * 99 + b"\n", 10_000, id="many lines"),
    ],
)
def test_an_answer_that_may_be_lines_is_read_once_however_small_its_pieces(
    piece: bytes, count: int
) -> None:
    observer = observe(LINED, JSON, ok=True, user="alice")
    began = time.process_time()
    for _ in range(count):
        assert list(observer.feed(piece)) == []
    assert time.process_time() - began < 1  # 0.05; anew each time: 6 and 49


# An answer that opens several, and one that tells what only we have asked for


SEVERAL = Operation(
    method="POST",
    path="/responses",
    opens=(Body("/response/id"), Body("/item/id")),
    opens_more=True,
)


@given(CUTS)
def test_no_id_of_several_leaves_before_it_is_claimed(cuts: list[int]) -> None:
    events = [{"response": {"id": "r-1"}}, {"delta": "hi"}, {"item": {"id": "i-1"}}, {"item": {}}]
    wire = sse(*events)
    observer = observe(SEVERAL, EVENTS, ok=True, user="alice", known=("conv-1",))
    notes = run(observer, pieces(wire, cuts))
    assert passed(notes) == wire
    claimed: set[str] = set()
    for note in notes:
        if isinstance(note, Opens):
            claimed.add(note.conversation)
        elif isinstance(note, bytes):
            assert {one for one in ("r-1", "i-1") if one.encode() in note} <= claimed
    assert claimed == {"r-1", "i-1"}


METERED = Metered(when=Body("/stream"), ask=Body("/ask"), empty=Body("/choices"))
COSTED = Operation(method="POST", path="/chat", usage=(Body("/usage"),), metered=METERED)


@given(CUTS)
def test_what_only_we_have_asked_for_is_counted_and_left_out(cuts: list[int]) -> None:
    said = sse({"choices": [{"delta": "hi"}], "usage": None}, {"choices": [{}]})
    told = sse({"choices": [], "usage": {"total_tokens": 7}})
    end = b"data: [DONE]\n\n"
    observer = observe(COSTED, EVENTS, ok=True, user="alice", hidden=METERED)
    notes = run(observer, pieces(said + told + end, cuts))
    assert passed(notes) == said + end
    assert Costs({"total_tokens": 7}) in notes


def test_so_is_one_at_the_very_end() -> None:
    told = sse({"choices": [], "usage": {"total_tokens": 7}}).rstrip()
    notes = run(observe(COSTED, EVENTS, ok=True, user="alice", hidden=METERED), [told])
    assert notes == [Costs({"total_tokens": 7})]


def test_an_event_that_says_more_passes_and_so_does_one_that_tells_nothing() -> None:
    wire = sse({"choices": [{"delta": "hi"}], "usage": {"total_tokens": 7}}, {"choices": []})
    notes = run(observe(COSTED, EVENTS, ok=True, user="alice", hidden=METERED), [wire])
    assert passed(notes) == wire


def test_who_has_asked_gets_it() -> None:
    wire = sse({"choices": [], "usage": {"total_tokens": 7}})
    assert passed(run(observe(COSTED, EVENTS, ok=True, user="alice"), [wire])) == wire


def test_an_answer_that_is_edited_goes_on_as_it_was_edited() -> None:
    editing = Editing(Seal(b"s" * 32, "alice"), tools=frozenset({"search"}))
    listed = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "search"}, {"name": "x"}]}}
    left = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "search"}]}}
    content = json.dumps(listed).encode()
    whole = observe(PLAIN, JSON, ok=True, user="alice", editing=editing)
    assert json.loads(passed(run(whole, [content]))) == left
    stream = observe(PLAIN, EVENTS, ok=True, user="alice", editing=editing)
    assert passed(run(stream, [sse(listed)])).startswith(b"data: ")
    assert json.loads(passed(run(stream, [sse(listed)])).removeprefix(b"data: ")) == left


def test_words_that_are_no_json_pass_where_they_are_an_error_and_else_do_not() -> None:
    editing = Editing(Seal(b"s" * 32, "alice"))
    error = observe(PLAIN, TEXT, ok=False, user="alice", editing=editing)
    assert run(error, [b"gone"]) == [b"gone"]
    good = observe(PLAIN, TEXT, ok=True, user="alice", editing=editing)
    assert [type(note) for note in run(good, [b"gone"])] == [Stop]


@pytest.mark.parametrize(
    ("operation", "media", "chunk", "may"),
    [
        pytest.param(PLAIN, JSON, b"{}", True, id="nothing is looked for"),
        pytest.param(CHAT, JSON, b"{}", False, id="what is read whole"),
        pytest.param(CHAT, EVENTS, sse({"type": "text-delta"}), True, id="an event of words"),
        pytest.param(CHAT, EVENTS, sse({"conversationId": 1}), False, id="one with an id"),
        pytest.param(CHAT, EVENTS, b"data: {}\n", False, id="half an event"),
        pytest.param(LINED, LINES, jsonl({"code": 3}), True, id="a line"),
        pytest.param(LINED, JSON, jsonl({"code": 3}), False, id="what may be a first line"),
    ],
)
def test_only_what_nothing_is_looked_for_in_passes_unread(
    operation: Operation, media: MediaType, chunk: bytes, may: bool
) -> None:
    assert observe(operation, media, ok=True, user="alice").passes(chunk) is may


@pytest.mark.parametrize(("first", "may"), [(jsonl({"code": 3}), True), (b"{\n", False)])
def test_after_a_first_line_its_form_says_what_passes_unread(first: bytes, may: bool) -> None:
    observer = observe(LINED, JSON, ok=True, user="alice")
    list(observer.feed(first))
    assert observer.passes(jsonl({"code": 4})) is may
