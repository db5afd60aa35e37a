"""A configuration → what believes a proxy."""

from contextlib import aclosing
from typing import Any

import pytest

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins.forwarded import forwarded_fields
from gateway.authn.forwarded import ForwardedSignIn, ForwardingSecret
from gateway.authn.verifier import Credential
from gateway.config.load import from_dict
from gateway.core.people.identity import Vouched
from tests.assemble.sign_ins.test_introspect import built
from tests.config.parts import STRONG
from tests.support.ask import asking

pytestmark = pytest.mark.anyio

SIGN_IN: dict[str, Any] = {
    "forwarded": "X-Forwarded-User",
    "roles_field": "X-Forwarded-Groups",
    "shared_secret": ["x" + STRONG, STRONG],
    "actor": "our proxy",
}


async def test_fields_are_read_in_any_case() -> None:
    async with aclosing(Parts()) as parts:
        one = built(parts, **SIGN_IN)
        assert isinstance(one, ForwardedSignIn)
        ask = asking(("x-forwarded-user", "alice"), ("x-forwarded-groups", "a,b"))
        vouched = await one.verify(Credential(ForwardingSecret(), STRONG, ask))
        assert vouched == Vouched("alice", ("a", "b"), actor="our proxy")


def test_the_fields_of_an_org_are_those_of_its_sign_ins() -> None:
    upstreams = {"support": {"vendor": "chatbase", "key": "k", "agent": "a"}}
    other = {"issuer": "https://id.example/", "audience": "chat"}
    text = {"sign_in": [SIGN_IN | {"org_field": "X-Org"}, other], "upstreams": upstreams}
    org = from_dict(text, environment={}).settings.orgs["default"]
    assert forwarded_fields(org) == {b"x-forwarded-user", b"x-forwarded-groups", b"x-org"}
