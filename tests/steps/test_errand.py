"""What the gateway asks for itself is read whole, and no more of it than anybody would send."""

from collections.abc import AsyncIterator

import pytest

from gateway.ports import Fields, Shortcut
from gateway.steps.errand import MAX_ANSWER, read_whole

pytestmark = pytest.mark.anyio


class Answer:
    """A `VendorResponse` of these chunks; `taken` says how many of them were asked for."""

    status = 200
    fields: Fields = ()

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.taken = 0

    async def chunks(self, shortcut: Shortcut | None = None, /) -> AsyncIterator[bytes]:
        del shortcut
        for chunk in self._chunks:
            self.taken += 1
            yield chunk


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([], id="none"),
        pytest.param([b'{"a":', b"1}"], id="some"),
        pytest.param([b"a" * (MAX_ANSWER - 1), b"b"], id="as large as may be"),
    ],
)
async def test_an_answer_is_read_to_its_end(chunks: list[bytes]) -> None:
    assert await read_whole(Answer(*chunks)) == b"".join(chunks)


async def test_what_is_too_large_is_not_read_on() -> None:
    answer = Answer(b"a" * MAX_ANSWER, b"b", b"c")
    assert await read_whole(answer) is None
    assert answer.taken == 2
