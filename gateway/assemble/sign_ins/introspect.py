"""Settings of a sign-in that asks the host app → what asks."""

import time

from gateway.assemble.sign_ins.making import Making, named
from gateway.authn.asked import Asked
from gateway.authn.introspect import IntrospectRules, IntrospectSignIn
from gateway.authn.places import Cookie, Cookies, Place, place_of
from gateway.authn.remembered import Remembered
from gateway.authn.verifier import Nobody
from gateway.config.sign_ins.introspect import IntrospectSettings
from gateway.core.identity import Vouched


def build(settings: IntrospectSettings, making: Making) -> IntrospectSignIn:
    rules = IntrospectRules(
        url=settings.ask,
        places=places(settings, making),
        user_key=settings.user_key,
        org_key=settings.org_key,
        may_vouch_for=making.may_vouch_for,
        roles_key=settings.roles_key,
        expires_key=settings.expires_key,
    )
    remembered = making.remembered(Remembered[Vouched | Nobody](settings.cache))
    return IntrospectSignIn(rules, Asked(named("ask", settings.ask)), remembered, clock=time.time)


def places(settings: IntrospectSettings, making: Making) -> tuple[Place, ...]:
    """Where the app's credentials stand.

    One cookie is the same place as that cookie is for another kind of sign-in: what it holds is
    then one credential, which either may take.
    """
    found: list[Place] = []
    if len(settings.cookies) == 1:
        found.append(Cookie(settings.cookies[0]))
    elif settings.cookies:
        found.append(Cookies(settings.cookies))
    if settings.bearer:
        found += map(place_of, making.default_places())
    return tuple(found)
