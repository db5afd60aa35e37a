from contextlib import suppress
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.config.units import (
    Bytes,
    Seconds,
    seconds,
    size,
    written_seconds,
    written_size,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("500ms", 0.5), ("0s", 0.0), ("1.5s", 1.5), ("5m", 300.0), ("1h", 3600.0), ("14d", 1209600.0)],
)
def test_reads_a_duration(written: str, expected: float):
    assert seconds(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *("", "10", "s", " 10s", "10s ", "10 s", "-1s", "+1s", "1e3s", ".5s", "5.s", "1s\n"),
        *("10S", "1M", "1w", "1h30m", "1,5s", "infs", "nans", "٣s", "9" * 10 + "s"),
        *(10, 10.0, True, None, ["10s"]),
    ],
)
def test_refuses_what_is_no_duration(written: object):
    with pytest.raises(ValueError, match="a number and a unit of ms, s, m, h, d"):
        seconds(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("0", 0), ("12B", 12), ("32KiB", 32768), ("1MiB", 1048576), ("2GiB", 2 * 1024**3), (512, 512)],
)
def test_reads_a_size(written: object, expected: int):
    assert size(written) == expected


@pytest.mark.parametrize(
    "written",
    ["", "1MB", "1kib", "1 MiB", "-1", "1.5MiB", "MiB", "1MiB\n", "٣", -1, 1.0, True, None, ["1B"]],
)
def test_refuses_what_is_no_size(written: object):
    with pytest.raises(ValueError, match="a whole number and a unit of B, KiB, MiB, GiB"):
        size(written)


@given(st.integers(0, 10**9), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_a_duration_survives_being_written(count: int, unit: str):
    value = seconds(f"{count % 10**6}{unit}")
    assert seconds(written_seconds(value)) == pytest.approx(value, abs=1e-9)


@given(st.integers(0, 10**12 - 1))
def test_a_size_survives_being_written(value: int):
    assert size(written_size(value)) == value


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(written: str):
    for read in (seconds, size):
        with suppress(ValueError):
            assert read(written) >= 0


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        (Annotated[float, Seconds("1s", "1m")], "1s", 1.0),
        (Annotated[float, Seconds("1s", "1m")], "60s", 60.0),
        (Annotated[int, Bytes("1KiB", "1MiB")], "1024", 1024),
        (Annotated[int, Bytes("1KiB", "1MiB")], 2048, 2048),
    ],
)
def test_takes_what_is_within_bounds(kind: Any, written: object, expected: float):
    assert TypeAdapter(kind).validate_python(written) == expected


@pytest.mark.parametrize(
    ("kind", "written", "why"),
    [
        (Annotated[float, Seconds("1s", "1m")], "999ms", "must be from 1s to 1m"),
        (Annotated[float, Seconds("1s", "1m")], "61s", "must be from 1s to 1m"),
        (Annotated[float, Seconds("1s", "1m")], 30, "a number and a unit"),
        (Annotated[int, Bytes("1KiB", "1MiB")], "1023", "must be from 1KiB to 1MiB"),
        (Annotated[int, Bytes("1KiB", "1MiB")], "2MiB", "must be from 1KiB to 1MiB"),
    ],
)
def test_says_the_bounds(kind: Any, written: object, why: str):
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(kind).validate_python(written)


def test_is_written_again_with_its_unit():
    duration = TypeAdapter(Annotated[float, Seconds("1s", "1h")])
    assert duration.dump_python(90.0, mode="json") == "90s"
    assert duration.dump_python(90.0) == 90.0
    assert TypeAdapter(Annotated[int, Bytes("1B", "1GiB")]).dump_python(2048, mode="json") == "2KiB"
