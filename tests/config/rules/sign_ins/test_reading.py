import pytest

from tests.config.conftest import Told
from tests.config.parts import STRONG, UPSTREAM

ASK = 'ask = "http://127.0.0.1:8000/me"\nuser_key = "user_id"\n'
SIGNED = f'secret = "{STRONG}"\n'
FLASK = f'framework = "flask"\n{SIGNED}'
EXPRESS = f'framework = "express"\n{SIGNED}'
AUTHJS = f'framework = "authjs"\n{SIGNED}cookie = "a"\n'
JWT = f'issuer = "https://id.example"\naudience = "chat"\n{SIGNED}'
FORWARDED = f'forwarded = "X-Who"\nactor = "proxy"\nshared_secret = "{STRONG}"\n'


def findings(told: Told, *sign_ins: str) -> list[str]:
    tables = "".join(f"[[sign_in]]\n{one}\n" for one in sign_ins)
    said = told(f"{tables}[upstreams.support]\n{UPSTREAM}\n", KEY=STRONG)
    return [line.partition("  error  ")[2] for line in said if "  error  " in line]


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        pytest.param(FLASK, EXPRESS, "cookie: the cookie session", id="signed and not"),
        pytest.param(
            ASK + 'cookies = ["session", "session.sig"]',
            EXPRESS,
            "cookie: the cookie session",
            id="asked with both, and verified",
        ),
        pytest.param(
            EXPRESS, ASK + 'cookies = ["session.sig"]', "cookies: the cookie session.sig", id="sig"
        ),
        pytest.param(AUTHJS, ASK + 'cookies = ["a"]', "cookies: the cookie a", id="parts"),
        pytest.param(AUTHJS, ASK + 'cookies = ["a.0"]', "cookies: the cookie a.0", id="one part"),
        pytest.param(
            ASK + 'cookies = ["a", "b"]',
            ASK.replace("/me", "/who") + 'cookies = ["b"]',
            "cookies: the cookie b",
            id="alone and beside another",
        ),
        pytest.param(
            ASK + 'cookies = ["a", "b"]',
            ASK.replace("/me", "/who") + 'cookies = ["b", "a"]',
            "cookies: the cookie b",
            id="in another order",
        ),
        pytest.param(
            FORWARDED, JWT + 'from = ["field:x-who"]', "from: the field x-who", id="a field"
        ),
    ],
)
def test_one_cookie_is_not_read_in_two_ways(one: str, other: str, where: str, told: Told) -> None:
    """Whoever is let in by one would be refused by the other, or be somebody else there."""
    key, place = where.split(": the ")
    (said,) = findings(told, one, other)
    assert said.startswith(f"sign_in[1].{key}: sign_in[0] reads the {place} as well, and in")


@pytest.mark.parametrize(
    "sign_ins",
    [
        pytest.param([FLASK, ASK + 'cookies = ["session"]'], id="verified, else asked"),
        pytest.param([FLASK, FLASK.replace("flask", "starlette")], id="two frameworks"),
        pytest.param([JWT + 'from = ["cookie:session"]', FLASK], id="a token or a session"),
        pytest.param([EXPRESS, FLASK + 'cookie = "Session"'], id="another case is another cookie"),
        pytest.param([EXPRESS, AUTHJS, JWT, FORWARDED], id="nothing in common"),
    ],
)
def test_what_is_read_alike_may_be_read_twice(sign_ins: list[str], told: Told) -> None:
    assert findings(told, *sign_ins) == []
