import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.errors import IdentityNotRepresentable, WrongOrg
from gateway.core.people.identity import (
    EXTERNAL_ID,
    OPAQUE,
    Identity,
    Person,
    UserIdRule,
    Vouched,
    fits,
    is_ours_to_give,
    is_plain,
    opaque_user_id,
    propose_user_id,
)

SECRET = b"0123456789abcdef0123456789abcdef"
CHATBASE = re.compile(r"[A-Za-z0-9._-]{1,128}")
ANYTHING = re.compile(r"(?s:.+)")
RULES: tuple[UserIdRule, ...] = ("auto", "verbatim", "opaque")

# What some server on the way would cut, fold, decode or take for something else.
HOSTILE = {
    "CR LF": "alice\r\nx-admin: 1",
    "newline at the end": "alice\n",
    "NUL": "alice\0",
    "line separator": "alice\u2028",
    "right-to-left mark": "alice\u200f",
    "zero width": "al\u200bice",
    "lone surrogate": "alice\ud800",
    "emoji": "alice\U0001f600",
    "129 characters": "a" * 129,
    "slash": "a/b",
    "dot": ".",
    "dot dot": "..",
    "percent": "%2e",
    "comma": "alice,bob",
    "space": "alice bob",
    "trailing space": "alice ",
    "empty": "",
    "whoever asks": "me",
    "whoever asks, in capitals": "ME",
    "everybody": "all",
    "nobody": "null",
}


def test_one_person_in_one_org_is_made_once_of_what_a_sign_in_says() -> None:
    vouched = Vouched("alice", orgs=frozenset({"org_1", "org_2"}))
    first = vouched.within("org_1")
    assert vouched.within("org_1") is first
    assert first.person == Person("org_1", "alice")
    assert vouched.within("org_2").person == Person("org_2", "alice")
    assert replace(vouched, subject="bob").within("org_1").person == Person("org_1", "bob")
    assert replace(first, subject="bob").person == Person("org_1", "bob")
    for _ in range(2):
        with pytest.raises(WrongOrg):
            vouched.within("org_3")


def propose(subject: str, rule: UserIdRule, org: str = "acme", pattern=CHATBASE) -> str:
    return propose_user_id(Person(org, subject), rule=rule, pattern=pattern, secret=SECRET)


@pytest.mark.parametrize("subject", HOSTILE.values(), ids=[f"J-21 {name}" for name in HOSTILE])
def test_a_subject_that_does_not_fit_is_refused_or_hashed_but_never_repaired(subject: str) -> None:
    with pytest.raises(IdentityNotRepresentable):
        propose(subject, "verbatim")
    assert OPAQUE.fullmatch(propose(subject, "auto"))
    assert OPAQUE.fullmatch(propose(subject, "opaque"))


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(HOSTILE[name], id=f"J-21 {name}")
        for name in (
            *("CR LF", "newline at the end", "NUL", "line separator", "right-to-left mark"),
            *("zero width", "lone surrogate", "dot", "dot dot", "empty"),
        )
    ],
)
def test_no_rule_of_a_vendor_lets_an_unprintable_id_by(subject: str) -> None:
    assert not is_plain(subject)
    assert not fits(subject, ANYTHING)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("a", id="H-24 1 character"),
        pytest.param("a" * 128, id="H-24 128 characters"),
        pytest.param("alice.smith", id="H-24 dot"),
        pytest.param("-leading", id="H-24 leading dash"),
        pytest.param("user_12345", id="H-24 underscore"),
        pytest.param("...", id="H-24 three dots are no dot segment"),
        pytest.param("6f1d0c1e-1111-4222-8333-0123456789ab", id="H-24 UUID"),
    ],
)
@pytest.mark.parametrize("rule", ["auto", "verbatim"])
def test_a_subject_that_fits_is_passed_on_to_the_letter(subject: str, rule: UserIdRule) -> None:
    assert propose(subject, rule) == subject


def test_a_person_looks_opaque_where_their_subject_says_too_much() -> None:
    assert OPAQUE.fullmatch(propose("a@b.example", "auto", pattern=ANYTHING))
    assert propose("a@b.example", "verbatim", pattern=ANYTHING) == "a@b.example"


def test_nobody_can_sign_in_as_the_opaque_id_of_another() -> None:
    victim = propose("bob", "opaque")
    assert propose(victim, "auto") != victim


TWINS = {
    "J-34 case": ("Alice", "alice"),
    "J-34 NFC and NFD": (
        unicodedata.normalize("NFC", "zoë"),
        unicodedata.normalize("NFD", "zoë"),
    ),
    "J-34 full width": ("\uff41lice", "alice"),
    "J-34 trailing space": ("alice ", "alice"),
    "J-34 zero width": ("al\u200bice", "alice"),
    "J-34 Kelvin sign": ("\u212aim", "Kim"),
    "J-34 replaced character": ("a@b", "a_b"),
    "J-34 cut at 128": ("a" * 128, "a" * 129),
    "J-34 surrogates": ("\ud800", "\ud801"),
}


