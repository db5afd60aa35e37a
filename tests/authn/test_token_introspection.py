"""Opaque tokens (RFC 7662): rows K-14 to K-18, J of SECURITY.md, as far as they are opaque."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.authn.claim_set import MAX_AUDIENCES
from gateway.authn.places import Authorization
from gateway.authn.remote import Remote
from gateway.authn.token_introspection import (
    IntrospectionRules,
    TokenIntrospection,
    question,
)
from gateway.authn.verdicts import Verdicts
from gateway.authn.verifier import Credential
from gateway.core.errors import GatewayError
from gateway.core.people.identity import Vouched
from tests.support.ask import asking
from tests.support.clock import WoundClock
from tests.support.host_app import CLIENT, INTROSPECT, HostApp
from tests.support.ports import free_port
from tests.support.provider import Answer, body, redirect, status

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.0
ISSUER = "https://id.acme.example/"
GOOD: dict[str, Any] = {
    "active": True,
    "iss": ISSUER,
    "sub": "alice",
    "aud": "chat",
    "client_id": "spa",
    "token_type": "Bearer",
    "exp": NOW + 60,
    "iat": NOW - 60,
    "nbf": NOW - 60,
}


@pytest.fixture
def server() -> Iterator[HostApp]:
    with HostApp() as one:
        one.tokens["t1"] = GOOD
        yield one


def sign_in(server: HostApp, *, cache: float = 60.0, clock: Any = None, **rules: Any) -> Any:
    said: dict[str, Any] = {
        "url": server.introspect,
        "client_id": CLIENT[0],
        "client_secret": CLIENT[1],
        "places": (Authorization(),),
        "issuer": ISSUER,
        "audience": ("chat",),
    }
    clock = clock or WoundClock(NOW)
    return TokenIntrospection(
        IntrospectionRules(**(said | rules)),
        Remote("server", timeout=60),
        Verdicts[Vouched](cache, clock=clock),
        clock=clock,
    )


async def who(one: TokenIntrospection, token: str = "t1") -> str:  # noqa: S107 - no password
    try:
        return (await one.verify(Credential(Authorization(), token, asking()))).subject
    except GatewayError as error:
        return f"{error.status} {error.code}"


@pytest.mark.parametrize("client_auth", ["basic", "post"])
async def test_a_token_is_whose_the_server_says(server: HostApp, client_auth: Any) -> None:
    """RFC 6749 section 2.3.1: the id and the secret are form-encoded, in the Basic scheme too."""
    assert await who(sign_in(server, client_auth=client_auth)) == "alice"
    (form,) = server.forms
    assert form["token"] == ["t1"]
    assert form["token_type_hint"] == ["access_token"]
    assert ("client_secret" in form) is (client_auth == "post")
    ((_, fields),) = server.requests
    assert ("authorization" in fields) is (client_auth == "basic")


async def test_the_server_gets_the_token_and_nothing_else_of_the_request(server: HostApp) -> None:
    """Row K-18."""
    ask = asking(("authorization", "Bearer t1"), ("cookie", "s=CANARY"), ("x-a", "CANARY"))
    vouched = await sign_in(server).verify(Credential(Authorization(), "t1", ask))
    assert vouched.subject == "alice"
    assert "CANARY" not in str(server.requests) + str(server.forms)
    assert set(server.requests[0][1]) == {
        *("host", "accept", "accept-encoding", "connection", "user-agent"),
        *("authorization", "content-type", "content-length"),
    }


def test_a_token_cannot_add_to_the_form() -> None:
    rules = IntrospectionRules(url="", client_id="a:b", client_secret="ü &", places=())
    fields, content = question(rules, "a&token=b+/=%")
    assert fields["content-type"] == "application/x-www-form-urlencoded"
    assert content == b"token=a%26token%3Db%2B%2F%3D%25&token_type_hint=access_token"
    assert fields["authorization"] == "Basic YSUzQWI6JUMzJUJDKyUyNg=="


ABSENT = object()


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        pytest.param({"active": False}, "401 credentials_invalid", id="not active"),
        pytest.param({"active": "true"}, "401 credentials_invalid", id="K-14 text"),
        pytest.param({"active": 1}, "401 credentials_invalid", id="K-14 one"),
        pytest.param({"active": None}, "401 credentials_invalid", id="K-14 null"),
        pytest.param({"active": [True]}, "401 credentials_invalid", id="K-14 list"),
        pytest.param({"active": ABSENT}, "503 keys_unavailable", id="K-14 missing"),
        pytest.param({"iss": ABSENT}, "401 credentials_invalid", id="J-17 no issuer"),
        pytest.param({"iss": ISSUER[:-1]}, "401 credentials_invalid", id="J-18 without slash"),
        pytest.param({"iss": [ISSUER]}, "401 credentials_invalid", id="J-17 list"),
        pytest.param({"aud": ABSENT}, "401 credentials_invalid", id="J-15 none"),
        pytest.param({"aud": "other"}, "401 credentials_invalid", id="J-15 other"),
        pytest.param({"aud": []}, "401 credentials_invalid", id="J-15 empty"),
        pytest.param({"aud": "Chat"}, "401 credentials_invalid", id="J-15 case"),
        pytest.param({"aud": "*"}, "401 credentials_invalid", id="J-15 star"),
        pytest.param({"aud": ["x"] * 10_000 + ["chat"]}, "401 credentials_invalid", id="J-15 many"),
        pytest.param({"aud": ["other", "chat"]}, "alice", id="J-15 ours among others"),
        pytest.param({"exp": NOW - 31}, "401 credentials_expired", id="J-14 past"),
        pytest.param({"exp": NOW - 29}, "alice", id="J-14 inside leeway"),
        pytest.param({"exp": str(NOW + 60)}, "401 credentials_invalid", id="J-14 text"),
        pytest.param({"exp": "2100-01-01T00:00:00Z"}, "401 credentials_invalid", id="J-14 a date"),
        pytest.param({"exp": NOW - 30}, "401 credentials_expired", id="J-14 all of the leeway"),
        pytest.param({"exp": True}, "401 credentials_invalid", id="J-14 true"),
        pytest.param({"exp": NOW * 1000}, "401 credentials_invalid", id="J-14 milliseconds"),
        pytest.param({"exp": ABSENT}, "alice", id="the server knows when"),
        pytest.param({"nbf": NOW + 31}, "401 credentials_invalid", id="not yet"),
        pytest.param({"nbf": NOW + 30}, "alice", id="not yet, inside leeway"),
        pytest.param({"nbf": None, "iat": ABSENT}, "alice", id="good from when on is not said"),
        pytest.param({"iat": NOW + 31}, "401 credentials_invalid", id="of the future"),
        pytest.param({"token_type": "DPoP"}, "401 credentials_invalid", id="J-20 DPoP"),
        pytest.param({"token_type": "refresh_token"}, "401 credentials_invalid", id="J-20 refresh"),
        pytest.param({"token_type": 1}, "401 credentials_invalid", id="J-20 number"),
        pytest.param({"token_type": "bearer"}, "alice", id="RFC 6749: no case"),
        pytest.param({"token_type": ABSENT}, "alice", id="not said"),
        pytest.param({"cnf": {"jkt": "x"}}, "401 credentials_invalid", id="bound to a key"),
        pytest.param({"act": {"sub": "svc"}}, "401 credentials_invalid", id="J-36 acting"),
        pytest.param({"sub": ABSENT}, "401 credentials_invalid", id="J-19 none"),
        pytest.param({"sub": ""}, "401 credentials_invalid", id="J-19 empty"),
        pytest.param({"sub": " "}, "401 credentials_invalid", id="J-19 blank"),
        pytest.param({"sub": "x" * 512}, "x" * 512, id="J-21 the longest"),
        pytest.param({"sub": "x" * 513}, "401 credentials_invalid", id="J-21 long"),
        pytest.param({"sub": 7}, "401 credentials_invalid", id="J-19 number"),
        pytest.param({"sub": ["alice"]}, "401 credentials_invalid", id="J-19 list"),
    ],
)
async def test_everything_it_says_is_checked(
    server: HostApp, changed: dict[str, Any], verdict: str
) -> None:
    said = GOOD | changed
    server.tokens["t1"] = {name: value for name, value in said.items() if value is not ABSENT}
    assert await who(sign_in(server)) == verdict


@pytest.mark.parametrize(
    ("rules", "said", "verdict"),
    [
        ({"audience": ()}, {"aud": "gateway"}, "alice"),
        ({"audience": ()}, {"aud": "chat"}, "401 credentials_invalid"),
        ({"audience": ()}, {"aud": ABSENT}, "alice"),
        ({"audience": (), "client": ("spa",)}, {"aud": "account"}, "alice"),
        ({"audience": (), "client": ("other",)}, {}, "401 credentials_invalid"),
        ({"client": ("spa",)}, {"client_id": ABSENT}, "401 credentials_invalid"),
        ({"client": ("spa",)}, {"aud": "other"}, "401 credentials_invalid"),
        # As oidc-provider speaks of a refresh token: row J-20.
        ({"audience": ()}, {"aud": ABSENT, "token_type": ABSENT}, "401 credentials_invalid"),
        ({"audience": (), "client": ("spa",)}, {"token_type": ABSENT}, "401 credentials_invalid"),
        ({"audience": ()}, {"aud": "gateway", "token_type": ABSENT}, "alice"),
        (
            {"audience": (), "types": ("Bearer", "absent")},
            {"aud": ABSENT, "token_type": ABSENT},
            "alice",
        ),
        ({"types": ("absent",)}, {"token_type": "Bearer"}, "401 credentials_invalid"),
        ({"issuer": None}, {"iss": ABSENT}, "alice"),
        ({"issuer": None}, {}, "alice"),
        ({"require": {"scope": "chat"}}, {}, "401 credentials_invalid"),
        ({"require": {"scope": "chat"}}, {"scope": "chat"}, "alice"),
        ({"user_claim": "username"}, {"username": "al"}, "al"),
    ],
)
async def test_for_whom_it_is_is_as_configured(
    server: HostApp, rules: dict[str, Any], said: dict[str, Any], verdict: str
) -> None:
    found = {name: value for name, value in (GOOD | said).items() if value is not ABSENT}
    server.tokens["t1"] = found
    assert await who(sign_in(server, **rules)) == verdict


NO_ANSWER: dict[str, Answer] = {
    "K-14 an error": body(b'{"error":"invalid_request"}'),
    "K-14 204": status(204, b""),
    "K-14 HTML": body(b"<html>", "text/html"),
    "K-14 a redirect": redirect("/introspect", 307),
    "K-14 a list": body(b'[{"active":true,"sub":"bob"}]'),
    "active twice": body(b'{"active":false,"active":true,"sub":"bob"}'),
    "a JWT (RFC 9701)": body(b"a.b.c", "application/token-introspection+jwt"),
    "K-17 500": status(500),
    "our secret is refused": status(401),
    "we may not ask": status(403),
    "400": status(400),
}


@pytest.mark.parametrize("name", NO_ANSWER)
async def test_what_is_no_answer_is_no_verdict(server: HostApp, name: str) -> None:
    """503 and not 401: whoever has a good token must not throw it away."""
    server.script(INTROSPECT, NO_ANSWER[name])
    one = sign_in(server)
    assert await who(one) == "503 keys_unavailable"
    server.script(INTROSPECT, None)
    assert await who(one) == "alice"


async def test_a_server_that_is_away_is_503(server: HostApp) -> None:
    """Row K-17."""
    one = sign_in(server, url=f"http://127.0.0.1:{free_port()}/introspect")
    assert await who(one) == "503 keys_unavailable"


async def test_a_wrong_secret_of_ours_is_not_the_tokens_fault(
    server: HostApp, caplog: pytest.LogCaptureFixture
) -> None:
    assert await who(sign_in(server, client_secret="CANARY")) == "503 keys_unavailable"
    assert "status 401" in caplog.text
    assert "CANARY" not in caplog.text
    assert "t1" not in caplog.text


async def test_a_thousand_cold_requests_with_one_token_are_one_question(server: HostApp) -> None:
    one = sign_in(server)
    assert set(await asyncio.gather(*(who(one) for _ in range(1000)))) == {"alice"}
    assert server.count(INTROSPECT) == 1


async def test_an_answer_is_believed_for_a_while_and_never_past_exp(server: HostApp) -> None:
    """Rows K-16 and A-08."""
    clock = WoundClock(NOW)
    one = sign_in(server, clock=clock, cache=300.0)
    assert await who(one) == await who(one) == "alice"
    assert server.count(INTROSPECT) == 1
    clock.now = GOOD["exp"]
    server.tokens["t1"] = {"active": False}
    assert await who(one) == "401 credentials_invalid"


@pytest.mark.parametrize("token", ["t1.", "t1=", "T1", "t", "t1t1", "x" * 16_384])
async def test_no_other_token_gets_the_answer(server: HostApp, token: str) -> None:
    """Rows A-01 and A-02."""
    one = sign_in(server)
    assert await who(one) == "alice"
    assert await who(one, token) == "401 credentials_invalid"
    assert server.count(INTROSPECT) == 2


async def test_two_servers_never_answer_for_each_other(server: HostApp) -> None:
    """Row A-03: another URL, another audience."""
    assert await who(sign_in(server)) == "alice"
    with HostApp() as other:
        assert await who(sign_in(other)) == "401 credentials_invalid"
        assert await who(sign_in(server, audience=("other",))) == "401 credentials_invalid"


@pytest.mark.parametrize("token", ["", "a b", "a,b", "é", "a\x7f", "x" * 16_385])
async def test_what_is_no_bearer_token_is_not_asked_about(server: HostApp, token: str) -> None:
    assert await who(sign_in(server), token) == "401 credentials_invalid"
    assert server.requests == []


async def test_each_gets_its_own_answer(server: HostApp) -> None:
    """Row K-15."""
    for number in range(40):
        server.tokens[f"p{number}"] = GOOD | {"sub": f"person-{number}"}
    one = sign_in(server)
    answers = await asyncio.gather(*(who(one, f"p{number}") for number in range(40)))
    assert answers == [f"person-{number}" for number in range(40)]


async def test_it_says_roles_and_orgs(server: HostApp) -> None:
    server.tokens["t1"] = GOOD | {"org": ["a", "b"], "roles": ["x"], "plan": "pro"}
    one = sign_in(
        server,
        org_claim="org",
        roles_claim="roles",
        remember=("plan", "seats"),
        may_vouch_for=lambda org: org != "b",
    )
    vouched = await one.verify(Credential(Authorization(), "t1", asking()))
    assert vouched == Vouched(
        "alice", ("x",), GOOD["exp"], frozenset({"a"}), attributes={"plan": "pro"}
    )
    assert one.names_orgs_by == "the claim org"
    assert sign_in(server).names_orgs_by is None


def test_the_limits_are_these() -> None:
    assert MAX_AUDIENCES == 100
