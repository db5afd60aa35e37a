"""The signature algorithms tokens may have (RFC 7518 section 3.1, RFC 8037), as PyJWT knows them.

One sign-in uses one family. Were both allowed, a public key, which everybody has, could pass for
the secret of an HMAC (RFC 8725 section 2.1).
"""

from collections.abc import Collection
from typing import Literal

import jwt
from jwt.algorithms import Algorithm

SYMMETRIC = ("HS256", "HS384", "HS512")
ASYMMETRIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)

_IMPLEMENTATIONS = {name: jwt.get_algorithm_by_name(name) for name in (*SYMMETRIC, *ASYMMETRIC)}


def implementation(algorithm: str) -> Algorithm:
    """PyJWT's own code for one of the algorithms above."""
    return _IMPLEMENTATIONS[algorithm]


def family(algorithms: Collection[str]) -> Literal["symmetric", "asymmetric"]:
    """Which family all of these are of.

    Raises:
        ValueError: there is none, or of both, or one that is unknown.
    """
    if not algorithms:
        raise ValueError("algorithms: at least one")
    for name in algorithms:
        if name not in _IMPLEMENTATIONS:
            raise ValueError(f"algorithms: {name!r} is none that is used here")
    symmetric = [name in SYMMETRIC for name in algorithms]
    if all(symmetric):
        return "symmetric"
    if any(symmetric):
        raise ValueError("algorithms: shared secrets and public keys never mix in one sign-in")
    return "asymmetric"
