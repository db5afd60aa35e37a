"""Which orgs the credentials of a request name; the rows over sockets are in tests/test_site.py."""

from typing import Any

import pytest

from gateway.authn.chain import SignIns
from gateway.authn.claims import JwtRules
from gateway.authn.jwk import parse_set
from gateway.authn.jwt import JwtSignIn
from gateway.authn.shared import SharedSignIns
from gateway.core.errors import GatewayError
from tests.authn.test_jwt import CountedKeys
from tests.support.ask import asking
from tests.support.clock import WoundClock
from tests.support.tokens import Issuer

pytestmark = pytest.mark.anyio

CLOCK = WoundClock()
SAAS = Issuer("https://login.saas.example/", clock=CLOCK)
WEB, MOBILE = ("web",), ("mobile",)


def sign_in(keys: CountedKeys, **changed: Any) -> JwtSignIn:
    said: dict[str, Any] = {
        "issuer": SAAS.url,
        "audience": ("chat",),
        "algorithms": ("RS256",),
        "org_claim": "org_id",
    }
    return JwtSignIn(JwtRules(**(said | changed)), keys, clock=CLOCK)


def keys() -> CountedKeys:
    return CountedKeys(parse_set(SAAS.jwks_text().encode()))


async def orgs(shared: SharedSignIns, token: str, *fields: tuple[str, str]) -> set[str] | str:
    try:
        named = await shared.orgs(asking(("authorization", f"Bearer {token}"), *fields))
    except GatewayError as error:
        return f"{error.status} {error.code}"
    return set(named.orgs)


async def test_one_signature_is_checked_once_for_the_place_and_the_org() -> None:
    counted = keys()
    one = sign_in(counted)
    place = SharedSignIns([one])
    ask = asking(("authorization", f"Bearer {SAAS.token('alice', org_id=['a', 'b'])}"))
    assert (await place.orgs(ask)).orgs == {"a", "b"}
    for org in ("a", "b"):
        identity = await SignIns([one], org=org).authenticate(ask)
        assert (identity.org, identity.subject) == (org, "alice")
    assert counted.asked == 1


async def test_sign_ins_of_one_issuer_speak_for_the_orgs_of_each() -> None:
    web = sign_in(keys(), audience=WEB, may_vouch_for={"a"}.__contains__)
    mobile = sign_in(keys(), audience=MOBILE, may_vouch_for={"b"}.__contains__)
    shared = SharedSignIns([web, mobile])
    for audience, found in (("web", {"a"}), ("mobile", {"b"}), (["web", "mobile"], {"a", "b"})):
        token = SAAS.token(aud=audience, org_id=["a", "b", "c"])
        assert await orgs(shared, token) == found
    assert await orgs(shared, SAAS.token(aud="web", org_id="b")) == "403 wrong_org"
    assert await orgs(shared, SAAS.token(aud="tv", org_id="b")) == "401 credentials_invalid"


async def test_a_sign_in_without_a_claim_names_no_org() -> None:
    shared = SharedSignIns([sign_in(keys(), org_claim=None)])
    assert await orgs(shared, SAAS.token(org_id="a")) == "403 wrong_org"


async def test_what_is_asked_for_must_be_vouched_for() -> None:
    shared = SharedSignIns([sign_in(keys())], org_from=["field:x-org-id"])
    token = SAAS.token(org_id=["a", "b"])
    assert await orgs(shared, token, ("x-org-id", "b")) == {"b"}
    for other in ("c", "", "*", "B", "a,b"):
        assert await orgs(shared, token, ("x-org-id", other)) == "403 wrong_org"
    assert await orgs(SharedSignIns([sign_in(keys())]), token, ("x-org-id", "c")) == {"a", "b"}


async def test_says_what_named_them() -> None:
    one, other = sign_in(keys()), sign_in(keys(), org_claim="/org/id")
    shared = SharedSignIns([one, other], org_from=["field:x-org-id"])
    ask = [("authorization", f"Bearer {SAAS.token(org_id='a')}")]
    assert (await shared.orgs(asking(*ask))).by == "the claim org_id or /org/id"
    chosen = await shared.orgs(asking(*ask, ("x-org-id", "a")))
    assert chosen.by == "the field x-org-id, one of the claim org_id or /org/id"
