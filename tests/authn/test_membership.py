"""Which orgs a person is in, as the host app says: row C-12, RF-33, CONTRACT section 2."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.authn.chain import SignIns
from gateway.authn.keys import shared_secrets
from gateway.authn.membership import MembershipRules, WithMembership
from gateway.authn.remote import Remote
from gateway.authn.verdicts import Verdicts
from gateway.authn.verifier import Nobody
from gateway.core.errors import GatewayError
from gateway.core.people.identity import Vouched
from tests.authn.test_chain import ACME, one_sign_in
from tests.support.ask import asking, bearing
from tests.support.host_app import ORGS, HostApp
from tests.support.provider import Answer, body, redirect, status

pytestmark = pytest.mark.anyio


@pytest.fixture
def app() -> Iterator[HostApp]:
    with HostApp() as one:
        one.orgs |= {"alice": ["org_1", "org_2"], "bob": ["org_2"], "carol": []}
        yield one


def beside(app: HostApp, *, cache: float = 60.0, sign_in: Any = None, **rules: Any) -> Any:
    return WithMembership(
        sign_in or one_sign_in(org_claim="org"),
        MembershipRules(**({"url": app.url + ORGS} | rules)),
        Remote("app", timeout=60),
        Verdicts[frozenset[str]](cache),
    )


async def orgs(one: WithMembership, who: str = "alice", **claims: Any) -> object:
    """The orgs, or the code of the refusal."""
    try:
        vouched = await one.verify(bearing(ACME.token(who, **claims)))
    except GatewayError as error:
        return f"{error.status} {error.code}"
    return set(vouched.orgs or ()) if isinstance(vouched, Vouched) else vouched


async def test_the_app_says_where_the_token_does_not(app: HostApp) -> None:
    one = beside(app)
    assert await orgs(one) == {"org_1", "org_2"}
    assert await orgs(one, "bob") == {"org_2"}
    assert [path for path, _ in app.requests] == ["/orgs?user=alice", "/orgs?user=bob"]


async def test_what_the_token_says_is_not_widened_and_not_asked_about(app: HostApp) -> None:
    assert await orgs(beside(app), org="org_2") == {"org_2"}
    assert await orgs(beside(app), org="org_9") == {"org_9"}
    named = beside(app, may_vouch_for=lambda org: org == "org_1")
    assert await orgs(named, org="org_2") == set()
    assert app.requests == []


async def test_only_orgs_it_may_vouch_for_count(app: HostApp) -> None:
    assert await orgs(beside(app, may_vouch_for=lambda org: org == "org_1")) == {"org_1"}


@pytest.mark.parametrize("who", ["carol", "nobody-known"])
async def test_who_is_in_none_is_in_none(app: HostApp, who: str) -> None:
    """And may be in one a moment later, so that is asked anew."""
    one = beside(app)
    assert await orgs(one, who) == set()
    app.orgs[who] = ["org_1"]
    assert await orgs(one, who) == {"org_1"}


async def test_a_sign_in_of_one_org_is_looked_up_as_well(app: HostApp) -> None:
    """Without an org claim it would speak for that org: with a look-up, only for its people."""
    sign_ins = SignIns([beside(app, sign_in=one_sign_in())], org="org_1")
    for who, verdict in (("alice", "org_1"), ("bob", "403 wrong_org"), ("carol", "403 wrong_org")):
        ask = asking(("authorization", f"Bearer {ACME.token(who)}"))
        try:
            found = (await sign_ins.authenticate(ask)).org
        except GatewayError as error:
            found = f"{error.status} {error.code}"
        assert found == verdict


async def test_nobody_is_asked_about_who_has_not_signed_in(app: HostApp) -> None:
    one = beside(app)
    assert await orgs(one, exp=1) == "401 credentials_expired"
    assert await orgs(one, aud="other") == "401 credentials_invalid"
    assert await orgs(one, iss="https://other.example/") is None
    assert app.requests == []


async def test_a_session_of_nobody_stays_one(app: HostApp) -> None:
    class OfNobody:
        places = ()
        names_orgs_by = None

        async def verify(self, credential: object) -> Nobody:
            return Nobody.NOBODY

    one = beside(app, sign_in=OfNobody())
    assert await one.verify(bearing("x")) is Nobody.NOBODY
    assert one.names_orgs_by == "the membership the host app tells"
    assert beside(app).names_orgs_by == "the claim org or the membership the host app tells"


NO_ANSWER: dict[str, Answer] = {
    "500": status(500),
    "401: our secret": status(401),
    "a redirect": redirect("/login"),
    "HTML": body(b"<html>", "text/html"),
    "half JSON": body(b'{"orgs":["org_1"'),
    "a list": body(b'["org_1"]'),
    "no orgs": body(b"{}"),
    "null": body(b'{"orgs":null}'),
    "one text": body(b'{"orgs":"org_1"}'),
    "numbers": body(b'{"orgs":[1]}'),
    "an empty name": body(b'{"orgs":["org_1",""]}'),
    "more than anybody has": body(b'{"orgs":[%s]}' % b",".join([b'"a"'] * 257)),
    "50 MB": body(b" " * 50_000_000),
}


@pytest.mark.parametrize("name", NO_ANSWER)
async def test_what_is_no_answer_lets_nobody_in(app: HostApp, name: str) -> None:
    """503: failing closed, and nothing of it is kept."""
    one = beside(app)
    app.script(ORGS, NO_ANSWER[name])
    assert await orgs(one) == "503 keys_unavailable"
    app.script(ORGS, None)
    assert await orgs(one) == {"org_1", "org_2"}


async def test_an_answer_is_believed_for_a_while_and_not_longer(app: HostApp) -> None:
    one = beside(app)
    assert await orgs(one) == {"org_1", "org_2"}
    app.script(ORGS, status(500))
    assert await orgs(one, jti="another token of hers") == {"org_1", "org_2"}
    at_once = beside(app, cache=0)
    assert await orgs(at_once) == "503 keys_unavailable"


async def test_who_has_left_an_org_is_out_of_it_when_the_answer_is_old(app: HostApp) -> None:
    """Row O-07, of new requests: within the time an answer is believed, here none and 0.2 s."""
    at_once, soon = beside(app, cache=0), beside(app, cache=0.2)
    assert await orgs(at_once) == await orgs(soon) == {"org_1", "org_2"}
    app.orgs["alice"] = ["org_2"]
    assert await orgs(at_once) == {"org_2"}
    await asyncio.sleep(0.2)
    assert await orgs(soon) == {"org_2"}
    app.orgs["alice"] = []
    assert await orgs(at_once) == set()


async def test_a_thousand_cold_requests_of_one_person_are_one_question(app: HostApp) -> None:
    one = beside(app)
    answers = await asyncio.gather(*(orgs(one, jti=str(number)) for number in range(1000)))
    assert all(answer == {"org_1", "org_2"} for answer in answers)
    assert app.count(ORGS) == 1


@pytest.mark.parametrize("who", ["a&user=bob", "a b", "é", "a#b", "a?b", "../x", "%62ob", "+"])
async def test_a_person_is_asked_about_by_their_whole_name(app: HostApp, who: str) -> None:
    app.orgs[who] = ["org_1"]
    assert await orgs(beside(app), who) == {"org_1"}


async def test_the_app_is_shown_the_secret_and_never_the_credential(app: HostApp) -> None:
    app.secret = "membership-secret"
    one = beside(app, secret=app.secret, url=app.url + ORGS + "?v=1")
    token = ACME.token("alice")
    await one.verify(bearing(token))
    ((path, fields),) = app.requests
    assert path == "/orgs?v=1&user=alice"
    assert fields["authorization"] == "Bearer membership-secret"
    assert token not in str(app.requests)
    assert app.secret not in repr(MembershipRules(url="", secret=app.secret))


def test_families_of_keys_do_not_mix_behind_a_look_up(app: HostApp) -> None:
    keys = shared_secrets([ACME.secret], ["HS256"])
    symmetric = one_sign_in(keys=keys, algorithms=("HS256",))
    with pytest.raises(ValueError, match="never mix"):
        SignIns([beside(app), beside(app, sign_in=symmetric)], org="org_1")


@pytest.mark.parametrize(
    ("who", "written"),
    [
        ("../alice", "..%2Falice"),
        ("a&user=bob", "a%26user%3Dbob"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("a b+c", "a%20b%2Bc"),
        ("Ünal", "%C3%9Cnal"),
    ],
)
async def test_a_name_is_asked_about_whole(app: HostApp, who: str, written: str) -> None:
    """Nothing in it is a part of the URL."""
    app.orgs[who] = ["org_1"]
    assert await orgs(beside(app), who) == {"org_1"}
    assert [path for path, _ in app.requests] == [f"/orgs?user={written}"]


async def test_a_name_that_has_no_utf_8_is_asked_about_and_not_known(app: HostApp) -> None:
    class OfSomebody:
        places = ()
        names_orgs_by = None

        async def verify(self, credential: object) -> Vouched:
            return Vouched("\ud800")

    assert await orgs(beside(app, sign_in=OfSomebody())) == set()
    assert [path for path, _ in app.requests] == ["/orgs?user=%ED%A0%80"]
