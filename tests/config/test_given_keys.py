import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.config.given_keys import default_algorithms, given_keys
from gateway.config.sign_ins.jwt import JwtSignInSettings
from tests.config.parts import STRONG

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
RS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem() -> str:
    return EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwks(**members: object) -> str:
    key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key()))
    return json.dumps({"keys": [{**key, "kid": "one", **members}]})


def sign_in(**members: object) -> JwtSignInSettings:
    return JwtSignInSettings.model_validate({"issuer": "https://id.example/", **members})


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"secret": STRONG}, ("HS256",), id="secret"),
        pytest.param({"public_key": pem(RSA)}, RS, id="RSA"),
        pytest.param({"public_key": pem(EC)}, ("ES256",), id="EC"),
        pytest.param({"public_key": pem(ED)}, ("EdDSA",), id="Ed25519"),
        pytest.param({"public_key": pem(EC) + pem(ED)}, ("ES256", "EdDSA"), id="two keys"),
        pytest.param({"jwks": jwks()}, ("ES256",), id="JWK Set"),
        pytest.param({}, (*RS, "ES256", "ES384", "ES512", "EdDSA"), id="keys that come later"),
        pytest.param(
            {"public_key": "broken"},
            (*RS, "ES256", "ES384", "ES512", "EdDSA"),
            id="keys that cannot be read are another's mistake",
        ),
    ],
)
def test_the_default_is_what_the_keys_are_for(
    members: dict[str, object], expected: tuple[str, ...]
):
    assert default_algorithms(sign_in(**members)) == expected


@pytest.mark.parametrize(
    ("members", "why"),
    [
        pytest.param({"public_key": "CANARY"}, "no PEM", id="no PEM"),
        pytest.param({"public_key": private_pem()}, "a private key", id="private PEM"),
        pytest.param({"jwks": "CANARY"}, "not JSON", id="no JSON"),
        pytest.param({"jwks": '{"keys": []}'}, "no key", id="no keys"),
        pytest.param({"jwks": jwks(d="CANARY")}, "a private key", id="private JWK"),
        pytest.param(
            {"jwks": '{"keys": [{"kty": "oct", "k": "CANARY"}]}'}, "a shared secret", id="J-38 oct"
        ),
    ],
)
def test_says_why_keys_cannot_be_used(members: dict[str, object], why: str):
    with pytest.raises(ValueError, match=why) as caught:
        given_keys(sign_in(**members))
    assert "CANARY" not in str(caught.value)


def test_keys_that_are_elsewhere_are_not_given():
    assert given_keys(sign_in(jwks_url="https://id.example/keys")) is None
    assert given_keys(sign_in(secret=STRONG)) is None
