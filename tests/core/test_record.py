"""What is noted of an exchange before anything has happened."""

from dataclasses import asdict

from gateway.core.record import Record

TEXTS = "org org_id upstream operation subject actor user conversation code reason interrupted"
NUMBERS = "status upstream_status tool_calls bytes_in bytes_out duration_ms"


def test_an_exchange_that_has_just_begun_has_done_nothing() -> None:
    assert asdict(Record("req-1", "GET", 1.5)) == {
        "request_id": "req-1",
        "method": "GET",
        "started": 1.5,
        **dict.fromkeys(TEXTS.split(), ""),
        **dict.fromkeys(NUMBERS.split(), 0),
        "asked": None,
        "dropped": (),
        "spoofed": (),
        "usage": None,
        "quotas": (),
        "first_byte_ms": None,
        "trace": None,
    }


def test_what_one_has_done_another_has_not() -> None:
    one, other = (Record(name, "GET", 1.5) for name in ("a", "b"))
    one.usage = {"credits": 1.0}
    assert other.usage is None
