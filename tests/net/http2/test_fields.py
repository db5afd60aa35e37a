"""Fields as bytes: hpack's decoder, which the upstreams' are like, reads what we wrote.

What is refused of an answer, `test_http2.py` tries on the wire.
"""

import pytest
from hpack import Decoder, Encoder, HeaderTuple, HPACKError, NeverIndexedHeaderTuple
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.errors import UpstreamMalformed
from gateway.core.request.plan import VendorRequest
from gateway.net.http2 import frames
from gateway.net.http2.fields import (
    MAX_BLOCK,
    MAX_HEAD,
    NEAR,
    PER_FIELD,
    Block,
    Blocks,
    judge,
    write_block,
)
from gateway.net.http2.frames import Cutter, Violation

POST = VendorRequest("POST", "/a?b=c", (), b"abc")
NAMES = st.from_regex(rb"\A[a-z][a-z0-9-]{0,20}\Z").filter(
    lambda name: name not in {b"host", b"te", b"expect", b"upgrade", b"connection"}
)
VALUES = st.binary(max_size=300).filter(lambda value: not set(value) & {0, 10, 13})


def read(block: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in Decoder(10**7).decode(block, raw=True)]


@given(st.lists(st.tuples(NAMES, VALUES), max_size=10))
def test_a_decoder_reads_what_was_written(fields):
    assert read(write_block(replace(POST, fields=tuple(fields)), "v.example:8443")) == [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", b"v.example:8443"),
        (b":path", b"/a?b=c"),
        *((name, value.strip(b" \t")) for name, value in fields),
        (b"content-length", b"3"),
    ]


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 254, 255, 256, 16_510, 16_511, 3_000_000])
def test_a_value_of_any_length_is_read(size):
    fields = ((b"x", b"a" * size),)
    assert read(write_block(replace(POST, fields=fields), "v"))[4] == fields[0]


def test_nothing_is_to_be_remembered_and_nothing_is():
    """RFC 7541 section 7.1: no size tells of another's request, no table holds the key."""
    decoder = Decoder()
    fields = ((b"authorization", b"Bearer key"), (b"x-external-user-id", b"alice"))
    block = write_block(replace(POST, fields=fields), "v")
    for _ in range(2):
        decoded = decoder.decode(block, raw=True)
        assert all(isinstance(one, NeverIndexedHeaderTuple) for one in decoded)
        assert len(decoder.header_table.dynamic_entries) == 0
        assert write_block(replace(POST, fields=fields), "v") == block


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [("POST", None, b"0"), ("PATCH", b"", b"0"), ("GET", None, None), ("DELETE", b"x", b"1")],
)
def test_says_how_long_the_content_is(method, content, length):
    block = write_block(replace(POST, method=method, content=content), "v")
    assert dict(read(block)).get(b"content-length") == length


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=5))
def test_whatever_comes_is_a_head_or_malformed(fields):
    for decoded in (fields, [(b":status", b"200"), *fields]):
        try:
            head = judge(decoded, "GET")
        except UpstreamMalformed:
            continue
        assert list(head.fields) == decoded[1:]
        assert not any(set(name + value) & set(b"\0\r\n") for name, value in head.fields)
        assert not any(name.lower() != name or name[:1] in {b"", b":"} for name, _ in head.fields)


def block_of(raw: bytes) -> Block:
    """What comes of it, in frames."""
    blocks = Blocks()
    for frame in Cutter().feed(frames.write_head(1, raw, last=True)):
        block = blocks.feed(frame)
    assert block is not None
    return block


@given(
    st.lists(
        st.tuples(st.sampled_from([b"x", b"y" * 90]), st.integers(0, 3 * NEAR), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    st.booleans(),
)
def test_a_head_of_fields_of_any_length_is_read_as_hpack_alone_reads_it(said, huffman):
    fields = [
        (HeaderTuple if remembered else NeverIndexedHeaderTuple)(name, b"a" * size)
        for name, size, remembered in said
    ]
    raw = Encoder().encode(fields, huffman=huffman)
    blocks, alone = Blocks(), Decoder(MAX_BLOCK)
    for _ in range(2):
        for frame in Cutter().feed(frames.write_head(1, raw, last=True)):
            block = blocks.feed(frame)
        assert block is not None
        assert block.fields == [tuple(one) for one in alone.decode(raw, raw=True)]
    ours, theirs = blocks._decoder.header_table, alone.header_table
    assert ours.dynamic_entries == theirs.dynamic_entries


@pytest.mark.parametrize("size", range(NEAR - 12, NEAR + 4))
def test_a_field_that_ends_where_the_look_ends_is_whole(size):
    raw = Encoder().encode([(b"x", b"a" * size), (b"y", b"b" * NEAR)], huffman=False)
    assert block_of(raw).fields == [(b"x", b"a" * size), (b"y", b"b" * NEAR)]


@given(
    st.binary(min_size=1, max_size=40).filter(lambda raw: raw[0] & 0xE0 != 0x20),  # a table's size
    st.integers(NEAR - 20, NEAR + 20),
)
def test_what_is_no_block_is_none_however_long(raw, size):
    for block in (raw, raw + b"\x10\x01x\x01y" * (size // 5)):
        try:
            expected = [tuple(one) for one in Decoder(MAX_BLOCK).decode(block, raw=True)]
        except HPACKError:
            with pytest.raises(Violation):
                block_of(block)
        else:
            assert block_of(block).fields == expected


@pytest.mark.parametrize(
    ("length", "whole"), [(MAX_HEAD - 33, True), (MAX_HEAD - 32, False), (3 * MAX_HEAD, False)]
)
def test_a_head_is_too_large_by_a_byte(length, whole):
    raw = Encoder().encode([NeverIndexedHeaderTuple(b"x", b"a" * length)], huffman=False)
    block = block_of(raw)
    assert block.last
    assert block.fields == ([(b"x", b"a" * length)] if whole else [])


@pytest.mark.parametrize("one", [b"\0\0\0", b"\x40\x01x\x01y", b"\x10\x01x\0"])
def test_a_block_of_many_small_fields_is_not_copied_for_each(one, monkeypatch):
    """N-13, N-22: hpack copies all that is left; of 256 KiB that held the loop up for 0.9 s."""
    copied = 0
    original = Decoder._decode_literal

    def counted(self, data, should_index):
        nonlocal copied
        copied += len(data)
        return original(self, data, should_index)

    monkeypatch.setattr(Decoder, "_decode_literal", counted)
    with pytest.raises(Violation):
        block_of(one * (MAX_BLOCK // len(one)))
    assert 0 < copied <= NEAR * (MAX_BLOCK // PER_FIELD + 1)
