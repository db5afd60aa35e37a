"""Settings of a sign-in that asks the host app → what asks."""

import time
from collections.abc import Awaitable, Callable

from gateway.assemble.sign_ins.making import Making, named
from gateway.assemble.sign_ins.probed import ProbeFailed
from gateway.authn.claim_set import value
from gateway.authn.fetch import FetchFailed, send
from gateway.authn.introspect import NOT_SIGNED_IN, IntrospectRules, IntrospectSignIn
from gateway.authn.places import Cookie, Cookies, Place, place_of
from gateway.authn.remote import Remote
from gateway.authn.verdicts import Verdicts
from gateway.authn.verifier import Nobody
from gateway.config.sign_ins.introspect import IntrospectSettings
from gateway.core.errors import KeysUnavailable
from gateway.core.people.identity import Vouched


def build(settings: IntrospectSettings, making: Making) -> IntrospectSignIn:
    rules = IntrospectRules(
        url=settings.ask,
        places=places(settings, making),
        user_key=settings.user_key,
        org_key=settings.org_key,
        may_vouch_for=making.may_vouch_for,
        roles_key=settings.roles_key,
        remember=making.remember,
        expires_key=settings.expires_key,
        actor_key=settings.actor_key,
    )
    verdicts = making.keep(Verdicts[Vouched | Nobody](settings.cache))
    return IntrospectSignIn(rules, Remote(named("ask", settings.ask)), verdicts, clock=time.time)


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


def probe(settings: IntrospectSettings) -> Callable[[], Awaitable[str]]:
    """What asks the app who somebody is that shows nothing: nobody."""
    remote = Remote(named("ask", settings.ask))

    async def ask() -> str:
        try:
            reply = await send("GET", settings.ask, fields={})
            answer = {} if reply.status in NOT_SIGNED_IN else remote.read(reply)
        except FetchFailed as error:
            raise ProbeFailed(f"{settings.ask} does not answer: {error}") from error
        except KeysUnavailable as error:
            raise ProbeFailed(
                f"{settings.ask} answers {reply.status}, and not JSON that says who asks: "
                "a person's request would be 503"
            ) from error
        if value(answer, settings.user_key) is not None:
            raise ProbeFailed(
                f"{settings.ask} says {settings.user_key} of a request without any credential: "
                "everybody would be that person"
            )
        return f"{settings.ask} knows nobody who shows nothing, as it must"

    return ask
