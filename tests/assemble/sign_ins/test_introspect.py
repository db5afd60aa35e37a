"""A configuration → what asks the host app."""

from contextlib import aclosing
from typing import Any

import pytest

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import sign_ins_of
from gateway.authn.introspect import IntrospectSignIn
from gateway.authn.places import Authorization, Cookie, Cookies, Field
from gateway.authn.verifier import Credential
from gateway.config.load import from_dict
from gateway.core.people.identity import Vouched
from tests.support.ask import asking
from tests.support.host_app import ME, HostApp

pytestmark = pytest.mark.anyio

MINE = {
    "base_url": "https://mine.example",
    "user_id": ".+",
    "fields": {"x-mine-key": "{key}"},
    "credential_fields": ["x-mine-key"],
    "operations": {"ping": "GET /ping"},
}


def built(parts: Parts, **sign_in: Any) -> Any:
    text = {
        "sign_in": sign_in,
        "vendors": {"mine": MINE},
        "upstreams": {"mine": {"vendor": "mine", "key": "k"}},
    }
    settings = from_dict(text, environment={}).settings
    (one,) = sign_ins_of(settings.orgs["default"], {}, parts)
    return one


@pytest.mark.parametrize(
    ("more", "places"),
    [
        ({"cookies": ["s"]}, (Cookie("s"),)),
        ({"cookies": ["s", "t"]}, (Cookies(("s", "t")),)),
        ({"bearer": True}, (Authorization(), Field("x-mine-key"))),
        ({"cookies": "s", "bearer": True}, (Cookie("s"), Authorization(), Field("x-mine-key"))),
    ],
)
async def test_credentials_stand_where_it_says(more: Any, places: Any) -> None:
    async with aclosing(Parts()) as parts:
        one = built(parts, ask="http://127.0.0.1:1/me", user_key="id", **more)
        assert isinstance(one, IntrospectSignIn)
        assert one.places == places


async def test_the_app_is_asked_as_configured_and_remembered() -> None:
    with HostApp() as app:
        app.sessions["s1"] = {"me": {"id": 7, "roles": "staff"}, "until": 4e9}
        async with aclosing(Parts()) as parts:
            one = built(
                parts,
                ask=app.me,
                cookies=["sessionid"],
                user_key="/me/id",
                roles_key="/me/roles",
                expires_key="until",
            )
            for _ in range(2):
                vouched = await one.verify(Credential(Cookie("sessionid"), "s1", asking()))
                assert vouched == Vouched("7", ("staff",), 4e9)
        assert app.count(ME) == 1
