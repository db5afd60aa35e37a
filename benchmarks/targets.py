"""What was aimed at, beside what was measured: `python -m benchmarks.targets [benchmarks.json]`.

Rates are those of the run; the CPU of a request says the same without the noise of others.
"""

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks import crowd, keeping, opening, pairs, starting, verifying
from benchmarks.peers import over_http2
from benchmarks.peers.gateway import ASGI, SERVE
from benchmarks.tables import table

Found: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
MANY = 5000  # streams
BUSY = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """A row; `measured` is given what was found and the name of an entry, and is None if nothing.

    Of a `least` target more is better.
    """

    what: str
    over_asgi: float
    own: float
    measured: Callable[[Found, str], float | None]
    least: bool = False
    unit: str = ""

    def cells(self, found: Found) -> tuple[str, ...]:
        return (
            self.what,
            *self._of(found, ASGI, self.over_asgi),
            *self._of(found, SERVE, self.own),
        )

    def is_measured(self, found: Found) -> bool:
        return any(self.measured(found, entry) is not None for entry in (ASGI, SERVE))

    def _of(self, found: Found, entry: str, aim: float) -> tuple[str, str, str]:
        got = self.measured(found, entry)
        aimed = f"{'≥' if self.least else '≤'} {aim:g} {self.unit}".strip()
        if got is None:
            return aimed, "-", "not measured"
        reached = got >= aim if self.least else got <= aim
        return aimed, f"{got:.2f}", "yes" if reached else "no"


def _row(found: Found, scene: str, who: str) -> Mapping[str, Any] | None:
    return next((one for one in found.get(scene, ()) if one["peer"] == who), None)


def _against(
    scene: str, peer: str, figure: Callable[[Mapping[str, Any]], float]
) -> Callable[[Found, str], float | None]:
    def measured(found: Found, entry: str) -> float | None:
        ours, theirs = _row(found, scene, entry), _row(found, scene, peer)
        return None if ours is None or theirs is None else figure(ours) / figure(theirs)

    return measured


def _figure(
    scene: str, what: str, *, each: bool = True, beside: int = 0
) -> Callable[[Found, str], float | None]:
    """A figure by its name: of the entry where `each` has its own; beside so many streams, or a
    tenth less, where the machine has no descriptors for all. A smaller crowd says nothing of it.
    """

    def measured(found: Found, entry: str) -> float | None:
        rows = [
            one
            for one in found.get(scene, ())
            if one["what"] == what
            and (not each or one["who"] == entry)
            and abs(one["beside"] - beside) <= beside / 10
        ]
        near = min(rows, key=lambda one: abs(one["beside"] - beside), default=None)
        return None if near is None else float(near["value"])

    return measured


def _rate(row: Mapping[str, Any]) -> float:
    return float(statistics.median(row["rate"]))


def _cpu(row: Mapping[str, Any]) -> float:
    return float(row["median_cpu"])


def _added(row: Mapping[str, Any]) -> float:
    return float(row["added"])


def _first(row: Mapping[str, Any]) -> float:
    return float(row["first"])


def _new_token(found: Found, entry: str) -> float | None:
    new = _figure("verifying", verifying.NEW, each=False)(found, entry)
    bare = _figure("verifying", verifying.BARE, each=False)(found, entry)
    return None if new is None or not bare else new / bare


def _crowd(what: str, beside: int = MANY) -> Callable[[Found, str], float | None]:
    return _figure("crowd", what, beside=beside)


def _over_http2(what: str) -> Callable[[Found, str], float | None]:
    """A figure of as many streams as were asked for, by the entry that speaks so."""

    def measured(found: Found, entry: str) -> float | None:
        return _crowd(what, BUSY)(found, over_http2.NAME) if entry == SERVE else None

    return measured


TARGETS = (
    Target("requests/s, of Envoy's", 1.0, 1.5, _against("unary", "Envoy", _rate), least=True),
    Target("requests/s, of HAProxy's", 0.5, 0.8, _against("unary", "HAProxy", _rate), least=True),
    Target(
        "requests/s, of FastAPI + httpx's",
        45,
        70,
        _against("unary", "FastAPI + httpx", _rate),
        least=True,
    ),
    Target("requests/s, of LiteLLM's", 90, 130, _against("unary", "LiteLLM", _rate), least=True),
    Target("CPU of a request, of Envoy's", 1.0, 0.67, _against("unary", "Envoy", _cpu)),
    Target("added latency at 200/s, of Envoy's", 0.9, 0.6, _against("unary", "Envoy", _added)),
    Target("CPU of an event, of Envoy's", 1.25, 0.85, _against("streams", "Envoy", _cpu)),
    Target("first event over direct, of Envoy's", 1.0, 0.7, _against("streams", "Envoy", _first)),
    Target("a stream of 5,000", 26, 8, _crowd(crowd.HOLDS), unit="kB"),
    Target("a stream of 10,000", 26, 8, _crowd(crowd.HOLDS, BUSY), unit="kB"),
    Target("a request beside 5,000 streams, of alone", 1.2, 1.1, _crowd(crowd.BESIDE)),
    Target("a request beside 10,000 streams, of alone", 1.1, 1.1, _crowd(crowd.BESIDE, BUSY)),
    Target("first event's p99 beside 5,000, over direct", 5, 5, _crowd(crowd.FIRST), unit="ms"),
    Target("over HTTP/2, a stream of 10,000", 26, 8, _over_http2(crowd.HOLDS), unit="kB"),
    Target("over HTTP/2, a request beside 10,000", 1.1, 1.1, _over_http2(crowd.BESIDE)),
    Target("over HTTP/2, a first event's p99", 5, 5, _over_http2(crowd.FIRST), unit="ms"),
    Target(
        "a new conversation's name is held",
        5,
        5,
        _figure("opening", opening.HELD),
        unit="ms",
    ),
    Target(keeping.ALL, 60, 60, _figure("keeping", keeping.ALL), unit="µs"),
    Target("a new token, of PyJWT's decode", 1.3, 1.3, _new_token),
    Target(
        "two workers' requests/s, of one's",
        1.8,
        1.8,
        _figure("pairs", pairs.RATIO, each=False),
        least=True,
    ),
    Target("gateway --help", 0.3, 0.3, _figure("starting", starting.HELP, each=False), unit="s"),
    Target(
        "gateway serve to the first answer",
        1.5,
        1.5,
        _figure("starting", starting.SERVE, each=False),
        unit="s",
    ),
)


def show(found: Found) -> None:
    table(
        "What was aimed at",
        ("", "over ASGI", "is", "reached", "own entry", "is", "reached"),
        [one.cells(found) for one in TARGETS if one.is_measured(found)],
    )


if __name__ == "__main__":
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks.json")
    show(json.loads(file.read_text())["found"])
