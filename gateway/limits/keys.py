"""Names of counters that tell nobody whose they are.

Whoever may look into the shared server learns neither a subject, nor an org, nor a vendor's key,
nor can they be guessed and compared: the digest is keyed by the secret behind opaque user ids,
which is the same in all replicas. Names are length-prefixed, so that no two pairs are one.

A visitor's name begins with `ANYBODY`: whoever throws a cookie away is another visitor, so what
such names take up is bounded where they are kept (`limits/local.py`).
"""

import hashlib

from gateway.core.formats.digests import joined
from gateway.core.people.identity import VISITOR, Person

ANYBODY = "visitor-"
DIGEST = 16  # bytes


class Keys:
    """The key of each thing that is counted: a digest of its names."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(secret).digest()  # a key of BLAKE2 has 64 bytes at most

    def person(self, person: Person) -> str:
        key = self._digest(b"person", *person)
        return ANYBODY + key if VISITOR.fullmatch(person.subject) else key

    def org(self, external_id: str) -> str:
        return self._digest(b"org", external_id)

    def vendor(self, base_url: str, key: str) -> str:
        """For one key at one vendor, whichever orgs use it."""
        return self._digest(b"vendor", base_url, key)

    def message(self, *names: str) -> str:
        """For a message that counts once."""
        return self._digest(b"message", *names)

    def _digest(self, kind: bytes, *names: str) -> str:
        named = joined(*names)
        return hashlib.blake2b(named, digest_size=DIGEST, key=self._secret, person=kind).hexdigest()
