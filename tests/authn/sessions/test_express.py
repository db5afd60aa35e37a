import pytest

from gateway.authn.sessions.express import ExpressFormat
from tests.authn.sessions.opened import opened, refused
from tests.sessions.minting import express
from tests.support.host_apps import OLD_SECRET, SECRET

FORM = ExpressFormat("session", [SECRET, OLD_SECRET])


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_session_says_what_its_app_wrote(secret: str) -> None:
    session = opened(FORM, express(b'{"user_id":7}', secret=secret))
    assert session.claims == {"user_id": 7}
    assert session.expires_at is None


def test_the_name_is_signed_too() -> None:
    ((_, value), (_, signature)) = express(b"{}")
    other = ExpressFormat("other", [SECRET])
    assert refused(other, [(b"other", value), (b"other.sig", signature)])


def test_a_session_needs_its_own_signature() -> None:
    ((name, value), sig) = express(b'{"user_id":7}')
    _, other = express(b'{"user_id":8}')
    for signatures in ([], [other], [(sig[0], b"")], [(sig[0], sig[1] + b"=")]):
        assert refused(FORM, [(name, value), *signatures])
    assert refused(FORM, express(b"{}", secret="x" * 40))


def test_only_a_json_object_is_read() -> None:
    """C-08."""
    for payload in (b"[]", b"null", b"x", b'{"a":1,"a":2}', b""):
        if payload:
            assert refused(FORM, express(payload))


def test_one_that_is_huge_is_not_looked_at() -> None:
    assert "16 KiB" in refused(FORM, express(b'{"x":"%s"}' % (b"x" * 14_000)))
