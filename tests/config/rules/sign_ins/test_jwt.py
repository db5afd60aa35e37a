import json

import pytest

from tests.config.conftest import Told
from tests.config.parts import STRONG, short
from tests.config.test_given_keys import EC, RSA, jwks, pem, private_pem

HTTPS = "must be https: whoever is on the way could send keys of their own"
DISCOVERED = " (its keys are discovered, since none are given)"
PUBLIC = "is for a shared secret, and these keys are public: whoever has them could sign"
SHARED = "is for public keys, and secret is a shared one: HS256, HS384 or HS512"
SHORT = "has fewer than {0} bytes (RFC 7518 section 3.2): make one with `openssl rand -hex {0}`"


def text(value: str) -> str:
    return json.dumps(value)


def told_of_sign_in(told: Told, lines: str, **environment: str) -> list[str]:
    """What is said of a sign-in, but for secrets that are written out."""
    said = told(short(sign_in=lines), **environment)
    return [line for line in said if "is written out here" not in line]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            'algorithms = ["RS256", "HS256"]',
            [f"4:24  error  sign_in.algorithms[1]: {PUBLIC}"],
            id="J-03 HS beside discovered keys",
        ),
        pytest.param(
            'org_from = "field:x-org-id"',
            [
                "4:1  error  sign_in.org_from: needs org_claim: whoever asks for an org must "
                "belong to it"
            ],
            id="an org nobody checks",
        ),
        pytest.param('org_from = "field:x-org-id"\norg_claim = "org"', [], id="an org in a field"),
        pytest.param(
            'backchannel_logout = ["spa", "gateway"]\nmax_age = "1h"', [], id="logouts are heard"
        ),
        pytest.param(
            "backchannel_logout = true",
            ["4:1  error  sign_in.backchannel_logout: must be a string"],
            id="whose logouts",
        ),
        pytest.param(
            'max_age = "400d"',
            ["4:1  error  sign_in.max_age: must be from 1m to 31d"],
            id="an age of years",
        ),
        pytest.param(
            'org_from = "cookie:org"\norg_claim = "org"',
            ['4:1  error  sign_in.org_from: must be "field:name"'],
            id="an org in a cookie",
        ),
        pytest.param(
            'jwks_url = "https://id.example/keys"\nalgorithms = "HS256"',
            [f"5:1  error  sign_in.algorithms: {PUBLIC}"],
            id="J-03 HS beside a JWK Set",
        ),
        pytest.param(
            'secret = "${env:STRONG}"\nalgorithms = ["HS256", "RS256"]',
            [f"5:24  error  sign_in.algorithms[1]: {SHARED}"],
            id="J-03 RS beside a secret",
        ),
        pytest.param(
            'algorithms = ["none"]',
            [
                "4:15  error  sign_in.algorithms[0]: must be 'HS256', 'HS384', 'HS512', 'RS256', "
                "'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512' or 'EdDSA'"
            ],
            id="J-01 alg none",
        ),
        pytest.param(
            'secret = "${env:STRONG}"\njwks_url = "https://id.example/keys"',
            ["5:1  error  sign_in.jwks_url: says where the keys are, and secret does already"],
            id="two sources of keys",
        ),
        pytest.param(
            f'jwks = {text(jwks())}\npublic_key = {text(pem(EC))}\nalgorithms = "ES256"',
            ["4:1  error  sign_in.jwks: says where the keys are, and public_key does already"],
            id="two sources of public keys",
        ),
        pytest.param(
            'jwks_url = "http://id.example/keys"',
            [f"4:1  error  sign_in.jwks_url: {HTTPS}"],
            id="keys in the open",
        ),
        pytest.param(
            'jwks_url = "https://u:CANARY@id.example/keys"',
            ["4:1  error  sign_in.jwks_url: must not hold a user name or password"],
            id="password in a URL",
        ),
        pytest.param('jwks_url = "http://127.0.0.1:9/keys"', [], id="keys of this machine"),
        pytest.param('jwks_url = "https://id.example/keys?p=policy"', [], id="a query"),
        pytest.param(
            f"public_key = {text(private_pem())}",
            [
                "4:1  error  sign_in.public_key: this is a private key: "
                "the gateway needs the public half alone"
            ],
            id="a private key",
        ),
        pytest.param(
            f'public_key = {text(pem(RSA))}\nalgorithms = "ES256"',
            ["5:1  error  sign_in.algorithms: none of them is for the keys of public_key"],
            id="an algorithm of other keys",
        ),
        pytest.param(f"public_key = {text(pem(RSA))}", [], id="a good public key"),
        pytest.param(f"jwks = {text(jwks())}", [], id="a good JWK Set"),
        pytest.param(
            'leeway = "61s"',
            ["4:1  error  sign_in.leeway: must be from 0s to 60s"],
            id="too much leeway",
        ),
        pytest.param(
            'require = { "/a~b" = 1 }',
            [
                "4:13  error  sign_in.require.\"/a~b\": must be a JSON Pointer: '/' first, and '~' "
                "written '~0'"
            ],
            id="J-23 a pointer that is none",
        ),
        pytest.param(
            'user_claim = "email"',
            [
                "4:1  warning  sign_in.user_claim: an address nobody has verified can be "
                'another\'s: require = { email_verified = true }, or user_claim = "sub"',
                "5:12  note  upstreams.support.user_id: people will have opaque ids: an address "
                "has '@', and what a vendor shows around should not be one; another user_claim "
                "would avoid it",
            ],
            id="an address nobody has verified",
        ),
        pytest.param(
            'from = ["authorization", "query:token"]',
            [
                '4:26  error  sign_in.from[1]: must be "authorization", "cookie:NAME" or '
                '"field:name"'
            ],
            id="a token in a URL",
        ),
    ],
)
def test_says_what_is_wrong_with_a_sign_in(lines: str, expected: list[str], told: Told):
    assert told_of_sign_in(told, lines, STRONG=STRONG) == expected


