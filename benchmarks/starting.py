"""How long a command takes to say its help, and a gateway from its start to its first answer."""

import http.client
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.peers.gateway import gateway
from benchmarks.scenes import Size
from benchmarks.tokens import Issuer, issuer

HELP = "gateway --help"
SERVE = "gateway serve, to the first answer"


def measure(folder: Path, size: Size) -> list[Figure]:
    """Medians; the first of each, which finds nothing in the system's memory, is not counted."""
    folder.mkdir()
    made, times = issuer(folder), range(size.starts + 1)
    helps = [_help() for _ in times][1:]
    serves = [_serve(folder / str(number), made) for number in times][1:]
    return [
        Figure(HELP, statistics.median(helps), "s"),
        Figure(SERVE, statistics.median(serves), "s"),
    ]


def _help() -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "gateway", "--help"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _serve(place: Path, issuer: Issuer) -> float:
    """With a store that is not there yet: one is made on the way."""
    place.mkdir()
    began = time.perf_counter()
    with gateway(place, 9, issuer) as peer:  # whoever asks for no vendor needs none
        asking = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=30)
        asking.request("GET", "/readyz")
        status = asking.getresponse().status
        took = time.perf_counter() - began
        asking.close()
    if status != 200:
        raise SystemExit(f"the gateway that was started answered {status}")
    return took
