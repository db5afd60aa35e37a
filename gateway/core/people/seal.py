"""Names of others that are secrets: kept by their digest, or given out under a seal.

An MCP session id is a bearer secret, and any visible character may stand in it: the ledger keeps
its digest. A request state and an event id come back as they went out, and a vendor may give two
people the same one: so each goes out with a seal that holds for one person at one upstream, and
comes back only with it. Nothing is kept for that.
"""

import hashlib
import hmac
import re

from gateway.core.errors import BadRequest
from gateway.core.formats.digests import base32, joined

MAX_HANDLE = 4096  # characters of a name as it comes

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_MARK = 26  # characters of a seal: 128 bits in base 32


def handle(value: object) -> str:
    """The name under which a secret name is kept.

    Raises:
        BadRequest: it is none: visible ASCII, 4,096 characters at most.
    """
    if not isinstance(value, str) or len(value) > MAX_HANDLE or not _VISIBLE.fullmatch(value):
        raise BadRequest("A conversation is named by something that is no id")
    return "h_" + base32(hashlib.sha256(value.encode("ascii")).digest())


class Seal:
    """Seals what one person got from one upstream, so that nobody else can bring it back."""

    def __init__(self, secret: bytes, *owner: str) -> None:
        self._key = _mac(secret, joined("seal", *owner))

    def close(self, kind: str, value: str) -> str:
        """`value`, sealed. `kind` says what it is: one kind never passes for another."""
        return f"{self._mark(kind, value)}.{value}"

    def open(self, kind: str, sealed: str) -> str | None:
        """What was sealed; None where it was not, or for somebody else."""
        mark, dot, value = sealed[:_MARK], sealed[_MARK : _MARK + 1], sealed[_MARK + 1 :]
        expected = self._mark(kind, value).encode("ascii")
        same = hmac.compare_digest(mark.encode("utf-8", "surrogatepass"), expected)
        return value if same and dot == "." else None

    def _mark(self, kind: str, value: str) -> str:
        return base32(_mac(self._key, joined(kind, value))[:16])


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")
