"""Rows L-02 and L-04 of SECURITY.md: no byte of our key passes, wherever an answer is cut."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer.keywatch import SHORTEST, Keys, KeyWatch
from gateway.core.errors import UpstreamMalformed

KEY = "sk-live-0123456789abcdef"
OTHER = "sk-live-0123/fedcba/9876"
# Its beginning comes again and again within it, as `aab` within `aabaab`.
WINDING = "aabaabaaab/aabaabaab"


def passed(watch: KeyWatch, chunks: list[bytes]) -> tuple[bytes, bool]:
    """What passes of these chunks, and whether they were let by to their end."""
    out = b""
    try:
        for chunk in chunks:
            out += watch.feed(chunk)
    except UpstreamMalformed:
        return out, False
    return out + watch.end(), True


def cut(content: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[start:end] for start, end in pairwise(edges)]


PLACES = st.lists(st.integers(min_value=0, max_value=10_000), max_size=12)
# Much that looks like the beginning of a key.
NOISE = st.lists(st.sampled_from(["s", "sk", "sk-", "sk-live-", KEY[:-1], " ", "\n", "x"])).map(
    "".join
)


@pytest.mark.parametrize("key", [KEY, OTHER, WINDING])
def test_every_beginning_of_a_key_waits(key: str) -> None:
    written = key.encode()
    for before in (b"", b"a", b"aa", written[:-1], written[:3]):
        for at in range(1, len(written)):
            watch = KeyWatch(Keys([key]))
            passed_first = watch.feed(before + written[:at])
            assert len(passed_first) <= len(before), at
            with pytest.raises(UpstreamMalformed):
                watch.feed(written[at:])


@given(NOISE, PLACES)
def test_what_may_pass_unseen_is_what_would_pass_whole(text: str, places: list[int]) -> None:
    unseen, seen = KeyWatch(Keys([KEY, OTHER])), KeyWatch(Keys([KEY, OTHER]))
    for chunk in filter(None, cut(text.encode(), places)):
        if not unseen.passes(chunk):
            with suppress(UpstreamMalformed):
                assert unseen.feed(chunk) == seen.feed(chunk)
        else:
            assert seen.feed(chunk) == chunk


def test_text_without_a_key_passes_unseen_and_a_key_never() -> None:
    watch = KeyWatch(Keys([KEY]))
    assert watch.passes(b"words\n\n")
    assert not watch.passes(KEY.encode() + b"\n\n")
    assert not watch.passes(b"words " + KEY[:5].encode())
    assert watch.feed(b"words " + KEY[:5].encode()) == b"words "
    assert not watch.passes(b"\n\n")  # something is held that goes before it


@given(NOISE, PLACES)
def test_what_holds_no_key_passes_unchanged(text: str, places: list[int]) -> None:
    content = text.encode()
    watch = KeyWatch(Keys([KEY, OTHER]))
    expected = (content, True) if KEY.encode() not in content else passed(watch, [content])
    assert passed(KeyWatch(Keys([KEY, OTHER])), cut(content, places)) == expected


@given(NOISE, NOISE, PLACES, st.sampled_from([KEY, OTHER, OTHER.replace("/", "\\/")]))
def test_nothing_of_a_key_passes_wherever_it_is_cut(
    before: str, after: str, places: list[int], key: str
) -> None:
    content = (before + key + after).encode()
    out, whole = passed(KeyWatch(Keys([KEY, OTHER])), cut(content, places))
    assert not whole
    assert content.startswith(out)
    assert len(out) <= content.index(key.encode())


@pytest.mark.parametrize("written", [OTHER, OTHER.replace("/", r"\/")])
def test_a_key_with_slashes_is_known_as_php_writes_it(written: str) -> None:
    assert passed(KeyWatch(Keys([OTHER])), [f"key: {written}.".encode()]) == (b"", False)


def test_nothing_is_no_part_of_a_key() -> None:
    watch = KeyWatch(Keys(["k" * 20]))
    assert not watch.passes(b"")
    assert watch.feed(b"") == b""


def test_only_what_may_be_a_key_waits() -> None:
    watch = KeyWatch(Keys([KEY]))
    assert watch.feed(b"data: 1\n\n") == b"data: 1\n\n"
    assert watch.feed(b"a 1") == b"a 1", "a letter of the key, and not its first"
    assert watch.feed(b"its") == b"it"
    assert watch.feed(b"elf sk-l") == b"self "
    assert watch.feed(b"ong") == b"sk-long"
    assert watch.end() == b""
    assert watch.feed(b"sk-") == b""
    assert watch.end() == b"sk-"
    assert watch.end() == b"", "what was held is told once"


@pytest.mark.parametrize("keys", [[], [""], ["password"], ["k" * (SHORTEST - 1)]])
def test_a_short_key_is_a_word_like_any_other(keys: list[str]) -> None:
    text = b"password " + b"k" * 100
    assert passed(KeyWatch(Keys(keys)), [text]) == (text, True)
    assert KeyWatch(Keys(keys)).feed(text) == text, "at once"


def test_a_key_that_is_just_long_enough_is_one() -> None:
    assert passed(KeyWatch(Keys(["k" * SHORTEST])), [b"k" * SHORTEST]) == (b"", False)


def test_a_key_that_is_no_text_is_watched_for_like_any_other() -> None:
    assert passed(KeyWatch(Keys(["\udcff" * SHORTEST])), [b"x"]) == (b"x", True)


def test_a_value_by_itself() -> None:
    Keys([KEY]).check(b"sk-live")
    with pytest.raises(UpstreamMalformed):
        Keys([KEY]).check(b"Bearer " + KEY.encode())


def test_the_limits_are_these() -> None:
    assert SHORTEST == 16


@pytest.mark.parametrize(
    ("key", "written"),
    [
        pytest.param("c2VjcmV0/c2VjcmV0+cw==", "c2VjcmV0\\/c2VjcmV0+cw==", id="L-02 PHP"),
        pytest.param("c2VjcmV0/c2VjcmV0+cw==", "c2VjcmV0/c2VjcmV0\\u002Bcw==", id="L-02 .NET"),
        pytest.param(
            "c2VjcmV0/c2VjcmV0+cw==", "c2VjcmV0/c2VjcmV0+cw\\u003d\\u003d", id="L-02 Gson"
        ),
        pytest.param(
            "a<b>c&d-0123456789abcdef", "a\\u003cb\\u003ec\\u0026d-0123456789abcdef", id="L-02 Go"
        ),
        pytest.param(
            'a"b\\c-0123456789abcdef', 'a\\"b\\\\c-0123456789abcdef', id="L-02 all of them"
        ),
    ],
)
def test_a_key_is_known_however_json_writes_it(key: str, written: str) -> None:
    for at in range(1, len(written)):
        watch = KeyWatch(Keys([key]))
        assert len(watch.feed(b'{"key":"' + written[:at].encode())) <= len(b'{"key":"')
        with pytest.raises(UpstreamMalformed):
            watch.feed(written[at:].encode() + b'"}')
