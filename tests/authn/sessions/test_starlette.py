from gateway.authn.sessions.starlette import StarletteFormat
from tests.authn.sessions.opened import NOW, expired, opened, refused
from tests.sessions.minting import PICKLE, flask, starlette
from tests.support.host_apps import SECRET

FORM = StarletteFormat("session", [SECRET], max_age=100.0)


def test_a_session_says_what_its_app_wrote() -> None:
    session = opened(FORM, starlette(b'{"user_id": 7}', at=NOW))
    assert session.claims == {"user_id": 7}
    assert session.expires_at == NOW + 100


def test_an_old_one_is_expired_whatever_it_says() -> None:
    assert expired(FORM, starlette(b'{"user_id": 7}', at=NOW - 100))
    assert expired(FORM, starlette(b"not JSON", at=NOW - 100))
    assert not expired(FORM, starlette(b"{}", at=NOW - 99))


def test_another_frameworks_session_is_none() -> None:
    assert refused(FORM, flask(b'{"user_id":7}', at=NOW))


def test_only_json_in_plain_base64_is_read() -> None:
    assert refused(FORM, starlette(PICKLE, at=NOW))
    assert refused(FORM, starlette(b"[]", at=NOW))
