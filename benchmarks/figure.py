"""One figure of a scene, as the tables and the JSON have it."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """How much of what; `who` is a peer, or empty, and `beside` how many streams were open."""

    what: str
    value: float
    unit: str
    who: str = ""
    beside: int = 0

    def told(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        digits = 0 if self.value >= 100 else 1 if self.value >= 10 else 2
        return f"{self.value:,.{digits}f} {self.unit}".strip()


def p99(values: Sequence[float]) -> float:
    """What one in a hundred exceeds."""
    return statistics.quantiles(values, n=100, method="inclusive")[98]
