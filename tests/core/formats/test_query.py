from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import BadRequest, UriTooLong
from gateway.core.formats import query
from gateway.core.formats.query import MAX_PARAMETERS, MAX_QUERY, parse_query
from gateway.core.profile.names import fold


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        pytest.param(b"", (), id="nothing"),
        pytest.param(b"&&", (), id="only separators"),
        pytest.param(b"a=1&b=2", (("a", "1"), ("b", "2")), id="two"),
        pytest.param(b"a", (("a", ""),), id="no value"),
        pytest.param(b"=1", (("", "1"),), id="no name"),
        pytest.param(b"a=b=c", (("a", "b=c"),), id="two equals signs"),
        pytest.param(b"a+b=c+d", (("a b", "c d"),), id="Q-02 plus"),
        pytest.param(b"user%49d=x", (("userId", "x"),), id="Q-02 encoded letter"),
        pytest.param(b"a=1;userId=bob", (("a", "1;userId=bob"),), id="Q-02 semicolon"),
        pytest.param(b"a=%2561", (("a", "%61"),), id="decoded once"),
        pytest.param(b"a=%C3%A9", (("a", "é"),), id="UTF-8"),
        pytest.param("a=é".encode(), (("a", "é"),), id="raw UTF-8"),
    ],
)
def test_decodes_a_query_once(raw: bytes, pairs: tuple[tuple[str, str], ...]) -> None:
    assert parse_query(raw) == pairs


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"a=1&a=1", id="Q-02 twice"),
        pytest.param(b"userId=alice&user%49d=bob", id="Q-02 one encoded"),
        pytest.param(b"userId=alice&user_id=bob", id="Q-02 other separator"),
        pytest.param(b"userId=alice&USERID=bob", id="Q-02 other case"),
        pytest.param(b"user+id=alice&user%20id=bob", id="Q-02 plus and %20"),
        pytest.param(b"userId=alice&userId[]=bob", id="Q-02 brackets"),
        pytest.param(b"userId=alice&userId%5B%5D=bob", id="Q-02 encoded brackets"),
        pytest.param(b"user=alice&us%E2%80%8Ber=bob", id="Q-02 zero width"),
        pytest.param(b"a=1&b=2&a", id="Q-02 without a value"),
        pytest.param(b"=1&=2", id="Q-02 no name twice"),
        pytest.param(b"a=%0d%0aX:1", id="Q-07 CR LF"),
        pytest.param(b"a=%00", id="Q-07 NUL"),
        pytest.param(b"a%00=1", id="Q-07 NUL in a name"),
        pytest.param(b"a=\x7f", id="Q-07 DEL"),
        pytest.param(b"a=%ff", id="Q-07 no UTF-8"),
        pytest.param(b"a=\xff", id="Q-07 raw, no UTF-8"),
        pytest.param(b"a=%c0%af", id="Q-07 overlong"),
        pytest.param(b"a=%ed%a0%80", id="Q-07 surrogate"),
        pytest.param(b"a=%", id="Q-07 lone percent"),
        pytest.param(b"a=%2", id="Q-07 half an escape"),
        pytest.param(b"a=%zz", id="Q-07 no escape"),
        pytest.param(b"a=x%zz", id="Q-07 no escape, further on"),
        pytest.param(b"a=x%00", id="Q-07 NUL, further on"),
        pytest.param(b"a=%u0041", id="Q-07 escape of old"),
    ],
)
def test_refuses_a_query_that_servers_read_differently(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_query(raw)


def test_refuses_a_query_beyond_any_use() -> None:
    """Q-06."""
    many = b"&".join(b"a%d=1" % i for i in range(MAX_PARAMETERS))
    assert len(parse_query(many)) == MAX_PARAMETERS
    with pytest.raises(UriTooLong):
        parse_query(many + b"&b=1")
    assert parse_query(b"a=" + b"b" * (MAX_QUERY - 2))
    with pytest.raises(UriTooLong):
        parse_query(b"a=" + b"b" * (MAX_QUERY - 1))


PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=10)
PAIRS = st.lists(st.tuples(PLAIN, PLAIN), max_size=6, unique_by=lambda pair: fold(pair[0]))


@given(PAIRS, st.sampled_from([quote, quote_plus]))
def test_reads_what_was_written(pairs: list[tuple[str, str]], write: type[str]) -> None:
    raw = "&".join(f"{write(name)}={write(value)}" for name, value in pairs)
    assert parse_query(raw.encode()) == tuple(pairs)


@given(st.binary(max_size=40) | st.text(alphabet="ab=&%+;4169[]", max_size=40).map(str.encode))
def test_any_bytes_are_refused_or_read_as_the_standard_library_does(raw: bytes) -> None:
    try:
        pairs = parse_query(raw)
    except BadRequest:
        return
    text = raw.decode("utf-8")
    expected = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    assert pairs == tuple(expected)


def test_the_limits_are_these() -> None:
    assert query.MAX_QUERY == 8192
    assert query.MAX_PARAMETERS == 100
