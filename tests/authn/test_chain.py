"""Several sign-ins and several credentials: rows J-31, C, V of SECURITY.md, CONTRACT section 2."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authn.chain import Chain, SignIns
from gateway.authn.claims import JwtRules
from gateway.authn.jwk import parse_set
from gateway.authn.jwt import JwtSignIn
from gateway.authn.keys import Key, shared_secrets
from gateway.authn.places import Cookie
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import (
    CredentialsExpired,
    CredentialsMissing,
    GatewayError,
    KeysUnavailable,
)
from gateway.core.people.identity import Vouched
from tests.support.ask import Ask, asking
from tests.support.clock import WoundClock
from tests.support.tokens import Issuer

pytestmark = pytest.mark.anyio

CLOCK = WoundClock()
ACME = Issuer("https://id.acme.example/", clock=CLOCK)
PARTNER = Issuer("https://id.partner.example/", clock=CLOCK)
STRANGER = Issuer("https://stranger.example/", clock=CLOCK)
PLACES = ("authorization", "cookie:session", "field:x-api-key")
OWN = ("origin", "https://chat.acme.example")
APP = "https://app.acme.example"


class KeysAway:
    """A `KeySource` whose issuer is away."""

    algorithms = frozenset({"RS256"})

    async def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
        raise KeysUnavailable


def one_sign_in(issuer: Issuer = ACME, *, keys: Any = None, **changed: Any) -> JwtSignIn:
    said: dict[str, Any] = {
        "issuer": issuer.url,
        "audience": ("chat",),
        "algorithms": ("RS256",),
        "places": PLACES,
    }
    source = keys or parse_set(issuer.jwks_text().encode())
    return JwtSignIn(JwtRules(**(said | changed)), source, clock=CLOCK)


SIGN_INS = SignIns([one_sign_in(), one_sign_in(PARTNER)], org="org_1", origins=[APP])


def bearer(token: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


def cookie(token: str) -> tuple[str, str]:
    return ("cookie", f"theme=dark; session={token}")


def api_key(token: str) -> tuple[str, str]:
    return ("x-api-key", token)


class Visitors:
    """A sign-in by a session cookie, as a framework signs one for every visitor."""

    places = (Cookie("visit"),)
    names_orgs_by = None

    async def verify(self, credential: Credential) -> Vouched | Nobody | None:
        if credential.text == "expired":
            raise CredentialsExpired
        return Nobody.NOBODY if credential.text == "visitor" else Vouched(credential.text)


async def who(*lines: tuple[str, str], sign_ins: SignIns = SIGN_INS, **ask: Any) -> str:
    """The person's subject, or the code of the refusal."""
    try:
        identity = await sign_ins.authenticate(asking(*lines, **ask))
    except GatewayError as error:
        return f"{error.status} {error.code}"
    assert identity.org == "org_1"
    return identity.subject


FORGED = STRANGER.token("bob", iss=ACME.url)
EXPIRED = ACME.token("alice", exp=CLOCK.now - 60)

# What one credential is worth, wherever it stands.
ALONE = {
    "good": (ACME.token("alice"), "alice"),
    "good, of the other issuer": (PARTNER.token("alice"), "alice"),
    "expired": (EXPIRED, "401 credentials_expired"),
    "forged": (FORGED, "401 credentials_invalid"),
    "forged and expired": (
        STRANGER.token("bob", iss=ACME.url, exp=CLOCK.now - 60),
        "401 credentials_invalid",
    ),
    "of an issuer nobody knows": (STRANGER.token("bob"), "401 credentials_invalid"),
    "no JWT": ("opaque", "401 credentials_invalid"),
    "malformed": ("a.b.c", "401 credentials_invalid"),
    "for another audience": (ACME.token("alice", aud="other"), "401 credentials_invalid"),
}
CARRIERS = {"bearer": bearer, "cookie": cookie, "field": api_key}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("name", ALONE)
async def test_one_credential_is_worth_the_same_everywhere(name: str, carrier: str) -> None:
    token, answer = ALONE[name]
    assert await who(CARRIERS[carrier](token), OWN) == answer


def beside(first: str, second: str) -> str:
    """What CONTRACT section 2 says of two credentials."""
    answers = [ALONE[first][1], ALONE[second][1]]
    for answer in answers:
        if answer.startswith("401 credentials_invalid"):
            return answer
    good = [one for one in answers if not one.startswith("4")]
    return good[0] if good else "401 credentials_expired"


