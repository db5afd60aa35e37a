"""Logout tokens, by truly signed ones: every check of OpenID Connect Back-Channel Logout 2.6."""

import json
from typing import Any

import pytest

from gateway.authn.claim_set import END_OF_TIME, MAX_AUDIENCES
from gateway.authn.jwk import parse_set
from gateway.authn.logout_token import (
    EVENT,
    MAX_NAME,
    LogoutRules,
    LogoutTokens,
)
from gateway.authn.token import parse
from gateway.core.errors import BadRequest
from gateway.core.people.logout import Logout
from tests.support.clock import WoundClock
from tests.support.tokens import ABSENT, Issuer, b64

pytestmark = pytest.mark.anyio

CLOCK = WoundClock()
ISSUER = Issuer(clock=CLOCK)
EVIL = Issuer("https://evil.example/", clock=CLOCK)
TOKENS = LogoutTokens(
    LogoutRules(
        realm="acme", issuer=ISSUER.url, clients=("gateway", "spa"), algorithms=("RS256", "ES256")
    ),
    parse_set(json.dumps(ISSUER.jwks("RS256", "ES256", "EdDSA")).encode()),
    clock=CLOCK,
)


def said(**changed: object) -> dict[str, Any]:
    """The claims of a good one."""
    now = int(CLOCK())
    claims: dict[str, object] = {
        "aud": "gateway",
        "iat": now,
        "exp": now + 120,
        "jti": "j1",
        "sid": "s1",
        "events": {EVENT: {}},
    }
    return ISSUER.claims(**(claims | changed))


def signed(
    header: dict[str, object] | None = None, algorithm: str = "RS256", **changed: object
) -> str:
    typ = {"typ": "logout+jwt"}
    return ISSUER.seal(said(**changed), algorithm=algorithm, header=typ | (header or {}))


async def read(token: str) -> Logout:
    return await TOKENS.read(parse(token))


async def test_a_good_one_says_who_has_signed_out_and_where() -> None:
    now = int(CLOCK())
    assert await read(signed()) == Logout(
        realm="acme", subject="alice", session="s1", issued_at=now, expires_at=now + 150, id="j1"
    )
    assert (await read(signed(sid=ABSENT))).session is None
    assert (await read(signed(sub=ABSENT))).subject is None


GOOD: dict[str, str] = {
    "typ JWT, as older providers write": signed({"typ": "JWT"}),
    "no typ": signed({"typ": ABSENT}),
    "typ with application/": signed({"typ": "application/logout+jwt"}),
    "another algorithm of the sign-in": signed(algorithm="ES256"),
    "another client of ours": signed(aud="spa"),
    "several audiences": signed(aud=["another", "gateway"]),
    "an event that says more": signed(events={EVENT: {"why": "asked"}, "https://x.example": {}}),
    "a clock a little ahead": signed(iat=int(CLOCK()) + 20),
    "a clock ahead by all it may be": signed(iat=int(CLOCK()) + 30),
    "the first second of all": signed(iat=0),
    "the last second of all": signed(exp=END_OF_TIME),
    "expired a moment ago": signed(exp=int(CLOCK()) - 20),
    "a person of one character": signed(sub="a"),
    "a person of as many as may be": signed(sub="a" * MAX_NAME),
}


@pytest.mark.parametrize("token", GOOD.values(), ids=GOOD.keys())
async def test_what_the_standard_allows_counts(token: str) -> None:
    assert (await read(token)).id == "j1"


BAD: dict[str, str] = {
    "W-01 another's key": EVIL.seal(said()),
    "W-01 another's issuer": ISSUER.seal(said(iss=EVIL.url)),
    "W-01 no issuer": ISSUER.seal(said(iss=ABSENT)),
    "J-02 an algorithm that is not the sign-in's": signed(algorithm="EdDSA"),
    "J-03 the issuer's secret": ISSUER.seal(said(), algorithm="HS256"),
    "J-12 no signature": signed().rpartition(".")[0] + "." + b64(b"\0" * 256),
    "J-20 an ID token": ISSUER.token(aud="gateway", nonce="n", jti="j1"),
    "J-20 an access token": ISSUER.token(aud="gateway", jti="j1", sid="s1"),
    "J-20 typ of an access token": signed({"typ": "at+jwt"}),
    "J-20 typ of another event": signed({"typ": "secevent+jwt"}),
    "J-20 another event": signed(events={"http://schemas.openid.net/event": {}}),
    "J-20 no events": signed(events=ABSENT),
    "J-20 events in a list": signed(events=[EVENT]),
    "J-20 an event that is no object": signed(events={EVENT: None}),
    "J-20 a nonce": signed(nonce="n"),
    "J-20 an empty nonce": signed(nonce=None),
    "J-15 for another client": signed(aud="another"),
    "J-15 for nobody": signed(aud=ABSENT),
    "J-15 for an empty list": signed(aud=[]),
    "J-15 another case": signed(aud="Gateway"),
    "J-14 expired": signed(exp=int(CLOCK()) - 31),
    "J-14 expired in this second": signed(exp=int(CLOCK()) - 30),
    "J-14 without an end": signed(exp=ABSENT),
    "J-14 an end in words": signed(exp="9999999999"),
    "J-14 of a time to come": signed(iat=int(CLOCK()) + 31),
    "J-14 of no time": signed(iat=ABSENT),
    "J-14 of a time that is true": signed(iat=True),
    "J-14 of no known time": signed(iat=-1),
    "J-14 in milliseconds": signed(exp=int(CLOCK()) * 1000_000),
    "J-28 without an id": signed(jti=ABSENT),
    "J-28 an empty id": signed(jti=""),
    "J-28 a number for an id": signed(jti=7),
    "J-19 neither person nor session": signed(sub=ABSENT, sid=ABSENT),
    "J-19 a number for a person": signed(sub=7),
    "J-19 an empty person": signed(sub=""),
    "J-19 a person of a thousand characters": signed(sub="a" * 1000),
    "J-21 a NUL in a person": signed(sub="a\0b"),
    "J-19 a list for a session": signed(sid=["s1"]),
    "J-19 null for a session": signed(sid=None),
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
async def test_what_is_no_logout_ends_nothing(token: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await read(token)
    assert "alice" not in caught.value.detail


def test_the_limits_are_these() -> None:
    assert (MAX_AUDIENCES, MAX_NAME) == (100, 512)
