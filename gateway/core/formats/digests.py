"""Digests of names: how several names become one text, and how a digest is written."""

import base64


def joined(*names: str) -> bytes:
    """Several names as one text, each with its length before it (4 bytes, big-endian).

    No delimiter in a name makes two lists of names one: user `a:b` of org `c` is not user `b` of
    org `c:a`.
    """
    written = bytearray()
    for name in names:
        encoded = name.encode("utf-8", "surrogatepass")
        written += len(encoded).to_bytes(4, "big") + encoded
    return bytes(written)


def base32(digest: bytes) -> str:
    """Lower case, without padding: 5 bits a character, and none that a URL or a cookie lacks."""
    return base64.b32encode(digest).decode("ascii").rstrip("=").lower()
