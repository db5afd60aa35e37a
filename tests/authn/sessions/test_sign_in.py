"""What a session says, as the chain hears it."""

import json
from typing import Any

import pytest

from gateway.authn.chain import SignIns
from gateway.authn.places import Cookie
from gateway.authn.sessions.sign_in import SessionRules, SessionSignIn
from gateway.authn.sessions.starlette import StarletteFormat
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import CredentialsExpired, CredentialsInvalid, CredentialsMissing
from gateway.core.people.identity import Vouched
from tests.sessions.minting import starlette
from tests.support.ask import Ask, asking
from tests.support.clock import WoundClock
from tests.support.host_apps import SECRET

pytestmark = pytest.mark.anyio

CLOCK = WoundClock()


def sign_in(**rules: Any) -> SessionSignIn:
    form = StarletteFormat("session", [SECRET], max_age=100.0)
    return SessionSignIn(form, SessionRules(**{"user_key": "user_id", **rules}), clock=CLOCK)


def cookie(said: object, *, age: float = 0) -> str:
    return starlette(json.dumps(said).encode(), at=CLOCK.now - age)[0][1].decode()


async def verdict(said: object, **rules: Any) -> Vouched | Nobody:
    credential = Credential(Cookie("session"), cookie(said), asking())
    return await sign_in(**rules).verify(credential)


async def test_a_session_names_its_user() -> None:
    assert await verdict({"user_id": "alice"}) == Vouched("alice", expires_at=CLOCK.now + 100)


@pytest.mark.parametrize(
    ("said", "key"),
    [({"user": {"id": 7}}, "/user/id"), ({"a/b": "7"}, "a/b"), ({"ids": ["x", 7]}, "/ids/1")],
)
async def test_the_user_stands_where_the_rules_say_and_7_is_the_text_of_it(
    said: object, key: str
) -> None:
    vouched = await verdict(said, user_key=key)
    assert isinstance(vouched, Vouched)
    assert vouched.subject == "7"


@pytest.mark.parametrize("said", [{}, {"user_id": None}, {"user_id": ""}, {"other": 1}], ids=repr)
async def test_a_session_without_a_user_is_nobodys(said: object) -> None:
    assert await verdict(said) is Nobody.NOBODY


@pytest.mark.parametrize("user", [True, 1.5, 7.0, [], ["7"], {}, {"id": 7}, " ", -7], ids=repr)
async def test_what_is_no_users_name_is_refused(user: object) -> None:
    """J-19."""
    with pytest.raises(CredentialsInvalid):
        await verdict({"user_id": user})


async def test_orgs_and_roles_come_with_it() -> None:
    said = {"user_id": 7, "org": "acme", "roles": ["admin"]}
    vouched = await verdict(said, org_key="org", roles_key="roles", may_vouch_for="acme".__eq__)
    assert vouched == Vouched("7", ("admin",), CLOCK.now + 100, frozenset({"acme"}))
    assert sign_in(org_key="org").names_orgs_by == "the session's org"
    assert sign_in().names_orgs_by is None


async def test_who_acts_for_them_and_what_contacts_are_told_come_with_it() -> None:
    said = {"user_id": 7, "by": "root", "plan": "pro", "email": "a@b.c"}
    vouched = await verdict(said, actor_key="by", remember=("plan", "seats"))
    assert isinstance(vouched, Vouched)
    assert (vouched.actor, vouched.attributes) == ("root", {"plan": "pro"})


def asked(*cookies: str) -> Ask:
    return asking(("cookie", "; ".join(cookies)), ("sec-fetch-site", "same-origin"))


async def test_alone_a_session_counts_for_what_it_is() -> None:
    chain = SignIns([sign_in()], org="acme")
    identity = await chain.authenticate(asked(f"session={cookie({'user_id': 7})}"))
    assert identity.subject == "7"
    for text, error in (
        (cookie({"user_id": 7}, age=100), CredentialsExpired),
        (cookie({}), CredentialsMissing),
        (cookie({"user_id": 7})[:-1], CredentialsInvalid),
    ):
        with pytest.raises(error):
            await chain.authenticate(asked(f"session={text}"))
