"""The keys a sign-in has in the file itself, read as `authn` will read them."""

from gateway.authn.algorithms import ASYMMETRIC
from gateway.authn.jwk import KeySet, parse_set
from gateway.authn.keys import GivenKeys, public_keys
from gateway.config.sign_ins.jwt import JwtSignInSettings


def given_keys(sign_in: JwtSignInSettings) -> GivenKeys | KeySet | None:
    """The public keys of `public_key` or `jwks`; None where neither is given.

    Raises:
        ValueError: they cannot be used.
    """
    if sign_in.public_key is not None:
        return public_keys(sign_in.public_key)
    if sign_in.jwks is not None:
        return parse_set(sign_in.jwks.encode("utf-8"))
    return None


def default_algorithms(sign_in: JwtSignInSettings) -> tuple[str, ...]:
    """HS256 for a shared secret, else what the keys are for; where they come later, anything."""
    if sign_in.secret:
        return ("HS256",)
    try:
        keys = given_keys(sign_in)
    except ValueError:
        keys = None
    return tuple(name for name in ASYMMETRIC if keys is None or name in keys.algorithms)
