"""Settings of a JWT sign-in → what verifies tokens by it."""

import time
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins.making import Making
from gateway.assemble.sign_ins.probed import ProbeFailed
from gateway.assemble.signing_out import realm_of
from gateway.assemble.watched import State
from gateway.authn.claims import JwtRules
from gateway.authn.fetch import FetchFailed, get
from gateway.authn.jwk import parse_set
from gateway.authn.jwks import RemoteKeys
from gateway.authn.jwt import JwtSignIn
from gateway.authn.keys import KeySource, public_keys, shared_secrets
from gateway.authn.logout_token import LogoutRules, LogoutTokens
from gateway.authn.oidc import Discovery
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.ports import Sessions


def build(settings: JwtSignInSettings, making: Making) -> JwtSignIn:
    keys = build_keys(settings, making)
    realm = realm_of(making.org, settings.issuer) if settings.backchannel_logout else None
    rules = JwtRules(
        issuer=settings.issuer,
        audience=settings.audience,
        client=settings.client,
        require=settings.require,
        algorithms=settings.algorithms,
        places=settings.places or making.default_places(),
        user_claim=settings.user_claim,
        org_claim=settings.org_claim,
        may_vouch_for=making.may_vouch_for,
        roles_claim=settings.roles_claim,
        remember=making.remember,
        leeway=settings.leeway,
        types=settings.types,
        max_age=settings.max_age,
        realm=realm,
    )
    sessions = None if realm is None else listen(settings, making, keys, realm)
    return JwtSignIn(rules, keys, clock=time.time, sessions=sessions)


def listen(
    settings: JwtSignInSettings, making: Making, keys: KeySource, realm: str
) -> Sessions | None:
    """Which sessions have ended, as the issuer says by its logout tokens."""
    rules = LogoutRules(
        realm=realm,
        issuer=settings.issuer,
        clients=settings.backchannel_logout,
        algorithms=settings.algorithms,
        leeway=settings.leeway,
    )
    return making.listen(LogoutTokens(rules, keys, clock=time.time), oldest=settings.max_age or 0)


def build_keys(settings: JwtSignInSettings, making: Making) -> KeySource:
    """Where a sign-in's keys are: given in one of three forms, or fetched."""
    if settings.secret:
        secrets = [secret.get_secret_value() for secret in settings.secret]
        return shared_secrets(secrets, settings.algorithms)
    if settings.public_key is not None:
        return public_keys(settings.public_key)
    if settings.jwks is not None:
        return parse_set(settings.jwks.encode())
    clocks = (settings.jwks_max_age, settings.jwks_cooldown, settings.jwks_stale)
    name = ("keys", settings.issuer, settings.jwks_url, *clocks)
    # A part of its own: an issuer may be away just when other things of a sign-in are changed.
    return making.parts.take(name, None, partial(remote_keys, settings))


def remote_keys(settings: JwtSignInSettings, parts: Parts) -> RemoteKeys:
    """Keys that are fetched; closed with `parts`."""
    keys = RemoteKeys(
        fetching(settings),
        name=settings.issuer,
        max_age=settings.jwks_max_age,
        cooldown=settings.jwks_cooldown,
        stale=settings.jwks_stale,
    )
    parts.stack.push_async_callback(keys.aclose)

    def look() -> State:
        age = keys.age
        if age is None:
            return State(ok=True, says="not needed yet")
        return State(ok=age <= settings.jwks_stale, age=age)

    parts.watch(f"keys of {settings.issuer}", look)
    return keys


def fetching(settings: JwtSignInSettings) -> Callable[[], Awaitable[bytes]]:
    """What fetches the JWK Set: from its URL, else from where the issuer says it is."""
    if settings.jwks_url is not None:
        return partial(get, settings.jwks_url)
    return Discovery(settings.issuer).jwk_set


def probe(settings: JwtSignInSettings) -> Callable[[], Awaitable[str]] | None:
    """What asks the issuer for its keys; None where they stand in the configuration."""
    if settings.secret or settings.public_key is not None or settings.jwks is not None:
        return None

    async def ask() -> str:
        try:
            keys = parse_set(await fetching(settings)())
        except (FetchFailed, ValueError) as error:
            raise ProbeFailed(f"no keys of {settings.issuer}: {error}") from error
        usable = [name for name in settings.algorithms if name in keys.algorithms]
        if not usable:
            known = ", ".join(sorted(keys.algorithms))
            raise ProbeFailed(
                f"the keys of {settings.issuer} are for {known}: none of `algorithms`"
            )
        return f"{settings.issuer} has keys for {', '.join(usable)}"

    return ask
