"""A proxy or backend that has signed the person in: rows H, J-19, J-21, J-36, T-02, V."""

from typing import Any

import pytest

from gateway.authn.chain import SignIns
from gateway.authn.forwarded import ForwardedRules, ForwardedSignIn, ForwardingSecret
from gateway.authn.token import MAX_TOKEN
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import GatewayError
from gateway.core.people.identity import Vouched
from tests.authn.test_chain import ACME, bearer, one_sign_in
from tests.support.ask import asking

pytestmark = pytest.mark.anyio

SECRET, OLD = "proxy-secret-of-today-1234", "proxy-secret-of-before-5678"
PROOF = ("x-gateway-secret", SECRET)
APP = "https://app.acme.example"
HERE = "https://chat.acme.example"


def sign_in(**rules: Any) -> ForwardedSignIn:
    said: dict[str, Any] = {
        "user_field": b"x-forwarded-user",
        "roles_field": b"x-forwarded-groups",
        "secrets": (SECRET, OLD),
        "actor": "oauth2-proxy",
    }
    return ForwardedSignIn(ForwardedRules(**(said | rules)))


SIGN_INS = SignIns([sign_in(), one_sign_in()], org="org_1", origins=[APP])


async def who(*lines: tuple[str, str], method: str = "POST", sign_ins: SignIns = SIGN_INS) -> str:
    """The person, and who spoke for them; or the code of the refusal."""
    try:
        identity = await sign_ins.authenticate(asking(*lines, method=method))
    except GatewayError as error:
        return f"{error.status} {error.code}"
    return f"{identity.subject} by {identity.actor}"


def user(name: str) -> tuple[str, str]:
    return ("x-forwarded-user", name)


ALICE = user("alice")


@pytest.mark.parametrize("secret", [SECRET, OLD])
async def test_who_has_the_secret_is_believed_and_named(secret: str) -> None:
    """Row J-36: who spoke, and for whom."""
    assert await who(ALICE, ("x-gateway-secret", secret)) == "alice by oauth2-proxy"


async def test_without_the_secret_the_fields_count_for_nothing() -> None:
    """Row H-10: they are no credential, so a token beside them is all there is."""
    assert await who(ALICE) == "401 credentials_missing"
    assert await who(user("bob"), bearer(ACME.token("alice"))) == "alice by None"
    assert await who(ALICE, ("x-gateway-secret", "")) == "401 credentials_missing"


@pytest.mark.parametrize(
    "secret",
    [
        *("x", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET}, {OLD}", f"Bearer {SECRET}"),
        *(f"{SECRET} ", "é", "\xff" * 30, "x" * MAX_TOKEN),
    ],
)
async def test_a_wrong_secret_is_refused_even_beside_a_good_token(secret: str) -> None:
    assert await who(ALICE, ("x-gateway-secret", secret)) == "401 credentials_invalid"
    proof = ("x-gateway-secret", secret)
    assert await who(ALICE, proof, bearer(ACME.token("alice"))) == "401 credentials_invalid"


async def test_a_proxy_that_forwards_nobody_says_so() -> None:
    """What it lets through without a sign-in has its secret and no user."""
    assert await who(PROOF) == "401 credentials_missing"
    assert await who(PROOF, user("")) == "401 credentials_missing"
    assert await who(PROOF, bearer(ACME.token("alice"))) == "alice by None"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([user("alice"), user("bob")], id="H-09 two lines"),
        pytest.param([user("alice"), user("alice")], id="H-09 one twice"),
        pytest.param([user("bob, alice")], id="H-09 joined by a proxy"),
        pytest.param([user("bob,alice")], id="H-09 joined"),
        pytest.param([user("\xff")], id="J-21 no UTF-8"),
        pytest.param([user("\xc2\xa0\xe2\x80\x83")], id="J-19 blanks"),
        pytest.param([user("x" * 513)], id="J-21 long"),
        pytest.param([PROOF, ALICE], id="two secrets"),
        pytest.param(
            [ALICE, ("x-forwarded-groups", "a"), ("x-forwarded-groups", "admin")], id="H-07"
        ),
        pytest.param([ALICE, ("x-forwarded-groups", ",".join("a" * 257))], id="roles without end"),
    ],
)
async def test_what_can_be_read_in_two_ways_is_refused(lines: list[tuple[str, str]]) -> None:
    assert await who(PROOF, *lines) == "400 bad_request"


