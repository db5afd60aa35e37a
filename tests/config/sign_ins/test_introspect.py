"""`ask = …`: what a file may say."""

import pytest

from gateway.config.load import from_dict
from gateway.config.sign_ins.introspect import IntrospectSettings
from tests.config.sign_ins.test_jwt import config, mistakes

ASK = {"ask": "http://127.0.0.1:8000/me", "cookies": ["sessionid"], "user_key": "user_id"}


def test_the_key_says_the_kind() -> None:
    (one,) = from_dict(config(**ASK), environment={}).settings.orgs["default"].sign_in
    assert type(one) is IntrospectSettings
    assert one.cache == 10.0
    assert one.vouched_by == ("http://127.0.0.1:8000/me",)
    assert not one.says_org
    assert not one.says_roles


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("cookies", [], "is an empty list: leave the key out instead"),
        (
            "cookies",
            ["a=b"],
            "is no name of a cookie: letters, digits and any of !#$%&'*+.^`|~_-",
        ),
        ("cookies", ["a", "a"], "has one name twice"),
        ("cache", "6m", "must be from 0s to 5m"),
        ("user_key", "/a/*", "must lead to one value: no '*'"),
    ],
)
def test_a_value_is_what_it_can_be(key: str, value: object, told: str) -> None:
    (said,) = mistakes(**ASK | {key: value})
    assert said.startswith(f"sign_in.{key}")
    assert said.endswith(told)


def test_the_user_key_is_required() -> None:
    (said,) = mistakes(ask="http://127.0.0.1:8000/me", cookies=["s"])
    assert said.startswith("sign_in.user_key: ")
