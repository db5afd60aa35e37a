"""Orgs that stand at one host and path, and which of them a request is for.

Where one org stands alone, the place names it. Where several do, the sign-in they share does, by
its org claim; until it has spoken, what the orgs have in common is all there is to answer with.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from gateway.core.errors import NotFound, OrgRequired, WrongOrg
from gateway.core.profile.vendor import ProblemShape
from gateway.core.request.directory import Directory
from gateway.core.request.route import Segments, Table
from gateway.orgs.org import Org
from gateway.ports import Inbound, SharedSignIn


@dataclass(frozen=True, slots=True)
class Found:
    """The org a request is for, and what names it."""

    org: Org
    by: str


class Orgs(Protocol):
    """Orgs by external_id: a dictionary, or what makes them as they are asked for."""

    def __contains__(self, external_id: str, /) -> bool: ...
    def __getitem__(self, external_id: str, /) -> Org: ...


class Site(Protocol):
    """A host and path."""

    @property
    def org(self) -> Org | None:
        """Whom all requests here are for; None: that has to be found."""
        ...

    @property
    def origins(self) -> Collection[str]:
        """From which browsers may call, before it is known whom."""
        ...

    @property
    def named_in(self) -> Sequence[bytes]:
        """Fields that may say which org is meant."""
        ...

    def methods(self, path: Segments) -> tuple[str, ...]:
        """The methods some operation takes at `path`. May raise `NotFound`."""
        ...

    def problem(self, path: Segments) -> ProblemShape | None:
        """How errors look at `path`: as a vendor's, where there is no doubt whose."""
        ...

    def issuers(self, path: Segments) -> tuple[str, ...]:
        """Whose tokens are taken at `path`, where MCP is spoken; none elsewhere."""
        ...

    async def find(self, ask: Inbound) -> Found:
        """Whom a request is for. Raises as `SharedSignIn` does, and `OrgRequired`."""
        ...


@dataclass(slots=True)
class Standing:
    """What stands where by the configuration that serves now; another may take its place."""

    sites: Directory[Site] = field(default_factory=lambda: Directory(()))

    async def org(self, ask: Inbound, path: Segments) -> Org:
        """Whom a request is for. Raises as `Directory.find` and `Site.find` do."""
        site, _ = self.sites.find(ask.host, path)
        return (await site.find(ask)).org


@dataclass(frozen=True, slots=True)
class OneOrg:
    """The place of one org."""

    org: Org

    @property
    def origins(self) -> Collection[str]:
        return self.org.origins

    @property
    def named_in(self) -> Sequence[bytes]:
        return self.org.named_in

    def methods(self, path: Segments) -> tuple[str, ...]:
        upstream, below = self.org.upstreams.find(None, path)
        return upstream.table.methods(below)

    def problem(self, path: Segments) -> ProblemShape | None:
        return self.org.problem(path)

    def issuers(self, path: Segments) -> tuple[str, ...]:
        try:
            upstream, below = self.org.upstreams.find(None, path)
        except NotFound:
            return ()
        return self.org.issuers if upstream.table.speaks_mcp(below) else ()

    async def find(self, ask: Inbound) -> Found:
        return Found(self.org, "the host and path")


@dataclass(frozen=True, slots=True)
class Mount:
    """What the orgs of a site have at one path, each thing once."""

    tables: Sequence[Table]
    problems: Sequence[ProblemShape | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralOrgs:
    """The place of the orgs that are `listed`, and of all `others`, if any."""

    org: ClassVar[None] = None
    sign_in: SharedSignIn
    listed: Orgs
    others: Orgs
    origins: Collection[str]
    named_in: Sequence[bytes]
    mounts: Mapping[Segments, Mount]
    shared_issuers: tuple[str, ...] = ()

    def methods(self, path: Segments) -> tuple[str, ...]:
        found = (
            method
            for mount, below in self._mounts(path)
            for table in mount.tables
            for method in table.methods(below)
        )
        return tuple(dict.fromkeys(found))

    def problem(self, path: Segments) -> ProblemShape | None:
        found = [shape for mount, _ in self._mounts(path) for shape in mount.problems]
        return found[0] if found and all(shape is found[0] for shape in found) else None

    def issuers(self, path: Segments) -> tuple[str, ...]:
        speaks = any(
            table.speaks_mcp(below) for mount, below in self._mounts(path) for table in mount.tables
        )
        return self.shared_issuers if speaks else ()

    async def find(self, ask: Inbound) -> Found:
        named = await self.sign_in.orgs(ask)
        here = [one for one in named.orgs if one in self.listed or one in self.others]
        if not here:
            raise WrongOrg  # in the same words, whether there is such an org elsewhere or not
        if len(here) > 1:
            raise OrgRequired
        orgs = self.listed if here[0] in self.listed else self.others
        return Found(orgs[here[0]], named.by)

    def _mounts(self, path: Segments) -> Iterator[tuple[Mount, Segments]]:
        """What may stand at `path`: the mounts on the way there, and what is left below each."""
        for length in range(len(path) + 1):
            if (mount := self.mounts.get(path[:length])) is not None:
                yield mount, path[length:]
