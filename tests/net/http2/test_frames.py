"""Frames are cut alike however the network cut the bytes; `test_http2.py` tries what is wrong."""

import hyperframe.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.net.http2 import frames
from gateway.net.http2.frames import Cutter, Frame, Violation, content_of, write, write_head

FRAMES = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 2**31 - 1),
    st.binary(max_size=50),
)


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(1, 40), max_size=20))
def test_any_cut_of_the_bytes_gives_the_same_frames(written, cuts):
    raw = b"".join(write(*frame) for frame in written)
    cutter = Cutter()
    found: list[Frame] = []
    for size in (*cuts, len(raw)):
        found += cutter.feed(raw[:size])
        raw = raw[size:]
    assert found == written


@given(st.binary(max_size=200))
def test_whatever_comes_is_frames_or_a_violation(raw):
    try:
        found = list(Cutter().feed(raw))
    except Violation:
        return
    size = sum(9 + len(frame.payload) for frame in found)
    assert size <= len(raw)
    assert list(Cutter().feed(raw[:size])) == found


@pytest.mark.parametrize("size", [0, 1, frames.MAX_PAYLOAD])
def test_a_frame_may_be_as_large_as_everybody_must_take(size):
    (frame,) = Cutter().feed(write(frames.DATA, 0, 1, b"x" * size))
    assert len(frame.payload) == size


def test_no_frame_is_larger_and_none_is_waited_for_that_would_be():
    with pytest.raises(Violation):
        list(Cutter().feed(write(frames.DATA, 0, 1, b"x" * (frames.MAX_PAYLOAD + 1))[:9]))


@given(st.binary(max_size=100), st.integers(0, 255), st.booleans())
def test_padding_and_priority_are_taken_off(content, padding, with_priority):
    """As hyperframe, which is another's, writes them."""
    flags = {"PADDED", "END_HEADERS"} | ({"PRIORITY"} if with_priority else set())
    written = hyperframe.frame.HeadersFrame(1, content, flags=flags, pad_length=padding)
    (frame,) = Cutter().feed(written.serialize())
    assert content_of(frame) == content


@pytest.mark.parametrize(
    ("kind", "flags", "payload"),
    [
        (frames.DATA, frames.PADDED, b""),
        (frames.DATA, frames.PADDED, b"\1"),
        (frames.DATA, frames.PADDED, b"\4abc"),
        (frames.HEADERS, frames.PRIORITY, b"1234"),
        (frames.HEADERS, frames.PADDED | frames.PRIORITY, b"\1123456"[:6]),
    ],
)
def test_padding_that_is_more_than_there_is_is_refused(kind, flags, payload):
    with pytest.raises(Violation):
        content_of(Frame(kind, flags, 1, payload))


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 40_000])
@pytest.mark.parametrize("last", [False, True])
def test_a_head_goes_on_where_it_does_not_fit(size, last):
    block = bytes(range(256)) * (size // 256 + 1)
    found = list(Cutter().feed(write_head(3, block[:size], last=last)))
    assert b"".join(content_of(frame) for frame in found) == block[:size]
    assert [frame.kind for frame in found] == [
        frames.HEADERS,
        *[frames.CONTINUATION] * (len(found) - 1),
    ]
    assert [bool(frame.flags & frames.END_HEADERS) for frame in found] == [
        *[False] * (len(found) - 1),
        True,
    ]
    assert bool(found[0].flags & frames.END_STREAM) is last
    assert {frame.stream for frame in found} == {3}
