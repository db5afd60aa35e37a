from hypothesis import given
from hypothesis import strategies as st

from gateway.core.formats.digests import base32, joined

NAMES = st.lists(st.text(st.characters(), max_size=8), max_size=4)


@given(one=NAMES, other=NAMES)
def test_no_two_lists_of_names_are_one(one: list[str], other: list[str]) -> None:
    assert (joined(*one) == joined(*other)) is (one == other)


def test_a_name_may_take_nothing_of_the_next() -> None:
    assert joined("a", "bc") != joined("ab", "c") != joined("abc")


def test_names_stand_behind_their_lengths() -> None:
    """Opaque user ids are made of it, and stay what they are: CONTRACT section 4."""
    assert joined("org", "é") == b"\0\0\0\x03org\0\0\0\x02\xc3\xa9"


def test_half_a_surrogate_pair_is_a_name_too() -> None:
    assert joined("\ud800") == b"\0\0\0\x03\xed\xa0\x80"


def test_a_digest_is_written_in_lower_case_without_padding() -> None:
    assert base32(b"\xff\x00\x10") == "74aba"
