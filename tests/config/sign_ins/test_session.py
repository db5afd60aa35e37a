"""What a session sign-in means where it says little."""

from typing import Any

import pytest

from gateway.authn.sessions.authjs import versions
from gateway.config.expand import expanded
from gateway.config.load import from_dict
from gateway.config.sign_ins.session import FRAMEWORKS, SessionSettings
from tests.config.conftest import Load
from tests.config.parts import STRONG, UPSTREAM

REFERRED = {"SECRET": STRONG, "OLD": STRONG[::-1]}


def settings(**sign_in: object) -> SessionSettings:
    upstream = {"vendor": "chatbase", "key": "sk-1", "agent": "a"}
    text: dict[str, Any] = {"sign_in": {"secret": STRONG, **sign_in}}
    loaded = from_dict(text | {"upstreams": {"support": upstream}}, environment={})
    (one,) = loaded.settings.orgs["default"].sign_in
    assert isinstance(one, SessionSettings)
    return one


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_says_the_rest(name: str) -> None:
    found, usual = settings(framework=name), FRAMEWORKS[name]
    assert found.type == "session"
    assert (found.cookie, found.user_key) == (usual.cookie, usual.user_key)
    assert found.max_age == usual.max_age
    assert (usual.max_age is None) == bool(usual.no_max_age)


def test_what_the_file_says_goes_before() -> None:
    found = settings(framework="django", cookie="__Secure-x", max_age="1h", user_key="/u/id")
    assert (found.cookie, found.max_age, found.user_key) == ("__Secure-x", 3600.0, "/u/id")


def test_a_secret_vouches_under_any_cookie_and_in_no_other_format() -> None:
    one, two = settings(framework="flask"), settings(framework="flask", cookie="other")
    assert one.vouched_by == two.vouched_by != settings(framework="starlette").vouched_by
    assert STRONG not in repr(one.vouched_by)
    assert len(settings(framework="flask", secret=[STRONG, STRONG[::-1]]).vouched_by) == 2


def test_the_usual_cookie_of_auth_js_is_of_one_version() -> None:
    assert len(versions(FRAMEWORKS["authjs"].cookie)) == 1


def test_the_long_form_has_it_all_but_the_secret(loaded: Load) -> None:
    text = '[sign_in]\nframework = "flask"\nsecret = ["${env:SECRET}", "${env:OLD}"]\n'
    shown = expanded(loaded(f"{text}[upstreams.support]\n{UPSTREAM}\n", **REFERRED))
    assert 'secret = ["${env:SECRET}", "${env:OLD}"]' in shown
    assert 'max_age = "31d"' in shown
    assert 'user_key = "user_id"' in shown
    assert STRONG not in shown
