"""An upstream: what its vendor's profile needs, and what the profile cannot hold."""

import re
from collections.abc import Iterator, Mapping

from gateway.config.egress import egress
from gateway.config.mistake import Finding, Path, did_you_mean
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.config.rules import mcp
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.config.sign_ins.table import SignInTable
from gateway.config.urls import base_url, url
from gateway.config.vendors import Profiles
from gateway.core.formats import pointer
from gateway.core.people.identity import fits
from gateway.core.profile.guard import EVERY
from gateway.core.profile.vendor import Body, Operation, Vendor

A_UUID = "00000000-0000-4000-8000-000000000000"
AN_OPAQUE_ID = "u_" + "z7" * 13


def check(orgs: Mapping[str, OrgSettings], profiles: Profiles) -> Iterator[Finding]:
    """The findings about every upstream; what a broken profile would say of it waits."""
    for name, org in orgs.items():
        for upstream in org.upstreams.values():
            path = ("orgs", name, "upstreams", upstream.name)
            vendor = profiles.known.get(upstream.vendor)
            yield from _keyed(upstream, vendor, path)
            if vendor is None:
                if upstream.vendor not in profiles.broken:
                    yield _no_such_vendor(upstream, profiles, path)
                continue
            operations = _operations(upstream, vendor)
            yield from _reachable(upstream, vendor, path)
            yield from _through(upstream, (*path, "proxy"))
            yield from _spoken(upstream, (*path, "http2"))
            yield from _agents(upstream, vendor, path)
            yield from _known_operations(upstream, vendor, path)
            yield from _fields(upstream, vendor, path)
            yield from _told(upstream, vendor, path)
            yield from _roles(upstream, vendor, org.sign_in, path)
            yield from _decided(upstream, operations, path)
            yield from _opaque_fits(upstream, vendor, path)
            yield from _opaque(upstream, vendor, org.sign_in, path)
            yield from mcp.check(upstream, vendor, org, path)


def _keyed(upstream: UpstreamSettings, vendor: Vendor | None, path: Path) -> Iterator[Finding]:
    """The application we stand in needs no key, unless it is told one; no MCP server has to."""
    fields = {**(vendor.fields if vendor is not None else {}), **upstream.fields}
    if upstream.key or (upstream.is_app and "{key}" not in "".join(fields.values())):
        return
    if vendor is None or not vendor.is_mcp:
        yield Finding((*path, "key"), "is required")
    else:
        yield Finding(
            (*path, "key"), "not given: the server takes anybody who reaches it for us", "warning"
        )


def _no_such_vendor(upstream: UpstreamSettings, profiles: Profiles, path: Path) -> Finding:
    names = [*profiles.known, *sorted(profiles.broken)]
    hint = did_you_mean(upstream.vendor, names)
    return Finding((*path, "vendor"), f"no such profile: {', '.join(names)}{hint}")


def _operations(upstream: UpstreamSettings, vendor: Vendor) -> list[Operation]:
    if upstream.operations is None:
        return list(vendor.operations.values())
    return [vendor.operations[name] for name in upstream.operations if name in vendor.operations]


def _reachable(upstream: UpstreamSettings, vendor: Vendor, path: Path) -> Iterator[Finding]:
    place = (*path, "base_url")
    if not upstream.base_url:
        yield Finding(place, f"is required: every customer of {vendor.name} has their own")
        return
    if upstream.is_app:
        if upstream.path != "/":
            yield Finding((*path, "path"), "the application stands at its own URLs: leave it out")
        return
    try:
        found = base_url(upstream.base_url)
    except ValueError as error:
        yield Finding(place, str(error))
        return
    if not found.is_encrypted and not found.stays_here:
        yield Finding(
            place, "is not encrypted: the key and every message can be read on the way", "warning"
        )
    repeated = _repeated(found.path, vendor)
    if repeated:
        yield Finding(
            place,
            f"ends with {repeated}, and so begin the paths of {vendor.name}: the vendor would be "
            f"asked for {repeated}{repeated}/…; leave it out here",
            "warning",
        )


def _repeated(prefix: str, vendor: Vendor) -> str:
    """The longest end of a prefix that operations begin with, as SDKs want it written."""
    parts = prefix.strip("/").split("/")
    ends = ("/" + "/".join(parts[start:]) for start in range(len(parts)))
    paths = [f"{operation.path}/" for operation in vendor.operations.values()]
    return next((end for end in ends if any(path.startswith(f"{end}/") for path in paths)), "")


def _through(upstream: UpstreamSettings, path: Path) -> Iterator[Finding]:
    if upstream.proxy is None:
        return
    if not upstream.base_url.startswith("https://"):
        yield Finding(path, "is for an https base_url: the proxy could read the key")
    try:
        egress(upstream.proxy)
    except ValueError as error:
        yield Finding(path, str(error))


def _spoken(upstream: UpstreamSettings, path: Path) -> Iterator[Finding]:
    if upstream.http2 and upstream.is_app:
        yield Finding(path, "is for vendors on the network: the application is called as it is")
    elif upstream.http2 and not upstream.base_url.startswith("https://"):
        yield Finding(path, "is for an https base_url: HTTP/2 is chosen while TLS begins")


def _agents(upstream: UpstreamSettings, vendor: Vendor, path: Path) -> Iterator[Finding]:
    place = (*path, "agent")
    if vendor.has_agents and not upstream.agents:
        yield Finding(
            place, 'is required: which agents the key opens to users; a name, a list or "*"'
        )
    elif upstream.agents and not vendor.has_agents:
        yield Finding(place, f"{vendor.name} has no agents")
    elif "*" in upstream.agents and len(upstream.agents) > 1:
        yield Finding(place, '"*" is every agent: alone, or not at all')


