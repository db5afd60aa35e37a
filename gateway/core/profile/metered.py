"""A stream that says what it cost only when it is asked to: it is asked, whoever the client is.

OpenAI's chat streams tell their usage in one more event at their end, which clients do not expect
that have not asked for it: it is left out of what they get.
"""

from dataclasses import dataclass

from gateway.core.formats import pointer
from gateway.core.formats.strictjson import JsonObject, JsonValue
from gateway.core.profile.place import Body


@dataclass(frozen=True, slots=True)
class Metered:
    """Where `when` is true, `ask` is made so.

    An event tells what it cost and nothing else where the array at `empty` is empty.
    """

    when: Body
    ask: Body
    empty: Body

    def __post_init__(self) -> None:
        for body in (self.when, self.ask, self.empty):
            _ = body.tokens  # parsed now, and refused now

    def needs(self, body: JsonObject) -> bool:
        """Whether a request must be made to ask."""
        return _is_true(body, self.when) and not _is_true(body, self.ask)

    def tells_nothing_else(self, document: JsonValue) -> bool:
        return any(value == [] for value in pointer.find(document, self.empty.tokens))


def _is_true(body: JsonObject, place: Body) -> bool:
    return any(value is True for value in pointer.find(body, place.tokens))
