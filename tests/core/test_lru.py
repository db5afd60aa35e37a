from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.lru import LruCache

keys = st.integers(0, 9)
steps = st.lists(st.tuples(st.sampled_from(["get", "keep", "forget", "clear"]), keys), max_size=80)


@given(st.integers(1, 8), steps)
def test_what_was_used_last_is_kept_and_no_more_than_there_is_room_for(
    most: int, script: list[tuple[str, int]]
) -> None:
    """Beside one that orders all by their use: it has what this must have."""
    cache: LruCache[int, int] = LruCache(most)
    last: OrderedDict[int, int] = OrderedDict()
    for number, (what, key) in enumerate(script):
        if what == "keep":
            cache.keep(key, number)
            last[key] = number
            last.move_to_end(key)
        elif what == "get":
            found = cache.get(key)
            assert found is None or found == last[key], "never what is not so any more"
            if key in list(last)[-(most // 2 or 1) :]:
                assert found is not None
            if found is None:
                last.pop(key, None)
            else:
                last.move_to_end(key)
        elif what == "forget":
            cache.forget(key)
            last.pop(key, None)
            assert cache.get(key) is None
        else:
            cache.clear()
            last.clear()
            assert len(cache) == 0
        assert len(cache) <= max(2, most)
        assert len(list(cache)) == len(set(cache)) == len(cache)


def test_nothing_is_written_to_find_what_is_in_use() -> None:
    cache: LruCache[str, int] = LruCache(4)
    for key in "abc":
        cache.keep(key, 1)
    assert list(cache) == ["c", "a", "b"]
    assert cache.get("c") == 1
    assert list(cache) == ["c", "a", "b"]
    assert cache.get("a") == 1
    assert list(cache) == ["c", "a", "b"], "it has moved to the newer"
    cache.keep("d", 1)
    assert list(cache) == ["d", "c", "a"]
