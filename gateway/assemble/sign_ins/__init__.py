"""Settings of a sign-in → what verifies by it. One module a kind.

One that orgs share is made once, with one memory of credentials and one set of keys: a thousand
orgs ask their issuer for its keys as often as one.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from gateway.assemble.host import NO_HOST, Host
from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import (
    forwarded,
    host,
    introspect,
    jwt,
    membership,
    session,
    token_introspection,
)
from gateway.assemble.sign_ins.making import Making
from gateway.assemble.signing_out import BackChannel
from gateway.authn.verifier import Verifier
from gateway.config.model import OrgSettings, Settings
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.config.sign_ins.table import SignInTable
from gateway.config.vouching import Vouching
from gateway.core.profile.vendor import Vendor

Made: TypeAlias = Mapping[int, Verifier]  # shared sign-ins by the identity of their settings
Build: TypeAlias = Callable[[Any, Making], Verifier]  # of a kind's own settings

BUILDERS: Mapping[str, Build] = {
    "jwt": jwt.build,
    "introspect": introspect.build,
    "token_introspection": token_introspection.build,
    "forwarded": forwarded.build,
    "host": host.build,
    "session": session.build,
}


def build_sign_in(settings: SignInTable, making: Making) -> Verifier:
    build = BUILDERS[settings.type]
    if settings.membership is None:
        return build(settings, making)
    alone = build(settings, replace(making, may_vouch_for=_any))
    return membership.beside(alone, settings, making)


def issuers_of(sign_ins: Iterable[SignInTable]) -> tuple[str, ...]:
    """The issuers a client may get a token from, each once."""
    found = (sign_in.issuer for sign_in in sign_ins if isinstance(sign_in, JwtSignInSettings))
    return tuple(
        dict.fromkeys(issuer for issuer in found if issuer.startswith(("https://", "http://")))
    )


def _any(org: str) -> bool:
    """For a sign-in beside a look-up, which decides for both."""
    return True


def shared_sign_ins(
    settings: Settings,
    parts: Parts,
    around: Host = NO_HOST,
    back_channel: BackChannel | None = None,
) -> Made:
    """The sign-ins that orgs share, each for those it may vouch for."""
    vouching = Vouching(settings.sign_in)

    def may_vouch_for(index: int, org: str) -> bool:
        return index in vouching.of(org)

    vendors: dict[int, dict[str, Vendor]] = defaultdict(dict)
    claims: dict[int, dict[str, None]] = defaultdict(dict)
    for org in settings.orgs.values():
        for sign_in in org.sign_in:
            claims[id(sign_in)] |= dict.fromkeys(claims_of(org))
            vendors[id(sign_in)] |= {vendor.name: vendor for vendor in vendors_of(org)}

    def make(index: int, sign_in: SignInTable, parts: Parts) -> Verifier:
        making = Making(
            parts=parts,
            vendors=vendors[id(sign_in)].values(),
            may_vouch_for=partial(may_vouch_for, index),
            remember=tuple(claims[id(sign_in)]),
            host=around,
            back_channel=back_channel,
        )
        return build_sign_in(sign_in, making)

    # For whom one may vouch is decided by all of them.
    return {
        id(sign_in): parts.take(
            ("sign_in", index),
            (settings.sign_in, vendors[id(sign_in)], claims[id(sign_in)]),
            partial(make, index, sign_in),
        )
        for index, sign_in in enumerate(settings.sign_in)
    }


def sign_ins_of(
    org: OrgSettings,
    shared: Made,
    parts: Parts,
    around: Host = NO_HOST,
    back_channel: BackChannel | None = None,
) -> Sequence[Verifier]:
    """The sign-ins of one org: its own, or the shared ones it has."""
    making = Making(
        parts=parts,
        vendors=vendors_of(org),
        remember=claims_of(org),
        host=around,
        org=org.external_id,
        back_channel=back_channel,
    )
    return [
        shared[id(sign_in)] if id(sign_in) in shared else build_sign_in(sign_in, making)
        for sign_in in org.sign_in
    ]


def vendors_of(org: OrgSettings) -> Collection[Vendor]:
    return [upstream.profile for upstream in org.upstreams.values()]


def claims_of(org: OrgSettings) -> tuple[str, ...]:
    """What the org's vendors are to know of people, as its sign-ins call it."""
    tables = [one.contacts for one in org.upstreams.values() if one.contacts is not None]
    return tuple(dict.fromkeys(claim for table in tables for claim in table.attributes.values()))


def org_places(orgs: Iterable[OrgSettings]) -> Sequence[str]:
    """Where a request may say which of these orgs it means."""
    found = (sign_in.org_from for org in orgs for sign_in in org.sign_in)
    return tuple(dict.fromkeys(place for place in found if place is not None))
