import pytest

from gateway.ports import Fields, Record, Writer
from gateway.steps.stamp import EVERY_ANSWER, Stamped

pytestmark = pytest.mark.anyio


class Heard:
    """An `Outbound` that keeps what it was told."""

    def __init__(self) -> None:
        self.started = False
        self.told: list[object] = []

    async def start(self, status: int, fields: Fields) -> None:
        self.started = True
        self.told.append((status, list(fields)))

    async def chunk(self, content: bytes) -> None:
        self.told.append(content)

    async def end(self) -> None:
        self.told.append("end")

    async def cut(self) -> None:
        self.told.append("cut")

    def writer(self) -> Writer | None:
        return self

    def write(self, content: bytes) -> bool:
        self.told.append(content)
        return content != b"too much"


async def test_adds_what_every_answer_carries_and_counts() -> None:
    heard, record = Heard(), Record(request_id="r-1", method="GET", started=0.0)
    answer = Stamped(heard, record)
    answer.also = ((b"access-control-allow-origin", b"https://app.example"),)
    assert not answer.started
    await answer.start(201, [(b"content-type", b"text/plain")])
    await answer.chunk(b"four")
    await answer.chunk(b"five!")
    await answer.end()
    (status, fields), *rest = heard.told  # type: ignore[misc]
    assert status == record.status == 201
    assert fields[0] == (b"content-type", b"text/plain")
    assert (b"x-request-id", b"r-1") in fields
    assert answer.also[0] in fields
    assert set(EVERY_ANSWER) <= set(fields)
    assert rest == [b"four", b"five!", "end"]
    assert record.bytes_out == 9
    assert record.first_byte_ms is not None


async def test_limits_are_told_once_and_kept_no_longer() -> None:
    heard, record = Heard(), Record(request_id="r", method="GET", started=0.0)
    record.quotas = (('"per-user";q=60', '"per-user";r=12'),)
    await Stamped(heard, record).start(200, [])
    ((_, fields),) = heard.told  # type: ignore[misc]
    assert (b"ratelimit", b'"per-user";r=12') in fields
    assert record.quotas == ()


async def test_a_head_that_could_not_be_made_has_not_begun_the_answer() -> None:
    heard = Heard()
    answer = Stamped(heard, Record(request_id="\N{SNOWMAN}", method="GET", started=0.0))
    with pytest.raises(UnicodeEncodeError):
        await answer.start(200, [])
    assert (answer.started, heard.told) == (False, [])


async def test_a_cut_stays_a_cut() -> None:
    heard = Heard()
    answer = Stamped(heard, Record(request_id="r", method="GET", started=0.0))
    await answer.start(200, [])
    await answer.cut()
    assert heard.told[-1] == "cut"


async def test_what_is_written_at_once_is_counted_if_it_is() -> None:
    record = Record(request_id="r", method="GET", started=0.0)
    writer = Stamped(Heard(), record).writer()
    assert writer is not None
    said = [writer.write(content) for content in (b"four", b"too much", b"five!")]
    assert said == [True, False, True]
    assert record.bytes_out == 9


async def test_what_takes_nothing_at_once_still_does_not() -> None:
    class Slow(Heard):
        def writer(self) -> None:
            return None

    record = Record(request_id="r", method="GET", started=0.0)
    assert Stamped(Slow(), record).writer() is None
