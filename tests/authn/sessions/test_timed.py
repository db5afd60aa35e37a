"""Signatures of itsdangerous: by any of the secrets, and in one spelling."""

import pytest

from gateway.authn.sessions.timed import Timed
from gateway.core.errors import CredentialsInvalid
from tests.authn.sessions.opened import NOW
from tests.sessions.minting import starlette
from tests.support.host_apps import OLD_SECRET, SECRET
from tests.support.mutations import ALPHABET


def signed(secret: str = SECRET) -> str:
    return starlette(b"{}", at=NOW, secret=secret)[0][1].decode()


@pytest.mark.parametrize("secrets", [[SECRET], [SECRET, OLD_SECRET], [OLD_SECRET, SECRET]])
def test_any_secret_of_the_list_verifies(secrets: list[str]) -> None:
    assert Timed(secrets).open(signed()) == ("e30=", NOW)


def test_no_other_does() -> None:
    for secret in (OLD_SECRET, SECRET[:-1], SECRET + " ", ""):
        with pytest.raises(CredentialsInvalid):
            Timed([SECRET]).open(signed(secret))


def test_a_signature_has_one_spelling() -> None:
    text = signed()
    for code in ALPHABET.decode():
        if code != text[-1]:
            with pytest.raises(CredentialsInvalid):
                Timed([SECRET]).open(text[:-1] + code)


@pytest.mark.parametrize("more", ["\n", "=", "!", " ", ".", ".x"])
def test_nothing_follows_a_signature(more: str) -> None:
    """itsdangerous reads over what is no base 64."""
    with pytest.raises(CredentialsInvalid):
        Timed([SECRET]).open(signed() + more)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "e30=.awKgZw", "e30=.awKgZw.", "x" * 20_000]
)
def test_what_is_no_signature_is_none(text: str) -> None:
    with pytest.raises(CredentialsInvalid):
        Timed([SECRET]).open(text)


def test_salt_and_derivation_are_part_of_it() -> None:
    for other in (Timed([SECRET], salt="x"), Timed([SECRET], derivation="hmac")):
        with pytest.raises(CredentialsInvalid):
            other.open(signed())