def _known_operations(upstream: UpstreamSettings, vendor: Vendor, path: Path) -> Iterator[Finding]:
    for index, name in enumerate(upstream.operations or ()):
        if name not in vendor.operations:
            yield Finding(
                (*path, "operations", index),
                f"no such operation of {vendor.name}{did_you_mean(name, vendor.operations)}",
            )


def _fields(upstream: UpstreamSettings, vendor: Vendor, path: Path) -> Iterator[Finding]:
    for name in upstream.fields:
        if name in vendor.fields:
            yield Finding((*path, "fields", name), f"the profile {vendor.name} writes this field")
    if upstream.traceparent and "traceparent" in {*upstream.fields, *vendor.fields}:
        yield Finding((*path, "traceparent"), "fields say something else there already")
    written = {**upstream.fields, **vendor.fields}.get(upstream.user_header)
    if written not in {None, "{user}"}:
        yield Finding((*path, "user_header"), "this field says something else already")


def _told(upstream: UpstreamSettings, vendor: Vendor, path: Path) -> Iterator[Finding]:
    """Whether the vendor hears who we are, and who asks."""
    templates = "".join([*vendor.fields.values(), *upstream.fields.values()])
    if upstream.key and "{key}" not in templates:
        yield Finding(
            (*path, "key"),
            "is sent nowhere: no field has {key}, and the vendor takes anybody for the gateway",
            "warning",
        )
    if upstream.user_header or "{user}" in templates or "{subject}" in templates:
        return
    silent = [
        name
        for name, one in vendor.operations.items()
        if not one.user and not _goes_on(one) and name in (upstream.operations or (name,))
    ]
    if silent:
        yield Finding(
            (*path, "user_header"),
            f"is off, and nothing else tells the vendor who asks in: {', '.join(silent)}",
            "warning",
        )


def _goes_on(operation: Operation) -> bool:
    """Whether it names a conversation whenever it is asked for: that one says whose it is."""
    return operation.continues or bool(operation.conversation_places.variables)


def _roles(
    upstream: UpstreamSettings,
    vendor: Vendor,
    sign_ins: tuple[SignInTable, ...],
    path: Path,
) -> Iterator[Finding]:
    is_told_roles = vendor.told_roles or "{roles}" in "".join(upstream.fields.values())
    place = (*path, "default_roles")
    if upstream.default_roles and not is_told_roles:
        yield Finding(place, f"{vendor.name} is told no roles")
    if vendor.is_mcp:
        return  # it is told them if there are any
    if is_told_roles and not upstream.default_roles and not all(one.says_roles for one in sign_ins):
        yield Finding(
            place,
            "not given, and a sign-in does not say roles: the vendor is told no role",
            "warning",
        )


def _decided(
    upstream: UpstreamSettings, operations: list[Operation], path: Path
) -> Iterator[Finding]:
    members = {
        member for operation in operations for member in operation.members | operation.settable
    }
    theirs = {
        place.tokens[0]
        for operation in operations
        for place in (*operation.user, *operation.conversation)
        if isinstance(place, Body)
    }
    for written in upstream.set:
        first = pointer.parse(written)[0]
        if first in theirs:
            yield Finding((*path, "set", written), "names a person or a conversation")
        elif members.isdisjoint({first, EVERY}):
            yield Finding(
                (*path, "set", written),
                f"no operation lists this member{did_you_mean(first, members)}",
            )


def _opaque_fits(upstream: UpstreamSettings, vendor: Vendor, path: Path) -> Iterator[Finding]:
    if upstream.user_id != "verbatim" and not fits(AN_OPAQUE_ID, re.compile(vendor.user_id)):
        yield Finding(
            (*path, "user_id"),
            f"the rule of {vendor.name} does not take opaque ids, u_ and 26 letters and digits: "
            "widen it, or verbatim",
        )


def _opaque(
    upstream: UpstreamSettings,
    vendor: Vendor,
    sign_ins: tuple[SignInTable, ...],
    path: Path,
) -> Iterator[Finding]:
    """Say when people will be known by opaque ids, and what would avoid it."""
    if upstream.user_id != "auto":
        return
    pattern = re.compile(vendor.user_id)
    if not fits(A_UUID, pattern):
        yield Finding(
            (*path, "user_id"),
            "people whose subject is a UUID will have opaque ids: 36 characters are more than this "
            "vendor takes; another user_claim would avoid it, and user_id here decides for this "
            "upstream",
            "note",
        )
    for sign_in in sign_ins:
        reason = _why_opaque(sign_in, pattern) if isinstance(sign_in, JwtSignInSettings) else None
        if reason is not None:
            yield Finding(
                (*path, "user_id"),
                f"people will have opaque ids: {reason} another user_claim would avoid it",
                "note",
            )


def _why_opaque(sign_in: JwtSignInSettings, pattern: re.Pattern[str]) -> str | None:
    if sign_in.user_claim in {"email", "/email"}:
        return "an address has '@', and what a vendor shows around should not be one;"
    # Auth0's subjects are "auth0|6478…", "google-oauth2|1135…" (its "User profile structure").
    subject_has_a_bar = sign_in.user_claim == "sub" and _is_auth0(sign_in.issuer)
    if subject_has_a_bar and not fits("auth0|0", pattern):
        return "this issuer's `sub` has '|', which the vendor does not take;"
    return None


def _is_auth0(issuer: str) -> bool:
    if ".auth0.com" not in issuer:
        return False
    try:
        return url(issuer).host.endswith(".auth0.com")
    except ValueError:
        return False
