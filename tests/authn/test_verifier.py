"""What stood at a place of a request, and what must not be told of it."""

from gateway.authn.places import Authorization
from gateway.authn.verifier import Credential
from tests.support.ask import asking


def test_a_credential_is_not_shown() -> None:
    shown = repr(Credential(Authorization(), "s3cret", asking(("cookie", "a=s3cret"))))
    assert "s3cret" not in shown
    assert "Authorization" in shown


def test_a_credential_is_the_same_in_whichever_request_it_stands() -> None:
    one, other = (Credential(Authorization(), "a", asking(("x-a", text))) for text in "ab")
    assert one == other
    assert one != Credential(Authorization(), "b", one.ask)
