"""Idempotency keys: the name a request is kept under, and how a second one of it is refused.

`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) is the client's name for one thing it
wants done once. It is one person's, at one operation of one upstream: nobody else can use it up.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.errors import BadRequest, IdempotencyConflict
from gateway.core.formats.fields import VISIBLE, Fields, single
from gateway.core.people.identity import Person

FIELD = b"idempotency-key"
LONGEST = 255  # characters of a key
FIRST_REQUEST = b"x-gateway-first-request-id"
FIRST_CONVERSATION = b"x-gateway-first-conversation"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The request that was kept under a name first."""

    request_id: str
    content: bytes  # digest of what was asked
    conversation: str = ""  # "": it was about none, or its answer is not over


class AskedAlready(IdempotencyConflict):
    """The refusal of a second one, with the ids of the first."""

    def __init__(self, detail: str = "", *, earlier: Earlier | None = None) -> None:
        super().__init__(detail)
        self.earlier = earlier

    @property
    def fields(self) -> Sequence[tuple[bytes, bytes]]:
        """Where the ids of the first one stand; and that to try again is of no use, which SDKs do
        on a 409 otherwise.
        """
        again = (b"x-should-retry", b"false")
        if self.earlier is None:
            return [again]
        fields = [again, (FIRST_REQUEST, self.earlier.request_id.encode("ascii"))]
        # An id of a vendor's may be anything a JSON text holds; a field may not.
        if VISIBLE.fullmatch(self.earlier.conversation):
            fields.append((FIRST_CONVERSATION, self.earlier.conversation.encode("ascii")))
        return fields


def key_of(fields: Fields) -> str | None:
    """The client's name for what it asks; None where it gives none.

    Raises:
        BadRequest: it is none, or stands twice.
    """
    written = single(fields, FIELD)
    if written is None:
        return None
    key = written.decode("latin-1")
    if len(key) > LONGEST or not VISIBLE.fullmatch(key):
        raise BadRequest(f"Idempotency-Key is not 1 to {LONGEST} visible ASCII characters")
    return key


def name_of(person: Person, upstream: str, operation: str, key: str) -> bytes:
    """The name a request is kept under: of who asks whom for what, and of the client's key."""
    names = (person.org, person.subject, upstream, operation, key)
    return digest(*(name.encode("utf-8", "surrogatepass") for name in names))


def digest(*parts: bytes) -> bytes:
    """SHA-256 over the parts, each with its length: no two lists of parts have one digest."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.digest()


def refuse(earlier: Earlier, content: bytes) -> AskedAlready:
    """The refusal of a request whose name `earlier` has; `content` is the digest of this one."""
    if earlier.content != content:
        return AskedAlready("This Idempotency-Key was given to another request")
    told = f"This has been asked for already, by the request {earlier.request_id}"
    return AskedAlready(told, earlier=earlier)
