import pytest

from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.profile.metered import Metered
from gateway.core.profile.place import Body

METERED = Metered(when=Body("/stream"), ask=Body("/options/usage"), empty=Body("/choices"))


@pytest.mark.parametrize(
    ("body", "needs"),
    [
        ({"stream": True}, True),
        ({"stream": True, "options": {}}, True),
        ({"stream": True, "options": {"usage": False}}, True),
        ({"stream": True, "options": {"usage": 1}}, True),
        ({"stream": True, "options": None}, True),
        ({"stream": True, "options": {"usage": True}}, False),
        ({"stream": False}, False),
        ({"stream": None}, False),
        ({}, False),
    ],
)
def test_a_stream_is_asked_what_it_costs_unless_the_client_asks(
    body: JsonObject, needs: bool
) -> None:
    assert METERED.needs(body) is needs


@pytest.mark.parametrize(
    ("event", "nothing_else"),
    [
        ({"choices": [], "usage": {}}, True),
        ({"choices": [{}]}, False),
        ({"choices": None}, False),
        ({"choices": {}}, False),
        ({}, False),
        ([], False),
    ],
)
def test_an_event_without_choices_tells_nothing_else(event: JsonValue, nothing_else: bool) -> None:
    assert METERED.tells_nothing_else(event) is nothing_else


def test_its_places_are_pointers() -> None:
    with pytest.raises(ValueError, match="JSON Pointer"):
        Metered(when=Body("stream"), ask=Body("/a"), empty=Body("/b"))
