import string

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.people.identity import Person
from gateway.limits.keys import ANYBODY, Keys

KEYS = Keys(b"s" * 32)
names = st.text(max_size=20)


def test_a_key_shows_nothing_of_whose_it_is() -> None:
    made = [
        KEYS.person(Person("acme", "alice@acme.example")),
        KEYS.org("acme"),
        KEYS.vendor("https://vendor.example", "sk-secret"),
    ]
    assert len(set(made)) == 3
    for key in made:
        assert len(key) == 32
        assert set(key) <= set(string.hexdigits.lower())


def test_nor_can_it_be_made_without_the_secret() -> None:
    assert Keys(b"another").org("acme") != KEYS.org("acme")
    assert Keys(b"s" * 32).org("acme") == KEYS.org("acme")


@given(names, names, names, names)
def test_two_people_never_share_one(org: str, subject: str, other: str, another: str) -> None:
    """Row O-06."""
    same = (org, subject) == (other, another)
    assert (KEYS.person(Person(org, subject)) == KEYS.person(Person(other, another))) is same


def test_a_delimiter_in_a_name_is_part_of_the_name() -> None:
    """Row O-06."""
    assert KEYS.person(Person("a:b", "c")) != KEYS.person(Person("a", "b:c"))
    assert KEYS.person(Person("a", "\ud800")) != KEYS.person(Person("a", "?"))


def test_a_visitor_s_says_that_they_have_not_signed_in_and_no_more() -> None:
    made = KEYS.person(Person("acme", "anon_" + "a" * 26))
    assert made.startswith(ANYBODY)
    assert len(made) == len(ANYBODY) + 32
    for subject in ("anon_" + "a" * 25, "anon_" + "A" * 26, ANYBODY + "a" * 26, "alice"):
        assert not KEYS.person(Person("acme", subject)).startswith(ANYBODY)
