"""`forwarded = …`: what a file may say."""

import pytest

from gateway.config.load import from_dict
from gateway.config.sign_ins.forwarded import ForwardedSettings
from tests.config.parts import STRONG
from tests.config.sign_ins.test_jwt import config, mistakes

FORWARDED = {"forwarded": "X-Forwarded-User", "shared_secret": STRONG}


def test_the_key_says_the_kind() -> None:
    loaded = from_dict(config(**FORWARDED, roles_field="X-Groups"), environment={})
    (one,) = loaded.settings.orgs["default"].sign_in
    assert type(one) is ForwardedSettings
    assert one.says_roles
    assert not one.says_org
    assert one.vouched_by == (STRONG,)
    assert STRONG not in repr(loaded.settings)


def test_an_address_alone_is_never_enough() -> None:
    (said,) = mistakes(forwarded="X-Forwarded-User")
    assert said.startswith("sign_in.shared_secret: ")


@pytest.mark.parametrize("name", ["X_User", "Authorization", "Cookie", "x-gateway-secret", ""])
@pytest.mark.parametrize("key", ["forwarded", "org_field", "roles_field"])
def test_a_field_is_one_with_no_meaning_of_its_own(key: str, name: str) -> None:
    (said,) = mistakes(**FORWARDED | {key: name})
    assert said.startswith(f"sign_in.{key}: ")


def test_a_mistake_in_the_key_that_tells_the_kind_is_one_mistake() -> None:
    for value in ("X_User", 3, "${env:NOT_SET}"):
        (said,) = mistakes(**FORWARDED | {"forwarded": value})
        assert said.startswith("sign_in.forwarded: ")
