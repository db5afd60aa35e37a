"""The file as written → the long form: one way to say each thing, nothing left to be inferred."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.config.given_keys import default_algorithms
from gateway.config.kinds import EVERY_ORG
from gateway.config.mistake import Path
from gateway.config.model import (
    THE_APP,
    OrgSettings,
    OrgTable,
    Settings,
    UpstreamSettings,
    UpstreamTable,
)
from gateway.config.profile import VendorTable
from gateway.config.sign_ins import KINDS, SHARED_KINDS
from gateway.config.sign_ins import session as sessions
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.config.sign_ins.table import SharedTable, SignInTable
from gateway.config.table import Table
from gateway.config.vendors import SHIPPED, Profiles
from gateway.config.vouching import Vouching
from gateway.config.written import File
from gateway.core.people.identity import UserIdRule
from gateway.core.profile.vendor import Vendor

ONLY_ORG = "default"
# Which fields were written: of the long form nobody asks, and a set of names for each table of it
# is half the memory of ten thousand orgs.
_UNASKED: set[str] = set()


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


def meant(file: File, profiles: Profiles = SHIPPED) -> Meaning:
    """What `file` means."""
    tables: Mapping[str, OrgTable] = file.orgs
    sources: dict[Path, Path] = {}
    if not file.orgs:
        own = OrgTable.model_construct(
            sign_in=file.sign_in, upstreams=file.upstreams, limits=file.limits
        )
        tables = {ONLY_ORG: own}
        sources["orgs", ONLY_ORG] = ()
    _note_spellings(tables, sources)
    _note_base_urls(tables, file.vendors, sources)
    shared = _Shared(file, sources)
    orgs = {
        name: _org(name, table, shared, profiles.known, file.server.max_body)
        for name, table in tables.items()
    }
    return Meaning(
        Settings.model_construct(
            version=file.version,
            server=file.server,
            identity=file.identity,
            store=file.store,
            audit=file.audit,
            admin=file.admin,
            traces=file.traces,
            shared=file.shared,
            vendors=file.vendors,
            profiles=profiles.known,
            sign_in=shared.sign_ins,
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


def _note_base_urls(
    tables: Mapping[str, OrgTable], own: Mapping[str, VendorTable], sources: dict[Path, Path]
) -> None:
    """An upstream without a base URL has that of its profile, which may be the file's own."""
    for name, table in tables.items():
        for key, upstream in table.upstreams.items():
            if upstream.base_url is None and upstream.vendor in own:
                place: Path = ("orgs", name, "upstreams", key, "base_url")
                if own[upstream.vendor].base_url is not None:
                    sources[place] = ("vendors", upstream.vendor, "base_url")


class _Shared:
    """The shared sign-ins, as the orgs that have none of their own get them."""

    def __init__(self, file: File, sources: dict[Path, Path]) -> None:
        self.sign_ins = tuple(_shared(one) for one in file.sign_in if file.orgs)
        self._listed = {table.external_id or name for name, table in file.orgs.items()}
        self._vouching = Vouching(self.sign_ins)
        self._sources = sources

    def of(self, name: str, external_id: str) -> tuple[SignInTable, ...]:
        if name == EVERY_ORG:
            indices = self._vouching.beyond(self._listed - {EVERY_ORG})
        else:
            indices = self._vouching.of(external_id)
        for place, index in enumerate(indices):
            self._sources["orgs", name, "sign_in", place] = ("sign_in", index)
        return tuple(self.sign_ins[index] for index in indices)


def _shared(written: SharedTable) -> SharedTable:
    values = _values(written) | _filled_in(written)
    return SHARED_KINDS[written.type].model_construct(
        **values | {"orgs": written.orgs or (EVERY_ORG,)}
    )


def _sign_in(written: SignInTable) -> SignInTable:
    """The sign-in of one org: whom a shared one is for is not its own to say."""
    kind = KINDS[written.type]
    values = {name: getattr(written, name) for name in kind.model_fields}
    return kind.model_construct(_UNASKED, **values | _filled_in(written))


