from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.config import kinds


def read(kind: Any, written: object) -> Any:
    return TypeAdapter(kind).validate_python(written)


ACCEPTED = [
    (kinds.Texts, "one", ("one",)),
    (kinds.Texts, ["one", "two"], ("one", "two")),
    (kinds.Texts, [], ()),
    (kinds.Count, 5, 5),
    (kinds.Count, "5", 5),
    (kinds.UrlPath, "/", "/"),
    (kinds.UrlPath, "/a/b.c~d", "/a/b.c~d"),
    (kinds.Agents, "*", ("*",)),
    (kinds.Agents, ["a-1", "b"], ("a-1", "b")),
    (kinds.UserHeader, "X-External-User-Id", "x-external-user-id"),
    (kinds.UserHeader, "", ""),
    (kinds.Templates, {"X-Plan": "pro {user}"}, {"X-Plan": "pro {user}"}),
    (kinds.Claim, "https://claims.example/sub", "https://claims.example/sub"),
    (kinds.Claim, "/a/b~1c", "/a/b~1c"),
    (kinds.CredentialPlaces, "authorization", ("authorization",)),
    (kinds.CredentialPlaces, ["cookie:__session", "field:x-api-key"], None),
    (kinds.Scalar, True, True),
    (kinds.Scalar, 1, 1),
    (kinds.Scalar, "true", "true"),
    (kinds.Json, {"a": [1, "x", {"b": False}]}, {"a": [1, "x", {"b": False}]}),
    (kinds.Pointer, "/a~0b", "/a~0b"),
]
REFUSED = [
    (kinds.Texts, "", "at least 1 character"),
    (kinds.Texts, 5, "valid string"),
    (kinds.SomeTexts, [], "is an empty list"),
    (kinds.Count, 0, "greater than or equal to 1"),
    (kinds.Count, True, "must be a whole number"),
    (kinds.Count, 1.0, "must be a whole number"),
    (kinds.UrlPath, "", "plain segments"),
    (kinds.UrlPath, "a", "plain segments"),
    (kinds.UrlPath, "/a/", "plain segments"),
    (kinds.UrlPath, "/a//b", "plain segments"),
    (kinds.UrlPath, "/../a", "plain segments"),
    (kinds.UrlPath, "/%2e", "plain segments"),
    (kinds.UrlPath, "/" + "a" * 5000, "plain segments"),
    (kinds.Agents, "a/b", "of the characters"),
    (kinds.Agents, "..", "of the characters"),
    (kinds.Agents, "a\n", "of the characters"),
    (kinds.UserHeader, "x_user", "no field name"),
    (kinds.UserHeader, "x user", "no field name"),
    (kinds.UserHeader, "x-usér", "no field name"),
    (kinds.UserHeader, "X-User\r\nX-B: c", "no field name"),
    (kinds.UserHeader, "Authorization", "writes itself"),
    (kinds.UserHeader, "content-type", "writes itself"),
    (kinds.Templates, {"Host": "x"}, "writes itself"),
    (kinds.Templates, {"x-a": "1", "X-A": "2"}, "in two spellings"),
    (kinds.Templates, {"x-a": "{usr}"}, "stands for nothing"),
    (kinds.Templates, {"x-a": "a\r\nx-b: c"}, "printable ASCII"),
    (kinds.Templates, {"x-a": "é"}, "printable ASCII"),
    (kinds.Templates, {"x-a": ""}, "printable ASCII"),
    (kinds.Claim, "", "at least 1 character"),
    (kinds.Claim, "/a~b", "JSON Pointer"),
    (kinds.Claim, "/a/*/b", "no '*'"),
    (kinds.CredentialPlaces, "query:token", '"cookie:NAME"'),
    (kinds.CredentialPlaces, "cookie:", '"cookie:NAME"'),
    (kinds.CredentialPlaces, "cookie:a=b", '"cookie:NAME"'),
    (kinds.CredentialPlaces, "field:Cookie", '"field:name"'),
    (kinds.CredentialPlaces, [], "is an empty list"),
    (kinds.Networks, "10.0.0.1/8", "an address or a network"),
    (kinds.Networks, "example.com", "an address or a network"),
    (kinds.Networks, 5, "an address or a network"),
    (kinds.Networks, [5], "an address or a network"),
    (kinds.Scalar, [1], "must be a string, a number"),
    (kinds.Scalar, float("nan"), "must be a string, a number"),
    (kinds.Json, {"a": object()}, "JSON cannot hold"),
    (kinds.Json, [float("inf")], "JSON cannot hold"),
    (kinds.Pointer, "a", "JSON Pointer"),
    (kinds.Listen, "x", "an address and a port"),
]


@pytest.mark.parametrize(("kind", "written", "expected"), ACCEPTED)
def test_takes(kind: Any, written: object, expected: object):
    found = read(kind, written)
    assert found == (tuple(written) if expected is None else expected)
    assert type(found) is type(tuple(written) if expected is None else expected)


@pytest.mark.parametrize(("kind", "written", "why"), REFUSED)
def test_refuses(kind: Any, written: object, why: str):
    with pytest.raises(ValidationError, match=why):
        read(kind, written)


def test_networks_are_read():
    v4, v6 = read(kinds.Networks, ["10.0.0.0/8", "::1"])
    assert (v4.version, v4.prefixlen, v6.version, v6.prefixlen) == (4, 8, 6, 128)
    assert read(kinds.Networks, [v4]) == (v4,)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), (["a", "", "b"], ["a", "b"]), (["a", ""], ["a"])],
)
def test_of_secrets_in_rotation_empty_ones_are_absent(written: object, kept: list[str]):
    assert [one.get_secret_value() for one in read(kinds.Secrets, written)] == kept


@pytest.mark.parametrize("written", ["", [""], ["", "b"]])
def test_the_secret_in_use_is_not_empty(written: object):
    with pytest.raises(ValidationError, match="is empty"):
        read(kinds.Secrets, written)