@pytest.mark.parametrize(
    ("first", "second"),
    [pytest.param(*pair, id=" + ".join(pair)) for pair in itertools.product(ALONE, ALONE)],
)
async def test_a_bad_credential_is_refused_even_beside_a_good_one(first: str, second: str) -> None:
    for one, two in itertools.permutations(CARRIERS, 2):
        lines = [CARRIERS[one](ALONE[first][0]), CARRIERS[two](ALONE[second][0]), OWN]
        assert await who(*lines) == beside(first, second), (one, two)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([bearer(ACME.token("alice")), cookie(ACME.token("bob"))], id="J-31 cookie"),
        pytest.param([bearer(ACME.token("alice")), api_key(ACME.token("bob"))], id="J-31 field"),
        pytest.param(
            [bearer(ACME.token("alice")), cookie(PARTNER.token("bob"))], id="J-31 issuers"
        ),
        pytest.param(
            [bearer(ACME.token("alice")), bearer(ACME.token("bob"))], id="J-31 two fields"
        ),
        pytest.param(
            [bearer(ACME.token("alice")), bearer(ACME.token("alice"))], id="J-31 same twice"
        ),
        pytest.param(
            [bearer(ACME.token("alice") + ", Bearer " + ACME.token("bob"))], id="J-31 list"
        ),
        pytest.param([bearer(ACME.token("Alice")), cookie(ACME.token("alice"))], id="J-34 case"),
        pytest.param(
            [cookie(f"{ACME.token('alice')}; session={ACME.token('bob')}")], id="C-01 two"
        ),
        pytest.param([cookie(ACME.token("alice")), cookie(ACME.token("bob"))], id="C-01 two lines"),
    ],
)
async def test_two_people_in_one_request_are_nobody(lines: list[tuple[str, str]]) -> None:
    assert await who(*lines, OWN) == "400 ambiguous_credentials"
    assert await who(OWN, *reversed(lines)) == "400 ambiguous_credentials"


async def test_nothing_shown_is_said_to_be_missing() -> None:
    assert await who() == "401 credentials_missing"
    assert await who(("cookie", "theme=dark")) == "401 credentials_missing"
    assert await who(("cookie", "session="), ("authorization", "")) == "401 credentials_missing"
    assert await who(("authorization", "Basic YTpi")) == "401 credentials_missing"
    assert await who(cookie(ACME.token()), ("authorization", "Basic YTpi"), OWN) == "alice"


async def test_a_parameter_is_no_credential() -> None:
    """Rows J-31 and Q-03."""
    query = f"access_token={ACME.token('bob')}&token={ACME.token('bob')}".encode()
    assert await who(raw_query=query) == "401 credentials_missing"
    assert await who(bearer(ACME.token("alice")), raw_query=query) == "alice"


async def test_a_misspelt_bearer_is_refused_beside_a_good_cookie() -> None:
    """Row J-32."""
    for written in (f"Bearer\t{FORGED}", f"\xa0Bearer {FORGED}", "Bearer", f"Bearer  {FORGED}"):
        lines = [("authorization", written), cookie(ACME.token()), OWN]
        assert await who(*lines) == "401 credentials_invalid"


async def test_a_bearer_token_is_refused_where_only_cookies_are_taken() -> None:
    cookies = SignIns([one_sign_in(places=("cookie:session",))], org="org_1")
    good = ACME.token("alice")
    assert await who(cookie(good), OWN, sign_ins=cookies) == "alice"
    assert await who(bearer(good), sign_ins=cookies) == "401 credentials_invalid"
    assert await who(bearer(good), cookie(good), OWN, sign_ins=cookies) == "401 credentials_invalid"
    assert await who(api_key(good), sign_ins=cookies) == "401 credentials_missing"


async def test_a_credential_counts_only_where_its_own_sign_in_looks() -> None:
    split = SignIns(
        [one_sign_in(places=("authorization",)), one_sign_in(PARTNER, places=("cookie:session",))],
        org="org_1",
    )
    assert await who(bearer(ACME.token()), sign_ins=split) == "alice"
    assert await who(cookie(PARTNER.token()), OWN, sign_ins=split) == "alice"
    assert await who(cookie(ACME.token()), OWN, sign_ins=split) == "401 credentials_invalid"
    assert await who(bearer(PARTNER.token()), sign_ins=split) == "401 credentials_invalid"


