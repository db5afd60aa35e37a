import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.net.upstream.field_lines import NoField, Remembered, field_lines


def test_writes_a_line_for_each_field() -> None:
    assert field_lines([(b"a", b"1"), (b"b-c", b""), (b"d", b"x\ty \xff")]) == (
        b"a: 1\r\nb-c: \r\nd: x\ty \xff\r\n"
    )
    assert field_lines([]) == b""


@pytest.mark.parametrize("code", [*range(9), *range(10, 32), 127])
def test_writes_no_value_with_a_control_character(code: int) -> None:
    with pytest.raises(NoField):
        field_lines([(b"a", b"b%cc" % code)])


@pytest.mark.parametrize("name", [b"a b", b"a:", b"a\r\nb", b"a\t", b"(a)", b"a\x00", b'"'])
def test_writes_no_name_that_is_none(name: bytes) -> None:
    with pytest.raises(NoField):
        field_lines([(b"good", b"1"), (name, b"1")])


@pytest.mark.parametrize("value", [b"1\r\nset-cookie: a=b", b"1\r\n\r\nbody", b"\n", b"\r"])
def test_one_field_is_never_two(value: bytes) -> None:
    with pytest.raises(NoField):
        field_lines([(b"a", value)])


NAMES = st.binary(max_size=3) | st.text("ab-:\r\n ", max_size=3).map(str.encode)
VALUES = st.binary(max_size=4) | st.text("a:\r\n\t ", max_size=5).map(str.encode)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_what_is_written_is_read_as_it_was_meant(fields: list[tuple[bytes, bytes]]) -> None:
    try:
        written = field_lines(fields)
    except NoField:
        bad = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
        no_name = re.compile(rb'[\x00-\x20\x7f()<>@,;:\\\[\]={}"]')
        assert any(no_name.search(name) or bad.search(value) for name, value in fields)
        return
    lines = written.split(b"\r\n")[:-1]
    assert [tuple(line.split(b": ", 1)) for line in lines] == fields


def test_remembers_lines_for_as_long_as_the_fields_are_the_same() -> None:
    remembered, first, second = Remembered(), [(b"date", b"1")], [(b"date", b"2")]
    assert remembered.lines(first) is remembered.lines(first)
    assert remembered.lines(second) == b"date: 2\r\n"
    assert remembered.lines(first) == b"date: 1\r\n"
