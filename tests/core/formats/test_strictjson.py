import json
import time
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import AmbiguousJson
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import MAX_DEPTH, MAX_INTEGER, JsonValue, dumps, loads, same
from tests.support.corpora import corpus

# Valid by RFC 8259, and refused: RFC 7493 section 2.3 asks for unique names.
VALID_BUT_AMBIGUOUS = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


def accepts(raw: bytes) -> bool:
    try:
        loads(raw)
    except AmbiguousJson:
        return False
    return True


def seconds(raw: bytes) -> float:
    """CPU time of the best of three attempts: a collection of garbage may fall into one."""
    spent = []
    for _ in range(3):
        start = time.thread_time()
        accepts(raw)
        spent.append(time.thread_time() - start)
    return min(spent)


def suite(kind: str) -> list[Path]:
    files = sorted(corpus("JSONTestSuite/test_parsing").glob(f"{kind}_*.json"))
    assert files
    return files


def test_refuses_every_text_that_is_no_json() -> None:
    assert [file.name for file in suite("n") if accepts(file.read_bytes())] == []


def test_accepts_every_json_text_but_those_with_a_name_twice() -> None:
    refused = {file.name for file in suite("y") if not accepts(file.read_bytes())}
    assert refused == VALID_BUT_AMBIGUOUS


def test_reads_accepted_texts_as_python_does() -> None:
    for file in suite("y"):
        raw = file.read_bytes()
        if accepts(raw):
            assert json.loads(dumps(loads(raw))) == json.loads(raw), file.name


def test_decides_on_every_text_that_parsers_are_free_to_take() -> None:
    for file in suite("i"):
        accepts(file.read_bytes())


def nested(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


NESTS = [
    pytest.param("[", "]", id="arrays"),
    pytest.param('{"a":', "}", id="objects"),
    pytest.param('[{"a":', "}]", id="mixed"),
]


@pytest.mark.parametrize(("opening", "closing"), NESTS)
def test_takes_what_is_nested_as_deep_as_allowed(opening: str, closing: str) -> None:
    levels = MAX_DEPTH // (opening.count("[") + opening.count("{"))
    assert accepts(nested(levels, opening, closing))
    assert not accepts(b"[" + nested(levels, opening, closing) + b"]")


def test_brackets_in_texts_are_no_nesting() -> None:
    assert accepts(json.dumps({"message": "[{" * 1000}).encode())
    assert accepts(json.dumps("[" * 1000).encode())
    assert accepts(json.dumps([[] for _ in range(1000)]).encode())


@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), NESTS)
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "left open"])
def test_refuses_deep_nesting_quickly(opening: str, closing: str, depth: int, closed: bool) -> None:
    """B-09."""
    raw = nested(depth, opening, closing) if closed else (opening * depth).encode()
    assert not accepts(raw)
    assert seconds(raw) < 0.05


