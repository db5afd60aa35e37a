"""The name and the cookie of a visitor; over sockets in tests/test_welcome.py."""

from gateway.authn.visitors import Visitors, signing_key
from gateway.core.identity import VISITOR
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
