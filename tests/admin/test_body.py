from typing import Any

import pytest

from gateway.admin.body import MOST_BYTES, MOST_PARAMETERS, pairs, whole
from gateway.core.errors import BadRequest, ContentTooLarge


def test_takes_parameters_in_their_order_and_the_empty_ones() -> None:
    assert pairs(b"a=1&b=&a=%20") == [("a", "1"), ("b", ""), ("a", " ")]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("ä=1".encode(), id="not escaped"),
        pytest.param(b"a=%e4", id="not UTF-8"),
        pytest.param(b"a=%ed%a0%80", id="half a character"),
        pytest.param(b"&".join([b"a=1"] * (MOST_PARAMETERS + 1)), id="too many"),
    ],
)
def test_what_is_no_query_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        pairs(raw)


async def read(*messages: dict[str, Any]) -> bytes:
    coming = iter(messages)

    async def receive() -> Any:
        return next(coming)

    return await whole(receive)


def piece(content: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


@pytest.mark.anyio
async def test_takes_a_body_however_it_is_cut() -> None:
    assert await read(piece(b"ab", more=True), piece(b"", more=True), piece(b"c", more=False)) == (
        b"abc"
    )


@pytest.mark.anyio
async def test_a_body_that_breaks_off_is_none() -> None:
    with pytest.raises(BadRequest):
        await read(piece(b"ab", more=True), {"type": "http.disconnect"})


@pytest.mark.anyio
async def test_a_large_one_is_not_read_to_its_end() -> None:
    with pytest.raises(ContentTooLarge):
        await read(*[piece(b"a" * MOST_BYTES, more=True)] * 2)
