"""What was aimed at is compared with what was found, and what was not found is not reached."""

from typing import Any

import pytest

from benchmarks import crowd
from benchmarks.peers import over_http2
from benchmarks.peers.gateway import ASGI, SERVE
from benchmarks.targets import TARGETS, show


def peer(name: str, **figures: Any) -> dict[str, Any]:
    return {"peer": name, "rate": [1.0], "median_cpu": 1.0, "added": 1.0, "first": 1.0, **figures}


def cells(what: str, found: dict[str, Any]) -> tuple[str, ...]:
    (target,) = [one for one in TARGETS if one.what == what]
    return target.cells(found)


def test_more_requests_are_better_and_more_microseconds_are_not() -> None:
    found = {
        "unary": [
            peer(SERVE, rate=[7.0, 8.0, 9.0], median_cpu=100.0),
            peer(ASGI, rate=[4.0], median_cpu=200.0),
            peer("Envoy", rate=[5.0], median_cpu=150.0),
        ]
    }
    over_asgi = ("≥ 1", "0.80", "no")
    assert cells("requests/s, of Envoy's", found)[1:] == (*over_asgi, "≥ 1.5", "1.60", "yes")
    assert cells("CPU of a request, of Envoy's", found)[3::3] == ("no", "yes")


def test_streams_are_those_of_a_crowd_that_is_as_large() -> None:
    found = {
        "crowd": [
            {"what": crowd.HOLDS, "value": value, "who": SERVE, "beside": beside, "unit": "kB"}
            for beside, value in ((1000, 5.0), (4500, 7.0), (9500, 9.0))
        ]
    }
    assert cells("a stream of 5,000", found)[4:] == ("≤ 8 kB", "7.00", "yes")
    assert cells("a stream of 10,000", found)[4:] == ("≤ 8 kB", "9.00", "no")
    assert cells("a stream of 5,000", found)[2:4] == ("-", "not measured")
    found["crowd"] = found["crowd"][:1]
    assert cells("a stream of 5,000", found)[5:] == ("-", "not measured")


def test_streams_over_http2_are_of_the_entry_that_speaks_it() -> None:
    found = {
        "crowd": [
            {"what": crowd.HOLDS, "value": value, "who": who, "beside": 10_000, "unit": "kB"}
            for who, value in ((SERVE, 11.0), (over_http2.NAME, 7.0))
        ]
    }
    not_over_asgi = ("≤ 26 kB", "-", "not measured")
    assert cells("over HTTP/2, a stream of 10,000", found)[1:] == (
        *not_over_asgi,
        *("≤ 8 kB", "7.00", "yes"),
    )


def test_what_was_not_measured_has_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    show({"unary": [peer(SERVE), peer("Envoy")]})
    assert "HAProxy" not in capsys.readouterr().out
