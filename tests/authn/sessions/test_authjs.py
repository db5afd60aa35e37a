"""Encrypted sessions: by their own key, in the form of their version, and in whole."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from gateway.authn.sessions.authjs import V4, V5, AuthJsFormat, derived, versions
from gateway.core.errors import CredentialsInvalid
from tests.authn.sessions.opened import NOW, expired, opened, refused
from tests.sessions.minting import encrypted
from tests.support.host_apps import OLD_SECRET, SECRET
from tests.support.mutations import Pair

COOKIES = {V5: "__Secure-authjs.session-token", V4: "__Secure-next-auth.session-token"}
BOTH = pytest.mark.parametrize("enc", [V5, V4])


def form(enc: str, *secrets: str) -> AuthJsFormat:
    return AuthJsFormat(COOKIES[enc], secrets or (SECRET,))


def session(enc: str, *, secret: str = SECRET, header: Any = None, **said: Any) -> list[Pair]:
    claims = {"sub": "7", "exp": int(NOW) + 60} | said
    payload = json.dumps({key: one for key, one in claims.items() if one is not ...}).encode()
    return encrypted(payload, enc=enc, cookie=COOKIES[enc], secret=secret, **(header or {}))


def in_parts(cookies: Sequence[Pair], size: int = 100) -> list[Pair]:
    ((name, value),) = cookies
    parts = [value[at : at + size] for at in range(0, len(value), size)]
    return [(b"%b.%d" % (name, number), part) for number, part in enumerate(parts)]


@BOTH
def test_a_session_says_what_its_app_wrote(enc: str) -> None:
    found = opened(form(enc), session(enc))
    assert found.said["sub"] == "7"
    assert found.expires_at == NOW + 60
    assert opened(form(enc), in_parts(session(enc))).said["sub"] == "7"


@BOTH
def test_older_secrets_still_open(enc: str) -> None:
    assert opened(form(enc, OLD_SECRET, SECRET), session(enc)).said["sub"] == "7"
    assert refused(form(enc, OLD_SECRET), session(enc))


@BOTH
def test_parts_make_a_whole_or_nothing(enc: str) -> None:
    """C-15."""
    parts = in_parts(session(enc), 40)
    assert opened(form(enc), parts[::-1]).said["sub"] == "7"
    numbered = [
        (name, parts[(number + 1) % len(parts)][1]) for number, (name, _) in enumerate(parts)
    ]
    extra = (parts[0][0][:-1] + b"%d" % len(parts), b"AAAA")
    for wrong in (parts[1:], parts[:-1], [*parts[:1], *parts[2:]], [*parts, extra], numbered):
        assert refused(form(enc), wrong)
    assert refused(form(enc), [*parts, *session(enc)])
    assert refused(form(enc), in_parts(session(enc, name="n" * 900), 99))


@BOTH
def test_each_version_is_only_in_a_cookie_of_its_name(enc: str) -> None:
    """C-16."""
    other = V4 if enc == V5 else V5
    value = session(other)[0][1]
    assert refused(form(enc), [(COOKIES[enc].encode(), value)])
    either = AuthJsFormat("sid", (SECRET,))
    for way in (V5, V4):
        made = encrypted(b'{"sub":"7","exp":%d}' % (NOW + 60), enc=way, cookie="sid")
        assert opened(either, made).said["sub"] == "7"
    assert versions("sid") == (V5, V4)


def test_in_v5_another_cookies_value_is_no_session() -> None:
    for name in ("authjs.state", "authjs.pkce.code_verifier", "authjs.session-token"):
        value = encrypted(b'{"sub":"7","exp":%d}' % (NOW + 60), enc=V5, cookie=name)[0][1]
        assert refused(form(V5), [(COOKIES[V5].encode(), value)])


@BOTH
def test_the_time_is_in_it(enc: str) -> None:
    assert expired(form(enc), session(enc, exp=int(NOW)))
    assert not expired(form(enc), session(enc, exp=int(NOW) + 1))
    for exp in (..., None, "9999999999", True, -1, NOW * 1000):
        assert refused(form(enc), session(enc, exp=exp))
    assert refused(form(enc), session(enc, nbf=int(NOW) + 600))


@BOTH
@pytest.mark.parametrize(
    "header",
    [{"zip": "DEF"}, {"typ": "JWT"}, {"cty": "JWT"}, {"kid": "x"}],
    ids=lambda header: next(iter(header)),
)
def test_a_header_says_no_more_than_auth_js_writes(enc: str, header: dict[str, Any]) -> None:
    """J-11."""
    assert refused(form(enc), session(enc, header=header))


HEADS = (
    {"alg": "dir"},
    {"alg": "A256KW", "enc": V5},
    {"alg": "PBES2-HS512+A256KW", "enc": V5, "p2c": 2**31, "p2s": "AAAA"},
    {"alg": "dir", "enc": "A128GCM"},
    {"alg": "dir", "enc": "A256CBC"},
    {"alg": ["dir"], "enc": V5},
    {"alg": "dir", "enc": [V5]},
    {"alg": "dir", "enc": V5, "kid": 7},
    {"alg": "dir", "enc": V5, "crit": ["exp"]},
)


@pytest.mark.parametrize("head", HEADS, ids=repr)
def test_no_other_way_to_encrypt_is_tried(head: dict[str, Any]) -> None:
    """J-11."""
    _, rest = session(V5)[0][1].split(b".", 1)
    written = OctKey.import_key(json.dumps(head)).as_dict()["k"].encode()
    assert refused(form(V5), [(COOKIES[V5].encode(), written + b"." + rest)])


@BOTH
def test_a_shorter_tag_is_refused(enc: str) -> None:
    ((name, value),) = session(enc)
    *parts, tag = value.split(b".")
    for size in (0, 2, 16, len(tag) - 1):
        assert refused(form(enc), [(name, b".".join([*parts, tag[:size] or b"A"]))])


def test_a_wrapped_key_is_refused() -> None:
    key = OctKey.import_key(derived(V4, SECRET, COOKIES[V4]))
    head = {"alg": "A256KW", "enc": V4}
    wrapped = jwe.encrypt_compact(head, b"{}", key, algorithms=["A256KW", V4])
    with pytest.raises(CredentialsInvalid):
        form(V4).open(wrapped, now=NOW)
