"""What configurations share is closed with the last that has it."""

import pytest

from gateway.assemble.parts import Parts
from gateway.assemble.watched import State

pytestmark = pytest.mark.anyio


class Made:
    """Something that is open, until its parts close it."""

    def __init__(self, parts: Parts) -> None:
        self.open = True
        parts.stack.callback(self._close)

    def _close(self) -> None:
        assert self.open, "closed twice"
        self.open = False


async def test_what_is_alike_is_the_same() -> None:
    first = Parts()
    one = first.take("a", 1, Made)
    second = Parts(first)
    assert second.take("a", 1, Made) is one
    await first.aclose()
    assert one.open
    await second.aclose()
    assert not one.open


async def test_what_has_changed_is_made_anew() -> None:
    first = Parts()
    one = first.take("a", 1, Made)
    second = Parts(first)
    other = second.take("a", 2, Made)
    assert other is not one
    await first.aclose()
    assert (one.open, other.open) == (False, True)
    await second.aclose()
    assert not other.open


async def test_a_name_is_one_part_however_often_it_is_taken() -> None:
    parts = Parts()
    one = parts.take("a", 1, Made)
    assert parts.take("a", 1, Made) is one
    await parts.aclose()
    assert not one.open


async def test_parts_of_a_part_that_changes_are_kept() -> None:
    """An org gets another upstream, and knows its issuer's keys all the same."""

    def org(parts: Parts) -> Made:
        return parts.take("keys", None, Made)

    first = Parts()
    keys = first.take("org", "as it was", org)
    second = Parts(first)
    assert second.take("org", "changed", org) is keys
    await first.aclose()
    assert keys.open
    third = Parts(second)
    assert third.take("org", "changed", org) is keys
    await second.aclose()
    assert keys.open
    await third.aclose()
    assert not keys.open


async def test_what_is_dropped_and_comes_again_is_another() -> None:
    first = Parts()
    one = first.take("a", 1, Made)
    second = Parts(first)
    third = Parts(second)
    other = third.take("a", 1, Made)
    assert other is not one
    for parts in (third, first, second):
        await parts.aclose()
    assert not one.open
    assert not other.open


async def test_the_order_in_which_they_are_let_go_of_does_not_matter() -> None:
    first = Parts()
    one = first.take("a", 1, Made)
    second = Parts(first)
    second.take("a", 1, Made)
    await second.aclose()
    assert one.open
    await first.aclose()
    assert not one.open


async def test_what_fails_half_way_is_closed_as_well() -> None:
    begun: list[Made] = []

    def fails(parts: Parts) -> Made:
        begun.append(Made(parts))
        raise ZeroDivisionError

    parts = Parts()
    with pytest.raises(ZeroDivisionError):
        parts.take("a", 1, fails)
    await parts.aclose()
    assert not begun[0].open


async def test_what_they_depend_on_can_be_seen() -> None:
    def made(parts: Parts) -> None:
        parts.watch("keys", lambda: State(ok=True, age=1.0))

    first = Parts()
    first.take("org", 1, made)
    second = Parts(first)
    second.take("org", 1, made)
    assert list(second.states()) == [("keys", State(ok=True, age=1.0))]
    assert list(Parts().states()) == []
