"""What is asked together: how often the server is asked, whose answer is whose, and who is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import redis

from gateway.limits.counts import Away
from gateway.limits.pipeline import Pipeline, Script, command
from tests.support.valkey import Valkey

pytestmark = pytest.mark.anyio
ECHO = Script("return ARGV[1]")
ADD = Script("return redis.call('INCR', KEYS[1])")
PATIENCE = 0.25  # seconds


def test_a_command_is_an_array_of_texts_each_with_its_length() -> None:
    sent = b"*4\r\n$4\r\nEVAL\r\n$0\r\n\r\n$2\r\n-7\r\n$5\r\na\r\n b\r\n"
    assert command("EVAL", "", -7, "a\r\n b") == sent


def test_a_word_whose_length_would_be_wrong_is_none() -> None:
    with pytest.raises(UnicodeEncodeError):
        command("EVALSHA", "Zoë")


@pytest.fixture
def server(tmp_path: Path) -> Valkey:
    return Valkey(tmp_path)


@asynccontextmanager
async def asking(server: Valkey, patience: float = 20.0) -> AsyncIterator[Pipeline]:
    pipeline = Pipeline(server.url, patience=patience)
    yield pipeline
    await pipeline.aclose()


ASCII = [chr(one) for one in range(128)]
WORDS: list[str | int] = [
    *("", *ASCII, *(one + "\r\n" + one for one in ASCII), "".join(ASCII) * 600),
    *("$3\r\nSET\r\n", "*1\r\n$8\r\nFLUSHALL\r\n", "\r\nPING\r\n"),
    *(0, -1, 2**63, -(10**30)),
]


async def test_every_word_comes_to_a_server_as_it_was_said(server: Valkey) -> None:
    told = [str(word).encode() for word in WORDS]
    with server.running():
        async with asking(server) as pipeline:
            for script in (Script("return ARGV"), Script("return ARGV")):  # by its text, its name
                assert await pipeline.run(script, ["key"], WORDS) == told
            keys = [word for word in WORDS if isinstance(word, str)]
            assert await pipeline.run(Script("return KEYS"), keys, [1]) == told[: len(keys)]


def reads(client: "redis.Redis") -> int:
    """How often the server has read from somebody."""
    return int(client.info("stats")["total_reads_processed"])


async def test_what_is_asked_in_one_turn_goes_in_one_round_trip(server: Valkey) -> None:
    with server.running(), server.client() as client:
        async with asking(server) as pipeline:
            await pipeline.run(ECHO, [], ["connected, and known"])
            before = reads(client)
            answers = await asyncio.gather(*(pipeline.run(ECHO, [], [n]) for n in range(100)))
            assert [int(one) for one in answers] == list(range(100))
            assert reads(client) - before < 5  # ours, and the one that asks how many


async def test_one_connection_does_for_all_and_each_has_its_own_answer(server: Valkey) -> None:
    with server.running(), server.client() as client:
        async with asking(server) as pipeline:

            async def in_turn(first: int) -> list[int]:
                for _ in range(first % 7):
                    await asyncio.sleep(0)
                return [int(await pipeline.run(ECHO, [], [first + n])) for n in range(20)]

            with server.standing_still():
                late = [asyncio.create_task(in_turn(100 * n)) for n in range(200)]
                await asyncio.sleep(0.1)
            found = await asyncio.gather(*late)
            assert found == [[100 * n + m for m in range(20)] for n in range(200)]
            assert len(client.client_list()) == 2  # and ours


async def test_a_script_that_the_server_forgot_runs_once(server: Valkey) -> None:
    with server.running(), server.client() as client:
        async with asking(server) as pipeline:
            for round_ in range(3):
                client.script_flush()
                asked = (pipeline.run(ADD, ["n"], []) for _ in range(10))
                found = await asyncio.gather(*asked)
                assert sorted(found) == list(range(10 * round_ + 1, 10 * round_ + 11))


async def test_an_error_of_one_is_no_error_of_those_beside_it(server: Valkey) -> None:
    with server.running(), server.client() as client:
        client.set("text", "no number")
        async with asking(server) as pipeline:
            for _ in range(2):  # by its text, by its name
                first, error, last = await asyncio.gather(
                    pipeline.run(ADD, ["a"], []),
                    pipeline.run(ADD, ["text"], []),
                    pipeline.run(ADD, ["b"], []),
                    return_exceptions=True,
                )
                assert first == last
                assert isinstance(error, Away)
                assert isinstance(error.__cause__, redis.ResponseError)


async def test_what_nobody_waits_for_is_not_sent(server: Valkey) -> None:
    with server.running():
        async with asking(server) as pipeline:
            first = asyncio.create_task(pipeline.run(ADD, ["n"], []))
            second = asyncio.create_task(pipeline.run(ADD, ["n"], []))
            asyncio.get_running_loop().call_soon(first.cancel)
            assert await second == 1
            assert first.cancelled()


async def test_who_leaves_while_it_is_asked_takes_no_answer_along(server: Valkey) -> None:
    with server.running():
        async with asking(server) as pipeline:
            await pipeline.run(ECHO, [], ["connected"])
            with server.standing_still():
                gone = [asyncio.create_task(pipeline.run(ECHO, [], [n])) for n in range(50)]
                stays = asyncio.create_task(pipeline.run(ECHO, [], ["mine"]))
                await asyncio.sleep(0.05)
                for one in gone[::2]:
                    one.cancel()
            assert await stays == b"mine"
            found = await asyncio.gather(*gone, return_exceptions=True)
            assert [int(one) for one in found[1::2] if isinstance(one, bytes)] == [*range(1, 50, 2)]


async def until_there(pipeline: Pipeline) -> None:
    """Wait for an answer within its patience, which a busy machine may exceed."""
    async with asyncio.timeout(20):
        while True:
            with suppress(Away):
                await pipeline.run(ECHO, [], ["connected"])
                return


async def test_a_server_that_stands_still_is_away_for_all_who_asked(server: Valkey) -> None:
    with server.running():
        async with asking(server, PATIENCE) as pipeline:
            await until_there(pipeline)
            with server.standing_still():
                started = time.monotonic()
                asked = (pipeline.run(ECHO, [], [n]) for n in range(50))
                found = await asyncio.gather(*asked, return_exceptions=True)
                assert all(isinstance(one, Away) for one in found)
                assert time.monotonic() - started < 2 * PATIENCE + 5
                causes = {type(one.__cause__) for one in found if isinstance(one, Away)}
                assert causes == {TimeoutError}


async def test_who_waits_when_it_ends_is_told(server: Valkey) -> None:
    with server.running():
        async with asking(server) as pipeline:
            await pipeline.run(ECHO, [], ["connected"])
            with server.standing_still():
                asked = [asyncio.create_task(pipeline.run(ECHO, [], [n])) for n in range(3)]
                await asyncio.sleep(0.05)
                asked += [asyncio.create_task(pipeline.run(ECHO, [], [n])) for n in range(3)]
                await asyncio.sleep(0)
                await pipeline.aclose()
                found = await asyncio.gather(*asked, return_exceptions=True)
                assert all(isinstance(one, Away) for one in found)


@pytest.mark.parametrize(
    "said", [b":a\r\n", b"$x\r\n", b"*-7\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 99, b""]
)
async def test_what_is_no_such_server_is_away_and_who_comes_later_asks_anew(said: bytes) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            asked.append(chunk)
            writer.write(said)
            if not said:
                break
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as one:
        port = one.sockets[0].getsockname()[1]
        pipeline = Pipeline(f"redis://127.0.0.1:{port}", patience=PATIENCE)
        for number in range(1, 4):
            together = [pipeline.run(ECHO, [], ["a"]) for _ in range(3)]
            found = await asyncio.gather(*together, return_exceptions=True)
            assert [type(one) for one in found] == [Away] * 3
            async with asyncio.timeout(20):
                while len(asked) < number:  # noqa: ASYNC110 - it may be given up before it reads
                    await asyncio.sleep(0.01)
        await pipeline.aclose()
