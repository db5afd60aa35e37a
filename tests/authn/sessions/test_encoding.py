"""One session, one spelling, and a bound."""

import base64
import contextlib
import time
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.authn.sessions.encoding import (
    MAX_COOKIE,
    MAX_SESSION,
    base64_padded,
    base64url,
    check_size,
    inflated,
    json_object,
)
from gateway.core.errors import CredentialsInvalid


@given(st.binary(max_size=200))
@example(b"a/W")  # ends in an X
def test_bytes_come_back_as_they_were(raw: bytes) -> None:
    assert base64url(base64.urlsafe_b64encode(raw).decode().rstrip("=")) == raw
    assert base64_padded(base64.b64encode(raw).decode()) == raw


@given(st.text(alphabet="AQgw-_+/=. \n\xe9", max_size=12))
def test_no_other_spelling_is_read(text: str) -> None:
    for read, write in (
        (base64url, lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=")),
        (base64_padded, base64.b64encode),
    ):
        try:
            raw = read(text)
        except CredentialsInvalid:
            continue
        assert write(raw).decode() == text


@given(st.binary(max_size=500), st.integers(0, 9))
def test_what_is_compressed_comes_back(raw: bytes, level: int) -> None:
    packed = zlib.compress(raw, level)
    assert inflated(packed) == raw
    for wrong in (packed[:-1], packed + b"\0", packed + packed, b"\0" + packed):
        with pytest.raises(CredentialsInvalid):
            inflated(wrong)


@given(st.binary(max_size=100))
def test_no_bytes_make_it_fail_otherwise(raw: bytes) -> None:
    for read in (inflated, json_object):
        with contextlib.suppress(CredentialsInvalid):
            read(raw)


def test_a_bomb_is_left_packed() -> None:
    """C-08."""
    bomb = zlib.compress(b" " * 100_000_000)
    started = time.process_time()
    with pytest.raises(CredentialsInvalid, match="larger than 64 KiB"):
        inflated(bomb)
    assert time.process_time() - started < 0.05
    assert len(inflated(zlib.compress(b" " * MAX_SESSION))) == MAX_SESSION


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"7", b"null", b"", b'{"a":1,"a":2}', b'{"a":NaN}'])
def test_a_session_is_an_object_that_all_parsers_read_alike(raw: bytes) -> None:
    with pytest.raises(CredentialsInvalid):
        json_object(raw)


def test_a_cookie_has_a_size() -> None:
    check_size("x" * MAX_COOKIE)
    with pytest.raises(CredentialsInvalid):
        check_size("x" * (MAX_COOKIE + 1))


def test_the_limits_are_these() -> None:
    assert (MAX_COOKIE, MAX_SESSION) == (16_384, 65_536)