@pytest.mark.parametrize("twins", TWINS.values(), ids=list(TWINS))
@pytest.mark.parametrize("rule", RULES)
def test_twins_are_two_people(twins: tuple[str, str], rule: UserIdRule) -> None:
    ids = []
    for subject in twins:
        try:
            ids.append(propose(subject, rule))
        except IdentityNotRepresentable:
            assert rule == "verbatim"
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(Person("c", "a:b"), Person("a:c", "b"), id="O-06 colon"),
        pytest.param(Person("c:a", "b"), Person("c", "a:b"), id="O-06 shifted"),
        pytest.param(Person("ab", "c"), Person("a", "bc"), id="O-06 no delimiter"),
        pytest.param(Person("", "ab"), Person("ab", ""), id="O-06 empty"),
        pytest.param(Person("a\0", "b"), Person("a", "\0b"), id="O-06 NUL"),
        pytest.param(Person("a", "x"), Person("b", "x"), id="O-03 same subject in two orgs"),
        pytest.param(Person("*", "x"), Person("a", "x"), id="O-10 wildcard"),
        pytest.param(Person("A", "x"), Person("a", "x"), id="O-10 case twin"),
        pytest.param(Person("\uff41", "x"), Person("a", "x"), id="O-10 Unicode twin"),
    ],
)
def test_no_delimiter_makes_two_people_one(one: Person, other: Person) -> None:
    assert opaque_user_id(one, secret=SECRET) != opaque_user_id(other, secret=SECRET)


NAMES = st.text(alphabet=st.characters(), max_size=12)
PEOPLE = st.builds(Person, NAMES, NAMES)


@pytest.mark.parametrize("fold", [str, str.upper, str.title])
def test_a_subject_that_looks_like_an_opaque_id_is_none(fold: Callable[[str], str]) -> None:
    """J-34: some vendor's database takes `U_...` for somebody's `u_...`."""
    known = propose("alice@acme.example", "auto")
    user = propose(fold(known), "auto")
    assert OPAQUE.fullmatch(user)
    assert user != known


@given(PEOPLE, PEOPLE)
def test_opaque_ids_are_injective(one: Person, other: Person) -> None:
    assume(one != other)
    assert opaque_user_id(one, secret=SECRET) != opaque_user_id(other, secret=SECRET)


@given(NAMES | st.from_regex(OPAQUE, fullmatch=True), NAMES, st.sampled_from(RULES))
def test_within_an_org_one_id_is_one_person(one: str, other: str, rule: UserIdRule) -> None:
    assume(one != other)
    ids = set()
    for subject in (one, other):
        try:
            ids.add(propose(subject, rule, pattern=ANYTHING))
        except IdentityNotRepresentable:
            ids.add(object())
    assert len(ids) == 2


@given(PEOPLE)
def test_an_opaque_id_fits_the_narrowest_vendor(person: Person) -> None:
    user = opaque_user_id(person, secret=SECRET)
    assert OPAQUE.fullmatch(user)
    assert len(user) == 28
    assert fits(user, CHATBASE)


def test_an_opaque_id_is_what_was_promised() -> None:
    message = b"\0\0\0\x04acme" + b"\0\0\0\x05alice"
    digest = hmac.new(SECRET, message, hashlib.sha256).digest()[:16]
    expected = "u_" + base64.b32encode(digest).decode().rstrip("=").lower()
    assert opaque_user_id(Person("acme", "alice"), secret=SECRET) == expected


def test_an_opaque_id_depends_on_the_secret() -> None:
    person = Person("acme", "alice")
    assert opaque_user_id(person, secret=b"one") != opaque_user_id(person, secret=b"two")


def test_an_identity_is_a_person_and_cannot_be_changed() -> None:
    identity = Identity("acme", "alice")
    assert identity.person == Person("acme", "alice")
    with pytest.raises(AttributeError):
        identity.subject = "bob"  # type: ignore[misc]
    with pytest.raises(TypeError):
        identity.attributes["admin"] = True  # type: ignore[index]


def test_an_id_that_only_begins_like_an_opaque_one_is_a_name() -> None:
    longer = propose("bob", "opaque") + "x"
    assert propose(longer, "auto") == longer


@pytest.mark.parametrize(
    ("subject", "is_ours"),
    [
        ("anon_abcdefghijklmnopqrstuvwxyz", True),
        ("erased_234567abcdefghijklmnopqrst", True),
        ("ANON_ABCDEFGHIJKLMNOPQRSTUVWXYZ", True),
        ("eRased_234567abcdefghijklmnopqrst", True),
        ("alice", False),
        ("anon_abcdefghijklmnopqrstuvwxy", False),
        ("anon_abcdefghijklmnopqrstuvwxyz2", False),
        ("erased_234567abcdefghijklmnopqrst\n", False),
        ("erased_1abcdefghijklmnopqrstuvwxy", False),
        ("", False),
    ],
)
def test_no_sign_in_may_vouch_for_a_name_of_our_own_making(subject: str, is_ours: bool) -> None:
    assert is_ours_to_give(subject) is is_ours


@pytest.mark.parametrize(
    ("written", "may"),
    [("a", True), ("org acme", True), ("a" * 256, True), ("a" * 257, False), (" a", False)],
)
def test_an_org_is_called_what_a_field_can_hold(written: str, may: bool) -> None:
    assert bool(EXTERNAL_ID.fullmatch(written)) is may


def test_whom_a_sign_in_vouches_for_is_the_same_whatever_was_asked_of_it() -> None:
    vouched = Vouched("alice")
    vouched.within("acme")
    assert vouched == Vouched("alice")
