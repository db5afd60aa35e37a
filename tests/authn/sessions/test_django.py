import pytest
from django.core import signing

from gateway.authn.sessions.django import SALT, DjangoFormat
from gateway.core.errors import CredentialsInvalid
from tests.authn.sessions.opened import NOW, expired, opened, refused
from tests.sessions.minting import PICKLE, django
from tests.support.host_apps import OLD_SECRET, SECRET
from tests.support.mutations import ALPHABET

FORM = DjangoFormat("sessionid", [SECRET, OLD_SECRET], max_age=100.0)
PLAIN = b'{"_auth_user_id":"7"}'


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
@pytest.mark.parametrize("packed", [False, True])
def test_a_session_says_what_its_site_wrote(packed: bool, secret: str) -> None:
    session = opened(FORM, django(PLAIN, at=NOW, packed=packed, secret=secret))
    assert session.claims == {"_auth_user_id": "7"}
    assert session.expires_at == NOW + 100


def test_an_old_one_is_expired_and_one_to_come_is_none() -> None:
    assert expired(FORM, django(PLAIN, at=NOW - 100))
    assert refused(FORM, django(PLAIN, at=NOW + 3600))


@pytest.mark.parametrize("packed", [False, True])
def test_a_pickle_is_never_read(packed: bool) -> None:
    """C-08."""
    assert "not JSON" in refused(FORM, django(PICKLE, at=NOW, packed=packed))


def test_a_bomb_is_refused() -> None:
    """C-08."""
    bomb = b'{"_auth_user_id":"7","x":"' + b" " * 5_000_000 + b'"}'
    assert "64 KiB" in refused(FORM, django(bomb, at=NOW, packed=True))


def test_what_django_would_read_in_another_encoding_is_refused() -> None:
    assert "ASCII" in refused(FORM, django('{"_auth_user_id":"é"}'.encode(), at=NOW))


@pytest.mark.parametrize(
    "salt", ["django.core.signing", "django.contrib.sessions.SessionStore", "x"]
)
def test_what_the_site_signs_elsewhere_is_no_session(salt: str) -> None:
    assert refused(FORM, django(PLAIN, at=NOW, salt=salt))


def test_a_signature_has_one_spelling() -> None:
    ((name, value),) = django(PLAIN, at=NOW)
    for code in ALPHABET:
        if code != value[-1]:
            assert refused(FORM, [(name, value[:-1] + bytes([code]))])


def test_a_database_sessions_key_is_no_session() -> None:
    assert refused(FORM, [(b"sessionid", b"k2n8s0w1m4v7c3x6z9q5t8y1u4i7o0p3")])


def test_one_that_is_huge_is_not_looked_at() -> None:
    assert "16 KiB" in refused(FORM, django(b'{"x":"%s"}' % (b"x" * 14_000), at=NOW))


@pytest.mark.parametrize("value", ["7", "a b:1", "e30:1tmX8a:", "e30=:1tmX8a", "..e30:1tmX8a"])
def test_what_its_site_signs_in_another_form_is_no_session(value: str) -> None:
    signed = signing.Signer(key=SECRET, salt=SALT, fallback_keys=[]).sign(value)
    with pytest.raises(CredentialsInvalid, match="payload:time:signature"):
        FORM.open(signed, now=NOW)
