"""The name and the cookie of a visitor; over sockets in tests/steps/test_welcome.py."""

import pytest

from gateway.authn.visitors import Visitors, signing_key
from gateway.core.people.identity import VISITOR
from gateway.ports import Fields
from tests.support.ask import Ask, asking

KEY = signing_key(b"s" * 32)
ACME = Visitors("org_acme", KEY)
GLOBEX = Visitors("org_globex", KEY)


def sent_back(fields: Fields) -> tuple[str, str]:
    """The Cookie field of a browser that was given these."""
    ((name, line),) = fields
    assert name == b"set-cookie"
    return ("cookie", line.decode().partition(";")[0])


def page(*cookies: tuple[str, str]) -> Ask:
    return asking(("sec-fetch-site", "same-origin"), *cookies)


def test_a_visitor_is_known_again() -> None:
    identity, fields = ACME.new()
    assert VISITOR.fullmatch(identity.subject)
    assert ACME.known(page(sent_back(fields))) == identity


def test_no_two_visitors_are_one() -> None:
    assert len({ACME.new()[0].subject for _ in range(100)}) == 100


def test_orgs_beside_each_other_have_their_own_visitors() -> None:
    assert ACME.cookie != GLOBEX.cookie
    _, fields = ACME.new()
    name, written = sent_back(fields)
    assert GLOBEX.known(page((name, written))) is None
    assert GLOBEX.known(page((name, written.replace(ACME.cookie, GLOBEX.cookie)))) is None


def test_another_secret_signs_other_visitors() -> None:
    _, fields = Visitors("org_acme", signing_key(b"t" * 32)).new()
    assert ACME.known(page(sent_back(fields))) is None


def test_two_cookies_are_none() -> None:
    one, other = (sent_back(ACME.new()[1]) for _ in range(2))
    assert ACME.known(page(one, other)) is None
    assert ACME.known(page(one)) is not None


def test_the_key_is_not_shown() -> None:
    assert repr(KEY) not in repr(ACME)


# A name and its mark, made by hand (HMAC-SHA-256 over length, org and name; base32): cookies that
# browsers have must be known after every change.
NAME = "anon_" + "a" * 26
MAC = "wj2eegxm26drmyo5kymksryfpi"
COOKIE = "__Host-visitor-b1bdca92"


def test_a_cookie_of_years_ago_is_known() -> None:
    identity = ACME.known(page(("cookie", f"{COOKIE}={NAME}.{MAC}")))
    assert identity is not None
    assert (identity.org, identity.subject) == ("org_acme", NAME)


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        NAME,
        f"{NAME}.",
        f".{MAC}",
        f"{NAME}.{MAC[:-1]}",
        f"{NAME}.{MAC}a",
        f"{NAME}.{MAC.upper()}",
        f"{NAME}x.{MAC}",
        f"{NAME}..{MAC}",
        f"{NAME}.{MAC}.{MAC}",
        f"{NAME}.x.{MAC}",
        "anon_" + "b" * 26 + f".{MAC}",
    ],
)
def test_what_we_did_not_sign_is_nobody(written: str) -> None:
    assert ACME.known(page(("cookie", f"{COOKIE}={written}"))) is None


def test_a_name_of_another_shape_is_nobody_even_where_it_is_signed() -> None:
    for name in ("alice", NAME + "a", NAME.upper(), f"{NAME}\N{KELVIN SIGN}".encode().hex()):
        signed = f"{COOKIE}={name}.{ACME._mac(name)}"
        assert ACME.known(page(("cookie", signed))) is None


def test_the_cookie_says_where_it_counts() -> None:
    _, [(name, line)] = ACME.new()
    assert name == b"set-cookie"
    written, _, attributes = line.decode().partition("; ")
    assert written.startswith(f"{COOKIE}=anon_")
    assert attributes == "Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax"


def test_it_is_taken_back_in_the_same_words() -> None:
    gone = f"{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax".encode()
    assert ACME.forget() == [(b"set-cookie", gone)]


@pytest.mark.parametrize(
    ("ask", "may"),
    [
        (asking(("sec-fetch-site", "same-origin")), True),
        (asking(("sec-fetch-site", "cross-site")), False),
        (asking(("origin", "https://chat.acme.example")), True),
        (asking(("origin", "http://chat.acme.example")), False),
        (asking(("origin", "https://evil.example")), False),
        (asking(("origin", "https://app.acme.example"), ("sec-fetch-site", "same-site")), True),
        (asking(method="GET"), True),
        (asking(method="POST"), False),
    ],
)
def test_a_page_of_another_origin_has_no_visitors(ask: Ask, may: bool) -> None:
    here = Visitors("org_acme", KEY, ("https://app.acme.example",))
    assert here.may_come(ask) is may
