"""People of one issuer: distinct RS256 tokens, of the size that identity providers make them."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://id.example/"
AUDIENCE = "chat"
SIZE = 854  # bytes of a token
LASTS = 3600  # seconds


@dataclass(frozen=True)
class Issuer:
    """A key, as every peer wants to have it."""

    key: rsa.RSAPrivateKey
    pem: Path  # of the public half
    jwks: str

    def token(self, who: str) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": who, "iat": now, "exp": now + LASTS}
        bare = len(self._signed(claims))
        # Base64 makes four bytes of three.
        return self._signed(claims | {"more": "x" * ((SIZE - bare) * 3 // 4 - 10)})

    def _signed(self, claims: dict[str, object]) -> str:
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k-1"})


def issuer(folder: Path) -> Issuer:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = folder / "issuer.pem"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwks = json.dumps({"keys": [public | {"kid": "k-1", "alg": "RS256", "use": "sig"}]})
    return Issuer(key, pem, jwks)
