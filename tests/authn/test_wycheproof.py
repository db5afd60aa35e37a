"""Project Wycheproof's vectors: each that is invalid is refused.

Their payloads are "foo" and the like, so as sign-ins all of them are refused. That alone would show
nothing; hence a second look at each signature, by the same strict reading but for the claims.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.authn.claims import JwtRules
from gateway.authn.jwk import KeySet, parse_set
from gateway.authn.jwt import JwtSignIn
from gateway.authn.keys import GivenKeys, Key, public_keys
from gateway.authn.token import _COMPACT, _algorithm, _decode, _kid, _object
from gateway.core.errors import CredentialsInvalid
from tests.support.ask import bearing
from tests.support.corpora import corpus

pytestmark = pytest.mark.anyio

JOSE = (
    "json_web_signature_test.json",
    "json_web_key_test.json",
    "json_web_crypto_test.json",
)
# Valid to Wycheproof, and refused here on purpose: empty payloads, algorithms that are not the
# key's, an algorithm "ES521" that does not exist, junk within base64, shared secrets in a set.
STRICTER = {
    "json_web_signature_test.json": 12,
    "json_web_key_test.json": 1,
    "json_web_crypto_test.json": 1,
}

Vector = dict[str, Any]


def vectors(name: str) -> Iterator[tuple[Vector, Vector]]:
    """Each group with each of its vectors."""
    for group in json.loads(corpus(f"wycheproof/{name}").read_text())["testGroups"]:
        for vector in group["tests"]:
            yield group, vector


def keys_of(group: Vector) -> KeySet | GivenKeys | None:
    """The group's keys, as a configuration could hold them; None where it could not."""
    written = group.get("public") or group["private"]
    items = written.get("keys", [written])
    if len(items) == 1 and items[0]["kty"] == "oct":
        return _secret(items[0])
    try:
        return parse_set(json.dumps({"keys": items}).encode())
    except ValueError:
        return None


def _secret(item: Vector) -> GivenKeys | None:
    material = base64.urlsafe_b64decode(item["k"] + "==")
    algorithm = item.get("alg", "")
    long_enough = algorithm.startswith("HS") and len(material) * 8 >= int(algorithm[2:])
    return GivenKeys([Key(frozenset({algorithm}), material)]) if long_enough else None


async def is_signed(token: str, keys: KeySet | GivenKeys) -> bool:
    """Whether the signature is good, read as strictly as a sign-in reads it."""
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        return False
    try:
        header = _object(parts[1], "header")
        _decode(parts[2], "payload")
        signature = _decode(parts[3], "signature")
        algorithm = _algorithm(header)
        found = await keys.find(_kid(header), algorithm)
    except CredentialsInvalid:
        return False
    signed = token[: parts.end(2)].encode()
    return any(key.verifies(algorithm, signed, signature) for key in found)


@pytest.mark.parametrize("name", JOSE)
async def test_no_invalid_token_is_signed(name: str) -> None:
    valid = {str(v.get("jws")) for _, v in vectors(name) if v["result"] == "valid"}
    refused: list[int] = []
    accepted = 0
    for group, vector in vectors(name):
        keys, token = keys_of(group), vector.get("jws")
        if not isinstance(token, str):
            continue
        signed = keys is not None and await is_signed(token, keys)
        if vector["result"] == "invalid":
            if token in valid and vector["comment"].startswith("invalidBase64Padding"):
                continue  # the padding is lost: byte for byte the valid vector 357
            assert not signed, (vector["tcId"], vector["comment"])
        elif signed:
            accepted += 1
        else:
            refused.append(vector["tcId"])
    assert accepted > 0
    assert len(refused) == STRICTER[name], refused


@pytest.mark.parametrize("name", JOSE)
async def test_no_vector_is_a_sign_in(name: str) -> None:
    tried = 0
    for group, vector in vectors(name):
        keys = keys_of(group)
        if keys is None:
            continue
        rules = JwtRules(issuer="joe", audience=("chat",), algorithms=tuple(keys.algorithms))
        sign_in = JwtSignIn(rules, keys, clock=lambda: 0.0)
        token = vector.get("jws") or vector.get("jwe")
        with pytest.raises(CredentialsInvalid):
            await sign_in.verify(bearing(token if isinstance(token, str) else json.dumps(token)))
        tried += 1
    assert tried > 0


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [("ecdsa_secp256r1_sha256_p1363_test.json", "ES256"), ("ed25519_test.json", "EdDSA")],
)
async def test_a_signature_is_good_where_it_is_good(name: str, algorithm: str) -> None:
    for group, vector in vectors(name):
        found = await public_keys(group["publicKeyPem"]).find(None, algorithm)
        message, signature = bytes.fromhex(vector["msg"]), bytes.fromhex(vector["sig"])
        good = found[0].verifies(algorithm, message, signature)
        assert good == (vector["result"] == "valid"), (vector["tcId"], vector["comment"])
