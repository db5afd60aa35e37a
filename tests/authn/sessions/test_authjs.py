"""Encrypted sessions: by their own key, in the form of their version, and in whole."""

import base64
import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey, thumbprint

from gateway.authn.claim_set import END_OF_TIME
from gateway.authn.sessions.authjs import V4, V5, AuthJsFormat, derived, versions
from gateway.authn.sessions.format import AHEAD
from gateway.core.errors import CredentialsInvalid
from tests.authn.sessions.opened import NOW, expired, opened, refused
from tests.sessions.minting import encrypted
from tests.support.host_apps import OLD_SECRET, SECRET
from tests.support.mutations import ALPHABET, Pair

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
    assert found.claims["sub"] == "7"
    assert found.expires_at == NOW + 60
    assert opened(form(enc), in_parts(session(enc))).claims["sub"] == "7"


@BOTH
def test_older_secrets_still_open(enc: str) -> None:
    assert opened(form(enc, OLD_SECRET, SECRET), session(enc)).claims["sub"] == "7"
    assert refused(form(enc, OLD_SECRET), session(enc))


@BOTH
def test_parts_make_a_whole_or_nothing(enc: str) -> None:
    """C-15."""
    parts = in_parts(session(enc), 40)
    assert opened(form(enc), parts[::-1]).claims["sub"] == "7"
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
        assert opened(either, made).claims["sub"] == "7"
    assert versions("sid") == (V5, V4)
    assert versions(COOKIES[enc]) == (enc,)


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


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256, by the standard library alone."""
    extracted, made, block = hmac.digest(salt or bytes(32), secret, "sha256"), b"", b""
    while len(made) < length:
        block = hmac.digest(extracted, block + info + bytes([len(made) // 32 + 1]), "sha256")
        made += block
    return made[:length]


def test_keys_are_derived_as_auth_js_does_it() -> None:
    """The words are those of `@auth/core` and `next-auth`; tests/sessions has their own cookies."""
    old = hkdf(SECRET.encode(), b"", b"NextAuth.js Generated Encryption Key", 32)
    assert derived(V4, SECRET, COOKIES[V4]) == old
    name = COOKIES[V5].encode()
    new = hkdf(SECRET.encode(), name, b"Auth.js Generated Encryption Key (" + name + b")", 64)
    assert derived(V5, SECRET, COOKIES[V5]) == new


@BOTH
def test_a_session_of_the_future_counts_from_its_time(enc: str) -> None:
    ahead = int(NOW + AHEAD)
    assert opened(form(enc), session(enc, nbf=ahead, exp=ahead + 60)).claims["sub"] == "7"
    assert refused(form(enc), session(enc, nbf=ahead + 1, exp=ahead + 60))
    assert refused(form(enc), session(enc, nbf="now"))


@BOTH
def test_the_ends_of_time_are_times(enc: str) -> None:
    assert opened(form(enc), session(enc, exp=END_OF_TIME)).expires_at == END_OF_TIME
    assert refused(form(enc), session(enc, exp=END_OF_TIME + 1))
    assert expired(form(enc), session(enc, exp=0))


def test_in_v5_the_key_that_is_named_is_tried_and_no_other() -> None:
    thumb = thumbprint({"kty": "oct", "k": key_of(SECRET)}, "sha512")
    assert opened(form(V5, OLD_SECRET, SECRET), session(V5, header={"kid": thumb})).claims["sub"]
    other = thumbprint({"kty": "oct", "k": key_of(OLD_SECRET)}, "sha512")
    assert refused(form(V5, OLD_SECRET, SECRET), session(V5, header={"kid": other}))


def key_of(secret: str) -> str:
    return str(OctKey.import_key(derived(V5, secret, COOKIES[V5])).as_dict()["k"])


@BOTH
@pytest.mark.parametrize("more", [b"\n", b".", b".AA", b"=", b" "])
def test_nothing_may_follow_it(enc: str, more: bytes) -> None:
    ((_, value),) = session(enc)
    with pytest.raises(CredentialsInvalid):
        form(enc).open((value + more).decode(), now=NOW)


@BOTH
def test_one_that_is_huge_is_not_decrypted(enc: str) -> None:
    for size in (14_000, 200_000):
        with pytest.raises(CredentialsInvalid, match="16 KiB"):
            form(enc).open(session(enc, name="n" * size)[0][1].decode(), now=NOW)


@BOTH
def test_what_is_encrypted_has_one_spelling(enc: str) -> None:
    """Bits that no byte has a use for are nought, or one session had several cookies."""
    made = (session(enc, name="n" * size)[0][1] for size in range(100))
    head, key, vector, text, tag = next(
        parts for one in made if len((parts := one.split(b"."))[3]) % 4
    )
    for code in ALPHABET:
        if code != text[-1]:
            other = [head, key, vector, text[:-1] + bytes([code]), tag]
            assert refused(form(enc), [(COOKIES[enc].encode(), b".".join(other))])


@BOTH
def test_a_vector_of_another_length_is_refused(enc: str) -> None:
    """By its form, before anything is decrypted."""
    ((_, value),) = session(enc)
    head, key, vector, text, tag = value.decode().split(".")
    raw = base64.urlsafe_b64decode(vector + "==")
    for size in (0, len(raw) - 1, len(raw) + 1):
        made = base64.urlsafe_b64encode(raw.ljust(size, b"\0")[:size] or b"\0")
        wrong = made.decode().rstrip("=")
        with pytest.raises(CredentialsInvalid, match="encrypted as Auth"):
            form(enc).open(".".join([head, key, wrong, text, tag]), now=NOW)


@BOTH
def test_a_head_that_auth_js_does_not_write_is_refused_by_its_form(enc: str) -> None:
    _, rest = session(enc)[0][1].split(b".", 1)
    for head in (*HEADS, {"alg": "dir", "enc": enc, "kid": 7}, {"alg": "RSA-OAEP", "enc": enc}):
        written = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=")
        with pytest.raises(CredentialsInvalid, match="encrypted as Auth"):
            form(enc).open((written + b"." + rest).decode(), now=NOW)
