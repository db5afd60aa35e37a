"""Express with `cookie-session`: base64 JSON in NAME, and Keygrip's HMAC of it in NAME.sig.

There is no time in these: a session is good for as long as its secret is.
"""

import base64
import hmac
from collections.abc import Sequence

from gateway.authn.places import SignedCookie
from gateway.authn.sessions.encoding import base64_padded, check_size, json_object
from gateway.authn.sessions.format import Session
from gateway.core.errors import CredentialsInvalid


class ExpressFormat:
    """Keeps `Format`."""

    def __init__(self, cookie: str, secrets: Sequence[str]) -> None:
        self.places = (SignedCookie(cookie),)
        self._name = cookie
        self._secrets = tuple(secret.encode() for secret in secrets)

    def open(self, text: str, *, now: float) -> Session:
        del now
        check_size(text)
        payload, _, signature = text.partition(" ")
        signed = f"{self._name}={payload}".encode("ascii")
        known = [keygrip(signed, secret) for secret in self._secrets]
        if not any(hmac.compare_digest(signature, one) for one in known):
            raise CredentialsInvalid("The session is not signed by its app")
        return Session(json_object(base64_padded(payload)), None)


def keygrip(signed: bytes, secret: bytes) -> str:
    """The signature that Keygrip makes by default: HMAC-SHA1, base64url without padding."""
    return base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha1")).decode().rstrip("=")