def _filled_in(written: SignInTable) -> dict[str, Any]:
    """What a sign-in means where it says nothing, and a default cannot say it."""
    if isinstance(written, JwtSignInSettings):
        algorithms = written.algorithms or default_algorithms(written)
        return {"algorithms": algorithms, "max_age": written.oldest}
    if isinstance(written, sessions.SessionSettings):
        return sessions.filled_in(written)
    return {}


def _org(
    name: str, table: OrgTable, shared: _Shared, profiles: Mapping[str, Vendor], max_body: int
) -> OrgSettings:
    external_id = EVERY_ORG if name == EVERY_ORG else table.external_id or name
    own = () if name == EVERY_ORG else table.sign_in
    return OrgSettings.model_construct(
        _UNASKED,
        **_values(table)
        | {
            "name": name,
            "external_id": external_id,
            "sign_in": tuple(_sign_in(one) for one in own) or shared.of(name, external_id),
            "upstreams": {
                key: _upstream(key, upstream, profiles, table.user_id, max_body)
                for key, upstream in table.upstreams.items()
            },
        },
    )


def _upstream(
    name: str,
    table: UpstreamTable,
    profiles: Mapping[str, Vendor],
    user_id: UserIdRule,
    max_body: int,
) -> UpstreamSettings:
    profile = profiles.get(table.vendor) or _stand_in(table.vendor)
    base_url = table.base_url or profile.base_url or ""
    return UpstreamSettings.model_construct(
        _UNASKED,
        **_values(table)
        | {
            "name": name,
            "profile": profile,
            "base_url": base_url.removesuffix("/"),
            "path": table.path or ("/" if base_url == THE_APP else f"/{name}"),
            "user_id": table.user_id or user_id,
            "fields": {spelt.lower(): template for spelt, template in table.fields.items()},
            "max_body": table.max_body or max_body,
        },
    )


def _stand_in(name: str) -> Vendor:
    """For a profile that is not there, so that what is right elsewhere can be judged."""
    return Vendor(name=name, title=name, base_url=None, fields={}, user_id=".*", operations={})


def _values(table: Table) -> dict[str, Any]:
    return {name: getattr(table, name) for name in type(table).model_fields}


def is_told_org(upstream: UpstreamSettings) -> bool:
    """Whether the vendor learns the org, and so tells one subject of two orgs apart itself."""
    templates = "".join(upstream.fields.values())
    return "{org}" in templates or upstream.profile.told_org


def sharing_a_key(orgs: Mapping[str, OrgSettings]) -> set[tuple[str, str]]:
    """The org and name of upstreams whose key another org uses too, at a vendor not told the org.

    There, one subject of two orgs would be one person: their names have to differ. `EVERY_ORG` is
    many orgs by itself.
    """
    users: dict[str, set[str]] = defaultdict(set)
    for org, upstream in _every(orgs):
        for key in upstream.key:
            users[key.get_secret_value()].add(org.name)
    shared = {key for key, names in users.items() if len(names) > 1 or EVERY_ORG in names}
    return {
        (org.name, upstream.name)
        for org, upstream in _every(orgs)
        if not is_told_org(upstream)
        and any(key.get_secret_value() in shared for key in upstream.key)
    }


def _every(orgs: Mapping[str, OrgSettings]) -> Iterator[tuple[OrgSettings, UpstreamSettings]]:
    for org in orgs.values():
        for upstream in org.upstreams.values():
            yield org, upstream


def _told_apart(orgs: Mapping[str, OrgSettings]) -> dict[str, OrgSettings]:
    """An opaque id holds the org; `auto` means that where the vendor cannot tell orgs apart."""
    apart: dict[str, dict[str, UpstreamSettings]] = defaultdict(dict)
    for name, key in sharing_a_key(orgs):
        upstream = orgs[name].upstreams[key]
        if upstream.user_id == "auto":
            apart[name][key] = upstream.model_copy(update={"user_id": "opaque"})
    return {
        name: org.model_copy(update={"upstreams": {**org.upstreams, **apart[name]}})
        if name in apart
        else org
        for name, org in orgs.items()
    }
