"""What one value of a profile in TOML may be. The core's own checks decide; the words are for TOML.

TOML has no null: `"{null}"` stands for it, beside the words that an error body has.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from gateway.config import place
from gateway.config.kinds import (
    Json,
    JsonSchema,
    OneOrMore,
    Pointer,
    Scalar,
    Text,
    field_name,
    one_spelling,
    template,
)
from gateway.config.mistake import did_you_mean
from gateway.core.errors import GatewayError
from gateway.core.profile.contact import ContactBook
from gateway.core.profile.place import Header
from gateway.core.profile.vendor import Operation, Vendor, WidgetProof

NULL = "{null}"

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_ERROR_WORDS = frozenset({"{code}", "{message}", "{status}", "{gateway_code}", "{id}", NULL})
_LOOKUP_WORDS = frozenset({"{conversation}", "{user}"})
_WORD = re.compile(r"\{[a-z_]+\}")
_SHORT = re.compile(r"([A-Z]+) (/.*)")
_NAME = re.compile(r"[A-Za-z_]*")
_STATUS = re.compile(r"[45][0-9]{2}")


class Short:
    """A table, or `"METHOD /path"` standing for one that says no more."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_long, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": f"^{_SHORT.pattern}$"}]}


class AsItIs:
    """No table, and never read from one: a value that was made of tables."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


def _long(written: object) -> object:
    if not isinstance(written, str):
        return written
    found = _SHORT.fullmatch(written)
    if found is None or found[1] not in get_args(Method):
        raise ValueError('must be a table, or a method and a path as in "GET /api/ping"')
    return {"method": found[1], "path": _path(found[2])}


def _path(written: str) -> str:
    try:
        Operation(method="POST", path=written)
    except ValueError:
        raise ValueError(
            "must be plain segments and {variables}, each once, as in "
            '"/chats/{chat}/messages"; {+rest} stands last or not at all'
        ) from None
    return written


def _contact_path(written: str) -> str:
    try:
        ContactBook(path=written, user="x")
    except ValueError:
        raise ValueError(
            'must be plain segments, as in "/v1/agents/{agent}/contacts"; {agent} alone may vary'
        ) from None
    return written


def _place(written: str) -> str:
    found = place.place(written)
    if isinstance(found, Header):
        field_name(found.name)
    return place.written(found)


def _body(written: str) -> str:
    return place.written(place.body(written))


def _answered_field(written: str) -> str:
    name = written.lower()
    try:
        Operation(method="POST", path="/x", response_fields=frozenset({name}))
    except ValueError:
        raise ValueError("is no field name, or one that no answer may have from a vendor") from None
    return name


def _template_name(written: str) -> str:
    if written.lower() != "authorization":
        field_name(written)
    return written


def _pattern(written: str) -> str:
    try:
        re.compile(written)
    except re.error as error:
        at = f" from character {error.pos + 1} on" if error.pos is not None else ""
        raise ValueError(f"is no regular expression{at}") from None
    return written


def _each_once(written: tuple[object, ...]) -> tuple[object, ...]:
    if len(set(written)) < len(written):
        raise ValueError("has a value twice (1 and true count as one)")
    return written


def _error_body(written: Mapping[str, Any]) -> Mapping[str, Any]:
    for text in _texts(written):
        if _WORD.search(text) and text not in _ERROR_WORDS:
            raise ValueError(
                "has a {word} that stands for nothing there: a whole string may be "
                "{code}, {message}, {status}, {gateway_code}, {id} or {null}"
            )
    return written


def _texts(written: object) -> Iterator[str]:
    if isinstance(written, str):
        yield written
    elif isinstance(written, Mapping):
        for inner in written.values():
            yield from _texts(inner)
    elif isinstance(written, (list, tuple)):
        for inner in written:
            yield from _texts(inner)


def _event_name(written: str) -> str:
    if not _NAME.fullmatch(written):
        raise ValueError("is no name of an event: letters and '_'")
    return written


def _error_key(written: str) -> str:
    known = set(_codes(GatewayError))
    if written not in known and not _STATUS.fullmatch(written):
        hint = did_you_mean(written, known)
        raise ValueError(f"is neither a status of 400 to 599 nor a code of the gateway{hint}")
    return written


def _codes(kind: type[GatewayError]) -> Iterator[str]:
    yield kind.code
    for below in kind.__subclasses__():
        yield from _codes(below)


def _lookup_value(written: str) -> str:
    if _WORD.search(written) and written not in _LOOKUP_WORDS:
        raise ValueError(
            "has a {word} that stands for nothing there: a whole value may be {conversation} or "
            "{user}"
        )
    return written


Profile = Annotated[Vendor, AsItIs()]
Methods = Annotated[tuple[Method, ...], OneOrMore()]
ContactPath = Annotated[str, AfterValidator(_contact_path)]
PathTemplate = Annotated[str, AfterValidator(_path)]
PathTemplates = Annotated[tuple[PathTemplate, ...], OneOrMore()]
PlaceText = Annotated[
    str,
    AfterValidator(_place),
    WithJsonSchema({"type": "string", "pattern": "^(body:/|query:|path:|field:)"}),
]
Places = Annotated[tuple[PlaceText, ...], OneOrMore()]
BodyText = Annotated[
    str, AfterValidator(_body), WithJsonSchema({"type": "string", "pattern": "^body:/"})
]
Bodies = Annotated[tuple[BodyText, ...], OneOrMore()]
Values = Annotated[tuple[Scalar, ...], AfterValidator(_each_once)]
ValuesByPointer = Mapping[Pointer, Values]
MembersByPointer = Mapping[Pointer, tuple[Text, ...]]
FieldValues = Mapping[Annotated[str, AfterValidator(field_name)], tuple[Text, ...]]
EventName = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_]*$"}), AfterValidator(_event_name)
]
AskedField = Annotated[str, AfterValidator(field_name)]
AskedFields = Annotated[tuple[AskedField, ...], OneOrMore()]
AnsweredFields = Annotated[tuple[Annotated[str, AfterValidator(_answered_field)], ...], OneOrMore()]
ProfileFields = Annotated[
    Mapping[
        Annotated[str, AfterValidator(_template_name)], Annotated[str, AfterValidator(template)]
    ],
    BeforeValidator(one_spelling),
]
UserIdPattern = Annotated[Text, AfterValidator(_pattern)]
ErrorBody = Annotated[Mapping[str, Json], AfterValidator(_error_body)]
ErrorCodes = Mapping[
    Annotated[str, AfterValidator(_error_key)],
    Annotated[str | int, WithJsonSchema({"type": ["string", "integer"]})],
]
WidgetProofs = Annotated[tuple[WidgetProof, ...], OneOrMore(), AfterValidator(_each_once)]
ErrorStatuses = Mapping[
    Annotated[str, AfterValidator(_error_key)], Annotated[int, Field(ge=200, le=599)]
]
LookupQuery = Mapping[Text, Annotated[str, AfterValidator(_lookup_value)]]
