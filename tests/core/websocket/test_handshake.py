import pytest

from gateway.core.errors import BadRequest
from gateway.core.websocket.handshake import offered, passed, with_credential

LISTED = frozenset({"realtime"})


def fields(*offers: str) -> list[tuple[bytes, bytes]]:
    return [(b"sec-websocket-protocol", one.encode("latin-1")) for one in offers]


def tokens(*offers: str) -> list[bytes]:
    return [value for name, value in with_credential(fields(*offers)) if name == b"authorization"]


@pytest.mark.parametrize(
    "offers", [("realtime, openai-insecure-api-key.a.b.c",), ("realtime", "bearer.a.b.c")]
)
def test_a_token_among_the_subprotocols_is_a_bearer_token(offers: tuple[str, ...]) -> None:
    assert tokens(*offers) == [b"Bearer a.b.c"]
    assert passed(fields(*offers), LISTED) == ("realtime",)


def test_two_of_them_are_two() -> None:
    assert tokens("bearer.a, openai-insecure-api-key.b") == [b"Bearer a", b"Bearer b"]


@pytest.mark.parametrize("offer", ["", "realtime", "Bearer.a", "xbearer.a", "bearer", "bearer,a"])
def test_nothing_else_is_one(offer: str) -> None:
    assert tokens(offer) == []


@pytest.mark.parametrize("offer", ["a b", "a,,b", "é", "a/b", ",".join("x" * 21), '"a"'])
def test_what_is_no_offer_is_refused(offer: str) -> None:
    with pytest.raises(BadRequest):
        offered(fields(offer))


def test_only_what_is_listed_passes_and_each_once() -> None:
    assert passed(fields("graphql-ws, realtime", "realtime"), LISTED) == ("realtime",)
    assert passed([], LISTED) == ()


def test_twenty_are_not_too_many_and_blanks_around_them_are_none_of_them() -> None:
    assert len(offered(fields(",".join("x" * 20)))) == 20
    assert offered(fields("a\t, b \t,\tc")) == ("a", "b", "c")
