"""Fields as bytes: hpack's decoder, which the upstreams' are like, reads what we wrote.

What is refused of an answer, `test_http2.py` tries on the wire.
"""

import pytest
from hpack import Decoder, NeverIndexedHeaderTuple
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.errors import UpstreamMalformed
from gateway.core.plan import VendorRequest
from gateway.net.http2_fields import judge, write_block

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
