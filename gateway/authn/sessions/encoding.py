"""Base64, compression and JSON of a session: in the one form its framework writes, and bounded.

Decoders take padding, other alphabets and leftover bits; they unpack whatever there is. Here one
session has one spelling, and none is larger than any browser could keep.
"""

import base64
import zlib

from gateway.core.errors import AmbiguousJson, CredentialsInvalid
from gateway.core.formats import strictjson
from gateway.core.formats.strictjson import JsonObject

MAX_COOKIE = 16 * 1024  # characters; fields of one request are 32 KiB by default
MAX_SESSION = 64 * 1024  # bytes of JSON: a browser keeps 4 KiB a cookie, and zlib makes 20 of one


def check_size(cookie: str) -> None:
    """Refuse what is too long, before anything is spent on it.

    Raises:
        CredentialsInvalid: it is.
    """
    if len(cookie) > MAX_COOKIE:
        raise CredentialsInvalid("The session cookie is longer than 16 KiB")


def base64url(text: str) -> bytes:
    """Bytes of base64 as RFC 4648 section 5 has it, without padding.

    Raises:
        CredentialsInvalid: it is not written just so.
    """
    padded = text + "=" * (-len(text) % 4)
    return _one_spelling(padded.replace("-", "+").replace("_", "/"), text, b"-_", pad=False)


def base64_padded(text: str) -> bytes:
    """Bytes of base64 as RFC 4648 section 4 has it, with padding.

    Raises:
        CredentialsInvalid: it is not written just so.
    """
    return _one_spelling(text, text, b"+/", pad=True)


def _one_spelling(plain: str, written: str, last_two: bytes, *, pad: bool) -> bytes:
    try:
        decoded = base64.b64decode(plain, validate=True)
    except ValueError as error:
        raise CredentialsInvalid("The session is not base64") from error
    again = base64.b64encode(decoded, last_two).decode("ascii")
    if written != (again if pad else again.rstrip("=")):
        raise CredentialsInvalid("The session is not base64 in its one plain form")
    return decoded


def inflated(packed: bytes) -> bytes:
    """What zlib has compressed (RFC 1950): all of it, and nothing after it.

    Raises:
        CredentialsInvalid: it is not that, or is more than 64 KiB.
    """
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(packed, MAX_SESSION + 1)
    except zlib.error as error:
        raise CredentialsInvalid("The session is not compressed by zlib") from error
    if len(raw) > MAX_SESSION:
        raise CredentialsInvalid("The session is larger than 64 KiB")
    if not unpacking.eof or unpacking.unused_data:
        raise CredentialsInvalid("The session is not compressed by zlib")
    return raw


def json_object(raw: bytes) -> JsonObject:
    """A session that is a JSON object, and one that all parsers read alike.

    Raises:
        CredentialsInvalid: it is not.
    """
    try:
        value = strictjson.loads(raw)
    except AmbiguousJson as error:
        raise CredentialsInvalid(
            "The session is not JSON, or JSON that parsers read differently: "
            "a number beyond 2**53 - 1 is one"
        ) from error
    if not isinstance(value, dict):
        raise CredentialsInvalid("The session is not a JSON object")
    return value
