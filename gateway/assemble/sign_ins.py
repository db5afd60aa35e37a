"""Settings of a sign-in → what verifies by it.

One that orgs share is made once, with one memory of tokens and one set of keys: a thousand orgs ask
their issuer for its keys as often as one.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

from gateway.authn.claims import JwtRules
from gateway.authn.fetch import get
from gateway.authn.jwk import parse_set
from gateway.authn.jwks import RemoteKeys
from gateway.authn.jwt import JwtSignIn
from gateway.authn.keys import KeySource, public_keys, shared_secrets
from gateway.authn.oidc import Discovery
from gateway.config.model import JwtSignInSettings, OrgSettings, Settings
from gateway.config.vouching import Vouching
from gateway.core.vendor import Vendor

Made = Mapping[int, JwtSignIn]  # shared sign-ins by the identity of their settings


def shared_sign_ins(settings: Settings, stack: AsyncExitStack) -> Made:
    """The sign-ins that orgs share, each for those it may vouch for."""
    vouching = Vouching(settings.sign_in)

    def may_vouch_for(index: int, org: str) -> bool:
        return index in vouching.of(org)

    vendors: dict[int, dict[str, Vendor]] = defaultdict(dict)
    for org in settings.orgs.values():
        for one in org.sign_in:
            vendors[id(one)] |= {vendor.name: vendor for vendor in vendors_of(org)}
    return {
        id(one): build_sign_in(one, vendors[id(one)].values(), stack, partial(may_vouch_for, index))
        for index, one in enumerate(settings.sign_in)
    }


def sign_ins_of(org: OrgSettings, shared: Made, stack: AsyncExitStack) -> Sequence[JwtSignIn]:
    """The sign-ins of one org: its own, or the shared ones it has."""
    return [
        shared[id(one)] if id(one) in shared else build_sign_in(one, vendors_of(org), stack)
        for one in org.sign_in
    ]


def vendors_of(org: OrgSettings) -> Iterable[Vendor]:
    return [upstream.profile for upstream in org.upstreams.values()]


def org_places(orgs: Iterable[OrgSettings]) -> Sequence[str]:
    """Where a request may say which of these orgs it means."""
    found = (one.org_from for org in orgs for one in org.sign_in)
    return tuple(dict.fromkeys(place for place in found if place is not None))


def build_sign_in(
    settings: JwtSignInSettings,
    vendors: Iterable[Vendor],
    stack: AsyncExitStack,
    may_vouch_for: Callable[[str], bool] = lambda org: True,
) -> JwtSignIn:
    rules = JwtRules(
        issuer=settings.issuer,
        audience=settings.audience,
        client=settings.client,
        require=settings.require,
        algorithms=settings.algorithms,
        places=settings.places or default_places(vendors),
        user_claim=settings.user_claim,
        org_claim=settings.org_claim,
        may_vouch_for=may_vouch_for,
        roles_claim=settings.roles_claim,
        leeway=settings.leeway,
        types=settings.types,
    )
    return JwtSignIn(rules, build_keys(settings, stack), clock=time.time)


def default_places(vendors: Iterable[Vendor]) -> tuple[str, ...]:
    """Authorization, and where the SDKs of the vendors put their key."""
    names = dict.fromkeys(name for vendor in vendors for name in vendor.credential_fields)
    return ("authorization", *(f"field:{name}" for name in names))


def build_keys(settings: JwtSignInSettings, stack: AsyncExitStack) -> KeySource:
    """Where a sign-in's keys are: given in one of three forms, or fetched."""
    if settings.secret:
        secrets = [secret.get_secret_value() for secret in settings.secret]
        return shared_secrets(secrets, settings.algorithms)
    if settings.public_key is not None:
        return public_keys(settings.public_key)
    if settings.jwks is not None:
        return parse_set(settings.jwks.encode())
    url = settings.jwks_url
    fetch = partial(get, url) if url is not None else Discovery(settings.issuer).jwk_set
    keys = RemoteKeys(
        fetch,
        name=settings.issuer,
        max_age=settings.jwks_max_age,
        cooldown=settings.jwks_cooldown,
        stale=settings.jwks_stale,
    )
    stack.push_async_callback(keys.aclose)
    return keys
