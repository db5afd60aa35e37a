"""JWK Sets: rows J-26, J-38, K-11 and their kind."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authn import jwk
from gateway.authn.jwk import parse_set
from gateway.core.errors import CredentialsInvalid
from tests.support.tokens import Issuer, b64, private_key

ISSUER = Issuer()
RSA = ISSUER.jwk("RS256")
EC = ISSUER.jwk("ES256")
OKP = ISSUER.jwk("EdDSA")


def encoded(*keys: object) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def without(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


def test_a_key_is_found_by_its_id() -> None:
    keys = parse_set(encoded(RSA, EC, OKP))
    assert keys.choose("rs256-1", "RS256").kid == "rs256-1"
    assert keys.choose("es256-1", "ES256").algorithms == {"ES256"}
    assert keys.choose("eddsa-1", "EdDSA").algorithms == {"EdDSA"}
    assert keys.algorithms == {"RS256", "ES256", "EdDSA"}


@pytest.mark.parametrize(
    ("kid", "algorithm"),
    [
        pytest.param("other", "RS256", id="J-08 of another issuer"),
        pytest.param("RS256-1", "RS256", id="another case"),
        pytest.param("rs256-1 ", "RS256", id="another spelling"),
        pytest.param("rs256-1", "ES256", id="J-04 of another kind"),
        pytest.param("rs256-1", "PS256", id="J-04 not the key's one algorithm"),
        pytest.param("rs256-1", "HS256", id="J-03 symmetric"),
        pytest.param("rs256-1", "none", id="J-01 none"),
        pytest.param(None, "HS256", id="J-03 symmetric, without an id"),
        pytest.param(None, "PS256", id="none fits, without an id"),
    ],
)
def test_refuses_a_key_that_is_not_there_for_it(kid: str | None, algorithm: str) -> None:
    with pytest.raises(CredentialsInvalid):
        parse_set(encoded(RSA, EC)).choose(kid, algorithm)


def test_without_an_id_the_one_key_that_fits_is_taken() -> None:
    keys = parse_set(encoded(without(RSA, "kid"), EC))
    assert "RS256" in keys.choose(None, "RS256").algorithms
    assert keys.choose(None, "ES256").kid == "es256-1"
    other = Issuer("https://other.example/").jwk()
    with pytest.raises(CredentialsInvalid):
        parse_set(encoded(without(RSA, "kid"), without(other, "kid"))).choose(None, "RS256")


def test_a_key_without_an_algorithm_is_for_those_of_its_kind() -> None:
    keys = parse_set(encoded(without(RSA, "alg", "use")))
    assert {"RS256", "PS512"} <= keys.algorithms
    assert "ES256" not in keys.algorithms


UNUSABLE = {
    "K-11 use enc": RSA | {"use": "enc"},
    "K-11 use in another case": RSA | {"use": "SIG"},
    "K-11 use a list": RSA | {"use": ["sig"]},
    "K-11 use null": RSA | {"use": None},
    "K-11 key_ops encrypt": RSA | {"key_ops": ["encrypt"]},
    "K-11 key_ops sign": RSA | {"key_ops": ["sign"]},
    "K-11 key_ops empty": RSA | {"key_ops": []},
    "K-11 key_ops a string": RSA | {"key_ops": "verify"},
    "K-11 alg of another kind": RSA | {"alg": "ES256"},
    "K-11 alg of encryption": RSA | {"alg": "RSA-OAEP"},
    "K-11 alg symmetric": RSA | {"alg": "HS256"},
    "K-11 alg none": RSA | {"alg": "none"},
    "K-11 alg null": RSA | {"alg": None},
    "K-11 alg of another curve": EC | {"alg": "ES384"},
    "kty unknown": RSA | {"kty": "AKP"},
    "kty missing": without(RSA, "kty"),
    "kty a list": RSA | {"kty": ["RSA"]},
    "kty of another": EC | {"kty": "RSA"},
    "kid a number": RSA | {"kid": 1},
    "kid empty": RSA | {"kid": ""},
    "kid too long": RSA | {"kid": "k" * 257},
    "n missing": without(RSA, "n"),
    "n a number": RSA | {"n": 5},
    "n empty": RSA | {"n": ""},
    "n no base64": RSA | {"n": "!!!!"},
    "n longer than any": RSA | {"n": "_" * 300_000},
    "N-07 n of 9,000 bits": RSA | {"n": b64(b"\xff" * 1125)},
    "J-26 n of 1,024 bits": RSA | {"n": b64(b"\xff" * 128)},
    "J-26 n even": RSA | {"n": b64(b"\xfe" * 256)},
    "J-26 e of 1": RSA | {"e": b64(b"\x01")},
    "J-26 e even": RSA | {"e": b64(b"\x02")},
    "N-07 e longer than any": RSA | {"e": "_" * 300_000},
    "N-07 e large": RSA | {"e": b64(b"\x01" + b"\0" * 4 + b"\x01")},
    "J-26 point beside the curve": EC | {"y": EC["x"]},
    "J-26 point at nought": EC | {"x": b64(b"\0" * 32), "y": b64(b"\0" * 32)},
    "crv of another size": EC | {"crv": "P-384"},
    "crv unknown": EC | {"crv": "P-192"},
    "crv secp256k1": EC | {"crv": "secp256k1"},
    "x too short": EC | {"x": b64(b"\x01" * 31)},
    "OKP X25519": OKP | {"crv": "X25519"},
    "OKP Ed448": OKP | {"crv": "Ed448"},
    "J-26 OKP small order": OKP | {"x": b64(b"\x01" + b"\0" * 31)},
    "OKP too short": OKP | {"x": b64(b"\x01" * 31)},
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_that_verifies_nothing_is_as_if_it_were_not_there(name: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        parse_set(encoded(UNUSABLE[name]))
    good = Issuer("https://other.example/").jwk("ES384")
    keys = parse_set(encoded(UNUSABLE[name], good))
    assert keys.algorithms == {"ES384"}


def rsa_private_members() -> dict[str, Any]:
    key = private_key("RS256")
    numbers = key.private_numbers()  # type: ignore[union-attr]
    return {"d": b64(numbers.d.to_bytes(256, "big")), "p": b64(numbers.p.to_bytes(128, "big"))}


OCT = {"kty": "oct", "k": b64(b"k" * 32), "kid": "oct-1", "alg": "HS256", "use": "sig"}
REFUSED = {
    "J-38 oct beside RSA": encoded(RSA, OCT),
    "J-38 oct of the same id": encoded(RSA, OCT | {"kid": RSA["kid"]}),
    "J-38 oct alone": encoded(OCT),
    "J-38 oct for encryption": encoded(RSA, OCT | {"use": "enc"}),
    "private RSA": encoded(RSA | rsa_private_members()),
    "private EC": encoded(RSA, EC | {"d": b64(b"\x01" * 32)}),
    "private OKP": encoded(RSA, OKP | {"d": b64(b"\x01" * 32)}),
    "RSA with k": encoded(RSA | {"k": b64(b"k" * 32)}),
    "two keys of one id": encoded(RSA, EC | {"kid": RSA["kid"]}),
    "the same key twice": encoded(RSA, RSA),
    "101 keys": encoded(*(RSA | {"kid": str(index)} for index in range(101))),
    "no keys": encoded(),
    "items that are none": encoded(None, 1, "x", []),
    "no list": b'{"keys":{"0":{}}}',
    "no member": b"{}",
    "a list": b"[]",
    "null": b"null",
    "K-09 HTML": b"<!doctype html><title>Wi-Fi</title>",
    "empty": b"",
    "keys twice": b'{"keys":[],' + encoded(RSA)[1:],
    "UTF-16": encoded(RSA).decode().encode("utf-16"),
    "goes on": encoded(RSA) + b"{}",
    "deep": b'{"keys":' + b"[" * 100_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_a_set_that_is_ambiguous_or_dangerous(name: str) -> None:
    with pytest.raises(ValueError, match="JWK Set") as caught:
        parse_set(REFUSED[name])
    assert OCT["k"] not in str(caught.value)


@pytest.mark.parametrize("secret", [OCT, without(OCT, "k"), OCT | {"use": "enc"}], ids=str)
def test_says_where_a_shared_secret_belongs(secret: dict[str, Any]) -> None:
    """Row J-38."""
    with pytest.raises(ValueError, match="`secret`"):
        parse_set(encoded(RSA, secret))


def test_takes_a_hundred_keys_and_ignores_members_it_does_not_know() -> None:
    keys = [RSA | {"kid": str(index), "x5c": ["MIIB"], "custom": {}} for index in range(100)]
    assert parse_set(encoded(*keys)).choose("99", "RS256").kid == "99"


MEMBERS = st.sampled_from(["kty", "n", "e", "crv", "x", "y", "alg", "use", "key_ops", "kid", "d"])
VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=4))
)


@given(st.sampled_from([RSA, EC, OKP]), st.dictionaries(MEMBERS, VALUES, max_size=3))
def test_any_set_is_read_or_refused(item: dict[str, Any], changed: dict[str, Any]) -> None:
    try:
        keys = parse_set(encoded(item | changed))
    except ValueError:
        return
    assert keys.algorithms


def test_a_token_without_a_key_id_needs_no_other_set() -> None:
    assert parse_set(encoded(RSA)).has(None)


def test_the_limits_are_these() -> None:
    assert jwk.MAX_KEYS == 100
