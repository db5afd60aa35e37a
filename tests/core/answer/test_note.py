import json

import pytest

from gateway.core.answer.note import MAX_HELD, Costs, Names, Note, Opens, Reader, Stop
from gateway.core.people.seal import handle
from gateway.core.profile.vendor import Body, Header, Operation

SAY = Operation(
    method="POST",
    path="/say",
    members=frozenset({"message"}),
    opens=(Body("/id"), Body("/data/id"), Header("x-conversation")),
    answers_user=(Body("/user"), Body("/list/*/user")),
    usage=(Body("/usage"), Body("/tokens/total")),
)
NOTHING = Operation(method="GET", path="/ping")


def read(document: object, *, known: tuple[str, ...] = ()) -> list[Note]:
    return list(Reader(SAY, "alice", known).read_event(json.dumps(document).encode()))


@pytest.mark.parametrize(
    ("document", "notes"),
    [
        pytest.param({"id": "c-1"}, [Opens("c-1")], id="an id"),
        pytest.param({"data": {"id": 7}}, [Opens("7")], id="an integer is its text"),
        pytest.param({"id": "c-1", "data": {"id": "c-1"}}, [Opens("c-1")], id="twice the same"),
        pytest.param({"id": "a", "data": {"id": "b"}}, [Opens("a"), Opens("b")], id="two"),
        pytest.param({"id": "c-1", "user": "alice"}, [Opens("c-1")], id="the user we wrote"),
        pytest.param({"list": [{"user": "alice"}, {"user": None}]}, [], id="a list of mine"),
        pytest.param({"usage": {"credits": 2}}, [Costs({"credits": 2})], id="an object of amounts"),
        pytest.param(
            {"usage": {"credits": 9, "by_model": {"a": {"credits": 2}, "credits": 4}}},
            [Costs({"credits": 9})],
            id="a whole before its parts",
        ),
        pytest.param({"tokens": {"total": 7}}, [Costs({"total": 7})], id="one amount"),
        pytest.param({"tokens": {"other": 7}}, [], id="an amount nobody asked for"),
        pytest.param({"usage": {"plan": "pro", "ok": True}}, [], id="no amounts"),
        pytest.param(
            {"usage": {"x" * 64: 1, "x" * 65: 1, "y" * 1_000_000: 1}},
            [Costs({"x" * 64: 1})],
            id="N-13 a name without end is none of a cost",
        ),
        pytest.param(
            {"usage": {"a": 10**4000, "b": -(10**400), "c": 1e308, "d": 2**53}},
            [Costs({"d": 2**53})],
            id="N-13 nor is a page of digits an amount",
        ),
        pytest.param({"usage": {"a": -1, "b": -0.5, "c": 0}}, [Costs({"c": 0})], id="a refund"),
        pytest.param({"tokens": {"total": float("nan")}}, [], id="no number"),
        pytest.param({"other": {"id": "c-1"}}, [], id="an id elsewhere"),
        pytest.param([{"id": "c-1"}], [], id="a list"),
        pytest.param(7, [], id="a number"),
    ],
)
def test_tells_what_stands_where_the_operation_says(document: object, notes: list[Note]) -> None:
    assert read(document) == notes


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"c-1","id":"c-2"}',
        '{"id":"c-1","x":1,"id":"c-1"}',
        '{"\\u0069d":"c-1","id":"c-2"}',
        '{"id":"c-1","\\u0069\\u0064":"c-2"}',
        '{"data":{"id":"c-1"},"data":{}}',
        '{"data":{"id":"c-1"},"d\\u0061ta":{"id":"c-2"}}',
        '{"data":{"id":"c-1","id":"c-2"}}',
        '{"user":"bob","user":"alice"}',
        '{"list":[{"user":"bob","user":"alice"}]}',
        '{"list":[{"user":"bob"}],"list":[]}',
        '{"user":{"a":1},"user":"alice"}',
        '\ufeff{"user":"bob","user":"alice"}',
        '{"n":' + "9" * 5000 + ',"user":"bob","user":"alice"}',
    ],
)
def test_what_an_answer_says_twice_is_for_nobody_to_choose_from(text: str) -> None:
    """L-13: some parsers take the first of two members."""
    reader = Reader(SAY, "alice", ())
    (note,) = reader.read_event(text.encode())
    assert isinstance(note, Stop)


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"c-1","other":{"id":"x"},"list":[{"user":"alice"},{"user":"alice"}]}',
        '{"id":"c-1","title":"a","title":"b","x":"\\u0069"}',
        '{"id":"c-1","say":"\\"id\\"","s":"id","usage":{"id":1}}',
        '{"usage":{"credits":1},"usage":{"credits":1}}',
    ],
)
def test_what_is_said_twice_elsewhere_is_nobodys_business(text: str) -> None:
    for note in Reader(SAY, "alice", ()).read_event(text.encode()):
        assert not isinstance(note, Stop)


@pytest.mark.parametrize("document", [{"id": "c-9", "user": "bob"}, {"list": [{"user": "bob"}]}])
def test_tells_of_another_user_before_anything_is_opened(document: object) -> None:
    assert read(document)[0] == Names("bob")


def test_asks_for_each_name_once() -> None:
    document = {"list": [{"user": "bob"}, {"user": "alice"}, {"user": "bob"}, {"user": "eve"}]}
    assert read(document) == [Names("bob"), Names("eve")]


