import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer.note import MAX_HELD, Note, Stop
from gateway.core.answer.whole import Whole
from gateway.core.errors import UpstreamMalformed
from gateway.core.formats.strictjson import JsonValue


def written_anew(document: JsonValue, content: bytes) -> Iterable[Note]:
    return (json.dumps(document).encode() + b" of %d" % len(content),)


def notes(content: bytes, *, must_parse: bool) -> list[Note]:
    whole = Whole(written_anew, must_parse=must_parse)
    assert not whole.passes(content)
    assert list(whole.feed(content)) == []
    return list(whole.end())


@given(st.lists(st.binary(max_size=4), max_size=6))
def test_any_cut_of_an_answer_reads_alike(head: list[bytes]) -> None:
    pieces = [b'{"a":"', *(piece.hex().encode() for piece in head), b'"}']
    whole = Whole(written_anew, must_parse=True)
    assert [note for piece in pieces for note in whole.feed(piece)] == []
    assert list(whole.end()) == notes(b"".join(pieces), must_parse=True)


def test_what_is_read_is_what_goes_on() -> None:
    assert notes(b'{"a": 1}', must_parse=True) == [b'{"a": 1} of 8']


@pytest.mark.parametrize("must_parse", [True, False])
def test_of_nothing_nothing_is_read(must_parse: bool) -> None:
    assert notes(b"", must_parse=must_parse) == []


def test_what_is_no_json_ends_the_answer_where_it_must_be() -> None:
    (stop,) = notes(b"<html>", must_parse=True)
    assert isinstance(stop, Stop)
    assert isinstance(stop.error, UpstreamMalformed)


def test_what_is_no_json_and_need_not_be_goes_on_as_it_came() -> None:
    assert notes(b"<html>", must_parse=False) == [b"<html>"]


def test_four_mebibytes_are_held_and_no_byte_more() -> None:
    whole = Whole(written_anew, must_parse=False)
    assert list(whole.feed(b"x" * MAX_HELD)) == []
    (stop,) = whole.feed(b"x")
    assert isinstance(stop, Stop)


def test_nothing_of_ours_stands_between() -> None:
    assert Whole(written_anew, must_parse=True).interject(b"{}", "x") == b""
