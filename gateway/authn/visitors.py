"""People who have not signed in, where an org lets them chat: one browser, one visitor.

A visitor is a random id in a cookie that we sign. It is a name of a shape of its own, which no
sign-in may vouch for (`core.people.identity.VISITOR`), so that nobody signs in as somebody's
browser, and no visitor is taken for a person.

The cookie counts where any cookie does (`core.request.origin`), and says who asks only where
nothing else does. One that is forged, or of another org, is none: what it would open is closed, and
whoever sends it is a new visitor.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from gateway.core.errors import GatewayError
from gateway.core.formats import fields as http
from gateway.core.formats.digests import base32, joined
from gateway.core.people.identity import VISITOR, Identity
from gateway.core.request.origin import cookie_is_credential
from gateway.ports import Fields, Inbound

ID_BYTES = 16
MAC_BYTES = 16
MAX_AGE = 365 * 24 * 3600  # seconds; browsers keep none longer than 400 days


@dataclass(frozen=True, slots=True)
class Visitors:
    """The visitors of one org, by its external_id; `origins` may use their cookies too."""

    org: str
    key: bytes  # of the signature; one for all orgs, which are part of what is signed
    origins: Collection[str] = ()

    def __repr__(self) -> str:
        return f"Visitors(org={self.org!r})"

    def may_come(self, ask: Inbound) -> bool:
        """Whether this request may be a visitor's: a page of another origin has none."""
        return cookie_is_credential(
            ask.fields, method=ask.method, scheme=ask.scheme, host=ask.host, origins=self.origins
        )

    def known(self, ask: Inbound) -> Identity | None:
        """The visitor of this request's cookie; None where there is none that we signed."""
        try:
            written = http.cookie(ask.fields, self.cookie)
        except GatewayError:
            return None
        name, _, mac = (written or "").partition(".")
        if not VISITOR.fullmatch(name) or not hmac.compare_digest(mac, self._mac(name)):
            return None
        return Identity(org=self.org, subject=name)

    def new(self) -> tuple[Identity, Fields]:
        """A visitor nobody has been yet, and the cookie that makes the browser theirs."""
        name = "anon_" + base32(secrets.token_bytes(ID_BYTES))
        return Identity(org=self.org, subject=name), self._set(f"{name}.{self._mac(name)}", MAX_AGE)

    def forget(self) -> Fields:
        """What takes the cookie back."""
        return self._set("", 0)

    @property
    def cookie(self) -> str:
        """Orgs under one host have a cookie each; `__Host-` keeps it from other hosts and http."""
        return f"__Host-visitor-{hashlib.sha256(self.org.encode()).hexdigest()[:8]}"

    def _set(self, value: str, seconds: int) -> Fields:
        attributes = f"Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"
        return [(b"set-cookie", f"{self.cookie}={value}; {attributes}".encode("ascii"))]

    def _mac(self, name: str) -> str:
        message = joined(self.org) + name.encode("ascii")
        return base32(hmac.digest(self.key, message, "sha256")[:MAC_BYTES])


def signing_key(secret: bytes) -> bytes:
    """The key for visitors' cookies, made of the identity secret and good for nothing else."""
    return hmac.digest(secret, b"visitors", "sha256")
