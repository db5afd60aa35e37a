"""What a statement says of a person, and of whom it says nothing."""

from gateway.core.people.assertion import FIELD, TYPE, claims
from gateway.core.people.identity import Identity

ALICE = Identity(org="org_1", subject="alice", roles=("staff",))


def test_says_who_asks_and_for_whom_it_is() -> None:
    said = claims(ALICE, user="u_1", audience="http://orders", now=1000.7, jti="j")
    assert said == {
        "iss": "chat-identity-gateway",
        "aud": "http://orders",
        "sub": "alice",
        "org": "org_1",
        "user": "u_1",
        "roles": ["staff"],
        "iat": 1000,
        "exp": 1060,
        "jti": "j",
    }


def test_says_what_it_is_about_and_who_speaks_where_there_is_more() -> None:
    nurse = Identity(org="org_1", subject="alice", actor="ward-7")
    said = claims(nurse, user="u", audience="a", now=0, jti="j", conversation="c-1", tool="orders")
    assert said["act"] == {"sub": "ward-7"}
    assert (said["conversation"], said["tool"]) == ("c-1", "orders")


def test_is_told_from_other_tokens_and_other_fields_as_services_were_told() -> None:
    assert (FIELD, TYPE) == ("x-gateway-assertion", "gateway-assertion+jwt")
