"""What itsdangerous' TimestampSigner has signed: `payload.time.signature`, taken apart strictly."""

import re
from collections.abc import Sequence

from itsdangerous import BadSignature, TimestampSigner

from gateway.authn.sessions.encoding import base64url, check_size
from gateway.core.errors import CredentialsInvalid

# The time is 4 bytes until 2106, the signature an HMAC-SHA1 of 20.
_SIGNED = re.compile(r"([^.]+|\.[^.]+)\.([A-Za-z0-9_-]{2,6})\.([A-Za-z0-9_-]{27})")


class Timed:
    """Signatures by any of a few secrets.

    `salt` and `derivation` as the framework has them; None: those of itsdangerous itself.
    """

    def __init__(
        self, secrets: Sequence[str], *, salt: str | None = None, derivation: str | None = None
    ) -> None:
        # Any of them verifies; itsdangerous has the one that signs last.
        self._signer = TimestampSigner(
            list(reversed(secrets)), salt=salt, key_derivation=derivation
        )

    def open(self, text: str) -> tuple[str, float]:
        """The payload, and when it was signed, in seconds since the epoch.

        Raises:
            CredentialsInvalid: it is not signed by these secrets, or is written in another way.
        """
        check_size(text)
        parts = _SIGNED.fullmatch(text)
        if parts is None:
            raise CredentialsInvalid("The cookie is not a signed session: payload.time.signature")
        base64url(parts[3])  # in one spelling; the rest is signed as it is written
        try:
            _, signed_at = self._signer.unsign(text, return_timestamp=True)
        except BadSignature as error:
            raise CredentialsInvalid("The session is not signed by its app") from error
        return parts[1], signed_at.timestamp()
