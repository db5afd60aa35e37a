"""Which tokens a logout ends: what it names, and what the token names."""

import pytest

from gateway.core.people.identity import Session
from gateway.core.people.logout import TOKEN, Logout, ending

ISSUER = "https://id.acme.example/"


def logout(subject: str | None, session: str | None) -> Logout:
    return Logout(
        realm=ISSUER, subject=subject, session=session, issued_at=100, expires_at=220, id="1"
    )


def ends(said: Logout, *, subject: str, session: str | None) -> bool:
    return not set(said.ends).isdisjoint(ending(Session(ISSUER, subject, session, 90)))


@pytest.mark.parametrize(
    ("subject", "session"), [("alice", "s1"), ("alice", None)], ids=["of a session", "of none"]
)
def test_a_person_who_signs_out_everywhere_leaves_no_token(
    subject: str, session: str | None
) -> None:
    assert ends(logout("alice", None), subject=subject, session=session)


@pytest.mark.parametrize("said", [logout("alice", "s1"), logout(None, "s1")], ids=["both", "sid"])
def test_a_session_that_ends_takes_its_own_tokens_and_no_others(said: Logout) -> None:
    assert ends(said, subject="alice", session="s1")
    assert not ends(said, subject="alice", session="s2")
    assert not ends(said, subject="bob", session=None)


def test_a_token_that_names_no_session_may_be_of_any_that_ends() -> None:
    assert ends(logout("alice", "s1"), subject="alice", session=None)
    assert not ends(logout(None, "s1"), subject="alice", session=None)  # nobody can tell


def test_the_names_of_people_and_of_sessions_are_not_each_others() -> None:
    assert not ends(logout("s1", None), subject="alice", session="s1")
    assert not ends(logout(None, "alice"), subject="alice", session="s1")
    assert not ends(logout("bob", "alice"), subject="alice", session=None)


def test_what_is_kept_of_it_has_these_names() -> None:
    """They stand in databases."""
    assert logout("alice", "s1").ends == (("session_ended", "s1"), ("some_session_ended", "alice"))
    assert logout("alice", None).ends == (("signed_out", "alice"),)
    assert TOKEN == "logout_token"
