from gateway.core.remembered import MAX_LENGTH, MAX_NAMES, Remembered


def test_a_name_is_judged_once() -> None:
    asked: list[str] = []

    def judge(name: str) -> str:
        asked.append(name)
        return name.upper()

    remembered = Remembered(judge)
    assert [remembered[name] for name in ("a", "b", "a", "a", "b")] == ["A", "B", "A", "A", "B"]
    assert asked == ["a", "b"]


def test_what_strangers_send_does_not_make_it_grow() -> None:
    remembered = Remembered[bytes, int](len)
    for number in range(3 * MAX_NAMES):
        assert remembered[b"%d" % number] == len(str(number))
        assert len(remembered) <= MAX_NAMES
    for length in (MAX_LENGTH, MAX_LENGTH + 1):
        assert remembered[b"x" * length] == length
    assert max(map(len, remembered)) == MAX_LENGTH


def test_the_limits_are_these() -> None:
    assert (MAX_NAMES, MAX_LENGTH) == (256, 128)
