"""Every framework's settings become what opens its real cookies."""

import time
from contextlib import aclosing
from typing import Any

import pytest

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import sign_ins_of
from gateway.authn.places import Authorization, Chunks, Cookie, SignedCookie
from gateway.authn.verifier import Credential
from gateway.config.load import from_dict
from gateway.core.people.identity import Vouched
from tests.sessions import minting
from tests.support.ask import asking
from tests.support.host_apps import OLD_SECRET, SECRET
from tests.support.mutations import written

pytestmark = pytest.mark.anyio

SECURE = "__Secure-authjs.session-token"


def soon() -> bytes:
    return b',"exp":%d' % (time.time() + 600)


COOKIES: dict[str, tuple[Any, Any]] = {
    "starlette": (Cookie("session"), lambda: minting.starlette(b'{"user_id":7}')),
    "flask": (Cookie("session"), lambda: minting.flask(b'{"user_id":7}')),
    "django": (Cookie("sessionid"), lambda: minting.django(b'{"_auth_user_id":"7"}')),
    "express": (SignedCookie("session"), lambda: minting.express(b'{"user_id":7}')),
    "fastapi-users": (
        Cookie("fastapiusersauth"),
        lambda: minting.fastapi_users(b'{"sub":"7","aud":["fastapi-users:auth"]%b}' % soon()),
    ),
    "authjs": (
        Chunks(SECURE),
        lambda: minting.encrypted(b'{"sub":"7"%b}' % soon(), enc="A256CBC-HS512", cookie=SECURE),
    ),
}


@pytest.mark.parametrize("framework", COOKIES)
async def test_a_framework_and_its_secret_are_enough(framework: str) -> None:
    place, minted = COOKIES[framework]
    text = {
        "sign_in": {"framework": framework, "secret": [OLD_SECRET, SECRET]},
        "upstreams": {"support": {"vendor": "chatbase", "key": "k", "agent": "a"}},
    }
    (org,) = from_dict(text, environment={}).settings.orgs.values()
    async with aclosing(Parts()) as parts:
        (sign_in,) = sign_ins_of(org, {}, parts)
        assert set(sign_in.places) - {Authorization()} == {place}
        ask = asking(("cookie", written(minted()).decode()))
        shown = place.read(ask)
        vouched = await sign_in.verify(Credential(place, shown, ask))
    assert isinstance(vouched, Vouched)
    assert vouched.subject == "7"
    assert vouched.orgs is None


async def test_the_rules_are_those_of_the_file() -> None:
    text = {
        "sign_in": {
            "framework": "flask",
            "secret": SECRET,
            "cookie": "__Host-s",
            "max_age": "1h",
            "user_key": "/user/id",
            "org_key": "org",
            "roles_key": "roles",
        },
        "upstreams": {"support": {"vendor": "chatbase", "key": "k", "agent": "a"}},
    }
    (org,) = from_dict(text, environment={}).settings.orgs.values()
    said = b'{"user":{"id":7},"org":"default","roles":["a"]}'
    at = time.time() - 3000
    ((_, value),) = minting.flask(said, at=at)
    async with aclosing(Parts()) as parts:
        (sign_in,) = sign_ins_of(org, {}, parts)
        place = Cookie("__Host-s")
        assert sign_in.places == (place,)
        assert sign_in.names_orgs_by == "the session's org"
        found = await sign_in.verify(Credential(place, value.decode(), asking()))
    assert found == Vouched("7", ("a",), int(at) + 3600, frozenset({"default"}))
