"""The kinds of sign-in. A table says its kind by `type`, or by a key that only one kind has."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from gateway.config.kinds import OneOrMore
from gateway.config.sign_ins.forwarded import ForwardedSettings, SharedForwardedSettings
from gateway.config.sign_ins.host import HostSignInSettings, SharedHostSignInSettings
from gateway.config.sign_ins.introspect import IntrospectSettings, SharedIntrospectSettings
from gateway.config.sign_ins.jwt import JwtSignInSettings, SharedJwtSignInSettings
from gateway.config.sign_ins.session import SessionSettings, SharedSessionSettings
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.sign_ins.token_introspection import (
    SharedTokenIntrospectionSettings,
    TokenIntrospectionSettings,
)

KINDS: Mapping[str, type[SignInTable]] = {
    "jwt": JwtSignInSettings,
    "introspect": IntrospectSettings,
    "token_introspection": TokenIntrospectionSettings,
    "forwarded": ForwardedSettings,
    "host": HostSignInSettings,
    "session": SessionSettings,
}
SHARED_KINDS: Mapping[str, type[SharedTable]] = {
    "jwt": SharedJwtSignInSettings,
    "introspect": SharedIntrospectSettings,
    "token_introspection": SharedTokenIntrospectionSettings,
    "forwarded": SharedForwardedSettings,
    "host": SharedHostSignInSettings,
    "session": SharedSessionSettings,
}
USUAL = "jwt"
_TELLING = frozenset(key for kind in KINDS.values() for key in kind.TELLING_KEYS)


def kind_of(table: object) -> str:
    """The kind that a sign-in's table means; one that says nothing means the usual one."""
    if isinstance(table, SignInTable):
        return table.type
    if not isinstance(table, Mapping):
        return USUAL
    if "type" in table:
        return str(table["type"])
    if _TELLING.isdisjoint(table):
        return USUAL
    telling = (
        name for name, kind in KINDS.items() if not table.keys().isdisjoint(kind.TELLING_KEYS)
    )
    return next(telling, USUAL)


class _OneKind:
    """One of several tables, by `kind_of`."""

    def __init__(self, kinds: Mapping[str, type[SignInTable]]) -> None:
        self._kinds = kinds

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        choices = {name: handler.generate_schema(kind) for name, kind in self._kinds.items()}
        return core_schema.tagged_union_schema(choices, discriminator=kind_of)


SignIns: TypeAlias = Annotated[tuple[Annotated[SignInTable, _OneKind(KINDS)], ...], OneOrMore()]
SharedSignIns: TypeAlias = Annotated[
    tuple[Annotated[SharedTable, _OneKind(SHARED_KINDS)], ...], OneOrMore()
]
