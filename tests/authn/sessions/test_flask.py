"""Flask's tags mean what Flask itself reads."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flask.json.tag import TaggedJSONSerializer
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from gateway.authn.sessions.flask import FlaskFormat, untagged
from gateway.core.errors import CredentialsInvalid
from tests.authn.sessions.opened import NOW, expired, opened, refused
from tests.sessions.minting import PICKLE, flask, starlette
from tests.support.host_apps import SECRET

FORM = FlaskFormat("session", [SECRET], max_age=100.0)
FLASK = TaggedJSONSerializer()
NAMES = st.sampled_from(["user_id", "a", " t", " u", " m", " b", " d", " di", " x", " t__"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=5), st.uuids())
VALUES = st.recursive(
    LEAVES | st.text(max_size=5).map(Markup),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)


def plain(value: Any) -> Any:
    """A value in the words of JSON."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, (UUID, str)) else value


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_what_flask_writes_is_what_we_read(said: dict[str, Any]) -> None:
    written = FLASK.dumps(said)
    assert untagged(json.loads(written)) == plain(FLASK.loads(written)) == plain(said)


def test_a_name_that_looks_like_a_tag_stays_one() -> None:
    assert untagged({" di": {" di__": 7}}) == {" di": 7}


def test_bytes_and_dates_are_nobodys_name() -> None:
    said = {"user_id": b"alice", "at": datetime.now(UTC)}
    read = untagged(json.loads(FLASK.dumps(said)))
    assert isinstance(read, dict)
    assert all(isinstance(one, dict) for one in read.values())


@pytest.mark.parametrize(
    "written",
    [
        {" u": "550e8400-e29b-41d4-a716-446655440000"},
        {" u": "{550e8400e29b41d4a716446655440000}"},
        {" u": "550E8400E29B41D4A716446655440000"},
        {" u": 7},
        {" u": None},
        {" t": "7"},
        {" m": 7},
        {" di": {}},
        {" di": {"a__": 1, "b__": 2}},
        {" di": [1]},
    ],
    ids=repr,
)
def test_what_flask_never_writes_under_a_tag_is_refused(written: Any) -> None:
    with pytest.raises(CredentialsInvalid):
        untagged({"user_id": written})


@pytest.mark.parametrize("packed", [False, True])
def test_a_session_says_what_its_app_wrote(packed: bool) -> None:
    session = opened(FORM, flask(b'{"user_id":{" t":[7]}}', at=NOW, packed=packed))
    assert session.claims == {"user_id": [7]}
    assert session.expires_at == NOW + 100


def test_an_old_one_is_expired() -> None:
    assert expired(FORM, flask(b'{"user_id":7}', at=NOW - 100))


def test_another_salt_is_another_cookie() -> None:
    assert refused(FORM, flask(b"{}", at=NOW, salt="itsdangerous.Signer"))
    assert refused(FORM, starlette(b"{}", at=NOW))


@pytest.mark.parametrize("packed", [False, True])
def test_only_json_objects_are_read(packed: bool) -> None:
    """C-08."""
    for payload in (PICKLE, b"[]", b'{" t":[]}', b'{" m":"x"}', b" " * 100_000 + b"{}"):
        assert refused(FORM, flask(payload, at=NOW, packed=packed))
