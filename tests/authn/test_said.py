"""What an object says of a person, wherever it came from."""

from typing import Any

import pytest

from gateway.authn import said
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
    assert said.value({"id": 1, "a/b": 2, "a": {"b": 3}, "list": ["x", "y"]}, name) == found


@pytest.mark.parametrize(
    ("written", "roles"), [("one", ("one",)), (["a", "b"], ("a", "b")), (None, ()), ([], ())]
)
def test_roles_are_a_string_or_a_list(written: Any, roles: tuple[str, ...]) -> None:
    assert said.roles({"roles": written}, "roles") == roles
    assert said.roles({"roles": written}, None) == ()


@pytest.mark.parametrize("written", [1, True, {}, "", [""], [1], ["a", None], ["a"] * 257])
def test_other_roles_are_a_bad_credential(written: Any) -> None:
    with pytest.raises(CredentialsInvalid):
        said.roles({"roles": written}, "roles")


def test_only_orgs_that_may_be_vouched_for_are_named() -> None:
    object_ = {"org": ["a", "b", 3, None], "one": "a"}
    assert said.orgs(object_, "org", anything) == {"a", "b"}
    assert said.orgs(object_, "org", "b".__eq__) == {"b"}
    assert said.orgs(object_, "one", anything) == {"a"}
    assert said.orgs(object_, "absent", anything) == frozenset()
    assert said.orgs(object_, None, anything) is None


def test_nobody_is_in_more_than_256_orgs() -> None:
    assert len(said.orgs({"org": [str(n) for n in range(256)]}, "org", anything) or ()) == 256
    with pytest.raises(CredentialsInvalid):
        said.orgs({"org": ["a"] * 257}, "org", anything)
