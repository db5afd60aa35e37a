"""Which orgs the credentials of a request name; over sockets: tests/orgs/test_site.py."""

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
APP = "https://app.saas.example"
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


async def named(shared: SharedSignIns, *fields: tuple[str, str]) -> set[str] | str:
    try:
        return set((await shared.orgs(asking(*fields))).orgs)
    except GatewayError as error:
        return f"{error.status} {error.code}"


async def orgs(shared: SharedSignIns, token: str, *fields: tuple[str, str]) -> set[str] | str:
    return await named(shared, ("authorization", f"Bearer {token}"), *fields)


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
    assert (await shared.orgs(asking(*ask))).by == "the claim org_id or the claim /org/id"
    chosen = await shared.orgs(asking(*ask, ("x-org-id", "a")))
    assert chosen.by == "the field x-org-id, one of the claim org_id or the claim /org/id"


BOTH = ("authorization", "cookie:session", "field:x-api-key")


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        pytest.param(("a", "a"), {"a"}, id="one org"),
        pytest.param((["a", "b"], ["b", "c"]), {"b"}, id="the one they share"),
        pytest.param((["a"], ["a", "b"]), {"a"}, id="the first has fewer"),
        pytest.param((["a", "b"], ["b"]), {"b"}, id="the second has fewer"),
        pytest.param(("a", "b"), "400 ambiguous_credentials", id="O-10 none they share"),
        pytest.param(("a", []), "403 wrong_org", id="O-10 the second names none"),
        pytest.param(([], "a"), "403 wrong_org", id="O-10 the first names none"),
    ],
)
async def test_every_credential_must_name_the_org(claims: Any, found: object) -> None:
    shared = SharedSignIns([sign_in(keys(), places=BOTH)])
    first, second = (SAAS.token(org_id=claim) for claim in claims)
    assert await orgs(shared, first, ("x-api-key", second)) == found


@pytest.mark.parametrize("claims", [("a", "b"), ("b", "a")])
async def test_what_is_asked_for_must_be_vouched_for_by_each(claims: tuple[str, str]) -> None:
    shared = SharedSignIns([sign_in(keys(), places=BOTH)], org_from=["field:x-org-id"])
    first, second = (SAAS.token(org_id=claim) for claim in claims)
    said = [("x-api-key", second), ("x-org-id", "a")]
    assert await orgs(shared, first, *said) == "403 wrong_org"


@pytest.mark.parametrize(("origins", "found"), [([APP], {"a"}), ([], "403 origin_refused")])
async def test_pages_of_the_orgs_origins_may_use_their_cookies(
    origins: list[str], found: object
) -> None:
    shared = SharedSignIns([sign_in(keys(), places=BOTH[1:])], origins=origins)
    cookie = ("cookie", f"session={SAAS.token(org_id='a')}")
    assert await named(shared, cookie, ("origin", APP)) == found


async def test_names_every_field_that_may_say_the_org() -> None:
    shared = SharedSignIns([sign_in(keys())], org_from=["field:x-org-id", "field:x-team"])
    token = ("authorization", f"Bearer {SAAS.token(org_id='a')}")
    answer = await shared.orgs(asking(token, ("x-team", "a")))
    assert answer.by == "the field x-org-id, x-team, one of the claim org_id"
