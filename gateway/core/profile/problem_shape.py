"""How a vendor says what went wrong, so that its SDKs understand what we say in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.core.formats.strictjson import JsonValue


@dataclass(frozen=True, kw_only=True)
class ProblemShape:
    """The vendor's own error body, so that its SDKs understand the gateway's answers.

    In `body`, the strings "{code}", "{message}", "{status}", "{gateway_code}" and "{id}", that of a
    JSON-RPC request, stand for values. `codes` gives the vendor's code by our code, else by status;
    `statuses` another status by our code, where its SDKs would misread ours. `event` is the same
    for a stream that must end early: the data of one event, and `event_name` is its name, where it
    has one.
    """

    body: Mapping[str, JsonValue]
    codes: Mapping[str | int, str | int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    event: Mapping[str, JsonValue] | None = None
    event_name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", MappingProxyType(dict(self.codes)))
        object.__setattr__(self, "statuses", MappingProxyType(dict(self.statuses)))

    def render(self, *, status: int, code: str, message: str, asked: JsonValue = None) -> JsonValue:
        """The body; `asked` is the id of the JSON-RPC request, where that is known."""
        return _fill(dict(self.body), self._words(status, code, message, asked))

    def render_event(
        self, *, status: int, code: str, message: str, asked: JsonValue = None
    ) -> JsonValue:
        shape = self.body if self.event is None else self.event
        return _fill(dict(shape), self._words(status, code, message, asked))

    def _words(
        self, status: int, code: str, message: str, asked: JsonValue
    ) -> Mapping[str, JsonValue]:
        vendor_code = self.codes.get(code) or self.codes.get(status) or code.upper()
        return {
            "{code}": vendor_code,
            "{message}": message,
            "{status}": status,
            "{gateway_code}": code,
            "{id}": asked,
        }


def _fill(shape: JsonValue, words: Mapping[str, JsonValue]) -> JsonValue:
    if isinstance(shape, dict):
        return {name: _fill(value, words) for name, value in shape.items()}
    if isinstance(shape, list):
        return [_fill(item, words) for item in shape]
    return words.get(shape, shape) if isinstance(shape, str) else shape
