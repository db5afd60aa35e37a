"""Request ids: the client's own where it is plain, else a UUIDv7 (RFC 9562 section 5.7)."""

import uuid

from gateway.core.fields import REQUEST_ID


def choose(offered: list[bytes], *, now: float, random: bytes) -> str:
    """The id of one exchange. `now` in seconds since the epoch; `random` is ten bytes."""
    if len(offered) == 1 and REQUEST_ID.fullmatch(offered[0]):
        return offered[0].decode("ascii")
    return str(uuid7(now, random))


def uuid7(now: float, random: bytes) -> uuid.UUID:
    """A UUID that sorts by time: 48 bits of milliseconds, then ten random bytes less six bits."""
    raw = bytearray(int(now * 1000).to_bytes(6, "big") + random)
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return uuid.UUID(bytes=bytes(raw))
