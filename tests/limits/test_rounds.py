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
