"""A configuration → a sign-in with a look-up beside it, for one org and for several."""

from contextlib import aclosing
from typing import Any

import pytest

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import shared_sign_ins, sign_ins_of
from gateway.assemble.sign_ins.making import named
from gateway.authn.membership import WithMembership
from gateway.config.load import from_dict
from tests.support.ask import bearing
from tests.support.host_app import HostApp
from tests.support.tokens import Issuer

pytestmark = pytest.mark.anyio

ISSUER = Issuer()
SUPPORT = {"vendor": "chatbase", "key": "k", "agent": "a"}


def config(app: HostApp, listed: dict[str, Any], **more: Any) -> Any:
    sign_in = {"issuer": ISSUER.url, "audience": "chat", "secret": ISSUER.secret}
    sign_in |= {"membership": app.url + "/orgs", **more}
    return from_dict({"sign_in": [sign_in], "orgs": listed}, environment={}).settings


async def test_it_names_only_orgs_it_may_vouch_for() -> None:
    listed = {name: {"upstreams": {"support": SUPPORT}} for name in ("b", "c")}
    with HostApp() as app:
        app.orgs["alice"] = ["a", "b", "z"]
        app.secret = "s"
        settings = config(app, listed, orgs=["b", "c"], membership_secret="s", org_claim="org")
        async with aclosing(Parts()) as parts:
            (one,) = shared_sign_ins(settings, parts).values()
            assert isinstance(one, WithMembership)
            token = ISSUER.token("alice", algorithm="HS256")
            assert (await one.verify(bearing(token))).orgs == {"b"}
            token = ISSUER.token("alice", algorithm="HS256", org="a")
            assert (await one.verify(bearing(token))).orgs == set()


async def test_a_look_up_says_whose_people_they_are() -> None:
    """So a shared sign-in needs no org claim beside it."""
    listed = {name: {"upstreams": {"support": SUPPORT}} for name in ("a", "b")}
    with HostApp() as app:
        settings = config(app, listed)
        async with aclosing(Parts()) as parts:
            shared = shared_sign_ins(settings, parts)
            made = [sign_ins_of(org, shared, parts) for org in settings.orgs.values()]
            assert made[0] == made[1]


def test_the_log_is_not_told_a_query() -> None:
    assert named("membership", "https://app.example/orgs?key=CANARY") == (
        "membership https://app.example/orgs"
    )