REFUSED = {
    "B-02 duplicate member": b'{"userId":"alice","userId":"bob"}',
    "B-02 the other way round": b'{"userId":"bob","userId":"alice"}',
    "B-02 one escaped": rb'{"userId":"alice","user\u0049d":"bob"}',
    "B-02 both escaped": rb'{"\u0061":1,"\u0061":1}',
    "B-02 one level down": b'{"a":{"b":1,"b":2}}',
    "B-02 in an array": b'[{"a":1},{"a":1,"a":1}]',
    "B-02 empty names": b'{"":1,"":2}',
    "B-03 conversationId": b'{"conversationId":"a","message":"x","conversationId":"b"}',
    "B-03 stream": b'{"stream":true,"stream":false}',
    "B-06 BOM": b'\xef\xbb\xbf{"a":1}',
    "B-06 UTF-16 with BOM": '{"a":1}'.encode("utf-16"),
    "B-06 UTF-16 LE": '{"a":1}'.encode("utf-16-le"),
    "B-06 UTF-16 BE": '{"a":1}'.encode("utf-16-be"),
    "B-06 UTF-32": '{"a":1}'.encode("utf-32"),
    "B-06 UTF-32 LE": '{"a":1}'.encode("utf-32-le"),
    "B-06 UTF-7 BOM": b'+/v8-{"a":1}',
    "B-06 Latin-1": '{"a":"é"}'.encode("latin-1"),
    "B-06 overlong slash": b'{"a":"\xc0\xaf"}',
    "B-06 overlong NUL": b'{"a":"\xc0\x80"}',
    "B-06 CESU surrogates": b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}',
    "B-06 beyond Unicode": b'{"a":"\xf4\x90\x80\x80"}',
    "B-06 cut short": b'{"a":"\xe2\x82"}',
    "B-08 NaN": b'{"a":NaN}',
    "B-08 Infinity": b'{"a":Infinity}',
    "B-08 -Infinity": b'{"a":-Infinity}',
    "B-08 1e999": b'{"a":1e999}',
    "B-08 -1e999": b'{"a":-1e999}',
    "B-08 5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "B-08 2**53": b'{"a":9007199254740992}',
    "B-08 2**53 + 1": b'{"a":9007199254740993}',
    "B-08 -2**53": b'{"a":-9007199254740992}',
    "B-08 2**64": b'{"a":18446744073709551616}',
    "B-08 leading zero": b'{"a":01}',
    "B-08 -01": b'{"a":-01}',
    "B-08 no fraction": b'{"a":1.}',
    "B-08 no integer": b'{"a":.1}',
    "B-08 plus": b'{"a":+1}',
    "B-08 hexadecimal": b'{"a":0x1}',
    "B-08 underscore": b'{"a":1_0}',
    "B-08 Arabic digit": '{"a":\u0661}'.encode(),
    "B-11 second object": b'{"a":1}{"a":2}',
    "B-11 NDJSON": b'{"a":1}\n{"a":2}\n',
    "B-11 NUL": b'{"a":1}\0',
    "B-11 bracket": b'{"a":1}]',
    "B-11 comma": b'{"a":1},',
    "B-11 comment": b'{"a":1}//x',
    "B-11 block comment": b'{"a":/*x*/1}',
    "B-11 trailing comma": b'{"a":1,}',
    "B-11 form feed": b'{"a":1}\x0c',
    "B-11 no-break space": '{"a":1}\u00a0'.encode(),
    "B-11 line separator": '\u2028{"a":1}'.encode(),
    "B-12 raw NUL": b'{"a":"\0"}',
    "B-12 raw newline": b'{"a":"\n"}',
    "B-12 raw tab in a name": b'{"\t":1}',
    "B-12 lone high surrogate": rb'{"a":"\ud83d"}',
    "B-12 lone low surrogate": rb'{"a":"\ude00"}',
    "B-12 surrogates the wrong way round": rb'{"a":"\ude00\ud83d"}',
    "B-12 lone surrogate in a name": rb'{"\uD83D":1}',
    "B-12 lone surrogate deep down": rb'{"a":[{"b":["\ud83dx"]}]}',
    "B-13 empty": b"",
    "B-13 white space": b" \n\t",
    "single quotes": b"{'a':1}",
    "bare name": b"{a:1}",
    "bad escape": rb'{"a":"\x41"}',
    "short escape": rb'{"a":"\u41"}',
    "unfinished": b'{"a":',
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=list(REFUSED))
def test_refuses_a_body_two_parsers_could_read_differently(raw: bytes) -> None:
    with pytest.raises(AmbiguousJson):
        loads(raw)


ACCEPTED: dict[str, tuple[bytes, JsonValue]] = {
    "B-08 largest integer": (b"9007199254740991", MAX_INTEGER),
    "B-08 smallest integer": (b"-9007199254740991", -MAX_INTEGER),
    "B-08 real": (b"1.5e3", 1500.0),
    "B-08 underflow": (b"1e-400", 0.0),
    "B-12 escaped control character": (rb'"\u0000\n"', "\0\n"),
    "B-12 surrogate pair": (rb'"\ud83d\ude00"', "\U0001f600"),
    "B-13 array": (b"[1]", [1]),
    "B-13 text": (b'"x"', "x"),
    "B-13 null": (b"null", None),
    "B-17 prototype names": (b'{"__proto__":{"a":1}}', {"__proto__": {"a": 1}}),
    "B-24 escapes": (rb'"\u003c\/\u2028"', "</\u2028"),
    "names that differ in case": (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
    "one name at two levels": (b'{"a":{"a":1}}', {"a": {"a": 1}}),
    "white space around": (b' \t\r\n{ "a" : 1 }\n ', {"a": 1}),
    "DEL": (b'"\x7f"', "\x7f"),
}


@pytest.mark.parametrize(("raw", "value"), ACCEPTED.values(), ids=list(ACCEPTED))
def test_reads_what_all_parsers_read_alike(raw: bytes, value: JsonValue) -> None:
    assert loads(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"-0", id="B-08 minus zero"),
        pytest.param(b"-0.0", id="B-08 minus zero as a real"),
        pytest.param(b"0", id="zero"),
        pytest.param(b"9007199254740991", id="largest"),
        pytest.param(b"-9007199254740991", id="smallest"),
        pytest.param(b"1.5", id="real"),
        pytest.param(b'{"a":[1,true,null,"x",{}]}', id="everything"),
    ],
)
def test_passes_on_digit_by_digit(raw: bytes) -> None:
    assert dumps(loads(raw)) == raw


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"' + b"a" * 1_000_000 + b'":1}', id="a name of 1 MB"),
        pytest.param(b'"' + b"a" * 1_000_000 + b'"', id="a text of 1 MB"),
        pytest.param(b'"' + rb"\u0041" * 170_000 + b'"', id="a text of escapes"),
        pytest.param(b'"' + b"\\" * 1_000_000, id="nothing but escapes"),
        pytest.param(b'"' + b"a" * 1_000_000, id="a text without an end"),
        pytest.param(b"0." + b"1" * 1_000_000, id="a million digits of a fraction"),
        pytest.param(b"1" * 1_000_000, id="a million digits of an integer"),
        pytest.param(b"1e" + b"9" * 1_000_000, id="a million digits of an exponent"),
        pytest.param(b" " * 1_000_000 + b"1" + b" " * 1_000_000, id="white space"),
        pytest.param(b"[" + b"[]," * 300_000 + b"[]]", id="a wide array"),
        pytest.param(
            b"{" + b",".join(b'"%d":1' % i for i in range(80_000)) + b"}", id="B-10 many members"
        ),
        pytest.param(b"{" + b'"a":1,' * 160_000 + b'"a":1}', id="B-10 one member many times"),
    ],
)
def test_a_body_of_the_largest_size_costs_little(raw: bytes) -> None:
    """N-09: linear in the input, whatever it is."""
    assert seconds(raw) < 1.0


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=25,
)


