"""What it costs to remember: CPU of a request with ledger, usage, audit and limits, and without.

The same gateway with none of them, with limits alone and with all, interleaved; the requests go on
with conversations that are there.
"""

import sqlite3
import statistics
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.figure import Figure
from benchmarks.peers.gateway import LIMITS, ON, SERVE, gateway
from benchmarks.scenes import Size, ground, unary

FORGETFUL = [sys.executable, "-m", "benchmarks.peers.forgetful"]
WITHOUT = "CPU of a request, nothing remembered"
LIMITED = "limits add"
ALL = "ledger, usage, audit and limits add"


def measure(folder: Path, size: Size) -> list[Figure]:
    """µs; what is added is the median of the differences within each round."""
    starts = [
        partial(gateway, name="without", how=("", FORGETFUL)),
        partial(gateway, name="limits", how=(LIMITS, FORGETFUL)),
        partial(gateway, name="all", how=ON),
    ]
    with ground(folder, size, starts) as there:
        without, limited, everything = (one.cpu for one in uvloop.run(unary(there)))
    if _rows(folder / "without") or _rows(folder / "limits") or not _rows(folder / "all"):
        raise SystemExit("what was to remember nothing did remember, or the other way about")
    return [
        Figure(WITHOUT, statistics.median(without), "µs"),
        Figure(LIMITED, _added(limited, without), "µs"),
        Figure(ALL, _added(everything, without), "µs", SERVE),
    ]


def _rows(place: Path) -> int:
    """Exchanges in the store of a gateway that has ended."""
    with closing(sqlite3.connect(place / "gateway.db")) as store:
        (rows,) = store.execute("SELECT count(*) FROM usage").fetchone()
    return int(rows)


def _added(more: list[float], less: list[float]) -> float:
    return statistics.median(one - other for one, other in zip(more, less, strict=True))
