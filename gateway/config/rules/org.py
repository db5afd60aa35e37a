"""An org: under which names it stands, and how its upstreams stand beside each other."""

from collections.abc import Iterator, Mapping

from gateway.config.kinds import EVERY_ORG
from gateway.config.mistake import Finding, Path
from gateway.config.model import OrgSettings
from gateway.config.urls import host_name, origin
from gateway.core.people.identity import EXTERNAL_ID
from gateway.core.request.route import Segments, segments

OWN = frozenset({"_gateway", "livez", "readyz"})  # under every org's path
ROOT_ONLY = frozenset({".well-known"})


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about every org, taken alone."""
    for name, org in orgs.items():
        yield from _check(org, ("orgs", name))


def _check(org: OrgSettings, path: Path) -> Iterator[Finding]:
    if not org.upstreams:
        yield Finding((*path, "upstreams"), "is required: nothing would be reachable")
    if not org.sign_in:
        yield Finding((*path, "sign_in"), "is required: nobody could sign in")
    if not EXTERNAL_ID.fullmatch(org.external_id):
        yield Finding((*path, "external_id"), "must be printable ASCII, 256 characters at most")
    if org.external_id == EVERY_ORG != org.name:
        yield Finding((*path, "external_id"), "stands for every other org")
    if org.staff and not any(one.says_roles for one in org.sign_in):
        yield Finding((*path, "staff"), "no sign-in says which roles a person has: see roles_claim")
    yield from _hosts(org, path)
    yield from _origins(org, path)
    yield from _paths(org, path)


def _hosts(org: OrgSettings, path: Path) -> Iterator[Finding]:
    for index, host in enumerate(org.hosts):
        name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        try:
            plain = host_name(name) == name and (":" in name) == (name != host)
        except ValueError:
            plain = False
        if host in org.hosts[:index]:
            yield Finding((*path, "hosts", index), "stands there already")
        if not plain:
            yield Finding(
                (*path, "hosts", index),
                "must be one exact name in lower case, without scheme, port or '*'",
            )


def _origins(org: OrgSettings, path: Path) -> Iterator[Finding]:
    for index, written in enumerate(org.origins):
        try:
            origin(written)
        except ValueError as error:
            yield Finding((*path, "origins", index), str(error))


def _paths(org: OrgSettings, path: Path) -> Iterator[Finding]:
    below = segments(org.path)
    if below[:1] and below[0] in OWN | ROOT_ONLY:
        yield Finding((*path, "path"), "the gateway itself answers there")
    mounts: dict[Segments, str] = {}
    apps = [name for name, upstream in org.upstreams.items() if upstream.is_app]
    for name in apps[1:]:
        yield Finding(
            (*path, "upstreams", name, "base_url"),
            f"the application is one upstream, and upstreams.{apps[0]} is it: one profile can have "
            "all its operations",
        )
    for name, upstream in org.upstreams.items():
        place = (*path, "upstreams", name, "path")
        mount = segments(upstream.path)
        if upstream.is_app:
            continue
        if not mount and len(org.upstreams) - len(apps) > 1:
            yield Finding(place, '"/" is for the only upstream of an org')
            continue
        if mount and mount[0] in (OWN if below else OWN | ROOT_ONLY):
            yield Finding(place, "the gateway itself answers there")
        yield from _beside(mount, mounts, place)
        mounts[mount] = name


def _beside(mount: Segments, mounts: Mapping[Segments, str], place: Path) -> Iterator[Finding]:
    for other, name in mounts.items():
        shorter = min(len(mount), len(other))
        if mount[:shorter] == other[:shorter]:
            yield Finding(place, f"one path begins with the other's: upstreams.{name} stands there")
            return
