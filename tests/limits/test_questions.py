from gateway.core.people.identity import Person
from gateway.limits.questions import AskedLately

ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_conversation_is_asked_for_once_in_ten_seconds() -> None:
    clock = Clock()
    questions = AskedLately(clock)
    assert questions.may_ask("support", "c-1", ALICE)
    assert not questions.may_ask("support", "c-1", ALICE)
    assert questions.may_ask("support", "c-1", BOB)
    assert questions.may_ask("other", "c-1", ALICE)
    clock.now = 10.1
    assert questions.may_ask("support", "c-1", ALICE)


def test_a_person_asks_six_times_a_minute_at_most() -> None:
    clock = Clock()
    questions = AskedLately(clock)
    asked = 0
    for second in range(180):
        clock.now = float(second)
        asked += questions.may_ask("support", f"c-{second}", ALICE)
    assert asked == 18
    assert questions.may_ask("support", "c-1", BOB)
