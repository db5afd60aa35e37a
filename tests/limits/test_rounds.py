import pytest

from gateway.limits import rounds as module
from gateway.limits.rounds import MOST, ToolRounds

HERE, THERE = ("acme", "support", "c1"), ("acme", "support", "c2")


def test_ten_rounds_in_a_row_are_enough() -> None:
    rounds = ToolRounds()
    assert [rounds.may_go_on(*HERE) for _ in range(MOST + 3)] == [True] * MOST + [False] * 3


def test_a_word_of_the_persons_begins_anew() -> None:
    rounds = ToolRounds()
    for _ in range(MOST + 1):
        rounds.may_go_on(*HERE)
    rounds.said(*HERE)
    assert rounds.may_go_on(*HERE)


def test_each_conversation_counts_by_itself() -> None:
    rounds = ToolRounds()
    for _ in range(MOST + 1):
        rounds.may_go_on(*HERE)
    assert rounds.may_go_on(*THERE)


def test_of_more_conversations_than_are_remembered_the_longest_silent_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    rounds = ToolRounds()
    for name in ("c1", "c2", "c1", "c3"):
        rounds.may_go_on("acme", "support", name)
    assert list(rounds._rounds) == [("acme", "support", name) for name in ("c1", "c3")]
