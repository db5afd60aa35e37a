"""What an event says, by one reading."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import AmbiguousJson, BadRequest
from gateway.core.events.callback import Callback, Said, read
from gateway.core.profile.place import Body

PLAIN = Callback(
    signature="bearer",
    kind=(Body("/type"),),
    id=(Body("/id"),),
    time=(Body("/ts"),),
    conversation=(Body("/conversation"), Body("/data/conversation")),
    user=(Body("/user"), Body("/data/user")),
    trial=(Body("/test"),),
)


def said(signed_id: str | None = None, **body: Any) -> Said:
    return read(PLAIN, json.dumps(body).encode(), signed_id)


def test_reads_what_it_says() -> None:
    found = said(type="t", id="e-1", ts=1500, conversation=7, data={"user": "alice"})
    assert (found.kind, found.source, found.time) == ("t", "id:e-1", 1.5)
    assert (found.conversation, found.user, found.is_trial) == ("7", "alice", False)


def test_what_says_nothing_is_known_by_its_bytes() -> None:
    content = b'{"a": 1}'
    found = read(PLAIN, content)
    assert found.source == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (found.kind, found.time, found.conversation, found.user) == ("event", None, None, None)


def test_a_signed_id_is_the_events() -> None:
    assert said("msg_1", id="e-1").source == "id:msg_1"


@pytest.mark.parametrize(
    "odd", ["é", "x" * 257, "a\nb", "\ud800".encode("utf-16", "surrogatepass").hex() + "\t"]
)
def test_an_id_that_cannot_be_kept_is_known_by_its_digest(odd: str) -> None:
    assert said(id=odd).source == f"sha256:{hashlib.sha256(odd.encode()).hexdigest()}"


@given(st.text(max_size=300), st.text(max_size=300))
def test_two_ids_are_two_events(one: str, other: str) -> None:
    if "" not in (one, other):
        try:
            found = said(id=one).source, said(id=other).source
        except AmbiguousJson:
            return
        assert (found[0] == found[1]) == (one == other)


def test_only_true_is_a_trial() -> None:
    assert said(test=True).is_trial
    for other in (False, 1, "true", None):
        assert not said(test=other).is_trial


@pytest.mark.parametrize(
    "body",
    [
        {"conversation": "a", "data": {"conversation": "b"}},
        {"user": "alice", "data": {"user": "bob"}},
        {"conversation": True},
        {"conversation": 1.0},
        {"user": ["alice"]},
        {"type": 7},
        {"type": "x" * 129},
        {"type": "a\nb"},
        {"ts": "1500"},
        {"ts": True},
    ],
)
def test_refuses_what_has_two_readings(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        said(**body)


def test_the_same_twice_is_one() -> None:
    assert said(user="alice", data={"user": "alice"}).user == "alice"


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b'{"a":1,"a":1}', b'{"a":NaN}'])
def test_refuses_what_is_no_object(content: bytes) -> None:
    with pytest.raises(AmbiguousJson):
        read(PLAIN, content)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"signature": "hmac_sha1"}, "field: an HMAC"),
        ({"signature": "bearer", "field": "x-sig"}, "field: bearer has"),
        ({"signature": "standard_webhooks", "prefix": "v1"}, "field: standard_webhooks has"),
        ({"signature": "bearer", "user": (Body("user"),)}, "begins with"),
    ],
)
def test_refuses_a_profile_that_contradicts_itself(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Callback(**given)


def test_an_hmac_stands_in_the_field_that_a_profile_names() -> None:
    signed = Callback(signature="hmac_sha256", field="x-signature", prefix="sha256=")
    assert (signed.field, signed.prefix) == ("x-signature", "sha256=")


TWICE = Callback(
    signature="bearer",
    kind=(Body("/type"), Body("/event/type")),
    time=(Body("/ts"), Body("/event/ts")),
    conversation=(Body("/conversation"), Body("/event/conversation")),
)


@pytest.mark.parametrize("empty", [None, ""])
def test_what_is_empty_is_not_said(empty: str | None) -> None:
    body = {"type": empty, "ts": empty, "conversation": empty, "event": {"type": "t", "ts": 2500}}
    found = read(TWICE, json.dumps(body).encode())
    assert (found.kind, found.time, found.conversation) == ("t", 2.5, None)


@pytest.mark.parametrize("name", ["type", "ts"])
def test_two_of_one_are_no_one(name: str) -> None:
    values: Any = {"type": ("a", "b"), "ts": (1, 2)}[name]
    with pytest.raises(BadRequest):
        read(TWICE, json.dumps({name: values[0], "event": {name: values[1]}}).encode())


@pytest.mark.parametrize(("length", "is_kept"), [(256, True), (257, False)])
def test_an_id_is_kept_to_256_characters(length: int, is_kept: bool) -> None:
    assert (said(id="x" * length).source == f"id:{'x' * length}") is is_kept


def test_a_kind_has_128_characters_at_most() -> None:
    assert said(type="x" * 128).kind == "x" * 128
