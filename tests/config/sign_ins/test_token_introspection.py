"""`introspection_url = …`: what a file may say."""

import pytest

from gateway.config.load import from_dict
from gateway.config.sign_ins.token_introspection import TokenIntrospectionSettings
from tests.config.sign_ins.test_jwt import config, mistakes

ASK = {
    "introspection_url": "https://id.acme.example/introspect",
    "client_id": "gateway",
    "client_secret": "CANARY",
}


def test_the_key_says_the_kind() -> None:
    loaded = from_dict(config(**ASK), environment={})
    (one,) = loaded.settings.orgs["default"].sign_in
    assert type(one) is TokenIntrospectionSettings
    assert one.types == ("Bearer",)
    assert one.client_auth == "basic"
    assert one.vouched_by == (ASK["introspection_url"],)
    assert "CANARY" not in repr(loaded.settings)


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_we_ask_as_somebody(missing: str) -> None:
    said = mistakes(**{name: value for name, value in ASK.items() if name != missing})
    assert any(one.startswith(f"sign_in.{missing}: ") for one in said)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("client_auth", "private_key_jwt", "must be 'basic' or 'post'"),
        ("leeway", "61s", "must be from 0s to 60s"),
        ("types", [], "is an empty list: leave the key out instead"),
    ],
)
def test_a_value_is_what_it_can_be(key: str, value: object, told: str) -> None:
    said = [one for one in mistakes(**ASK | {key: value}) if one.startswith(f"sign_in.{key}")]
    assert said == [f"sign_in.{key}: {told}"]
