from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric

from gateway.telemetry.tallies import DURATIONS, Kind, Poured, Tally, Times

PLACE = ("support", "chat")
SECONDS = st.floats(0, 2000) | st.sampled_from(DURATIONS)


def histogram(kind: type[Histogram] = Histogram) -> Histogram:
    return kind(
        "took", "Time.", ["upstream", "operation"], buckets=DURATIONS, registry=CollectorRegistry()
    )


def samples(found: list[Metric]) -> dict[str, float]:
    return {
        f"{one.name}{one.labels}": one.value
        for metric in found
        for one in metric.samples
        if not one.name.endswith("_created")
    }


@given(st.lists(st.lists(SECONDS)))
def test_times_that_are_poured_are_those_that_were_observed(rounds: list[list[float]]) -> None:
    expected, poured = histogram(), histogram(Poured)
    assert isinstance(poured, Poured)
    times = Times(poured, PLACE)
    for one in rounds:
        for seconds in one:
            expected.labels(*PLACE).observe(seconds)
            times.note(seconds)
        times.pour()
    there, own = samples(list(expected.collect())), samples(list(poured.collect()))
    assert own.keys() == there.keys()
    assert all(abs(own[name] - value) < 1e-6 for name, value in there.items())


def test_what_has_been_poured_is_not_poured_again() -> None:
    into, poured = Counter("asked", "Times.", list(Kind._fields), registry=None), histogram(Poured)
    assert isinstance(poured, Poured)
    kind = Kind("acme", *PLACE, 200)
    tally = Tally(kind, Times(poured, PLACE), Times(poured, PLACE))
    for total in (2, 4):
        tally.count += 2
        for _ in range(3):
            tally.pour(into)
        found = samples(list(into.collect()))
        assert list(found.values()) == [total]


def test_what_nobody_counted_is_not_there() -> None:
    poured = histogram(Poured)
    assert isinstance(poured, Poured)
    Times(poured, PLACE).pour()
    assert samples(list(poured.collect())) == {}
