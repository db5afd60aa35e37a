"""Tokens of FastAPI-Users: theirs alone, and for nothing but signing in."""

import json
from typing import Any

import pytest

from gateway.authn.places import Authorization, Cookie
from gateway.authn.sessions.fastapi_users import FastApiUsersSignIn
from gateway.authn.sessions.sign_in import SessionRules
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from gateway.core.people.identity import Vouched
from tests.sessions.minting import fastapi_users
from tests.support.ask import bearing
from tests.support.clock import WoundClock
from tests.support.host_apps import OLD_SECRET, SECRET
from tests.support.tokens import ABSENT, Issuer

pytestmark = pytest.mark.anyio

CLOCK = WoundClock()
SAID = {"sub": "7", "aud": ["fastapi-users:auth"], "exp": CLOCK.now + 60}


def sign_in(*secrets: str, **rules: Any) -> FastApiUsersSignIn:
    made = SessionRules(**{"user_key": "sub", **rules})
    return FastApiUsersSignIn("fastapiusersauth", secrets or (SECRET,), made, clock=CLOCK)


def token(secret: str = SECRET, header: dict[str, Any] | None = None, **changed: Any) -> str:
    said = {key: one for key, one in (SAID | changed).items() if one is not ...}
    return fastapi_users(json.dumps(said).encode(), secret=secret, header=header)[0][1].decode()


async def test_a_token_names_its_user() -> None:
    assert await sign_in().verify(bearing(token())) == Vouched("7", expires_at=CLOCK.now + 60)
    assert await sign_in(OLD_SECRET, SECRET).verify(bearing(token())) is not None
    assert sign_in().places == (Authorization(), Cookie("fastapiusersauth"))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "fastapi-users:reset"},
        {"aud": ["fastapi-users:verify"]},
        {"aud": ...},
        {"aud": {"fastapi-users:auth": 1}},
        {"iss": "https://id.example/"},
    ],
    ids=repr,
)
async def test_a_token_for_something_else_is_none_of_ours(changed: dict[str, Any]) -> None:
    assert await sign_in().verify(bearing(token(**changed))) is None


@pytest.mark.parametrize(
    "changed",
    [{"exp": ...}, {"exp": "9999999999"}, {"sub": ...}, {"sub": 7}, {"sub": ""}],
    ids=repr,
)
async def test_a_token_that_says_too_little_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(CredentialsInvalid):
        await sign_in().verify(bearing(token(**changed)))


async def test_another_secret_or_kind_is_refused() -> None:
    for wrong in (token(OLD_SECRET), token(header={"typ": "at+jwt"}), token(header={"jku": "x"})):
        with pytest.raises(CredentialsInvalid):
            await sign_in().verify(bearing(wrong))
    unsigned = Issuer().token("7", algorithm="RS256", iss=ABSENT, aud="fastapi-users:auth")
    with pytest.raises(CredentialsInvalid):
        await sign_in().verify(bearing(unsigned))


async def test_it_expires_to_the_second() -> None:
    with pytest.raises(CredentialsExpired):
        await sign_in().verify(bearing(token(exp=CLOCK.now)))


async def test_orgs_and_roles_stand_where_the_rules_say() -> None:
    one = sign_in(org_key="org", roles_key="roles", may_vouch_for="acme".__eq__)
    vouched = await one.verify(bearing(token(org=["acme", "other"], roles=["admin"])))
    assert vouched is not None
    assert (vouched.orgs, vouched.roles) == ({"acme"}, ("admin",))
    assert one.names_orgs_by == "the session's org"


async def test_what_contacts_are_told_is_kept() -> None:
    vouched = await sign_in(remember=("plan",)).verify(bearing(token(plan="pro", email="a@b.c")))
    assert vouched is not None
    assert vouched.attributes == {"plan": "pro"}


async def test_the_user_may_stand_in_another_claim() -> None:
    found = await sign_in(user_key="email").verify(bearing(token(email="a@example.com")))
    assert isinstance(found, Vouched)
    assert found.subject == "a@example.com"


async def test_a_token_of_another_type_is_none() -> None:
    for name in ("at+jwt", "JWE"):
        with pytest.raises(CredentialsInvalid):
            await sign_in().verify(bearing(token(header={"typ": name})))
