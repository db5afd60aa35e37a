"""How all of it is: health, asked now and again, and the days of the last month."""

import json
import time
from typing import Any

from gateway.admin.current import Current
from gateway.admin.health import readiness
from gateway.console.asked import Asked
from gateway.console.rendering import page
from gateway.core.problem import Answer
from gateway.store.chain import MILLISECONDS_A_DAY

DAYS = 30
SERIES = ("requests", "refused", "failed")
SUMS = (*SERIES, "interrupted", "tokens", "credits")


class Overview:
    """Of one gateway; `began` is monotonic, in seconds."""

    def __init__(self, now: Current, began: float) -> None:
        self._now = now
        self._began = began

    async def page(self, asked: Asked) -> Answer:
        """The page; what takes time is asked for by it."""
        return page("overview.html", health=await self._health())

    async def health(self, asked: Asked) -> Answer:
        """The part of the page that says how the gateway is."""
        return page("health.html", health=await self._health())

    async def days(self, asked: Asked) -> Answer:
        """The part of the page that shows the last thirty days, of UTC."""
        today = int(time.time() * 1000) // MILLISECONDS_A_DAY * MILLISECONDS_A_DAY
        first = today - (DAYS - 1) * MILLISECONDS_A_DAY
        by_day = {row["day"]: row for row in await self._now.lists.days(since=first)}
        days = [first + number * MILLISECONDS_A_DAY for number in range(DAYS)]
        chart = [[day // 1000 for day in days]]
        chart += [[int(by_day.get(day, {}).get(name, 0)) for day in days] for name in SERIES]
        return page("days.html", chart=json.dumps(chart), today=_sums(by_day.get(today, {})))

    async def _health(self) -> dict[str, Any]:
        _, says = await readiness(self._now.assembled, self._began)
        return says


def _sums(row: Any) -> dict[str, float]:
    return {name: float(row.get(name, 0)) for name in SUMS}