# Cookies and origins ------------------------------------------------------------------------------

ALLOWED: list[list[tuple[str, str]]] = [
    [OWN],
    [("origin", APP)],
    [("sec-fetch-site", "same-origin")],
    [("origin", APP), ("sec-fetch-site", "same-site")],
]
FOREIGN: dict[str, list[tuple[str, str]]] = {
    "V-05 neither": [],
    "V-01 foreign": [("origin", "https://evil.example")],
    "V-01 null": [("origin", "null")],
    "V-01 suffix": [("origin", OWN[1] + ".evil.example")],
    "V-01 scheme": [("origin", "http://chat.acme.example")],
    "V-06 cross-site": [("sec-fetch-site", "cross-site")],
    "V-08 same-site": [("sec-fetch-site", "same-site")],
    "contradiction": [("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
}


@pytest.mark.parametrize("lines", ALLOWED, ids=str)
async def test_a_cookie_of_a_page_of_ours_is_a_credential(lines: list[tuple[str, str]]) -> None:
    assert await who(cookie(ACME.token("alice")), *lines) == "alice"


@pytest.mark.parametrize("name", FOREIGN)
async def test_a_cookie_of_a_foreign_page_counts_for_nothing(name: str) -> None:
    lines = FOREIGN[name]
    for token in (ACME.token("alice"), EXPIRED, FORGED, "junk"):
        assert await who(cookie(token), *lines) == "403 origin_refused"
        assert await who(cookie(token), bearer(ACME.token("bob")), *lines) == "bob"
        assert await who(cookie(token), bearer(FORGED), *lines) == "401 credentials_invalid"
        assert await who(cookie(token), bearer(EXPIRED), *lines) == "401 credentials_expired"


async def test_a_bearer_token_needs_no_origin() -> None:
    for lines in (*FOREIGN.values(), *ALLOWED):
        assert await who(bearer(ACME.token("alice")), *lines) == "alice"


async def test_a_request_without_cookies_of_ours_is_never_refused_for_its_origin() -> None:
    evil = ("origin", "https://evil.example")
    assert await who(evil, ("cookie", "theme=dark")) == "401 credentials_missing"


async def test_a_cookie_may_read_from_the_address_bar_but_not_write() -> None:
    typed = ("sec-fetch-site", "none")
    assert await who(cookie(ACME.token()), typed, method="GET") == "alice"
    assert await who(cookie(ACME.token()), typed, method="POST") == "403 origin_refused"


async def test_the_body_is_not_read_to_know_who_asks() -> None:
    ask: Ask = asking(bearer(ACME.token()))
    await SIGN_INS.authenticate(ask)  # `Ask.body` raises


# What cannot be known now, and what must not be configured ------------------------------------


async def test_an_issuer_that_is_away_is_not_the_callers_fault() -> None:
    """Row K-13: with one token and with two."""
    away = SignIns([one_sign_in(keys=KeysAway()), one_sign_in(PARTNER)], org="org_1")
    assert await who(bearer(ACME.token()), sign_ins=away) == "503 keys_unavailable"
    both = [bearer(ACME.token()), cookie(PARTNER.token()), OWN]
    assert await who(*both, sign_ins=away) == "503 keys_unavailable"
    assert await who(bearer(PARTNER.token()), sign_ins=away) == "alice"


async def test_two_sign_ins_may_share_an_issuer() -> None:
    web, mobile = one_sign_in(), one_sign_in(audience=("mobile",), user_claim="uid")
    shared = SignIns([web, mobile], org="org_1")
    assert await who(bearer(ACME.token()), sign_ins=shared) == "alice"
    assert await who(bearer(ACME.token(aud="mobile", uid="bob")), sign_ins=shared) == "bob"
    assert await who(bearer(ACME.token(aud="tv")), sign_ins=shared) == "401 credentials_invalid"
    late = ACME.token(aud="mobile", uid="bob", exp=CLOCK.now - 60)
    assert await who(bearer(late), sign_ins=shared) == "401 credentials_expired"
    assert await who(bearer(FORGED), sign_ins=shared) == "401 credentials_invalid"


async def test_another_orgs_token_is_refused_as_such() -> None:
    chosen = SignIns([one_sign_in(org_claim="org_id")], org="org_1")
    assert await who(bearer(ACME.token(org_id="org_1")), sign_ins=chosen) == "alice"
    assert await who(bearer(ACME.token(org_id="org_2")), sign_ins=chosen) == "403 wrong_org"
    assert await who(bearer(ACME.token()), sign_ins=chosen) == "403 wrong_org"


# What is recalled ---------------------------------------------------------------------------------

TOKENS = [
    *(ACME.token(who, org_id=org) for who in ("alice", "bob") for org in ("org_1", "org_2")),
    PARTNER.token("alice", org_id="org_1"),
    ACME.token("alice", aud="mobile", org_id="org_1"),
    *(token for token, _ in ALONE.values()),
    "",
]
TOKEN = st.sampled_from(TOKENS)
WRITTEN = ["Bearer ", "bearer ", "Bearer  ", "Bearer", "Basic ", ""]
LINES = st.one_of(
    st.builds(lambda how, token: ("authorization", how + token), st.sampled_from(WRITTEN), TOKEN),
    st.builds(cookie, TOKEN),
    st.builds(api_key, TOKEN),
    st.sampled_from([OWN, ("x-org", "org_1"), ("x-org", "org_2"), ("accept", "*/*")]),
)
ORGS = {"org_claim": "org_id"}


def sign_ins_of(name: str) -> SignIns:
    """The sign-ins of one org, that know nobody yet."""
    several = {
        "one": [one_sign_in(**ORGS)],
        "two issuers": [one_sign_in(**ORGS), one_sign_in(PARTNER)],
        "one issuer twice": [one_sign_in(), one_sign_in(audience=("mobile",), **ORGS)],
        "another kind beside": [Visitors(), one_sign_in()],
    }
    return SignIns(several[name], org="org_1", origins=[APP], org_from=("field:x-org",))


KNOWING: dict[str, SignIns] = {}


@pytest.mark.parametrize("name", ["one", "two issuers", "one issuer twice", "another kind beside"])
@given(lines=st.lists(LINES, min_size=1, max_size=4))
async def test_who_is_recalled_is_who_would_be_judged(
    name: str, lines: list[tuple[str, str]]
) -> None:
    knowing = KNOWING.setdefault(name, sign_ins_of(name))
    anew = await who(*lines, sign_ins=sign_ins_of(name))
    for _ in range(2):
        assert await who(*lines, sign_ins=knowing) == anew


async def test_only_a_bearer_token_that_stands_alone_is_recalled() -> None:
    sign_ins = SignIns([one_sign_in()], org="org_1")
    token = ACME.token("alice")
    recall = sign_ins.chain.recall
    assert recall(asking(bearer(token))) is None  # nobody has seen it
    await who(bearer(token), sign_ins=sign_ins)
    assert recall(asking(bearer(token), OWN)) is not None
    for line in (bearer(token), cookie("x"), api_key("x")):
        assert recall(asking(bearer(token), line)) is None
    assert recall(asking(cookie(token), OWN)) is None
    assert recall(asking(("authorization", f"Digest {token}"))) is None
    assert recall(asking(api_key(f"Bearer {token}"))) is None
    assert recall(asking(bearer(token + "A"))) is None


async def test_what_two_sign_ins_could_take_is_judged_by_both_each_time() -> None:
    twice = SignIns([one_sign_in(), one_sign_in(audience=("mobile",))], org="org_1")
    token = ACME.token("alice")
    assert await who(bearer(token), sign_ins=twice) == "alice"
    assert twice.chain.recall(asking(bearer(token))) is None


def test_where_no_credential_is_shown_there_is_none() -> None:
    chain = Chain([one_sign_in()])
    with pytest.raises(CredentialsMissing):
        chain.shown(asking())
    (shown,) = chain.shown(asking(bearer("a-token")))
    assert shown.text == "a-token"


def test_an_org_without_a_sign_in_does_not_start() -> None:
    with pytest.raises(ValueError, match="needs a sign-in"):
        SignIns([], org="org_1")


def test_secrets_and_public_keys_of_one_issuer_do_not_start() -> None:
    """Row J-03, by two sign-ins."""
    secret = one_sign_in(keys=shared_secrets([ACME.secret], ("HS256",)), algorithms=("HS256",))
    with pytest.raises(ValueError, match="never mix"):
        SignIns([one_sign_in(), secret], org="org_1")
    SignIns([one_sign_in(PARTNER), secret], org="org_1")


async def test_refusals_say_what_failed_and_quote_nothing() -> None:
    """Row G-01, for what the caller reads."""
    for token, _ in ALONE.values():
        for line in (bearer(token), cookie(token)):
            try:
                await SIGN_INS.authenticate(asking(line, OWN))
            except GatewayError as error:
                said = json.dumps([error.detail, repr(error), str(error)])
                assert not any(part in said for part in token.split(".") if len(part) > 8)
                for secret in ("alice", "bob", ACME.url, "chat"):
                    assert secret not in said


async def test_of_two_sign_ins_that_take_one_token_who_speaks_for_the_org_counts() -> None:
    ours = one_sign_in(org_claim="org")
    theirs = one_sign_in(org_claim="other")
    token = ACME.token("alice", org="org_1", other="org_2")
    for sign_ins in ([ours, theirs], [theirs, ours]):
        assert await who(bearer(token), sign_ins=SignIns(sign_ins, org="org_1")) == "alice"


@pytest.mark.parametrize(
    ("said", "answer"), [("org_1", "alice"), ("org_2", "400 bad_request"), ("", "400 bad_request")]
)
async def test_a_request_for_another_org_is_not_for_this_one(said: str, answer: str) -> None:
    sign_ins = SignIns([one_sign_in()], org="org_1", org_from=("field:x-org",))
    token = bearer(ACME.token("alice"))
    assert await who(token, ("x-org", said), sign_ins=sign_ins) == answer
    assert await who(token, sign_ins=sign_ins) == "alice"


async def test_of_two_good_credentials_the_bearer_tokens_roles_count() -> None:
    sign_ins = SignIns([one_sign_in(roles_claim="roles")], org="org_1")
    one, other = (ACME.token("alice", roles=[role]) for role in ("reader", "writer"))
    identity = await sign_ins.authenticate(asking(bearer(one), api_key(other)))
    assert identity.roles == ("reader",)


async def test_who_speaks_for_them_is_told_with_the_bearer_tokens_roles() -> None:
    class Forwarding(Visitors):
        async def verify(self, credential: Credential) -> Vouched:
            return Vouched("alice", ("writer",), actor="the-backend")

    sign_ins = SignIns([one_sign_in(roles_claim="roles"), Forwarding()], org="org_1")
    lines = [bearer(ACME.token("alice", roles=["reader"])), ("cookie", "visit=alice"), OWN]
    identity = await sign_ins.authenticate(asking(*lines))
    assert (identity.roles, identity.actor) == (("reader",), "the-backend")


@pytest.mark.parametrize(
    ("visit", "bearing", "answer"),
    [
        pytest.param("visitor", None, "401 credentials_missing", id="of nobody"),
        pytest.param("visitor", "alice", "alice", id="of nobody beside a good one"),
        pytest.param("alice", "alice", "alice", id="twice the same"),
        pytest.param("bob", "alice", "400 ambiguous_credentials", id="two people"),
        pytest.param("expired", "alice", "alice", id="expired beside a good one"),
        pytest.param("expired", None, "401 credentials_expired", id="expired"),
    ],
)
async def test_a_session_of_nobody_is_as_though_it_were_not_there(
    visit: str, bearing: str | None, answer: str
) -> None:
    sign_ins = SignIns([Visitors(), one_sign_in()], org="org_1")
    lines = [("cookie", f"visit={visit}"), OWN]
    if bearing is not None:
        lines.append(bearer(ACME.token(bearing)))
    assert await who(*lines, sign_ins=sign_ins) == answer


async def test_what_one_sign_in_takes_for_nobodys_another_may_take_for_somebodys() -> None:
    class Others(Visitors):
        async def verify(self, credential: Credential) -> Vouched | Nobody | None:
            return Vouched("carol")

    for sign_ins in ([Visitors(), Others()], [Others(), Visitors()]):
        chain = SignIns(sign_ins, org="org_1")
        assert await who(("cookie", "visit=visitor"), OWN, sign_ins=chain) == "carol"
