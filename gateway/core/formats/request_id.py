"""Request ids: the client's own where it is plain, else a UUIDv7 (RFC 9562 section 5.7)."""

from gateway.core.formats.fields import REQUEST_ID

MARKS = 7 << 76 | 0b10 << 62  # version and variant
RANDOM = (1 << 80) - 1 & ~(0b1111 << 76 | 0b11 << 62)


def choose(offered: list[bytes], *, now: float, random: bytes) -> str:
    """The id of one exchange. `now` in seconds since the epoch; `random` is ten bytes."""
    if len(offered) == 1 and REQUEST_ID.fullmatch(offered[0]):
        return offered[0].decode("ascii")
    return written(uuid7(now, random))


def uuid7(now: float, random: bytes) -> bytes:
    """A UUID that sorts by time: 48 bits of milliseconds, then ten random bytes less six bits."""
    made = int(now * 1000) << 80 | MARKS | int.from_bytes(random, "big") & RANDOM
    return made.to_bytes(16, "big")


def written(uuid: bytes) -> str:
    """A UUID as it is written (RFC 9562 section 4)."""
    digits = uuid.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
