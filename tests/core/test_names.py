import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import names
from gateway.core.names import MAX_NAME, fold, meaning, names_conversation, names_people
from tests.support.spellings import CONVERSATIONS, HONEST, HONEST_FIELDS, PEOPLE, spellings


def as_text(words: tuple[str, ...]) -> str:
    return " ".join(words)


@pytest.mark.parametrize("words", PEOPLE, ids=as_text)
def test_a_name_of_people_is_known_in_every_spelling(words: tuple[str, ...]) -> None:
    assert [name for name in spellings(words) if not names_people(name)] == []


@pytest.mark.parametrize("words", CONVERSATIONS, ids=as_text)
def test_a_name_of_a_conversation_is_known_in_every_spelling(words: tuple[str, ...]) -> None:
    assert [name for name in spellings(words) if not names_conversation(name)] == []


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_member_names_nobody_and_no_conversation(name: str) -> None:
    assert not names_people(name)
    assert not names_conversation(name)


@pytest.mark.parametrize("name", HONEST_FIELDS)
def test_an_ordinary_field_names_nobody(name: str) -> None:
    assert not names_people(name)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("userId", "userid"),
        ("USER-ID", "userid"),
        ("u\u017fer_id", "userid"),
        ("\uff55\uff53\uff45\uff52id", "userid"),
        ("to\u212aen", "token"),
        ("\ufb01le", "file"),
        ("", ""),
        ("_", "_"),
        ("名前", "名前"),
    ],
)
def test_folds_what_spellings_have_in_common(name: str, folded: str) -> None:
    assert fold(name) == folded


def test_names_of_nothing_but_other_letters_stay_apart() -> None:
    assert fold("名前") != fold("利用者")


def test_each_part_of_a_structured_name_counts() -> None:
    assert meaning("metadata[user][id]").forms == {"metadatauserid", "metadata", "user", "id"}


def test_of_a_long_name_nothing_is_known() -> None:
    name = "userId" + "\u200b" * MAX_NAME
    assert fold(name) == name
    assert not names_people(name)
    assert not names_conversation(name)


@given(st.text(max_size=200))
def test_any_text_is_a_name_and_folding_is_done_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert meaning(name).spelling == fold(name)


@given(st.sampled_from(PEOPLE), st.data())
def test_case_never_hides_a_name(words: tuple[str, ...], data: st.DataObject) -> None:
    name = "".join(words)
    flips = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    assert names_people(
        "".join(c.upper() if flip else c for c, flip in zip(name, flips, strict=True))
    )


def _words() -> list[str]:
    tables = (names._BEFORE, names._PEOPLE, names._AFTER_PEOPLE, names._MAYBE_PEOPLE)
    more = (names._IDENTIFIER, names._WHOLE_PEOPLE, names._CONVERSATION, names._AFTER_CONVERSATION)
    return sorted({word for table in (*tables, *more) for word in table.split()})


def _slowest(folded: list[str]) -> float:
    """Seconds that the slowest of these takes, the best of three attempts each."""
    slowest = 0.0
    for name in folded:
        best = 1.0
        for _ in range(3):
            start = time.thread_time()
            names._NAMES_PEOPLE.fullmatch(name)
            names._NAMES_CONVERSATION.fullmatch(name)
            best = min(best, time.thread_time() - start)
        slowest = max(slowest, best)
    return slowest


def test_no_name_makes_the_patterns_try_without_end() -> None:
    """N-09. `(?:s|id|ids)*` took 80 ms for 18 times "ids" and doubled with each more."""
    words = _words()
    crafted = [head + tail * 60 for head, tail in product(("user", "session", "x"), words)]
    crafted += [(one + other) * 30 for one, other in product(words, repeat=2)]
    assert _slowest([name[: MAX_NAME - 1] + "!" for name in crafted]) < 0.005
    assert _slowest([name[:MAX_NAME] for name in crafted]) < 0.005


def test_the_limits_are_these() -> None:
    assert names.MAX_NAME == 128
