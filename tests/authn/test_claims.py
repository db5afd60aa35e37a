"""Rows J of SECURITY.md section 2.1 that the claims decide."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.authn.claim_set import MAX_AUDIENCES, MAX_ORGS, MAX_ROLES
from gateway.authn.claims import (
    MAX_LEEWAY,
    JwtRules,
    identify,
)
from gateway.core.errors import (
    CredentialsExpired,
    CredentialsInvalid,
    GatewayError,
    Unauthenticated,
    WrongOrg,
)
from gateway.core.people.identity import Identity, Person, Session
from tests.support.tokens import ABSENT, Issuer

NOW = 1_800_000_000
ISSUER = Issuer(clock=lambda: NOW)


def rules(**changed: Any) -> JwtRules:
    said: dict[str, Any] = {
        "issuer": ISSUER.url,
        "audience": ("chat",),
        "algorithms": ("RS256",),
    }
    return JwtRules(**(said | changed))


def judge(claims: Mapping[str, Any], *, now: float = NOW, **changed: Any) -> Identity:
    return identify(dict(claims), rules(**changed), now=now).within("org_1")


def refusal(claims: Mapping[str, Any], *, now: float = NOW, **changed: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        judge(claims, now=now, **changed)
    for value in claims.values():
        assert not isinstance(value, str) or not value.strip() or value not in caught.value.detail
    return caught.value


def test_a_good_token_names_its_person() -> None:
    identity = judge(ISSUER.claims("alice"))
    assert identity == Identity(org="org_1", subject="alice", expires_at=NOW + 300)
    assert identity.person == Person("org_1", "alice")


@pytest.mark.parametrize(
    "audience",
    [
        pytest.param(ABSENT, id="J-15 missing"),
        pytest.param(None, id="J-15 null"),
        pytest.param("other", id="J-15 other"),
        pytest.param([], id="J-15 empty list"),
        pytest.param("", id="J-15 empty"),
        pytest.param("*", id="J-15 star"),
        pytest.param(["*"], id="J-15 star in a list"),
        pytest.param("Chat", id="J-15 case"),
        pytest.param("chat/", id="J-15 trailing slash"),
        pytest.param("chat ", id="J-15 trailing space"),
        pytest.param(" chat", id="J-15 leading space"),
        pytest.param("chat,other", id="J-15 a list in a string"),
        pytest.param("chats", id="J-15 prefix"),
        pytest.param("hat", id="J-15 substring"),
        pytest.param(["c", "h", "a", "t"], id="J-15 letters"),
        pytest.param({"chat": True}, id="J-15 object"),
        pytest.param(["chat", 1], id="J-15 a number beside ours"),
        pytest.param(["chat", None], id="J-15 null beside ours"),
        pytest.param([["chat"]], id="J-15 a list in a list"),
        pytest.param(["chat"] * 10_000, id="J-15 list of 10,000"),
        pytest.param(1, id="J-15 number"),
        pytest.param(True, id="J-15 true"),
    ],
)
def test_refuses_a_token_for_another_audience(audience: object) -> None:
    assert isinstance(refusal(ISSUER.claims(aud=audience)), CredentialsInvalid)


@pytest.mark.parametrize("audience", ["chat", ["chat"], ["other", "chat"], ["chat", "chat"]])
def test_one_audience_of_ours_is_enough(audience: object) -> None:
    assert judge(ISSUER.claims(aud=audience)).subject == "alice"


EXPIRED = {
    "past": NOW - 300,
    "now, without leeway": NOW,
    "one second ago, without leeway": NOW - 1,
    "zero": 0,
    "negative": -5,
    "negative fraction": -0.5,
}


@pytest.mark.parametrize("name", EXPIRED)
def test_an_expired_token_says_so(name: str) -> None:
    """Row J-14."""
    error = refusal(ISSUER.claims(exp=EXPIRED[name]), leeway=0.0)
    assert isinstance(error, CredentialsExpired)
    assert error.code == "credentials_expired"


@pytest.mark.parametrize(
    "expires",
    [
        pytest.param(ABSENT, id="J-14 missing"),
        pytest.param(None, id="J-14 null"),
        pytest.param("", id="J-14 empty"),
        pytest.param("9999999999", id="J-14 a string"),
        pytest.param(str(NOW + 300), id="J-14 a good date as a string"),
        pytest.param(float("inf"), id="J-14 infinity"),
        pytest.param(float("nan"), id="J-14 NaN"),
        pytest.param(True, id="J-14 true"),
        pytest.param([NOW + 300], id="J-14 list"),
        pytest.param({"exp": NOW + 300}, id="J-14 object"),
        pytest.param(int("9" * 400), id="J-14 400 digits"),
        pytest.param(1e300, id="J-14 1e300"),
        pytest.param((NOW + 300) * 1000, id="J-14 in milliseconds"),
    ],
)
def test_refuses_a_token_without_a_date_of_expiry(expires: object) -> None:
    assert isinstance(refusal(ISSUER.claims(exp=expires)), CredentialsInvalid)


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("value", ["", str(NOW), None, True, [], {}, float("nan"), 1e300, NOW + 31])
def test_refuses_a_token_of_the_future_or_of_no_time(name: str, value: object) -> None:
    assert isinstance(refusal(ISSUER.claims(**{name: value})), CredentialsInvalid)


@pytest.mark.parametrize(
    ("claim", "offset", "good"),
    [
        ("exp", -29, True),
        ("exp", -29.5, True),
        ("exp", -30, False),
        ("exp", -31, False),
        ("nbf", 30, True),
        ("nbf", 30.5, False),
        ("iat", 30, True),
        ("iat", 31, False),
    ],
)
def test_clocks_may_differ_by_the_leeway_and_no_more(claim: str, offset: float, good: bool) -> None:
    """Row J-14, leeway."""
    claims = ISSUER.claims(**{claim: NOW + offset})
    if good:
        judge(claims, leeway=30.0)
    else:
        refusal(claims, leeway=30.0)


def test_dates_but_exp_may_be_missing() -> None:
    assert judge(ISSUER.claims(iat=ABSENT)).subject == "alice"


NOBODY = [
    ABSENT,
    None,
    "",
    " ",
    "  ",
    "\t\n",
    "\u2003",
    "\xa0",
    0,
    7,
    1.5,
    True,
    False,
    [],
    ["a"],
    {},
    "a" * 513,
]


@pytest.mark.parametrize("subject", NOBODY, ids=[f"J-19 {one!r}" for one in NOBODY[1:]] + ["J-19"])
def test_refuses_a_token_that_names_nobody(subject: object) -> None:
    assert isinstance(refusal(ISSUER.claims(sub=subject)), CredentialsInvalid)
    assert isinstance(
        refusal(ISSUER.claims(ids={"user": subject}), user_claim="/ids/user"), CredentialsInvalid
    )


@given(st.text(min_size=1, max_size=512).filter(lambda text: text.strip()))
@example("\U0001f600" * 512)
def test_a_subject_is_never_repaired(subject: str) -> None:
    """Rows J-21 and J-34: two subjects are two people, however alike."""
    assert judge(ISSUER.claims(subject)).subject == subject


@pytest.mark.parametrize(
    "twin", ["Sub", "SUB", "sub\u0000", "sub ", " sub", "\uff53ub", "s\u200bub"]
)
def test_a_twin_of_a_claims_name_is_another_claim(twin: str) -> None:
    """Row J-24."""
    assert judge(ISSUER.claims("alice", **{twin: "bob"})).subject == "alice"
    refusal(ISSUER.claims(ABSENT, **{twin: "bob"}))


BOTH = {"user.id": "literal", "user": {"id": "nested"}, "/user/id": "slashed"}


@pytest.mark.parametrize(
    ("claim", "claims", "subject"),
    [
        ("user.id", BOTH, "literal"),
        ("/user/id", BOTH, "nested"),
        ("user.id", {"user": {"id": "nested"}}, None),
        ("/user/id", {"user.id": "literal"}, None),
        ("/user/id", {"user": "alice"}, None),
        ("/user/id", {"user": [{"id": "alice"}]}, None),
        ("/user/0/id", {"user": [{"id": "alice"}]}, "alice"),
        ("/https:~1~1x~1id", {"https://x/id": "alice"}, "alice"),
        ("https://x/id", {"https://x/id": "alice"}, "alice"),
    ],
)
def test_a_claims_name_means_what_the_configuration_says(
    claim: str, claims: Mapping[str, Any], subject: str | None
) -> None:
    """Row J-23."""
    if subject is None:
        refusal(ISSUER.claims(**claims), user_claim=claim)
    else:
        assert judge(ISSUER.claims(**claims), user_claim=claim).subject == subject


@pytest.mark.parametrize(
    ("wanted", "said", "good"),
    [
        (True, True, True),
        (True, "true", False),
        (True, 1, False),
        (True, False, False),
        (True, None, False),
        (True, ABSENT, False),
        (True, [True], False),
        (1, 1, True),
        (1, True, False),
        (1, 1.0, True),
        (1, "1", False),
        ("acme.example", "acme.example", True),
        ("acme.example", "ACME.example", False),
        ("acme.example", "acme.example.", False),
        ("acme.example", "acme.example.evil", False),
        ("acme.example", ["acme.example"], False),
        (0, False, False),
        (0, None, False),
        (False, 0, False),
        (False, ABSENT, False),
    ],
)
def test_a_required_claim_is_compared_with_its_type(wanted: Any, said: object, good: bool) -> None:
    """Row J-33: `email_verified` that is "true" is not true."""
    for name, claims in (("hd", {"hd": said}), ("/google/hd", {"google": {"hd": said}})):
        if said is ABSENT:
            claims = {}
        if good:
            judge(ISSUER.claims(**claims), require={name: wanted})
        else:
            assert isinstance(
                refusal(ISSUER.claims(**claims), require={name: wanted}), CredentialsInvalid
            )


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"azp": "spa"}, True),
        ({"client_id": "spa"}, True),
        ({"azp": "spa", "client_id": "spa"}, True),
        ({"azp": "spa", "client_id": "evil"}, False),
        ({"azp": "evil", "client_id": "spa"}, False),
        ({"azp": "spa", "client_id": None}, False),
        ({"azp": ["spa"]}, False),
        ({"azp": "SPA"}, False),
        ({"azp": ""}, False),
        ({"azp": 1}, False),
        ({"cid": "spa"}, False),
        ({}, False),
    ],
)
def test_a_client_is_who_the_token_was_issued_to(claims: Mapping[str, Any], good: bool) -> None:
    issued = ISSUER.claims(aud=ABSENT, **claims)
    if good:
        judge(issued, audience=(), client=("spa", "app"))
    else:
        assert isinstance(refusal(issued, audience=(), client=("spa", "app")), CredentialsInvalid)


def test_audience_and_client_are_both_asked_where_both_are_given() -> None:
    judge(ISSUER.claims(azp="spa"), client=("spa",))
    refusal(ISSUER.claims(azp="spa", aud="other"), client=("spa",))
    refusal(ISSUER.claims(azp="other"), client=("spa",))


@pytest.mark.parametrize("claim", ["act", "events", "cnf"])
@pytest.mark.parametrize("value", [{"sub": "service"}, {}, None, "service", []])
def test_refuses_a_token_of_another_kind(claim: str, value: object) -> None:
    """Rows J-20 and J-36: security events, tokens of DPoP or mTLS, who acts for somebody else."""
    assert isinstance(refusal(ISSUER.claims(**{claim: value})), CredentialsInvalid)


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ("org_1", True),
        (["org_1"], True),
        (["org_2", "org_1"], True),
        (ABSENT, False),
        (None, False),
        ("", False),
        ("org_2", False),
        ("ORG_1", False),
        ("org_1 ", False),
        ("org_10", False),
        ("*", False),
        (["*"], False),
        ([], False),
        ([None], False),
        ([["org_1"]], False),
        ({"org_1": {}}, False),
        (1, False),
        (True, False),
        ("org_1,org_2", False),
    ],
)
def test_a_token_vouches_for_the_orgs_it_names(said: object, good: bool) -> None:
    """Row O-10."""
    for name, claims in (("org_id", {"org_id": said}), ("/o/id", {"o": {"id": said}})):
        if said is ABSENT:
            claims = {}
        if good:
            assert judge(ISSUER.claims(**claims), org_claim=name).org == "org_1"
        else:
            error = refusal(ISSUER.claims(**claims), org_claim=name)
            assert isinstance(error, WrongOrg)
            assert (error.status, error.code) == (403, "wrong_org")


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        (ABSENT, ()),
        (None, ()),
        ([], ()),
        ("admin", ("admin",)),
        ("admin editor", ("admin editor",)),
        (["admin", "editor"], ("admin", "editor")),
        ("", None),
        ([""], None),
        ([1], None),
        ([True], None),
        (["admin", None], None),
        ([["admin"]], None),
        ({"admin": True}, None),
        (7, None),
        (True, None),
        (["r"] * 257, None),
    ],
)
def test_roles_are_strings_as_the_token_has_them(
    said: object, roles: tuple[str, ...] | None
) -> None:
    claims = ISSUER.claims(**({} if said is ABSENT else {"realm_access": {"roles": said}}))
    if roles is None:
        assert isinstance(refusal(claims, roles_claim="/realm_access/roles"), CredentialsInvalid)
    else:
        assert judge(claims, roles_claim="/realm_access/roles").roles == roles


def test_roles_are_not_read_where_nobody_asked_for_them() -> None:
    assert judge(ISSUER.claims(roles=["admin"])).roles == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "other"},
        {"sub": ""},
        {"act": {}},
        {"nbf": NOW + 100},
        {"hd": "evil"},
        {"azp": "evil"},
        {"roles": 1},
    ],
    ids=str,
)
def test_expired_means_that_all_else_is_well(wrong: Mapping[str, Any]) -> None:
    """An expired credential counts as absent; one that never was good must not."""
    claims = ISSUER.claims(**({"exp": NOW - 100, "hd": "acme.example", "azp": "spa"} | dict(wrong)))
    error = refusal(claims, require={"hd": "acme.example"}, client=("spa",), roles_claim="roles")
    assert isinstance(error, CredentialsInvalid)


def test_an_identity_cannot_be_changed_by_who_gets_it() -> None:
    """Row A-10."""
    identity = judge(ISSUER.claims(roles=["user"]), roles_claim="roles")
    with pytest.raises(AttributeError):
        identity.roles = ("admin",)  # type: ignore[misc]
    with pytest.raises(TypeError):
        identity.attributes["admin"] = True  # type: ignore[index]
    assert isinstance(identity.roles, tuple)


def test_what_is_to_be_remembered_is_short_and_plain() -> None:
    claims = ISSUER.claims(plan="pro", seats=5, vip=True, tags=["a"], long="x" * 100_000)
    names = ("plan", "seats", "vip", "tags", "long", "none")
    assert judge(claims, remember=names).attributes == {"plan": "pro", "seats": 5, "vip": True}
    assert judge(claims).attributes == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(["aud", "sub", "exp", "nbf", "iat", "azp", "roles", "org_id", "hd", "act"])


@given(st.dictionaries(NAMES, JSON))
def test_any_claims_are_judged_without_a_fault(changed: Mapping[str, Any]) -> None:
    try:
        identity = judge(
            ISSUER.claims(**changed),
            require={"hd": "x"},
            client=("spa",),
            roles_claim="roles",
            org_claim="org_id",
        )
    except (Unauthenticated, WrongOrg):
        return
    assert identity.subject.strip()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"issuer": ""}, "issuer"),
        ({"audience": ()}, "audience"),
        ({"audience": ("",)}, "audience"),
        ({"audience": (), "client": ("",)}, "audience"),
        ({"algorithms": ()}, "algorithms"),
        ({"algorithms": ("RS256", "HS256")}, "never mix"),
        ({"algorithms": ("none",)}, "algorithms"),
        ({"leeway": -1.0}, "leeway"),
        ({"leeway": 61.0}, "leeway"),
        ({"leeway": float("nan")}, "leeway"),
        ({"user_claim": ""}, "claim"),
        ({"user_claim": "/users/*"}, "claim"),
        ({"user_claim": "/a~b"}, "~"),
        ({"roles_claim": "/*"}, "claim"),
        ({"org_claim": "/a/*/b"}, "claim"),
        ({"require": {"": 1}}, "claim"),
        ({"places": ()}, "from"),
        ({"places": ("query:access_token",)}, "from"),
    ],
    ids=str,
)
def test_rules_that_let_in_everybody_or_nobody_do_not_start(
    changed: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        rules(**changed)


def test_rules_keep_what_they_were_made_of() -> None:
    require = {"hd": "x"}
    made = rules(require=require)
    require["hd"] = "evil"
    assert made.require == {"hd": "x"}
    with pytest.raises(TypeError):
        made.require["hd"] = "evil"  # type: ignore[index]


END_OF_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z


def test_dates_end_with_the_year_9999() -> None:
    good = {**ISSUER.claims(), "exp": END_OF_TIME, "nbf": -END_OF_TIME}
    assert judge(good).expires_at == END_OF_TIME
    for wrong in ({"exp": END_OF_TIME + 1}, {"nbf": -END_OF_TIME - 1}):
        assert refusal(good | wrong).code == "credentials_invalid"


@pytest.mark.parametrize(("claim", "most"), [("aud", 100), ("roles", 256)])
def test_a_list_may_be_of_the_largest_size(claim: str, most: int) -> None:
    names = ["chat", *(f"n{index}" for index in range(most - 1))]
    good = {**ISSUER.claims(), claim: names}
    assert judge(good, roles_claim="roles").subject == "alice"
    assert refusal({**good, claim: [*names, "x"]}, roles_claim="roles").status == 401


def test_the_leeway_may_be_a_minute_and_is_half_of_one() -> None:
    assert rules(leeway=60).leeway == 60
    assert rules().leeway == 30


def test_a_token_may_name_no_more_orgs_than_anybody_has() -> None:
    orgs = ["org_1", *(f"o{index}" for index in range(255))]
    assert judge({**ISSUER.claims(), "org": orgs}, org_claim="org").org == "org_1"
    assert refusal({**ISSUER.claims(), "org": [*orgs, "x"]}, org_claim="org").status == 401


def test_the_limits_are_these() -> None:
    assert MAX_LEEWAY == 60
    assert MAX_AUDIENCES == 100
    assert MAX_ROLES == 256
    assert MAX_ORGS == 256


def test_a_type_means_the_same_with_its_long_name() -> None:
    """RFC 7515 section 4.1.9."""
    assert rules(types=("application/at+jwt", "JWT")).types == ("at+jwt", "jwt")


def test_a_token_counts_no_longer_than_its_greatest_age() -> None:
    claims = ISSUER.claims("alice", exp=NOW + 86_400)
    assert judge(claims, max_age=600).expires_at == NOW + 600
    assert judge(claims, max_age=600, now=NOW + 629).subject == "alice"
    assert isinstance(refusal(claims, max_age=600, now=NOW + 630), CredentialsExpired)
    assert judge(ISSUER.claims(exp=NOW + 60), max_age=600).expires_at == NOW + 60
    assert isinstance(refusal(ISSUER.claims(iat=ABSENT), max_age=600), CredentialsInvalid)


@pytest.mark.parametrize(
    ("claims", "subject", "session"),
    [
        ({}, "alice", None),
        ({"sid": "s1"}, "alice", "s1"),
        ({"sid": ""}, "alice", None),
        ({"sid": 7}, "alice", None),
        ({"sub": ABSENT, "sid": "s1"}, "", "s1"),
    ],
)
def test_what_a_logout_may_end_is_in_the_providers_words(
    claims: Mapping[str, Any], subject: str, session: str | None
) -> None:
    said = ISSUER.claims(**{"name": "Alice", "iat": NOW - 9, **claims})
    identity = judge(said, user_claim="name", realm="acme")
    assert identity.session == Session("acme", subject, session, NOW - 9)
    assert judge(said, user_claim="name").session is None


def test_what_no_logout_could_end_is_no_sign_in_where_logouts_are_heard() -> None:
    nameless = ISSUER.claims(ABSENT, name="alice")
    assert isinstance(refusal(nameless, user_claim="name", realm="acme"), CredentialsInvalid)
    assert judge(nameless, user_claim="name").subject == "alice"