@pytest.mark.parametrize(
    ("place", "data"),
    [
        pytest.param("/users/*", b'{"users":["alice","bob"]}', id="an item of a list"),
        pytest.param("/users/1", b'{"users":["alice","bob"]}', id="an item by its number"),
        pytest.param("/*", b'["bob"]', id="an item of the document"),
        pytest.param("/*/*", b'[["bob"]]', id="an item of an item"),
        pytest.param("/a~1b", b'{"a\\/b":"bob"}', id="a slash, as PHP escapes it"),
        pytest.param('/a"b', b'{"a\\"b":"bob"}', id="a quote"),
        pytest.param("/a~1b/*", b'{"a/b":["bob"]}', id="an item of what has a slash"),
        pytest.param("/\u00fcser", '{"\u00fcser":"bob"}'.encode(), id="a letter of others"),
        pytest.param("/list/*/user-1", b'{"list":[{"user-1":"bob"}]}', id="a hyphen"),
        pytest.param("/USER_", b'{"USER_":"bob"}', id="capitals"),
        pytest.param("/7/user", b'{"7":{"user":"bob"}}', id="a number is a name too"),
    ],
)
def test_another_user_is_seen_in_an_event_wherever_a_place_may_lead(
    place: str, data: bytes
) -> None:
    operation = Operation(method="GET", path="/x", answers_user=(Body(place),))
    (note,) = Reader(operation, "alice", ()).read_event(data)
    assert isinstance(note, Names)


@pytest.mark.parametrize("value", [None, "", True, 1.5, [], {}, ["c-1"]])
def test_what_is_no_id_names_nothing(value: object) -> None:
    assert read({"id": value, "user": value}) == []


def test_what_the_request_named_is_open_already() -> None:
    assert read({"id": "c-1"}, known=("c-1",)) == []
    assert read({"id": "c-2"}, known=("c-1",)) == [Opens("c-2")]


def test_waits_until_a_conversation_is_known() -> None:
    reader = Reader(SAY, "alice", ())
    assert reader.waits
    list(reader.read({"id": "c-1"}))
    assert not reader.waits
    assert not Reader(SAY, "alice", ("c-1",)).waits
    assert not Reader(NOTHING, "alice", ()).waits


def test_waits_to_the_end_where_an_answer_names_people_and_opens_nothing() -> None:
    """I-12, L-13: a list of another's would be out before the last item is read."""
    listed = Operation(method="GET", path="/list", answers_user=(Body("/list/*/user"),))
    reader = Reader(listed, "alice", ())
    assert reader.waits
    list(reader.read({"list": [{"user": "alice"}]}))
    assert reader.waits


@pytest.mark.parametrize("data", [b"[DONE]", b'{"delta":', b"", b"id", b"\xff"])
def test_what_is_no_json_tells_nothing(data: bytes) -> None:
    assert list(Reader(SAY, "alice", ()).read_event(data)) == []


@pytest.mark.parametrize("data", [b'{"id":', b'"id":"c-1"}', b'{"\\u0069d":', b"{'a':1,\"id\":2}"])
def test_what_may_name_a_conversation_and_is_no_json_stops(data: bytes) -> None:
    """I-04, I-08: whoever reads it otherwise than we do might find an id in it."""
    assert [type(note) for note in Reader(SAY, "alice", ()).read_event(data)] == [Stop]
    for other in (Reader(SAY, "alice", ("c-1",)), Reader(SAY, "alice", (), ok=False)):
        assert list(other.read_event(data)) == []


def test_a_name_in_escapes_is_read() -> None:
    assert list(Reader(SAY, "alice", ()).read_event(b'{"\\u0069d":"c-1"}')) == [Opens("c-1")]


def test_where_nothing_is_looked_for_nothing_is_read() -> None:
    reader = Reader(NOTHING, "alice", ())
    assert not reader.sought.checks
    assert list(reader.read_event(b'{"id":"c-1","user":"bob"}')) == []


def test_looks_where_an_id_or_a_user_may_stand() -> None:
    by_id = Operation(method="GET", path="/x", opens=(Body("/id"),))
    by_user = Operation(method="GET", path="/x", answers_user=(Body("/user"),))
    by_cost = Operation(method="GET", path="/x", usage=(Body("/usage"),))
    assert Reader(by_id, "alice", ()).sought.checks
    assert Reader(by_user, "alice", ()).sought.checks
    assert not Reader(by_cost, "alice", ()).sought.checks


def test_an_id_in_the_middle_of_another_name_is_not_read() -> None:
    """Deltas of OpenAI's responses have an `item_id`: reading each costs 16 µs."""
    reader = Reader(Operation(method="GET", path="/x", opens=(Body("/id"),)), "alice", ())
    assert list(reader.read_event(b'{"item_id":"c-1","i\\\\d":1')) == []
    assert list(reader.read_event(b'{"item_id":"i","id" : "c-1"}')) == [Opens("c-1")]


@pytest.mark.parametrize(("named", "opened"), [("a b", []), ("s-1", [Opens(handle("s-1"))])])
def test_what_nobody_could_ask_a_server_of_tools_for_is_not_opened(
    named: str, opened: list[Note]
) -> None:
    operation = Operation(method="POST", path="/mcp", mcp=True, opens=(Body("/id"),))
    assert Reader(operation, "alice", ()).read({"id": named}) == opened


def test_the_limits_are_these() -> None:
    assert MAX_HELD == 4_194_304
