"""What an object says of a person, wherever it came from."""

import math
from typing import Any

import pytest

from gateway.authn import claim_set
from gateway.core.errors import CredentialsInvalid


def anything(org: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("name", "found"),
    [("id", 1), ("a/b", 2), ("/a/b", 3), ("/list/1", "y"), ("none", None), ("/none/x", None)],
)
def test_a_name_is_literal_and_a_pointer_where_it_begins_with_a_slash(
    name: str, found: object
) -> None:
    assert claim_set.value({"id": 1, "a/b": 2, "a": {"b": 3}, "list": ["x", "y"]}, name) == found


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        pytest.param("alice", "alice", id="text"),
        pytest.param(" a b ", " a b ", id="text with blanks"),
        pytest.param("0", "0", id="a nought in text"),
        pytest.param("x" * claim_set.MAX_SUBJECT, "x" * claim_set.MAX_SUBJECT, id="the longest"),
        pytest.param(1, "1", id="the first number"),
        pytest.param(2**53, "9007199254740992", id="a large number"),
        pytest.param(None, None, id="null"),
        pytest.param(False, None, id="false"),
        pytest.param(0, None, id="nought"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_person_is_text_or_a_number_or_nobody(written: Any, subject: str | None) -> None:
    assert claim_set.subject({"id": written}, "id") == subject
    assert claim_set.subject({"id": written}, "other") is None


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(True, id="true"),
        pytest.param(-1, id="a number below nought"),
        pytest.param(0.0, id="a real nought"),
        pytest.param(1.0, id="a real number"),
        pytest.param(" ", id="a blank"),
        pytest.param("\t\n", id="blanks"),
        pytest.param("x" * (claim_set.MAX_SUBJECT + 1), id="too long"),
        pytest.param([], id="an empty list"),
        pytest.param(["alice"], id="a list"),
        pytest.param({}, id="an object"),
    ],
)
def test_what_is_no_persons_name_is_a_bad_credential(written: Any) -> None:
    with pytest.raises(CredentialsInvalid):
        claim_set.subject({"id": written}, "id")


END = claim_set.END_OF_TIME


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0),
        (1.5, 1.5),
        (-1, -1),
        (END, END),
        (-END, -END),
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.250+00:00", 0.25),
    ],
)
def test_a_moment_is_a_number_or_a_time_with_its_offset(written: Any, seconds: float) -> None:
    assert claim_set.moment(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *(True, None, "", "60", "tomorrow", [], {}, END + 1, -END - 1, math.inf, math.nan),
        pytest.param("1970-01-01T00:01:00", id="a time of nowhere"),
        pytest.param("1970-01-01", id="a date"),
    ],
)
def test_what_is_no_moment_is_a_bad_credential(written: Any) -> None:
    with pytest.raises(CredentialsInvalid):
        claim_set.moment(written)


@pytest.mark.parametrize(
    ("written", "roles"), [("one", ("one",)), (["a", "b"], ("a", "b")), (None, ()), ([], ())]
)
def test_roles_are_a_string_or_a_list(written: Any, roles: tuple[str, ...]) -> None:
    assert claim_set.roles({"roles": written}, "roles") == roles
    assert claim_set.roles({"roles": written}, None) == ()


@pytest.mark.parametrize("written", [1, True, {}, "", [""], [1], ["a", None], ["a"] * 257])
def test_other_roles_are_a_bad_credential(written: Any) -> None:
    with pytest.raises(CredentialsInvalid):
        claim_set.roles({"roles": written}, "roles")


def test_only_orgs_that_may_be_vouched_for_are_named() -> None:
    object_ = {"org": ["a", "b", 3, None], "one": "a"}
    assert claim_set.orgs(object_, "org", anything) == {"a", "b"}
    assert claim_set.orgs(object_, "org", "b".__eq__) == {"b"}
    assert claim_set.orgs(object_, "one", anything) == {"a"}
    assert claim_set.orgs(object_, "absent", anything) == frozenset()
    assert claim_set.orgs(object_, None, anything) is None


def test_nobody_is_in_more_than_256_orgs() -> None:
    assert len(claim_set.orgs({"org": [str(n) for n in range(256)]}, "org", anything) or ()) == 256
    with pytest.raises(CredentialsInvalid):
        claim_set.orgs({"org": ["a"] * 257}, "org", anything)


def test_an_actor_is_named_as_a_user_is_where_one_is_looked_for() -> None:
    assert claim_set.actor({"by": "root"}, "by") == "root"
    assert claim_set.actor({"by": {"id": 7}}, "/by/id") == "7"
    assert claim_set.actor({}, "by") is claim_set.actor({"by": None}, "by") is None
    assert claim_set.actor({"by": "root"}, None) is None
    with pytest.raises(CredentialsInvalid):
        claim_set.actor({"by": ["root"]}, "by")


def test_the_limits_are_these() -> None:
    assert (claim_set.MAX_ROLES, claim_set.MAX_ORGS, claim_set.MAX_SUBJECT) == (256, 256, 512)
    assert claim_set.END_OF_TIME == 253_402_300_799  # 9999-12-31T23:59:59Z
