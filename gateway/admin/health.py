"""How the gateway is, and each thing it depends on: for an operator who watches a fault."""

import time
from typing import Any

from gateway.assemble import Assembled
from gateway.core.errors import GatewayError
from gateway.telemetry.metrics import version_of_ours


async def readiness(assembled: Assembled, began: float) -> tuple[int, dict[str, Any]]:
    """The status of `/readyz?verbose`, and what it says. `began` is monotonic, in seconds."""
    store, ready = await _store(assembled)
    kept = assembled.process.kept
    says = {
        "status": assembled.process.readiness.status if ready else "unavailable",
        "draining": assembled.process.readiness.draining,
        "version": version_of_ours(),
        "up_seconds": round(time.monotonic() - began),
        "running": len(assembled.house.running),
        "dependencies": [
            {"name": "store", **store},
            *(
                {
                    "name": name,
                    "ok": state.ok,
                    "age_seconds": _rounded(state.age),
                    "says": state.says,
                }
                for name, state in assembled.states()
            ),
        ],
        "queues": [
            {"name": name, "rows": one.waiting, "spooled_bytes": one.spooled, "lost_rows": one.lost}
            for name, one in (("usage", kept.usage.batches), ("audit", kept.trail.batches))
        ],
    }
    return (200 if ready else 503), says


async def _store(assembled: Assembled) -> tuple[dict[str, Any], bool]:
    """The store, asked now; and whether new work should come."""
    began, says = time.monotonic(), ""
    try:
        await assembled.process.store.ping()
    except GatewayError as error:
        says = error.detail
    took = round((time.monotonic() - began) * 1000, 1)
    found = {"ok": not says, "age_seconds": 0, "milliseconds": took, "says": says}
    return found, not says and not assembled.process.readiness.draining


def _rounded(age: float | None) -> float | None:
    return None if age is None else round(age, 1)
