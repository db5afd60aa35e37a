"""What `explain` says of the credentials of a request: who spoke, and why the others did not."""

import json
from base64 import urlsafe_b64encode

import pytest

from gateway.authn.chain import Chain
from gateway.authn.explain import explain, place_of
from gateway.authn.places import Authorization, Cookie, Cookies, Field, Place
from gateway.authn.verifier import Credential, Nobody, Verifier
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from gateway.core.people.identity import Vouched
from tests.support.ask import asking

pytestmark = pytest.mark.anyio


class Words:
    """A sign-in whose credentials say what they are worth."""

    names_orgs_by = None

    def __init__(self, *places: Place) -> None:
        self.places = places

    async def verify(self, credential: Credential) -> Vouched | Nobody | None:
        if credential.text == "old":
            raise CredentialsExpired
        if credential.text == "bad":
            raise CredentialsInvalid("It is bad")
        if credential.text == "other":
            return None
        return Nobody.NOBODY if credential.text == "nobody" else Vouched(credential.text)


class Refusing(Words):
    async def verify(self, credential: Credential) -> None:
        return None


TOKENS = Words(Authorization())
SESSIONS = Words(Cookie("session"))
NAMES: dict[Verifier, str] = {TOKENS: "sign_in[0], jwt", SESSIONS: "sign_in[1], session"}
PAGE = ("sec-fetch-site", "same-origin")


async def said(*lines: tuple[str, str]) -> list[str]:
    return list(await explain(Chain([TOKENS, SESSIONS]), NAMES, asking(*lines)))


@pytest.mark.parametrize(
    ("shown", "worth"),
    [
        ("alice", "alice"),
        ("nobody", "good, and of nobody"),
        ("other", "not of its kind"),
        ("bad", "credentials_invalid: It is bad"),
        ("old", "credentials_expired: The credential has expired: sign in again"),
    ],
)
async def test_each_credential_is_judged_by_each_sign_in(shown: str, worth: str) -> None:
    assert await said(("authorization", "Bearer alice"), ("cookie", f"session={shown}"), PAGE) == [
        "authorization by sign_in[0], jwt: alice",
        f"cookie:session by sign_in[1], session: {worth}",
    ]


CLAIMS = {"iss": "https://id.example", "aud": ["x"], "exp": 1795412988, "org": "acme", "sub": "a"}


def jwt(claims: dict[str, object]) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "kid": "k\x1b"}, claims))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"sig"))


async def test_of_a_token_nobody_takes_says_what_its_issuer_wrote_for_comparison() -> None:
    sign_in = Refusing(Authorization())
    lines = await explain(
        Chain([sign_in]),
        {sign_in: "sign_in[0], jwt"},
        asking(("authorization", f"Bearer {jwt(CLAIMS)}")),
    )
    assert lines == [
        "authorization by sign_in[0], jwt: not of its kind",
        'authorization says, unverified, alg "RS256", kid "k\\u001b", iss "https://id.example", '
        'aud ["x"], exp 1795412988 (2026-11-23T05:49:48Z); and has org, sub',
    ]


async def test_of_a_token_that_is_long_or_odd_says_no_more_than_a_line() -> None:
    claims = {"aud": "x" * 1000, "exp": 10**15, "nbf": "now", "groups": []}
    sign_in = Refusing(Authorization())
    ask = asking(("authorization", f"Bearer {jwt(claims)}"))
    (_, line) = await explain(Chain([sign_in]), {sign_in: "x"}, ask)
    assert 'exp 1000000000000000, nbf "now"; and has groups' in line
    assert len(line) < 400


async def test_says_why_there_is_none() -> None:
    assert await said() == ["Sign in first: the request carries no credential"]
    (line,) = await said(("cookie", "session=alice"), ("origin", "https://evil.example"))
    assert line == "A cookie is no credential for a request from another origin"
    (line,) = await said(("cookie", "session=alice"))
    assert line == "A cookie is a credential only beside an Origin, and the request has none"


async def test_says_where_nobody_looks() -> None:
    lines = await explain(Chain([SESSIONS]), {SESSIONS: "x"}, asking(("authorization", "Bearer a")))
    assert lines == ["none of them stands where a sign-in looks"]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Authorization(), "authorization"),
        (Cookie("s"), "cookie:s"),
        (Cookies(("a", "b")), "cookies:a, b"),
        (Field("x-api-key"), "field:x-api-key"),
    ],
)
def test_a_place_is_named_as_in_a_configuration(place: Place, name: str) -> None:
    assert place_of(place) == name
