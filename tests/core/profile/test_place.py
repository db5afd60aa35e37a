import pytest

from gateway.core.profile.place import Body, Header, Query, Variable, bodies


def test_a_pointer_is_parsed_once() -> None:
    body = Body("/metadata/user_id")
    assert body.tokens == ("metadata", "user_id")
    assert body.tokens is body.tokens


def test_a_place_that_is_no_pointer_says_so_when_it_is_used() -> None:
    with pytest.raises(ValueError, match="JSON Pointer"):
        _ = Body("userId").tokens


def test_bodies_are_picked_out_in_their_order() -> None:
    places = (Body("/b"), Header("x"), Query("q"), Variable("v"), Body("/a"))
    assert bodies(places) == (Body("/b"), Body("/a"))


def test_places_are_compared_by_kind_and_name() -> None:
    assert len({Header("x"), Query("x"), Variable("x"), Body("/x"), Body("/x")}) == 4
