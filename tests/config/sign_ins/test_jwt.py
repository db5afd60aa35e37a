"""How a sign-in says its kind, and what the usual one is made of."""

from typing import Any

import pytest

from gateway.config.load import from_dict
from gateway.config.mistake import ConfigError
from gateway.config.sign_ins import KINDS, SHARED_KINDS, kind_of
from gateway.config.sign_ins.jwt import JwtSignInSettings


def config(**sign_in: object) -> dict[str, Any]:
    upstream = {"vendor": "chatbase", "key": "sk-1", "agent": "a"}
    return {"sign_in": sign_in, "upstreams": {"support": upstream}}


def mistakes(**sign_in: object) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        from_dict(config(**sign_in), environment={})
    return [f"{one.key}: {one.message}" for one in raised.value.mistakes]


def test_a_sign_in_that_says_no_kind_is_a_jwt() -> None:
    settings = from_dict(config(issuer="https://id.example/", audience="chat"), environment={})
    (one,) = settings.settings.orgs["default"].sign_in
    assert type(one) is JwtSignInSettings
    assert one.vouched_by == ("https://id.example/",)


def test_a_kind_that_is_none_is_named_with_the_nearest() -> None:
    (told,) = mistakes(type="jvt", issuer="https://id.example/", audience="chat")
    assert told.startswith("sign_in.type: must be one of jwt")
    assert told.endswith("did you mean jwt?")


@pytest.mark.parametrize("written", [3, None, ["jwt"], {"jwt": 1}])
def test_a_kind_is_a_word(written: object) -> None:
    assert mistakes(type=written, issuer="https://id.example/", audience="chat")


def test_each_kind_says_what_tells_it_and_no_two_the_same() -> None:
    told = [key for kind in KINDS.values() for key in kind.TELLING_KEYS]
    assert len(told) == len(set(told))
    for name, kind in KINDS.items():
        assert kind_of({"type": name}) == name
        assert all(key in kind.model_fields for key in kind.TELLING_KEYS)
        assert all(kind_of({key: "x"}) == name for key in kind.TELLING_KEYS)
        assert issubclass(SHARED_KINDS[name], kind)


def test_a_choice_of_org_needs_an_org_to_be_said() -> None:
    (told,) = mistakes(issuer="https://id.example/", audience="chat", org_from="field:x-org")
    assert told == "sign_in.org_from: needs org_claim: whoever asks for an org must belong to it"
