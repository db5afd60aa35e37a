import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import problem
from gateway.core.errors import BadRequest
from gateway.core.people.identity import Person
from gateway.core.request.idempotency import Earlier, digest, key_of, name_of, refuse

ALICE = Person("acme", "alice")
FIRST = Earlier("req-1", b"c", "conv-1")


@pytest.mark.parametrize("key", ["k", "a b", '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "x" * 255])
def test_a_key_is_what_the_client_writes(key: str) -> None:
    assert key_of([(b"idempotency-key", key.encode())]) == key
    assert key_of([(b"x-idempotency-key", key.encode())]) is None


@pytest.mark.parametrize("key", [b"", b" ", b"\xe9", b"a\tb", b"x" * 256, b"x" * 100_000])
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(BadRequest):
        key_of([(b"idempotency-key", key)])


def test_so_are_two() -> None:
    with pytest.raises(BadRequest):
        key_of([(b"idempotency-key", b"k")] * 2)


def test_whose_of_what_and_for_what_it_is_makes_another_name() -> None:
    names = [
        name_of(Person(org, subject), upstream, operation, key)
        for org, subject, upstream, operation, key in itertools.product("ab", repeat=5)
    ]
    assert len(set(names)) == 32
    assert name_of(ALICE, "u", "o", "k") == name_of(Person("acme", "alice"), "u", "o", "k")


@given(st.lists(st.binary(max_size=3), max_size=4), st.lists(st.binary(max_size=3), max_size=4))
def test_no_two_lists_of_parts_have_one_digest(one: list[bytes], two: list[bytes]) -> None:
    assert (digest(*one) == digest(*two)) is (one == two)


def test_a_digest_is_the_one_that_gateways_of_other_versions_make() -> None:
    """While a new version is rolled out, both must know what has been asked for already."""
    parts = b"\0\0\0\0\0\0\0\1a" + b"\0\0\0\0\0\0\0\2bc"
    assert digest(b"a", b"bc") == hashlib.sha256(parts).digest()


def test_a_subject_that_has_no_utf_8_has_a_name() -> None:
    assert name_of(Person("acme", "\ud800"), "u", "o", "k")


def test_a_second_one_hears_the_ids_of_the_first_and_not_to_try_again() -> None:
    answer = problem.of_error(refuse(FIRST, b"c"), None, "req-2")
    assert answer.status == 409
    fields = dict(answer.fields)
    assert fields[b"x-gateway-error"] == b"idempotency_conflict"
    assert fields[b"x-gateway-first-request-id"] == b"req-1"
    assert fields[b"x-gateway-first-conversation"] == b"conv-1"
    assert fields[b"x-should-retry"] == b"false"


def test_while_it_runs_it_has_no_conversation_yet() -> None:
    fields = dict(refuse(Earlier("req-1", b"c"), b"c").fields)
    assert b"x-gateway-first-conversation" not in fields


@pytest.mark.parametrize("conversation", ["käse", "a\r\nset-cookie: b=c", "a\0", "\x7f", " ", "a "])
def test_an_id_of_a_vendors_breaks_no_field(conversation: str) -> None:
    """S-30, G-03."""
    fields = dict(refuse(Earlier("req-1", b"c", conversation), b"c").fields)
    assert b"x-gateway-first-conversation" not in fields
    assert fields[b"x-gateway-first-request-id"] == b"req-1"


def test_a_key_for_another_request_tells_nothing_of_the_first() -> None:
    error = refuse(FIRST, b"d")
    assert "req-1" not in error.detail
    assert [name for name, _ in error.fields] == [b"x-should-retry"]
