"""The file as written → the long form: one way to say each thing, nothing left to be inferred."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.config.given_keys import default_algorithms
from gateway.config.mistake import Path
from gateway.config.model import (
    JwtSignInSettings,
    OrgSettings,
    OrgTable,
    Settings,
    Table,
    UpstreamSettings,
    UpstreamTable,
)
from gateway.config.written import EVERY_ORG, File, SharedSignIn
from gateway.core.identity import UserIdRule
from gateway.vendors import VENDORS

ONLY_ORG = "default"


@dataclass(slots=True)
class Meaning:
    """The long form, and where in the file its parts come from if they stand elsewhere there."""

    settings: Settings
    sources: dict[Path, Path] = field(default_factory=dict)

    def as_written(self, path: Path) -> Path:
        """Where in the file what the long form has at `path` was written."""
        for length in range(len(path), 0, -1):
            if (source := self.sources.get(path[:length])) is not None:
                return (*source, *path[length:])
        return path


def meant(file: File) -> Meaning:
    """What `file` means."""
    tables: Mapping[str, OrgTable] = file.orgs
    sources: dict[Path, Path] = {}
    if not file.orgs:
        tables = {ONLY_ORG: OrgTable.model_construct(upstreams=file.upstreams)}
        sources["orgs", ONLY_ORG] = ()
    _note_spellings(tables, sources)
    shared = _Shared(file.sign_in, sources)
    orgs = {name: _org(name, table, shared, file.server.max_body) for name, table in tables.items()}
    return Meaning(
        Settings.model_construct(
            version=file.version,
            server=file.server,
            identity=file.identity,
            store=file.store,
            orgs=_told_apart(orgs),
        ),
        sources,
    )


def _note_spellings(tables: Mapping[str, OrgTable], sources: dict[Path, Path]) -> None:
    """The long form has names of fields in lower case (RFC 9110 section 5.1), a file in any."""
    for name, table in tables.items():
        for key, upstream in table.upstreams.items():
            place: Path = ("upstreams", key, "fields")
            written = (*sources.get(("orgs", name), ("orgs", name)), *place)
            for spelt in upstream.fields:
                if spelt != spelt.lower():
                    sources["orgs", name, *place, spelt.lower()] = (*written, spelt)


class _Shared:
    """The shared sign-ins, as the orgs that have none of their own get them.

    "*" means the orgs that no sign-in names: naming an org says who alone may vouch for it.
    """

    def __init__(self, written: tuple[SharedSignIn, ...], sources: dict[Path, Path]) -> None:
        self._sign_ins = [_sign_in(sign_in) for sign_in in written]
        self._sources = sources
        self._by_org: dict[str, list[int]] = defaultdict(list)
        for index, sign_in in enumerate(written):
            for org in dict.fromkeys(sign_in.orgs or (EVERY_ORG,)):
                self._by_org[org].append(index)

    def of(self, name: str, external_id: str) -> tuple[JwtSignInSettings, ...]:
        indices = self._by_org.get(external_id) or self._by_org.get(EVERY_ORG, [])
        for place, index in enumerate(indices):
            self._sources["orgs", name, "sign_in", place] = ("sign_in", index)
        return tuple(self._sign_ins[index] for index in indices)


def _sign_in(written: JwtSignInSettings) -> JwtSignInSettings:
    """The sign-in of one org: whom a shared one is for has been settled."""
    values = {name: getattr(written, name) for name in JwtSignInSettings.model_fields}
    return JwtSignInSettings.model_construct(
        **values | {"algorithms": written.algorithms or default_algorithms(written)}
    )


def _org(name: str, table: OrgTable, shared: _Shared, max_body: int) -> OrgSettings:
    external_id = table.external_id or name
    return OrgSettings.model_construct(
        **_values(table)
        | {
            "name": name,
            "external_id": external_id,
            "sign_in": tuple(_sign_in(one) for one in table.sign_in)
            or shared.of(name, external_id),
            "upstreams": {
                key: _upstream(key, upstream, table.user_id, max_body)
                for key, upstream in table.upstreams.items()
            },
        }
    )


def _upstream(
    name: str, table: UpstreamTable, user_id: UserIdRule, max_body: int
) -> UpstreamSettings:
    vendor = VENDORS.get(table.vendor)
    base_url = table.base_url or (vendor.base_url if vendor is not None else None) or ""
    return UpstreamSettings.model_construct(
        **_values(table)
        | {
            "name": name,
            "base_url": base_url.removesuffix("/"),
            "path": table.path or f"/{name}",
            "user_id": table.user_id or user_id,
            "fields": {spelt.lower(): template for spelt, template in table.fields.items()},
            "max_body": table.max_body or max_body,
        }
    )


def _values(table: Table) -> dict[str, Any]:
    return {name: getattr(table, name) for name in type(table).model_fields}


def is_told_org(upstream: UpstreamSettings) -> bool:
    """Whether the vendor learns the org, and so tells one subject of two orgs apart itself."""
    vendor = VENDORS.get(upstream.vendor)
    templates = "".join(upstream.fields.values())
    return "{org}" in templates or (vendor is not None and vendor.told_org)


def sharing_a_key(orgs: Mapping[str, OrgSettings]) -> set[tuple[str, str]]:
    """The org and name of upstreams whose key another org uses too, at a vendor not told the org.

    There, one subject of two orgs would be one person: their names have to differ.
    """
    users: dict[str, set[str]] = defaultdict(set)
    for org, upstream in _every(orgs):
        for key in upstream.key:
            users[key.get_secret_value()].add(org.name)
    return {
        (org.name, upstream.name)
        for org, upstream in _every(orgs)
        if not is_told_org(upstream)
        and any(len(users[key.get_secret_value()]) > 1 for key in upstream.key)
    }


def _every(orgs: Mapping[str, OrgSettings]) -> Iterator[tuple[OrgSettings, UpstreamSettings]]:
    for org in orgs.values():
        for upstream in org.upstreams.values():
            yield org, upstream


def _told_apart(orgs: Mapping[str, OrgSettings]) -> dict[str, OrgSettings]:
    """An opaque id holds the org; `auto` means that where the vendor cannot tell orgs apart."""
    shared = sharing_a_key(orgs)
    opaque = {"user_id": "opaque"}
    return {
        name: org.model_copy(
            update={
                "upstreams": {
                    key: upstream.model_copy(update=opaque)
                    if (name, key) in shared and upstream.user_id == "auto"
                    else upstream
                    for key, upstream in org.upstreams.items()
                }
            }
        )
        for name, org in orgs.items()
    }
