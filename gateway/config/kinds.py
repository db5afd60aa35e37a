"""What one value of a configuration may be. Each kind says in plain words what it wants instead.

A kind knows nothing of the other keys; what they must be together is in `config/rules`.
"""

import ipaddress
import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SecretStr,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from gateway.authn.org_from import check_org_place
from gateway.authn.places import check_place
from gateway.config.urls import listening
from gateway.core.errors import GatewayError
from gateway.core.formats import pointer
from gateway.core.formats.fields import NEVER_PASSED, TOKEN, VISIBLE
from gateway.core.formats.forwarded import Network
from gateway.core.people.identity import DOT_SEGMENTS
from gateway.core.request.route import SEGMENT, segments

JsonSchema = dict[str, Any]

# What the gateway writes itself in a request to a vendor, beyond what may never pass.
_OURS = frozenset({"accept", "accept-encoding", "content-type", "expect"})
EVERY_ORG = "*"  # in place of an org's name: every other one
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WORDS = frozenset({"key", "user", "org", "roles", "subject"})


class OneOrMore:
    """A list, or one item standing for a list of itself."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _listed(written: object) -> object:
    is_one = isinstance(written, (str, Mapping)) or not isinstance(written, Iterable)
    return [written] if is_one else written


def _rotation(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """The first is in use; of those that are only still accepted, empty ones are absent."""
    if not secrets or not secrets[0].get_secret_value():
        raise ValueError("is empty")
    return tuple(secret for secret in secrets if secret.get_secret_value())


def _not_empty(items: tuple[str, ...]) -> tuple[str, ...]:
    if not items:
        raise ValueError("is an empty list: leave the key out instead")
    return items


def _count(written: object) -> object:
    if isinstance(written, (bool, float)):
        raise ValueError("must be a whole number")
    return written


def _name(written: str) -> str:
    if not _NAME.fullmatch(written):
        raise ValueError(
            "a name has letters, digits and . _ -, 64 at most, and begins with a letter or digit"
        )
    return written


def _org_name(written: str) -> str:
    return written if written == EVERY_ORG else _name(written)


def _path(written: str) -> str:
    try:
        segments(written)
    except GatewayError:
        raise ValueError(
            'must be "/" or plain segments as in "/support", no slash at the end'
        ) from None
    return written


def _agent(written: str) -> str:
    if written != "*" and (not SEGMENT.fullmatch(written) or written in DOT_SEGMENTS):
        raise ValueError('must be "*", or of the characters A-Za-z0-9._~:@-')
    return written


def any_field_name(written: str) -> str:
    name = written.lower()
    if not name.isascii() or not TOKEN.fullmatch(name.encode("ascii")):
        raise ValueError("is no field name: letters, digits and '-'")
    return name


def field_name(written: str) -> str:
    name = any_field_name(written)
    if name in NEVER_PASSED | _OURS:
        raise ValueError("is a field that the gateway or the profile writes itself")
    return name


def _field_name_or_none(written: str) -> str:
    return field_name(written) if written else ""


def _kept_field_name(written: str) -> str:
    field_name(written)
    return written


def template(written: str) -> str:
    if not VISIBLE.fullmatch(written):
        raise ValueError("must be printable ASCII without spaces at its ends")
    if set(re.findall(r"\{([^{}]*)\}", written)) - _WORDS:
        raise ValueError(
            "has a {word} that stands for nothing: {key} {user} {org} {roles} {subject}"
        )
    return written


def one_spelling(written: object) -> object:
    if isinstance(written, Mapping) and len({str(name).lower() for name in written}) < len(written):
        raise ValueError("has one field twice, in two spellings")
    return written


def _pointer(written: str) -> str:
    try:
        pointer.parse(written)
    except ValueError:
        raise ValueError("must be a JSON Pointer: '/' first, and '~' written '~0'") from None
    return written


def _claim(written: str) -> str:
    if written.startswith("/") and "*" in _pointer(written).split("/"):
        raise ValueError("must lead to one value: no '*'")
    return written


def _credential_place(written: str) -> str:
    try:
        return check_place(written)
    except ValueError:
        raise ValueError('must be "authorization", "cookie:NAME" or "field:name"') from None


def _cookie_name(written: str) -> str:
    try:
        check_place(f"cookie:{written}")
    except ValueError:
        raise ValueError(
            "is no name of a cookie: letters, digits and any of !#$%&'*+.^`|~_-"
        ) from None
    return written


def _once(written: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(written)) < len(written):
        raise ValueError("has one name twice")
    return written


def _org_place(written: str) -> str:
    try:
        return check_org_place(written)
    except ValueError:
        raise ValueError('must be "field:name"') from None


def _network(written: object) -> Network:
    if isinstance(written, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return written
    try:
        return ipaddress.ip_network(written if isinstance(written, str) else "")
    except ValueError:
        raise ValueError('must be an address or a network as in "10.0.0.0/8"') from None


def _scalar(written: object) -> object:
    finite = isinstance(written, float) and math.isfinite(written)
    if finite or isinstance(written, (str, bool, int)):
        return written
    raise ValueError("must be a string, a number, true or false")


def _json(written: object) -> object:
    if isinstance(written, (list, tuple)):
        return [_json(item) for item in written]
    if isinstance(written, Mapping):
        return {str(name): _json(value) for name, value in written.items()}
    try:
        return _scalar(written)
    except ValueError:
        raise ValueError("has a value that JSON cannot hold") from None


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], OneOrMore()]
SomeTexts = Annotated[Texts, AfterValidator(_not_empty)]
Secrets = Annotated[tuple[SecretStr, ...], OneOrMore(), AfterValidator(_rotation)]
Name = Annotated[str, AfterValidator(_name)]  # of an org or an upstream; a segment of paths
OrgName = Annotated[str, AfterValidator(_org_name)]
Count = Annotated[int, BeforeValidator(_count), Field(ge=1, le=10_000_000)]
UrlPath = Annotated[str, AfterValidator(_path)]
Listen = Annotated[str, AfterValidator(listening)]
Networks = Annotated[
    tuple[
        Annotated[
            Network,
            BeforeValidator(_network),
            PlainSerializer(str),
            WithJsonSchema({"type": "string"}),
        ],
        ...,
    ],
    OneOrMore(),
]
Agents = Annotated[tuple[Annotated[Text, AfterValidator(_agent)], ...], OneOrMore()]
FieldName = Annotated[str, AfterValidator(_kept_field_name)]
UserHeader = Annotated[str, AfterValidator(_field_name_or_none)]
Templates = Annotated[
    Mapping[FieldName, Annotated[str, AfterValidator(template)]], BeforeValidator(one_spelling)
]
Claim = Annotated[Text, AfterValidator(_claim)]
CredentialPlaces = Annotated[
    tuple[Annotated[str, AfterValidator(_credential_place)], ...],
    OneOrMore(),
    AfterValidator(_not_empty),
]
CookieName = Annotated[str, AfterValidator(_cookie_name)]
CookieNames = Annotated[
    tuple[CookieName, ...],
    OneOrMore(),
    AfterValidator(_not_empty),
    AfterValidator(_once),
]
OrgPlace = Annotated[str, AfterValidator(_org_place)]
Scalar = Annotated[
    Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Json = Annotated[Any, AfterValidator(_json)]
Pointer = Annotated[str, AfterValidator(_pointer)]
Algorithm = Literal[
    "HS256", "HS384", "HS512",
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA",
]  # fmt: skip
