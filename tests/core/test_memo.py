from gateway.core.memo import MAX_LENGTH, MAX_NAMES, Memo


def test_a_name_is_judged_once() -> None:
    asked: list[str] = []

    def judge(name: str) -> str:
        asked.append(name)
        return name.upper()

    memo = Memo(judge)
    assert [memo[name] for name in ("a", "b", "a", "a", "b")] == ["A", "B", "A", "A", "B"]
    assert asked == ["a", "b"]


def test_what_strangers_send_does_not_make_it_grow() -> None:
    memo = Memo[bytes, int](len)
    for number in range(3 * MAX_NAMES):
        assert memo[b"%d" % number] == len(str(number))
        assert len(memo) <= MAX_NAMES
    for length in (MAX_LENGTH, MAX_LENGTH + 1):
        assert memo[b"x" * length] == length
    assert max(map(len, memo)) == MAX_LENGTH


def test_the_limits_are_these() -> None:
    assert (MAX_NAMES, MAX_LENGTH) == (256, 128)
