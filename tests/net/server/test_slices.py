"""Slices of a segment, against a transport that notes what it is told."""

import asyncio

import pytest

from gateway.net.server.slices import SLICE, Slices

pytestmark = pytest.mark.anyio


class Wire(asyncio.Transport):
    """Notes whether it is read from."""

    reading = True
    closing = False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closing


class Owner:
    """Keeps what it is given, while it wants more."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.taken: list[bytes] = []
        self.hungry = True
        self.slices = Slices(self.wire, self.taken.append, lambda: self.hungry)


async def test_a_small_segment_is_taken_at_once() -> None:
    owner = Owner()
    owner.slices.feed(b"abc")
    assert (owner.taken, owner.wire.reading) == ([b"abc"], True)


async def test_a_large_one_is_taken_a_slice_a_turn_and_nothing_is_read_meanwhile() -> None:
    owner, content = Owner(), bytes(range(256)) * 100
    owner.slices.feed(content)
    turns = 1
    while not owner.wire.reading:
        assert len(owner.taken) == turns
        await asyncio.sleep(0)
        turns += 1
    assert b"".join(owner.taken) == content
    assert max(map(len, owner.taken)) == SLICE
    assert turns == len(owner.taken) == -(-len(content) // SLICE)


async def test_nothing_is_taken_that_is_not_wanted() -> None:
    owner = Owner()
    owner.hungry = False
    owner.slices.feed(b"abc")
    await asyncio.sleep(0)
    assert (owner.taken, owner.wire.reading) == ([], False)
    owner.hungry = True
    owner.slices.go_on()
    assert (owner.taken, owner.wire.reading) == ([b"abc"], True)


async def test_to_be_told_twice_to_go_on_takes_no_two_slices_in_a_turn() -> None:
    owner = Owner()
    owner.slices.feed(b"x" * 3 * SLICE)
    owner.slices.go_on()
    owner.slices.go_on()
    assert len(owner.taken) == 1


async def test_what_comes_while_some_is_left_comes_after_it() -> None:
    owner = Owner()
    owner.slices.feed(b"a" * SLICE + b"b")
    owner.slices.feed(b"c")  # as uvloop may, that has read it already
    await asyncio.sleep(0)
    assert b"".join(owner.taken) == b"a" * SLICE + b"bc"


async def test_the_end_takes_all_that_is_left() -> None:
    owner = Owner()
    owner.slices.feed(b"x" * 3 * SLICE)
    owner.slices.take_rest()
    assert len(b"".join(owner.taken)) == 3 * SLICE
    await asyncio.sleep(0)
    assert len(b"".join(owner.taken)) == 3 * SLICE


@pytest.mark.parametrize("how", ["closed", "closing"])
async def test_of_a_connection_that_ends_nothing_more_is_taken(how: str) -> None:
    owner = Owner()
    owner.slices.feed(b"x" * 3 * SLICE)
    if how == "closed":
        owner.slices.close()
    else:
        owner.wire.closing = True
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(owner.taken) == 1