@pytest.mark.parametrize(
    ("secret", "algorithms", "why"),
    [
        pytest.param("", "", "is empty", id="J-25 empty"),
        pytest.param("x", "", SHORT.format(32), id="J-25 one byte"),
        pytest.param("secret", "", SHORT.format(32), id="J-25 secret"),
        pytest.param(STRONG[:31], "", SHORT.format(32), id="31 bytes"),
        pytest.param(STRONG, 'algorithms = "HS384"', SHORT.format(48), id="HS384"),
        pytest.param(STRONG, 'algorithms = ["HS256", "HS512"]', SHORT.format(64), id="HS512"),
        pytest.param(
            "a" * 64, "", "repeats a few characters, so it can be guessed", id="J-25 one letter"
        ),
        pytest.param(
            "secret" * 10, "", "repeats a few characters, so it can be guessed", id="J-25 repeated"
        ),
        pytest.param(
            "super-secret-jwt-token-with-at-least-32-characters-long",
            "",
            "is the example of a well-known document, so everybody knows it",
            id="J-25 of a template",
        ),
        pytest.param(
            "a-string-secret-at-least-256-bits-long",
            "",
            "is the example of a well-known document, so everybody knows it",
            id="J-25 of a debugger",
        ),
        pytest.param(
            pem(RSA),
            "",
            "the secret is a public key, a certificate or a JWK",
            id="J-03 a public key as secret",
        ),
    ],
)
def test_a_secret_that_can_be_guessed_never_starts(
    secret: str, algorithms: str, why: str, told: Told
):
    lines = f'secret = "${{env:SECRET}}"\n{algorithms}'
    assert told_of_sign_in(told, lines, SECRET=secret) == [f"4:1  error  sign_in.secret: {why}"]


def test_each_secret_in_rotation_is_strong(told: Told):
    lines = 'secret = ["${env:NEW}", "${env:OLD:-}", "${env:OLDER}"]'
    assert told_of_sign_in(told, lines, NEW=STRONG, OLDER=STRONG[::-1]) == []
    assert told_of_sign_in(told, lines, NEW=STRONG, OLDER="x") == [
        f"4:1  error  sign_in.secret: {SHORT.format(32)}"
    ]


def test_an_audience_is_required(told: Told):
    text = short().replace('audience = "chat"', "")
    assert told(text) == [
        "1:2  error  sign_in.audience: is required, unless client is given: or a token for any "
        "application would do"
    ]
    assert told(text.replace("[upstreams", 'client = "spa"\n[upstreams')) == []


@pytest.mark.parametrize(
    ("issuer", "why"),
    [
        ("http://id.example/", HTTPS),
        ("https://id.example/?a=b", "must not hold a query"),
        ("https://id.example/#x", "must not hold a fragment"),
        ("my backend", "has characters that URLs lack"),
        ("id.example", "must begin with https:// or http://"),
    ],
)
def test_an_issuer_whose_keys_are_discovered_is_a_safe_url(issuer: str, why: str, told: Told):
    text = short().replace("https://id.example/", issuer)
    assert told(text) == [f"2:1  error  sign_in.issuer: {why}{DISCOVERED}"]


def test_an_issuer_is_not_the_url_of_its_discovery_document(told: Told):
    document = "https://id.example/.well-known/openid-configuration"
    assert told(short().replace("https://id.example/", document)) == [
        "2:1  error  sign_in.issuer: is where it is discovered: leave out /.well-known/ and what "
        "follows, which tokens have not in their `iss`"
    ]


def test_an_issuer_at_auth0_ends_with_a_slash(told: Told):
    issuer = "https://acme.eu.auth0.com"
    assert told(short().replace("https://id.example/", issuer))[0] == (
        "2:1  error  sign_in.issuer: lacks the slash at its end that Auth0's tokens have in their "
        "`iss`"
    )
    said = told(short().replace("https://id.example/", f"{issuer}/"))
    assert not any(" error " in line for line in said)


def test_an_issuer_whose_keys_are_given_is_any_name(told: Told):
    lines = 'secret = "${env:STRONG}"'
    text = short(sign_in=lines).replace("https://id.example/", "my backend")
    assert told(text, STRONG=STRONG) == []


def test_a_local_issuer_needs_no_tls(told: Told):
    assert told(short().replace("https://id.example/", "http://localhost:8080/realms/x")) == []


def test_a_sign_in_that_several_orgs_share_is_judged_once(told: Told):
    text = '[[sign_in]]\nissuer = "http://id.example"\naudience = "chat"\norg_claim = "o"\n'
    for name in ("a", "b"):
        text += f"[orgs.{name}]\npath = '/{name}'\n[orgs.{name}.upstreams.s]\n"
        text += f'vendor = "chatbase"\nkey = "{name}-${{env:KEY}}"\nagent = "x"\n'
    assert told(text) == [f"2:1  error  sign_in[0].issuer: {HTTPS}{DISCOVERED}"]
