"""Limits as values, and what an answer says of them.

Fields are those of draft-ietf-httpapi-ratelimit-headers-11, structured by RFC 9651:

    RateLimit-Policy: "per-user";q=60;w=60
    RateLimit: "per-user";r=12;t=31

Requests are counted in tenths: one that makes the vendor think is ten, a list or a read is one.
Credits and tokens are counted in thousandths, so that sums are whole numbers everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

# A limit that counts a request: what it allows, and what is left of it after this one, as the
# fields say it. An answer tells of three, and nobody else wants to know.
Quota: TypeAlias = tuple[str, str]

Unit = Literal["credits", "tokens"]
Period = Literal["day", "month"]

TENTHS = 10  # of a request
THOUSANDTHS = 1000  # of a credit or token
PERIODS: dict[Period, int] = {"day": 86_400, "month": 2_678_400}  # seconds, at most


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Streams:
    """So many answers under way at one time."""

    count: int


@dataclass(frozen=True, slots=True)
class Budget:
    """So many thousandths of credits or tokens, in each day or month of UTC."""

    thousandths: int
    unit: Unit
    period: Period


def policy(name: str, quota: int, *, window: int | None = None, unit: str = "") -> str:
    """What a limit allows, in `window` seconds: requests, where no unit is told.

    `name` is of visible ASCII, without quotes.
    """
    counted = f';qu="{unit}"' if unit else ""
    lasts = f";w={window}" if window is not None else ""
    return f'"{name}";q={quota}{counted}{lasts}'


def standing(name: str) -> str:
    """The beginning of what says how much is left of a limit.

    The number follows; and where it is known in how many seconds there is more, `;t=` and these.
    """
    return f'"{name}";r='


def fields(quotas: Sequence[Quota]) -> list[tuple[bytes, bytes]]:
    """The fields of an answer that say so of all its limits; none where it has none."""
    if not quotas:
        return []
    policies, standings = zip(*quotas, strict=True)
    return [
        (b"ratelimit-policy", ", ".join(policies).encode("ascii")),
        (b"ratelimit", ", ".join(standings).encode("ascii")),
    ]