@pytest.mark.parametrize(
    ("written", "roles"),
    [
        ("", ()),
        (" , ,", ()),
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        (" a , b c,\td ", ("a", "b c", "d")),
        ("r\xc3\xa9dacteurs", ("rédacteurs",)),
    ],
)
async def test_roles_are_a_list_with_commas(written: str, roles: tuple[str, ...]) -> None:
    ask = asking(PROOF, ALICE, ("x-forwarded-groups", written))
    vouched = await sign_in().verify(Credential(ForwardingSecret(), SECRET, ask))
    assert vouched == Vouched("alice", roles, actor="oauth2-proxy")


@pytest.mark.parametrize(("roles", "verdict"), [(256, "by oauth2-proxy"), (257, "bad_request")])
async def test_a_name_and_its_roles_have_their_most(roles: int, verdict: str) -> None:
    groups = ("x-forwarded-groups", ",".join(f"r{number}" for number in range(roles)))
    assert (await who(PROOF, user("x" * 512), groups)).endswith(verdict)


async def test_an_org_is_one_of_those_it_may_vouch_for() -> None:
    one = sign_in(org_field=b"x-org", may_vouch_for=lambda org: org == "org_1")
    assert one.names_orgs_by == "the field x-org of oauth2-proxy"
    for written, orgs in (("org_1", {"org_1"}), ("org_2", set()), ("", set()), (None, set())):
        lines = [] if written is None else [("x-org", written)]
        ask = asking(PROOF, ALICE, *lines)
        vouched = await one.verify(Credential(ForwardingSecret(), SECRET, ask))
        assert isinstance(vouched, Vouched)
        assert vouched.orgs == orgs


async def test_without_a_field_for_it_the_proxy_is_one_orgs() -> None:
    vouched = await sign_in().verify(
        Credential(ForwardingSecret(), SECRET, asking(PROOF, ALICE, ("x-org", "org_2")))
    )
    assert isinstance(vouched, Vouched)
    assert vouched.orgs is None
    nobody = await sign_in().verify(Credential(ForwardingSecret(), SECRET, asking(PROOF)))
    assert nobody is Nobody.NOBODY


async def test_two_people_are_two() -> None:
    """Row J-31; and one person twice is told with whoever forwarded them."""
    token = bearer(ACME.token("alice"))
    assert await who(PROOF, user("bob"), token) == "400 ambiguous_credentials"
    assert await who(PROOF, ALICE, token) == "alice by oauth2-proxy"


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        pytest.param([], "alice by oauth2-proxy", id="a backend: no page"),
        pytest.param([("origin", HERE)], "alice by oauth2-proxy", id="a page of ours"),
        pytest.param(
            [("origin", HERE), ("sec-fetch-site", "same-origin")],
            "alice by oauth2-proxy",
            id="a page of ours, by a browser of today",
        ),
        pytest.param([("origin", APP)], "alice by oauth2-proxy", id="a page that is listed"),
        pytest.param([("origin", "https://evil.example")], "403 origin_refused", id="V-01"),
        pytest.param([("origin", "null")], "403 origin_refused", id="V-01 null"),
        pytest.param([("sec-fetch-site", "cross-site")], "403 origin_refused", id="V-06"),
        pytest.param([("sec-fetch-site", "same-site")], "403 origin_refused", id="V-06 a sibling"),
        pytest.param(
            [("origin", HERE), ("sec-fetch-site", "cross-site")],
            "403 origin_refused",
            id="V-06 both, at odds",
        ),
    ],
)
async def test_a_page_of_others_cannot_use_the_proxys_word(
    lines: list[tuple[str, str]], verdict: str
) -> None:
    """A proxy adds its secret to whatever a browser sends, and so to a forged request as well."""
    assert await who(PROOF, ALICE, *lines) == verdict


async def test_a_token_speaks_for_itself_where_the_proxys_word_does_not_count() -> None:
    lines = [PROOF, user("bob"), ("origin", "https://evil.example")]
    assert await who(*lines, bearer(ACME.token("alice"))) == "alice by None"


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_there_is_always_a_secret(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="shared_secret"):
        sign_in(secrets=secrets)


def test_the_secret_is_not_shown() -> None:
    rules = ForwardedRules(user_field=b"x", secrets=(SECRET,), actor="p")
    assert SECRET not in repr(rules)
    assert SECRET not in repr(Credential(ForwardingSecret(), SECRET, asking(PROOF)))
