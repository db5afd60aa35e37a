"""Limits as values, and what an answer says of them.

Fields are those of draft-ietf-httpapi-ratelimit-headers-11, structured by RFC 9651:

    RateLimit-Policy: "per-user";q=60;w=60
    RateLimit: "per-user";r=12;t=31

Requests are counted in tenths: one that makes the vendor think is ten, a list or a read is one.
Credits and tokens are counted in thousandths, so that sums are whole numbers everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Policy:
    """What a limit allows; `text` is how an answer says it."""

    name: str  # of visible ASCII, without quotes
    quota: int
    window: int | None = None  # seconds
    unit: str = ""  # requests, where it says nothing
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        unit = f';qu="{self.unit}"' if self.unit else ""
        window = f";w={self.window}" if self.window is not None else ""
        object.__setattr__(self, "text", f'"{self.name}";q={self.quota}{unit}{window}')


@dataclass(slots=True)
class Quota:
    """A limit that counts a request, as it stands after it."""

    policy: Policy
    remaining: int
    reset: int | None = None  # seconds until there is more


def fields(quotas: Sequence[Quota]) -> list[tuple[bytes, bytes]]:
    """What an answer says of these; nothing where there are none."""
    if not quotas:
        return []
    policy = ", ".join([one.policy.text for one in quotas])
    standing = ", ".join([_standing(one) for one in quotas])
    return [
        (b"ratelimit-policy", policy.encode("ascii")),
        (b"ratelimit", standing.encode("ascii")),
    ]


def _standing(one: Quota) -> str:
    if one.reset is None:
        return f'"{one.policy.name}";r={one.remaining}'
    return f'"{one.policy.name}";r={one.remaining};t={one.reset}'
