"""A configuration as it is written: the long form, or the short form for a single org.

The short form has `sign_in` and `upstreams` at the top level, and means one org named `default`.
"""

from collections.abc import Mapping
from typing import Literal, get_args, get_origin

from pydantic import Field

from gateway.config.allowances import LimitsTable, SharedCounters
from gateway.config.kinds import Name, OrgName, SomeTexts
from gateway.config.mistake import Path
from gateway.config.model import (
    IdentitySettings,
    OrgTable,
    Server,
    Store,
    UpstreamTable,
)
from gateway.config.operators import Admin, Audit, Traces
from gateway.config.profile import VendorTable
from gateway.config.sign_ins import KINDS, SHARED_KINDS, SharedSignIns
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.table import Table


class File(Table):
    """A configuration as written: long form, or short form for one org named `default`."""

    version: Literal[1] = Field(default=1, description="Of this format.")
    include: SomeTexts = Field(
        default=(), description="Further files, which hold [orgs.NAME] and nothing else."
    )
    server: Server = Server()
    identity: IdentitySettings = IdentitySettings()
    store: Store = Store()
    audit: Audit = Audit()
    admin: Admin | None = Field(
        default=None, description="Metrics, health and reports; absent: not served."
    )
    traces: Traces | None = Field(
        default=None, description="Where spans of exchanges are sent; absent: there are none."
    )
    shared: SharedCounters | None = Field(
        default=None, description="Where replicas count together; absent: each by itself."
    )
    sign_in: SharedSignIns = Field(default=(), description="For orgs that have none of their own.")
    upstreams: Mapping[Name, UpstreamTable] = Field(
        default={}, description="The vendors of the one org, where there are no [orgs]."
    )
    limits: LimitsTable = Field(
        default=LimitsTable(), description="Of the one org, where there are no [orgs]."
    )
    orgs: Mapping[OrgName, OrgTable] = Field(
        default={},
        description='The companies, by name; "*": all others a shared sign-in vouches for.',
    )
    vendors: Mapping[Name, VendorTable] = Field(
        default={}, description="Vendors of your own, by the name an upstream gives them."
    )


def keys_of(table: type[Table]) -> tuple[str, ...]:
    """The keys a table may have, as the file spells them."""
    return tuple(field.alias or name for name, field in table.model_fields.items())


def table_at(path: Path) -> type[Table] | None:
    """The kind of table that stands at `path`; None where none does.

    Of a sign-in's path, the kind may follow the index: ("sign_in", 0, "jwt").
    """
    table: type[Table] | None = File
    parts = iter(path)
    for part in parts:
        if isinstance(part, int):
            continue
        if (kinds := _KINDS.get(table or File)) is not None and part in kinds:
            table = kinds[part]
            continue
        fields = {
            field.alias or name: field for name, field in (table or File).model_fields.items()
        }
        if part not in fields:
            return None
        kind = fields[part].annotation
        table = _table_in(kind)
        if table is None:
            return None
        if get_origin(kind) is Mapping:
            next(parts, None)  # the name of one entry
    return table


_KINDS: Mapping[type[Table], Mapping[str, type[Table]]] = {
    SignInTable: KINDS,
    SharedTable: SHARED_KINDS,
}


def _table_in(kind: object) -> type[Table] | None:
    if isinstance(kind, type) and issubclass(kind, Table):
        return kind
    inner = (_table_in(argument) for argument in get_args(kind))
    return next((table for table in inner if table is not None), None)
