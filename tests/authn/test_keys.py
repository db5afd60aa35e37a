"""Keys that stand in the configuration."""

import base64
import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from gateway.authn import keys
from gateway.authn.keys import MIN_DISTINCT, PUBLISHED_SECRETS, Key, public_keys, shared_secrets
from gateway.core.errors import CredentialsInvalid
from tests.support.tokens import Issuer, jwk, pem, private_key

pytestmark = pytest.mark.anyio
SECRET = "correct horse battery staple, and then some"


def rsa_key() -> rsa.RSAPrivateKey:
    key = private_key("RS256")
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


async def test_every_secret_in_rotation_verifies() -> None:
    keys = await shared_secrets([SECRET, SECRET[::-1]], ("HS256",)).find("any kid", "HS256")
    assert [key.material for key in keys] == [SECRET.encode(), SECRET[::-1].encode()]
    assert SECRET not in repr(keys)


async def test_a_secret_is_for_the_algorithms_named_with_it() -> None:
    source = shared_secrets([SECRET], ("HS256",))
    assert source.algorithms == {"HS256"}
    for algorithm in ("HS384", "HS512", "RS256", "none"):
        with pytest.raises(CredentialsInvalid):
            await source.find(None, algorithm)


@pytest.mark.parametrize(
    ("secret", "algorithm"),
    [
        pytest.param("", "HS256", id="J-25 empty"),
        pytest.param("s", "HS256", id="J-25 one byte"),
        pytest.param("secret", "HS256", id="J-25 secret"),
        pytest.param("your-256-bit-secret", "HS256", id="J-25 of jwt.io"),
        pytest.param("x" * 31, "HS256", id="J-25 31 bytes"),
        pytest.param(SECRET, "HS512", id="J-25 too short for HS512"),
        pytest.param("a" * 64, "HS256", id="J-25 one letter"),
        pytest.param("0123456" * 9, "HS256", id="J-25 few letters"),
        *(pytest.param(one, "HS256", id=f"J-25 {one}") for one in sorted(PUBLISHED_SECRETS)),
    ],
)
def test_refuses_a_secret_that_can_be_guessed(secret: str, algorithm: str) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        shared_secrets([SECRET * 2, secret], (algorithm,))
    assert len(secret) < MIN_DISTINCT or secret not in str(caught.value)


def spellings_of(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """A public key as an attacker, or a confused operator, could write it."""
    public = key.public_key()
    encode, formats = serialization.Encoding, serialization.PublicFormat
    found = {
        "PEM": public.public_bytes(encode.PEM, formats.SubjectPublicKeyInfo).decode(),
        "PKCS1 PEM": public.public_bytes(encode.PEM, formats.PKCS1).decode(),
        "SSH": public.public_bytes(encode.OpenSSH, formats.OpenSSH).decode(),
        "certificate": certificate(key),
        "JWK": json.dumps(jwk("RS256", key)),
        "JWK Set": json.dumps({"keys": [jwk("RS256", key)]}),
    }
    return found | {f"{name}, stripped": text.strip() for name, text in found.items()}


@pytest.mark.parametrize("name", spellings_of(rsa_key()))
def test_refuses_a_public_key_as_a_secret(name: str) -> None:
    """Row J-03: whoever has the public key could sign."""
    with pytest.raises(ValueError, match="public key"):
        shared_secrets([spellings_of(rsa_key())[name]], ("HS256",))


def test_refuses_secrets_for_other_algorithms_and_no_secret() -> None:
    with pytest.raises(ValueError, match="HS256"):
        shared_secrets([SECRET], ("RS256",))
    with pytest.raises(ValueError, match="never mix"):
        shared_secrets([SECRET], ("HS256", "RS256"))
    with pytest.raises(ValueError, match="needs one"):
        shared_secrets([], ("HS256",))


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
async def test_a_pem_verifies_what_its_key_signed(algorithm: str) -> None:
    issuer = Issuer(algorithm=algorithm)
    keys = await public_keys(issuer.pem()).find(issuer.kid(), algorithm)
    message, _, signature = issuer.token().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    assert keys[0].verifies(algorithm, message.encode(), raw)
    assert not keys[0].verifies(algorithm, message.encode() + b"x", raw)
    assert not keys[0].verifies(algorithm, message.encode(), raw[:-1])
    assert not keys[0].verifies(algorithm, message.encode(), b"")
    assert not keys[0].verifies("HS256", message.encode(), raw)


async def test_pems_may_follow_each_other_and_be_certificates() -> None:
    text = pem(private_key("ES256")) + "\n# the next one\n" + certificate(rsa_key())
    source = public_keys(text)
    assert {"RS256", "ES256"} <= source.algorithms
    assert len(await source.find(None, "ES256")) == 1
    assert len(await source.find(None, "RS256")) == 1


PRIVATE = rsa_key().private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "no PEM", id="empty"),
        pytest.param("MIIB", "no PEM", id="bare base64"),
        pytest.param(PRIVATE.decode(), "private", id="private"),
        pytest.param(pem(rsa_key()) + PRIVATE.decode(), "private", id="private after public"),
        pytest.param(
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no public key", id="junk"
        ),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "no public", id="junk x"
        ),
        pytest.param(pem(rsa.generate_private_key(65537, 1024)), "bits", id="J-26 1,024 bits"),  # noqa: S505 - that is the point
    ],
)
def test_refuses_what_is_no_public_key(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        public_keys(text)
    assert "MII" not in str(caught.value)


def test_a_key_shows_no_material() -> None:
    assert SECRET not in repr(Key(frozenset({"HS256"}), SECRET.encode()))


def test_a_secret_is_as_long_as_its_longest_algorithm_asks() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        shared_secrets([SECRET], ("HS256", "HS512"))
    with pytest.raises(ValueError, match="32 bytes"):
        shared_secrets([SECRET[:31]], ("HS256",))
    assert shared_secrets([SECRET[:32]], ("HS256",)).algorithms == {"HS256"}


def test_a_secret_has_letters_enough() -> None:
    assert shared_secrets(["01234567" * 4], ("HS256",)).algorithms == {"HS256"}


def test_a_key_of_a_kind_nobody_knows_is_refused() -> None:
    # SubjectPublicKeyInfo (RFC 5280) with the algorithm 1.2.3.4 and one bit string.
    unknown = base64.b64encode(bytes.fromhex("300b300506032a0304 030200 00".replace(" ", "")))
    text = f"-----BEGIN PUBLIC KEY-----\n{unknown.decode()}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(ValueError, match="no public key that can be read"):
        public_keys(text)


def test_the_limits_are_these() -> None:
    assert keys.MIN_DISTINCT == 8