@given(DOCUMENTS, st.booleans())
def test_what_was_written_is_read_again(document: JsonValue, escaped: bool) -> None:
    """B-23: order, reals, texts and integers come out as they went in."""
    raw = json.dumps(document, ensure_ascii=escaped).encode()
    again = json.loads(dumps(loads(raw)))
    assert again == document
    assert repr(again) == repr(json.loads(raw))


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789-+.eE\\u tfn', max_size=60))
def test_any_bytes_are_read_or_refused_and_read_as_others_read_them(raw: bytes | str) -> None:
    raw = raw.encode() if isinstance(raw, str) else raw
    try:
        value = loads(raw)
    except AmbiguousJson:
        return
    assert msgspec.json.decode(raw) == msgspec.json.decode(dumps(value))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        pytest.param(b'{"a":1}', {"a": 1}, id="plain"),
        pytest.param(b'{"a":1,"a":2}', {"a": 2}, id="duplicate"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', {"a": 1}, id="BOM"),
        pytest.param(b'{"a":"\xff","b":1}', {"a": "\ufffd", "b": 1}, id="bytes that are no UTF-8"),
        pytest.param(rb'{"a":"\ud83d"}', {"a": "\ud83d"}, id="half a pair"),
        pytest.param(b'{"a":1e999}', {"a": float("inf")}, id="too large"),
    ],
)
def test_reads_leniently_what_a_browser_would_read(raw: bytes, value: JsonValue) -> None:
    assert strictjson.loads_leniently(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"[" * 100_000, id="a nesting bomb"),
        pytest.param(b'{"a":1}x', id="trailing data"),
        pytest.param(b"9" * 5000, id="digits without end"),
    ],
)
def test_says_when_an_answer_is_no_json_at_all(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        strictjson.loads_leniently(raw)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (0.5, 0.5, True),
        (True, True, True),
        (None, None, True),
        ("a", "a", True),
        (1, True, False),
        (0, False, False),
        (1.0, True, False),
        (1, "1", False),
        (None, False, False),
        (None, "", False),
        ("A", "a", False),
        ([], "x", False),
        ({}, None, False),
    ],
)
def test_scalars_are_the_same_as_json_has_it(
    left: JsonValue, right: JsonValue, equal: bool
) -> None:
    assert same(left, right) is equal
    assert same(right, left) is equal


def test_an_integer_beyond_any_use_is_told_what_it_is() -> None:
    """Python itself gives up at 4,300 digits, with other words."""
    with pytest.raises(AmbiguousJson, match="integer"):
        loads(b"9" * 5000)


def test_every_kind_of_bracket_counts_as_depth() -> None:
    half = MAX_DEPTH // 2
    deepest = b'[{"a":' * half + b"1" + b"}]" * half
    assert dumps(loads(deepest)) == deepest
    with pytest.raises(AmbiguousJson, match="deep"):
        loads(b"[" + deepest + b"]")


def test_the_limits_are_these() -> None:
    assert strictjson.MAX_DEPTH == 64
    assert strictjson.MAX_INTEGER == 9_007_199_254_740_991


@pytest.mark.parametrize("item", [b"{}", b'{"a":1}', b'{"a":{"b":1}}', b'{"a":1,"b":2}'])
def test_looking_for_what_is_said_twice_keeps_nothing_of_an_answer(item: bytes) -> None:
    """Rows N-09 and N-22: a million small objects are a hundred times their text in memory."""
    text = b"[" + b",".join([item] * 20_000) + b"]"
    tracemalloc.start()
    try:
        assert not strictjson.says_twice(text, {"a"})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12 * len(text)
