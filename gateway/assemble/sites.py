"""Settings of all orgs → the places they stand at."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from gateway.assemble.contacts import Of, build_desks
from gateway.assemble.events import EventRoutes, build_events
from gateway.assemble.orgs import Shared, build_org, build_tools, standing_at
from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import issuers_of, org_places
from gateway.authn.org_from import field_of
from gateway.authn.shared import SharedSignIns
from gateway.config.kinds import EVERY_ORG
from gateway.config.model import OrgSettings, Settings
from gateway.config.standing import are_several, standing
from gateway.config.vouching import Vouching
from gateway.contacts.push import Desk
from gateway.core.profile.vendor import ProblemShape
from gateway.core.request.directory import Directory, Stand
from gateway.core.request.route import Segments, Table
from gateway.orgs.org import Org
from gateway.orgs.others import OtherOrgs
from gateway.orgs.site import Mount, OneOrg, Orgs, SeveralOrgs, Site
from gateway.toolcall import Tool

Tools: TypeAlias = Mapping[tuple[str, str, str], Tool]
Desks: TypeAlias = Mapping[Of, Desk]


def build_sites(settings: Settings, shared: Shared, parts: Parts) -> Directory[Site]:
    """Every place where an org stands."""
    return Directory(_Sites(settings, shared, parts).stands())


class _Sites:
    """The places in the making."""

    def __init__(self, settings: Settings, shared: Shared, parts: Parts) -> None:
        self._settings = settings.orgs
        self._shared = shared
        self._parts = parts
        self._orgs = {
            name: self._org(org) for name, org in settings.orgs.items() if name != EVERY_ORG
        }
        self._others = self._other_orgs(settings) if EVERY_ORG in settings.orgs else {}
        self._made: dict[tuple[str, ...], Site] = {}

    def _org(self, settings: OrgSettings) -> Org:
        shared = self._shared

        def make(parts: Parts) -> tuple[Org, Tools, Desks, EventRoutes]:
            desks = build_desks(settings, shared, parts)
            org = build_org(settings, shared, parts, desks)
            tools = build_tools(settings, shared, parts.stack)
            return org, tools, desks, build_events(settings, shared, parts)

        verifiers = [shared.sign_ins.get(id(one)) for one in settings.sign_in]
        org, tools, desks, events = self._parts.take(
            ("org", settings.name), (settings, verifiers), make
        )
        shared.tools.listed.update(tools)
        shared.contacts.update(desks)
        shared.inboxes.update(events.inboxes)
        shared.addresses.update(events.addresses)
        return org

    def _other_orgs(self, settings: Settings) -> Orgs:
        alike = (settings.orgs[EVERY_ORG], taken(settings), list(self._shared.sign_ins.values()))
        every, shared = settings.orgs[EVERY_ORG], self._shared

        def make(parts: Parts) -> tuple[OtherOrgs, Mapping[tuple[str, str, str], Tool]]:
            return other_orgs(settings, shared), build_tools(every, shared, parts.stack)

        others, tools = self._parts.take(("org", EVERY_ORG), alike, make)
        shared.tools.is_other = others.__contains__
        shared.tools.of_others = {
            (upstream, name): tool for (_, upstream, name), tool in tools.items()
        }
        return others

    def stands(self) -> Iterator[Stand[Site]]:
        for host, paths in standing(self._settings).items():
            for path, names in paths.items():
                yield Stand(self._site(tuple(names)), (host,) if host else (), path)

    def _site(self, names: tuple[str, ...]) -> Site:
        """The site of these orgs; one for all their hosts."""
        if names not in self._made:
            self._made[names] = (
                self._several(names) if are_several(names) else OneOrg(self._orgs[names[0]])
            )
        return self._made[names]

    def _several(self, names: tuple[str, ...]) -> SeveralOrgs:
        orgs = [self._settings[name] for name in names]
        listed = [self._orgs[name] for name in names if name != EVERY_ORG]
        origins = frozenset(origin for org in orgs for origin in org.origins)
        places = org_places(orgs)
        # All of them are shared ones: config/rules/orgs.py lets no other tell orgs apart.
        sign_ins = dict.fromkeys(
            self._shared.sign_ins[id(one)] for org in orgs for one in org.sign_in
        )
        return SeveralOrgs(
            sign_in=SharedSignIns(tuple(sign_ins), origins=origins, org_from=places),
            listed={org.external_id: org for org in listed},
            others=self._others if EVERY_ORG in names else {},
            origins=origins,
            named_in=tuple(field_of(place) for place in places),
            mounts=self._mounts(orgs),
            shared_issuers=issuers_of([one for org in orgs for one in org.sign_in]),
        )

    def _mounts(self, orgs: Sequence[OrgSettings]) -> dict[Segments, Mount]:
        tables: dict[Segments, dict[int, Table]] = {}
        problems: dict[Segments, dict[int, ProblemShape | None]] = {}
        for upstream in (upstream for org in orgs for upstream in org.upstreams.values()):
            path, table, problem = (
                standing_at(upstream),
                self._shared.table(upstream),
                upstream.profile.problem,
            )
            tables.setdefault(path, {})[id(table)] = table
            problems.setdefault(path, {})[id(problem)] = problem
        return {
            path: Mount(tuple(found.values()), tuple(problems[path].values()))
            for path, found in tables.items()
        }


def other_orgs(settings: Settings, shared: Shared) -> OtherOrgs:
    """The orgs that are not listed, as `EVERY_ORG` has them."""
    vouching = Vouching(settings.sign_in)
    every = settings.orgs[EVERY_ORG]

    def make(external_id: str) -> Org:
        sign_ins = tuple(settings.sign_in[index] for index in vouching.of(external_id))
        itself = {"name": external_id, "external_id": external_id, "sign_in": sign_ins}
        # Nothing of it needs to be closed but connections, and those are closed when they rest.
        return build_org(every.model_copy(update=itself), shared, Parts())

    return OtherOrgs(make, taken=taken(settings))


def taken(settings: Settings) -> frozenset[str]:
    """What an org that is not listed cannot be called."""
    return frozenset((*settings.orgs, *(org.external_id for org in settings.orgs.values())))
