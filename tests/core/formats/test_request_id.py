import uuid

import pytest

from gateway.core.formats import request_id

RANDOM = bytes(range(10))


@pytest.mark.parametrize("offered", [b"abc", b"A-1_b.c", b"x" * 64])
def test_takes_a_plain_id_of_the_client(offered: bytes) -> None:
    assert request_id.choose([offered], now=0, random=RANDOM) == offered.decode()


@pytest.mark.parametrize(
    "offered",
    [[], [b""], [b"x" * 65], [b"a b"], [b"a\nb"], [b"a\n"], [b"\xff"], [b"a", b"b"], [b'"']],
)
def test_makes_one_where_the_client_offers_none_that_is_plain(offered: list[bytes]) -> None:
    made = uuid.UUID(request_id.choose(offered, now=1_700_000_000, random=RANDOM))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_ids_sort_by_time() -> None:
    earlier = request_id.uuid7(1_700_000_000.001, b"\xff" * 10)
    later = request_id.uuid7(1_700_000_000.002, b"\x00" * 10)
    assert earlier < later
    assert request_id.written(earlier) < request_id.written(later)
    assert int.from_bytes(earlier[:6], "big") == 1_700_000_000_001


@pytest.mark.parametrize(
    ("random", "made"),
    [
        ("7cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),  # RFC 9562 appendix A.6
        ("ffffffffffffffffffff", "017f22e2-79b0-7fff-bfff-ffffffffffff"),
        ("00000000000000000000", "017f22e2-79b0-7000-8000-000000000000"),
    ],
)
def test_is_a_uuid_of_version_7_to_the_bit(random: str, made: str) -> None:
    raw = request_id.uuid7(1645557742.0, bytes.fromhex(random))
    assert request_id.written(raw) == str(uuid.UUID(bytes=raw)) == made
